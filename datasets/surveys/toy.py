"""A small made-up table whose population moments are known, for tests and first steps."""

from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.moments import Moments
from datasets.schema import Column, Floats, Kind, Regression, Role, Schema
from datasets.table import Dataset, Reason

ROWS, SEED, HOLES = 400, 2022, 0.1

SCHEMA = Schema(
    (
        Column("age", Kind.NUMERIC, {}, "age in years", decimals=0, low=0, high=120, role=Role.DRIVER),
        Column("town", Kind.NOMINAL, {1: "city", 2: "village"}, "where the person lives", role=Role.DRIVER),
        Column("party", Kind.NOMINAL, {1: "left", 2: "centre", 3: "right"}, "party last voted for"),
        Column("worry", Kind.ORDINAL, {0: "never", 1: "rarely", 2: "sometimes", 3: "often"}, "how often one worries"),
        Column(
            "trust",
            Kind.ORDINAL,
            {1: "none", 2: "a little", 3: "some", 4: "a lot", 5: "full"},
            "trust in others",
            role=Role.TARGET,
        ),
        Column("income", Kind.NUMERIC, {}, "income in thousands", decimals=1, low=0, high=200, role=Role.TARGET),
        Column("hours", Kind.NUMERIC, {}, "hours of work a week", decimals=0, low=0, high=100),
        Column("score", Kind.NUMERIC, {}, "score of a test"),
    ),
    Regression("income", ("age", "town", "trust")),
)
NUMERIC = ("age", "income", "hours", "score")

CLASS_SHARES = np.array([0.5, 0.3, 0.2])
LEVEL_SHARES = {  # one row a class, one column a level
    "town": np.array([[0.85, 0.15], [0.40, 0.60], [0.55, 0.45]]),
    "party": np.array([[0.75, 0.15, 0.10], [0.10, 0.70, 0.20], [0.05, 0.15, 0.80]]),
    "worry": np.array([[0.05, 0.15, 0.30, 0.50], [0.20, 0.45, 0.25, 0.10], [0.60, 0.25, 0.10, 0.05]]),
    "trust": np.array([[0.40, 0.30, 0.15, 0.10, 0.05], [0.10, 0.20, 0.40, 0.20, 0.10], [0.05, 0.05, 0.15, 0.35, 0.40]]),
}
CLASS_MEANS = np.array([[38.0, 45.0, 34.0, -0.8], [50.0, 60.0, 40.0, 0.5], [62.0, 75.0, 30.0, 1.2]])  # of NUMERIC
WITHIN_SD = np.array([5.0, 8.0, 4.0, 0.7])
WITHIN_CORRELATION = np.array(
    [[1.0, 0.3, -0.2, 0.1], [0.3, 1.0, 0.4, 0.2], [-0.2, 0.4, 1.0, 0.0], [0.1, 0.2, 0.0, 1.0]]
)
ROUNDING = np.array([1.0, 0.1, 1.0, 0.0])  # step to which each numeric answer is rounded


@DATASETS.register("toy")
def load(path: Path | None = None) -> Dataset:
    """Made-up answers of 400 persons to 8 questions, with known population moments.

    Three latent classes: within one, categorical items are independent of all else and numeric items
    are jointly Gaussian with one common covariance, as in the general location model (Olkin and Tate
    1961, Annals of Mathematical Statistics 32, section 2). A tenth of ``trust`` is missing completely
    at random; weights are independent of the answers.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    if path is not None:
        raise InputError(f"dataset 'toy' has no file, but was given {path}; leave the path out")
    rng = np.random.default_rng(SEED)
    values = sample(ROWS, rng)
    reasons = np.zeros(values.shape, dtype=np.int8)
    trust = SCHEMA.index("trust")
    reasons[rng.random(ROWS) < HOLES, trust] = Reason.DONT_KNOW
    values[reasons > 0] = np.nan
    weights = rng.uniform(0.5, 1.5, ROWS)
    return Dataset("toy", SCHEMA, values, reasons, weights, origin={"seed": str(SEED)}, synthetic=True)


def sample(n: int, rng: np.random.Generator) -> Floats:
    """Complete codes (n, 8) of a random sample of the population."""
    X = np.empty((n, len(SCHEMA)))
    classes = rng.choice(len(CLASS_SHARES), n, p=CLASS_SHARES)
    for name, shares in LEVEL_SHARES.items():
        above = rng.random(n)[:, None] >= shares.cumsum(axis=1)[classes, :-1]  # (n, K-1)
        X[:, SCHEMA.index(name)] = SCHEMA[name].levels[above.sum(axis=1)]
    scatter = rng.standard_normal((n, len(NUMERIC))) @ np.linalg.cholesky(_within()).T
    for name, answers in zip(NUMERIC, (CLASS_MEANS[classes] + scatter).T, strict=True):
        X[:, SCHEMA.index(name)] = SCHEMA[name].snap(answers)
    return X


def moments() -> Moments:
    """Give the population moments of the design, in closed form.

    By the law of total covariance: the mean of the covariances within classes plus the covariance of
    the class means. Rounding to a step h adds h²/12 to a variance (Sheppard 1898, Proceedings of the
    London Mathematical Society 29); for these spreads it and the limits of the answers are off by less
    than 1e-6 of a variance.
    """
    q = SCHEMA.blocks[-1].stop
    means = np.zeros((len(CLASS_SHARES), q))
    within = np.zeros((q, q))
    for column, block in zip(SCHEMA, SCHEMA.blocks, strict=True):
        if column.kind is Kind.NUMERIC:
            means[:, block.start] = CLASS_MEANS[:, NUMERIC.index(column.name)]
            continue
        scores = np.eye(len(column.labels)) if column.kind is Kind.NOMINAL else column.levels[:, None]  # (K, width)
        shares = LEVEL_SHARES[column.name]
        means[:, block] = shares @ scores
        square = np.einsum("c,ck,ki,kj->ij", CLASS_SHARES, shares, scores, scores)
        within[block, block] = square - np.einsum("c,ci,cj->ij", CLASS_SHARES, means[:, block], means[:, block])
    starts = [SCHEMA.blocks[SCHEMA.index(name)].start for name in NUMERIC]
    within[np.ix_(starts, starts)] = _within() + np.diag(ROUNDING**2 / 12)
    mean = CLASS_SHARES @ means
    covariance = within + (means - mean).T @ (CLASS_SHARES[:, None] * (means - mean))
    sd = np.sqrt(np.diag(covariance))
    return Moments(mean, covariance, covariance / np.outer(sd, sd), np.full((q, q), np.inf))


def _within() -> Floats:
    return WITHIN_CORRELATION * np.outer(WITHIN_SD, WITHIN_SD)
