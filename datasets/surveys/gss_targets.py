"""The five target items of the General Social Survey 2022 with the sixty items that tell most about them."""

from pathlib import Path

from datasets import DATASETS
from datasets.schema import Role
from datasets.selection.criteria import by_mutual_information, ordered
from datasets.surveys.gss import gss_oversample, gss_table, variables
from datasets.table import Dataset

ITEMS = 60


@DATASETS.register("gss2022-targets")
def load(path: Path | None = None) -> Dataset:
    """The five targets of the GSS 2022 with the sixty items most informative about them.

    The items are chosen by mutual information on the 605 respondents of the survey's oversample, who are
    not in the table: no cell that can be hidden has a say in the choice. An item's rank is the best of its
    five ranks; recodings of any target are left out.

    Raises
    ------
    DataUnavailableError, InputError
        As `gss.load`.
    """
    items = ordered(gss_oversample(path), targets(), by_mutual_information)[:ITEMS]
    return gss_table(path, [*targets(), *items], "gss2022-targets")


def targets() -> list[str]:
    """Names of the survey's items that the benchmark reports on one by one."""
    return [name for name, facts in variables()["variables"].items() if facts.get("role") == Role.TARGET]
