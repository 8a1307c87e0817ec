"""Samples, by seed, of a multivariate normal population: the one on which normal-theory methods are right."""

from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.populations.gaussian import NAME, law
from datasets.table import Dataset

ROWS, SEED = 1000, 2022


@DATASETS.register("gaussian")
def load(path: Path | None = None) -> Dataset:
    """Made-up sample of 1,000 rows of eight jointly normal items with known moments (Anderson 2003, chapter 2).

    Two of the items are drivers; there are no natural holes, no weights and no clusters.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    if path is not None:
        raise InputError(f"dataset {NAME!r} has no file, but was given {path}; leave the path out")
    return sample(ROWS, SEED)


def sample(n: int, seed: int) -> Dataset:
    """Draw n rows of the population; the same seed gives the same rows.

    Raises
    ------
    InputError
        If n is less than one.
    """
    if n < 1:
        raise InputError(f"a sample of {n} rows of {NAME!r} was asked for; ask for one at least")
    truth = law()
    values = np.random.default_rng(seed).multivariate_normal(truth.mean, truth.covariance, n, method="cholesky")
    return Dataset(NAME, truth.schema, values, origin={"seed": str(seed)}, synthetic=True)
