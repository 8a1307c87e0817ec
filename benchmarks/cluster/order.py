"""The order of cells on many machines: long ones first, so that none is left over at the end."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.judge import Job
from reports.results import Record


def longest_first(jobs: Sequence[Job], records: Mapping[str, Record]) -> list[Job]:
    """Jobs, those of a method first whose time nobody knows, one of each before the second of any.

    After them come those of known methods, the longest first, by the mean of their records.

    Parameters
    ----------
    records : of cells that are done, by record key.
    """
    taken: dict[str, list[float]] = defaultdict(list)
    for record in records.values():
        taken[record.imputer].append(record.seconds)
    turn = Counter[str]()
    order: list[tuple[bool, float, int]] = []
    for job in jobs:
        name = job.cell.imputer
        known = name in taken
        order.append((known, -fmean(taken[name]) if known else turn[name], len(order)))
        turn[name] += 1
    return [jobs[place] for _, _, place in sorted(order)]
