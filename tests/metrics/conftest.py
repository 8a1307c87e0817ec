"""Answers to set before the metrics: perfect ones, trivial ones, and a table small enough to work by hand."""

import numpy as np
import pytest

from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked

SMALL = Schema(
    (
        Column("region", Kind.NOMINAL, {1: "north", 2: "south", 3: "west"}),
        Column("happy", Kind.ORDINAL, {1: "no", 2: "so-so", 3: "yes"}),
        Column("age", Kind.NUMERIC, decimals=0, low=0, high=100),
    )
)
N = np.nan


@pytest.fixture
def small():
    """Six rows, one natural hole a column, and hidden: region of rows 0 2 3 4, happy of 0 1 2 3, age of 1 3."""
    truth = np.array([[1, 1, 20], [1, 2, 30], [2, 3, 40], [2, 3, 50], [3, N, 60], [N, 2, N]])
    hidden = np.zeros(truth.shape, dtype=bool)
    hidden[[0, 2, 3, 4], 0] = hidden[[0, 1, 2, 3], 1] = hidden[[1, 3], 2] = True
    return Masked(Dataset("small", SMALL, truth), hidden)


@pytest.fixture
def fill():
    """Prediction from fills by column: name to draws (m, holes of the column)."""

    def build(masked, by_column, probabilities=None):
        columns = np.nonzero(np.isnan(masked.values))[1]
        m = len(next(iter(by_column.values())))
        draws = np.empty((m, len(columns)))
        for name, fills in by_column.items():
            draws[:, columns == masked.schema.index(name)] = fills
        return Prediction(draws, None, probabilities or {})

    return build


@pytest.fixture
def worked(small, fill):
    """Two draws for the small table; the last fill of each column is for a natural hole and must not count."""
    return fill(
        small,
        {
            "region": [[1, 2, 1, 3, 1], [1, 2, 1, 2, 1]],
            "happy": [[1, 1, 3, 2, 1], [1, 3, 3, 2, 2]],
            "age": [[34, 50, 99], [30, 40, 10]],
        },
    )


@pytest.fixture(scope="session")
def guesses():
    """Answers to a masked table that use no other column: perfect, centre (mean, median, mode), hot deck."""

    def build(masked, m=3):
        rows, columns = np.nonzero(np.isnan(masked.values))
        rng = np.random.default_rng(5)
        centre, deck = np.empty((m, len(rows))), np.empty((m, len(rows)))
        expected, shares, sure = np.full(len(rows), np.nan), {}, {}
        for j, column in enumerate(masked.schema):
            at = columns == j
            seen = masked.values[~np.isnan(masked.values[:, j]), j]
            deck[:, at] = rng.choice(seen, (m, at.sum()))
            centre[:, at] = _centre(column, seen)
            if column.kind is not Kind.NOMINAL:
                expected[at] = seen.mean()
            if column.kind is not Kind.NUMERIC:
                shares[j] = np.tile((seen[:, None] == column.levels).mean(axis=0), (at.sum(), 1))
        truth = masked.truth.values[rows, columns]
        known = np.where(np.isnan(truth), centre[0], truth)
        for j, table in shares.items():
            sure[j] = (known[columns == j][:, None] == masked.schema.columns[j].levels).astype(float)
            assert table.shape == sure[j].shape
        return {
            "perfect": Prediction(np.tile(known, (m, 1)), known, sure),
            "centre": Prediction(centre, expected, shares),
            "hot deck": Prediction(deck, None, shares),
        }

    return build


def _centre(column, seen):
    levels, counts = np.unique(seen, return_counts=True)
    match column.kind:
        case Kind.NOMINAL:
            return levels[counts.argmax()]
        case Kind.ORDINAL:
            return np.sort(seen)[(len(seen) - 1) // 2]
        case _:
            return column.snap(seen.mean(keepdims=True))[0]


@pytest.fixture(scope="session")
def gss_guesses(masked_gss, guesses):
    return guesses(masked_gss)


@pytest.fixture(scope="session")
def toy_guesses(masked_toy, guesses):
    return guesses(masked_toy)
