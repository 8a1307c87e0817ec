"""Measurements as they are kept: one line of a CSV file each, added as soon as it is there."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from benchmarks.growth.measuring import TOO_LONG, Costs
from benchmarks.versions import ROOT

PUBLISHED = ROOT / "reports" / "published" / "growth" / "measurements.csv"


@dataclass(frozen=True)
class Measurement:
    """One imputer on one table.

    Parameters
    ----------
    table : name of the table's source.
    rows, items : of the table.
    version : hash of the method's code, which says whether it is the same method still.
    machine : where it was measured.
    """

    imputer: str
    table: str
    rows: int
    items: int
    version: str
    machine: str
    costs: Costs

    @property
    def seconds(self) -> float:
        """To fit and to draw five times; NaN if it failed."""
        return self.costs.fit + self.costs.draw

    @property
    def too_long(self) -> bool:
        """Whether the time that it was given did not suffice."""
        return self.costs.failure.startswith(TOO_LONG)


HEAD = [field.name for field in fields(Measurement)][:-1] + [field.name for field in fields(Costs)]


def read(path: Path) -> list[Measurement]:
    """Measurements in a file; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_measurement(line) for line in csv.DictReader(file)]


def _measurement(line: dict[str, str]) -> Measurement:
    fit, draw, base, peak = (float(line[name]) for name in ("fit", "draw", "base", "peak"))
    costs = Costs(fit, draw, base, peak, line["failure"])
    origin = line["version"], line["machine"]
    return Measurement(line["imputer"], line["table"], int(line["rows"]), int(line["items"]), *origin, costs)


def add(path: Path, new: Measurement) -> None:
    """Add a measurement to a file."""
    begun = path.is_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not begun:
            writer.writerow(HEAD)
        *origin, costs = (getattr(new, field.name) for field in fields(new))
        numbers = [f"{value:.4g}" if isinstance(value, float) else value for value in astuple(costs)]
        writer.writerow([*origin, *numbers])


def newest(found: Iterable[Measurement]) -> list[Measurement]:
    """The last measurement of each imputer on each table."""
    return list({(one.imputer, one.table, one.rows, one.items): one for one in found}.values())
