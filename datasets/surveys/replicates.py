"""Replicates: fresh samples of a population, or one survey again and again, each of which is masked on its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.populations import POPULATIONS
from datasets.schema import Floats, Regression
from datasets.surveys.gss import load as load_survey
from datasets.surveys.gss import regression_of_interest
from datasets.table import Dataset

ROWS = 1000
DOZEN = (
    "age",
    "sex",
    "race",
    "region",
    "income16",
    "educ",
    "letin1a",
    "finrela",
    "marhomo",
    "degree",
    "cappun",
    "polviews",
)


@DATASETS.register("samples")
def samples(path: Path | None = None, population: str = "gss2022-twin", first: int = 1, size: int = 2) -> Dataset:
    """Made-up samples of 1,000 respondents each from a population with known values, one below the other.

    Of the twins a dozen items: the drivers, the five targets, and the further ones that their analyses read. Sample
    number r of a population is the same in whatever block it stands. No question is left open.

    Parameters
    ----------
    population : registered name, see `datasets.populations`.
    first, size : number of the first sample, from 1, and how many there are.

    Raises
    ------
    InputError
        If there is no such population, a number is less than 1, or a path is given: this table has no file.
    """
    if path is not None:
        raise InputError(f"dataset 'samples' has no file, but was given {path}; leave the path out")
    if first < 1 or size < 1:
        raise InputError(
            f"samples(first={first}, size={size}): samples are numbered from 1, and one is needed at least"
        )
    law = POPULATIONS[population]()
    if set(DOZEN) <= set(law.schema.names):
        law = law.take(DOZEN)
    schema = replace(
        law.schema, population=population, regression=law.schema.regression or _regression(law.schema.names)
    )
    numbers = range(first, first + size)
    drawn = [law.sample(ROWS, np.random.default_rng((number, ROWS))) for number in numbers]
    return Dataset(
        f"{population}, samples {first} to {first + size - 1}",
        schema,
        np.concatenate([one.values for one in drawn]),
        weights=_joined([one.weights for one in drawn]),
        strata=_joined([one.strata for one in drawn]),
        psu=_joined([one.psu for one in drawn]),
        origin={"population": population},
        synthetic=True,
        replicates=np.repeat(np.array(numbers, dtype=float), ROWS),
    )


@DATASETS.register("gss2022-again")
def survey_again(path: Path | None = None, first: int = 1, size: int = 2) -> Dataset:
    """The General Social Survey 2022 several times, one below the other: the sample is given, masks differ.

    A dozen of its items, as in `samples`, with their natural holes.

    Parameters
    ----------
    path : as of ``gss2022``.
    first, size : number of the first mask, from 1, and how many there are.

    Raises
    ------
    DataUnavailableError, InputError
        As ``gss2022``; also if a number is less than 1.
    """
    if first < 1 or size < 1:
        raise InputError(f"gss2022-again(first={first}, size={size}): masks are numbered from 1, one at least")
    survey = load_survey(path)
    at, n = [survey.schema.index(name) for name in DOZEN], len(survey.values)
    return replace(
        survey,
        name=f"gss2022, masks {first} to {first + size - 1}",
        schema=survey.schema.take(at),
        values=np.tile(survey.values[:, at], (size, 1)),
        reasons=np.tile(survey.reasons[:, at], (size, 1)),
        weights=_joined([survey.weights] * size),
        strata=_joined([survey.strata] * size),
        psu=_joined([survey.psu] * size),
        replicates=np.repeat(np.arange(first, first + size, dtype=float), n),
    )


def _joined(vectors: Sequence[Floats | None]) -> Floats | None:
    """Vectors one behind the other; None if there are none."""
    known = [vector for vector in vectors if vector is not None]
    return np.concatenate(known) if known else None


def _regression(names: list[str]) -> Regression | None:
    """The regression of interest where a population has its columns."""
    found = regression_of_interest()
    return found if set(found.names) <= set(names) else None
