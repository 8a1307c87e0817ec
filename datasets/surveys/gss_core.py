"""The five target items of the General Social Survey 2022 with items of the core table, and the same of its twin."""

from dataclasses import replace
from pathlib import Path

from datasets import DATASETS
from datasets.errors import InputError
from datasets.selection.criteria import by_mutual_information, ordered
from datasets.surveys.gss import gss_oversample, variables
from datasets.surveys.gss import load as load_survey
from datasets.surveys.gss_targets import targets
from datasets.surveys.twin import load as load_twin
from datasets.table import Dataset

RESPONDENTS = ("survey", "twin")


@DATASETS.register("gss2022-core")
def load(path: Path | None, n: int = 10, respondents: str = "survey") -> Dataset:
    """The five targets of the GSS 2022 with n items of the core table, of the survey's respondents or its twin's.

    The items are those that tell most about the targets, by mutual information, in the 605 respondents of the survey's
    oversample, who are in neither table; an item's rank is the best of its five ranks.

    Parameters
    ----------
    path : NORC's Stata file or its zip; None to look for it and, if need be, download it.
    n : number of items beside the targets.
    respondents : ``"survey"``, or ``"twin"`` for a sample of its synthetic population (`datasets.surveys.twin`).

    Raises
    ------
    DataUnavailableError, InputError
        As `gss.load`; also if n is below one or there are not so many items, or no such respondents.
    """
    if respondents not in RESPONDENTS:
        raise InputError(f"gss2022-core has no respondents {respondents!r}; there are: {', '.join(RESPONDENTS)}")
    core = list(variables()["variables"])
    items = ordered(gss_oversample(path, core), targets(), by_mutual_information)
    if not 1 <= n <= len(items):
        raise InputError(f"{n} items of the core table were asked for; it has 1 to {len(items)} to choose from")
    table = load_survey(path) if respondents == "survey" else load_twin()
    kept = [table.schema.names.index(name) for name in (*targets(), *items[:n])]
    return replace(
        table,
        name=f"{table.name} with {n} items of the core table",
        schema=table.schema.take(kept),
        values=table.values[:, kept],
        reasons=table.reasons[:, kept],
    )
