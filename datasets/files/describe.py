"""Describing a dataset: kinds, levels, and how many answers are there or missing for which reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from datasets.files.missing import title
from datasets.files.schema_file import quote
from datasets.files.skip_rules import propose_skip_rules
from datasets.files.survey_file import SurveyFile
from datasets.table import Dataset, Reason


def describe(dataset: Dataset) -> pd.DataFrame:
    """Table with one row a variable.

    Returns
    -------
    DataFrame with the columns ``variable``, ``kind``, ``role``, ``levels`` (answers on the scale, or
    different values seen of a numeric item), ``observed`` (rows), and one column for each reason that
    occurs in the dataset, in rows.
    """
    occurring = [reason for reason in Reason if reason is not Reason.OBSERVED and (dataset.reasons == reason).any()]
    rows = []
    for j, column in enumerate(dataset.schema):
        seen = dataset.values[~np.isnan(dataset.values[:, j]), j]
        rows.append(
            {
                "variable": column.name,
                "kind": str(column.kind),
                "role": str(column.role),
                "levels": len(column.labels) or len(np.unique(seen)),
                "observed": len(seen),
            }
            | {title(reason): int((dataset.reasons[:, j] == reason).sum()) for reason in occurring}
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Proposals:
    """What a person might want to state of a file.

    Parameters
    ----------
    skips : column name to a line on who was asked.
    lines : column name to all lines proposed for it.
    """

    skips: Mapping[str, str]
    lines: Mapping[str, tuple[str, ...]]


def proposals(survey: SurveyFile) -> Proposals:
    """Lines of a schema file that the data suggest: codes that may mean missing, and skip rules."""
    rules = {name: f"asked_if = {quote(text)}" for name, text in propose_skip_rules(survey).items()}
    lines: dict[str, tuple[str, ...]] = {name: (rule,) for name, rule in rules.items()}
    for name, line, said in survey.sentinels:
        lines[name] = (f"{line}  # {said}", *lines.get(name, ()))
    return Proposals(rules, lines)
