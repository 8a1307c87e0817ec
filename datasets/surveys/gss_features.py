"""The five target items of the General Social Survey 2022 with any number of items chosen by any criterion."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from datasets import DATASETS
from datasets.errors import InputError
from datasets.schema import Regression
from datasets.selection.criteria import (
    Criterion,
    by_chance,
    by_correlation,
    by_lasso,
    by_mutual_information,
    by_wording,
    character_grams,
    ordered,
)
from datasets.surveys.gss import gss_oversample, gss_table
from datasets.surveys.gss_targets import targets
from datasets.table import Dataset

WORDING = "similar wording"
CRITERIA: Mapping[str, Criterion] = {
    "mutual information": by_mutual_information,
    "correlation": by_correlation,
    "lasso": by_lasso,
    "chance": by_chance,
    WORDING: by_wording(character_grams),
}


@DATASETS.register("gss2022-items")
def load(path: Path | None, n: int = 20, criterion: str = "mutual information") -> Dataset:
    """The five targets of the GSS 2022 with n items beside them, chosen by a criterion.

    Parameters
    ----------
    path : NORC's Stata file or its zip; None to look for it and, if need be, download it.
    n : number of items beside the targets.
    criterion : one of `CRITERIA`.

    Raises
    ------
    DataUnavailableError, InputError
        As `with_items`; also if there is no such criterion.
    """
    if criterion not in CRITERIA:
        raise InputError(f"gss2022-items has no criterion {criterion!r}; there are: {', '.join(CRITERIA)}")
    return with_items(path, n, criterion, CRITERIA[criterion])


def with_items(path: Path | None, n: int, name: str, criterion: Criterion) -> Dataset:
    """The five targets, and the n items beside them that a criterion puts first.

    The criterion is asked about the 605 respondents of the survey's oversample, who are not in the table: no
    cell that can be hidden has a say. Rows and targets are the same whatever the items, so the folds of
    the targets (see `mechanisms.folds`) hide the very same cells in all these tables. The regression that is run on
    them is that of the first target, family income, on the others.

    Parameters
    ----------
    path : NORC's Stata file or its zip; None to look for it and, if need be, download it.
    n : number of items beside the targets.
    name : what the criterion is called in the name of the table.

    Raises
    ------
    DataUnavailableError, InputError
        As `gss.load`; also if n is below one or there are not so many items.
    """
    items = _ordered(path, criterion)
    if not 1 <= n <= len(items):
        raise InputError(f"{n} items by {name} were asked for; the survey has 1 to {len(items)} to choose from")
    table = gss_table(path, [*targets(), *items[:n]], f"gss2022 with {n} items by {name}")
    outcome, *covariates = targets()
    return replace(table, schema=replace(table.schema, regression=Regression(outcome, tuple(covariates))))


@cache
def _ordered(path: Path | None, criterion: Criterion) -> tuple[str, ...]:
    return tuple(ordered(_oversample(path), targets(), criterion))


@cache
def _oversample(path: Path | None) -> Dataset:
    return gss_oversample(path)
