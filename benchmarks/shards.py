"""Shards: the cells of a run dealt out to machines that know nothing of each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.judge import Job
from datasets.errors import InputError


@dataclass(frozen=True)
class Shard:
    """The part ``number`` of ``of`` parts, counted from 1."""

    number: int
    of: int


def read_shard(text: str) -> Shard:
    """The shard that is written as ``3/16``.

    Raises
    ------
    InputError
        If it is written otherwise, or there is no such part.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise InputError(f"--shard {text!r} is no part of a whole; write the third of sixteen parts as 3/16")
    return Shard(number, of)


def dealt(jobs: Sequence[Job], shard: Shard) -> list[Job]:
    """The jobs of a shard, in their order: the cells of each method are dealt one by one, as long ones are of a few."""
    by_method = sorted(range(len(jobs)), key=lambda i: jobs[i].cell.imputer)
    return [jobs[i] for i in sorted(by_method[shard.number - 1 :: shard.of])]
