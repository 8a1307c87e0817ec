"""The twin of the General Social Survey 2022: samples, by seed, of a synthetic population with known truth."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import DATASETS
from datasets.errors import InputError
from datasets.populations.latent_class import LatentClasses, draw_levels, draw_rows
from datasets.populations.twin import FILE, NAME, population
from datasets.surveys.gss import regression_of_interest
from datasets.table import Dataset, Reason

ROWS, SEED = 3544, 2022


@DATASETS.register("gss2022-twin")
def load(path: Path | None = None) -> Dataset:
    """Synthetic twin of the General Social Survey 2022 with known truth; embedded.

    A sample of 3,544 rows, by a fixed seed, from a latent-class model (mixture of product-multinomials) fitted to
    the core table of 24 items by ``scripts/build_twin.py``; see `datasets.populations.latent_class` for the papers
    and `sample` for what is assumed. No row is a respondent's.

    Raises
    ------
    InputError
        If a path is given: its parameters ship with this package.
    """
    if path is not None:
        raise InputError(f"dataset {NAME!r} ships with this package, but was given {path}; leave the path out")
    return sample(ROWS, SEED)


def sample(n: int, seed: int) -> Dataset:
    """Draw n rows of the population; the same seed gives the same rows.

    Assumed: answers are independent given their latent class. Holes do not depend on any answer (missing completely
    at random), but on each other: respondents fall into classes of silence of their own, and the items of the split
    ballot are not put to a random share of respondents. So `datasets.populations.twin.conditional` is exact, natural
    holes or not. Weights are log-normal given the class of answers, hence informative as in the survey. Sampling is
    simple: there are no strata and no clusters.

    Raises
    ------
    InputError
        If n is less than one.
    """
    if n < 1:
        raise InputError(f"a sample of {n} rows of {NAME!r} was asked for; ask for one at least")
    truth, rng = population(), np.random.default_rng(seed)
    cells = np.ones((n, len(truth.schema)), dtype=bool)
    classes = _classes(truth.answers, n, rng)
    answers = draw_levels(truth.answers, classes, rng, cells)
    weights = np.exp(truth.weight_mean[classes] + truth.weight_sd[classes] * rng.standard_normal(n))
    reasons = draw_levels(truth.silence, _classes(truth.silence, n, rng), rng, cells).astype(np.int8)
    not_asked = (rng.random((n, 1)) < truth.split_share) & truth.split
    reasons[not_asked] = Reason.NOT_ASKED
    values = np.where(reasons == Reason.OBSERVED, answers, np.nan)
    origin = {"model": FILE.name, "sha256": hashlib.sha256(FILE.read_bytes()).hexdigest(), "seed": str(seed)}
    schema = replace(truth.schema, regression=regression_of_interest(), population=NAME)
    return Dataset(NAME, schema, values, reasons, weights, origin=origin, synthetic=True)


def _classes(model: LatentClasses, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return draw_rows(np.broadcast_to(model.shares, (n, len(model.shares))), rng)
