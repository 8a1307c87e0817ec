"""The order of measurements: small tables first, and no larger one of a method that was too slow for a smaller."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.cells import Method
from benchmarks.growth.kept import Measurement, add, newest, read
from benchmarks.growth.measuring import SCORED, SCORING, measure
from benchmarks.growth.sources import Source
from benchmarks.versions import machine

Place = tuple[str, Source, int, int]  # name of a source, the source, rows and items


def measure_all(requests: Sequence[str], places: Sequence[Place], limit: float, kept: Path, console: Console) -> None:
    """Measure every imputer on every table, unless that is kept already of the same code.

    Raises
    ------
    InputError
        If there is no such imputer.
    """
    methods = {request: Method.of(SCORED if request == SCORING else request) for request in requests}
    known = {(one.imputer, one.table, one.rows, one.items, one.version): one for one in newest(read(kept))}
    for request, method in methods.items():
        slow: list[Measurement] = []
        for name, source, n, p in sorted(places, key=lambda place: place[2] * place[3]):
            if any(n >= one.rows and p >= one.items for one in slow):
                continue
            origin = request, name, n, p, method.version.code
            found = known.get(origin)
            if found is None:
                found = Measurement(*origin, machine(), measure(request, method.version.modules, source, n, p, limit))
                add(kept, found)
                told = found.costs.failure or f"{found.seconds:.2f} s, {found.costs.peak:.0f} MB"
                console.print(f"{request} on {n:,} × {p}: {told}", markup=False, highlight=False, soft_wrap=True)
            if found.too_long:
                slow.append(found)
