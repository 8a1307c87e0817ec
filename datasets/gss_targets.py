"""The five target items of the General Social Survey 2022 with the sixty items that tell most about them."""

from pathlib import Path

import numpy as np
import pandas as pd

from datasets import DATASETS
from datasets.gss import gss_oversample, gss_table
from datasets.schema import Role
from datasets.selection import select
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
    core = DATASETS["gss2022"](path)
    targets = [core.schema.columns[j].name for j in core.schema.having(Role.TARGET)]
    return gss_table(path, [*targets, *informative(gss_oversample(path), targets)], "gss2022-targets")


def informative(other: Dataset, targets: list[str]) -> list[str]:
    """The items that tell most about any of the targets, best first, by the answers of other people."""
    found = [select(other.schema, other.values, target, len(other.schema), minimum_share=0.3) for target in targets]
    recodings = {name for selection in found for name in selection.recodings["variable"]}
    ranks = pd.concat(
        [pd.Series(np.arange(len(s.ranking)), index=s.ranking["variable"], name=s.target) for s in found], axis=1
    )
    best = ranks.drop(index=[*recodings, *targets], errors="ignore").min(axis=1)
    return best.sort_values(kind="stable").index[:ITEMS].tolist()
