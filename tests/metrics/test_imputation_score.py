"""Energy I-Score: by hand, and the right method above wrong ones where the truth is known."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from metrics.imputation_score import ItemScore, difference, energy_i_score, overall

SCHEMA = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
N = 600


@pytest.fixture(scope="module")
def curved():
    """A curve, y = x² + noise of .3, open more often where x is large: at random given x, and not completely so."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=N)
    X = np.column_stack([x, x**2 + 0.3 * rng.normal(size=N)])
    X[rng.random(N) < 1 / (1 + np.exp(-2 * x)), 1] = np.nan
    return X


def regressing(basis, noise=True, shift=0.0):
    """Draws from least squares of y on functions of x, learned from the rows at hand."""
    rng = np.random.default_rng(2)

    def impute(X, schema, m):
        hole = np.isnan(X[:, -1])
        B = np.column_stack([f(X[:, 0]) for f in basis])
        fit = np.linalg.lstsq(B[~hole], X[~hole, -1], rcond=None)[0]
        left = X[~hole, -1] - B[~hole] @ fit
        drawn = B[hole] @ fit + shift
        return drawn + (rng.choice(left, (m, hole.sum())) if noise else np.zeros((m, 1)))

    return impute


LINE = (np.ones_like, lambda x: x)
CURVE = (*LINE, np.square)


def test_the_right_law_scores_better_than_a_line_the_margin_the_mean_and_a_shift(curved):
    scores = {
        "right": regressing(CURVE),
        "line": regressing(LINE),
        "margin": regressing(LINE[:1]),
        "mean": regressing(CURVE, noise=False),
        "shifted": regressing(CURVE, shift=0.3),
    }
    found = {name: overall(energy_i_score(curved, SCHEMA, impute)) for name, impute in scores.items()}
    best = found.pop("right")
    assert best == pytest.approx(0.3 / np.sqrt(np.pi) / np.nanstd(curved[:, 1]), rel=0.1)  # CRPS of a normal law
    assert min(found.values()) > 1.15 * best


def test_scores_and_weights_by_hand():
    """Ten open, thirty answered: 0 or 1 by an item that says which; fills say the opposite, so every draw is wrong."""
    x = np.tile([0.0, 1.0], 20)
    labels = {0.0: "no", 1.0: "yes"}
    X = np.column_stack([x, x])
    X[:10, 1] = np.nan

    def opposite(X, schema, m):
        return np.tile(1 - X[np.isnan(X[:, 1]), 0], (m, 1))

    schema = Schema((Column("x", Kind.NOMINAL, labels), Column("y", Kind.NOMINAL, labels)))
    [(name, found)] = energy_i_score(X, schema, opposite).items()
    assert (name, found.score, found.weight) == ("y", 1.0, 0.25 * 0.75)
    assert found.rows.tolist() == list(range(10, 40))
    assert np.isnan(overall(energy_i_score(X[5:], schema, opposite)))  # five holes are too few


def test_predictors_are_those_that_all_answered_else_the_one_that_most_did():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    X[:15, 2] = np.nan
    X[:5, 0] = np.nan  # only where the third is open, so that all who answered that answered this
    X[40:50, 1] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "abc"))
    asked = []

    def impute(X, schema, m):
        asked.append((tuple(schema.names), len(X), int(np.isnan(X).sum())))
        return rng.normal(size=(m, np.isnan(X).sum()))

    assert set(energy_i_score(X, schema, impute)) == {"b", "c"}
    assert asked[1:] == [(("a", "b"), 55, 45), (("a", "c"), 60, 45)]


def test_a_constant_fill_is_scored_as_it_is():
    X = np.column_stack([np.arange(40.0), np.arange(40.0)])
    X[:10, 1] = np.nan
    found = energy_i_score(X, SCHEMA, lambda X, schema, m: np.full((m, int(np.isnan(X).sum())), 24.5))
    answers = np.arange(10.0, 40.0)
    assert found["y"].score == pytest.approx(np.abs(answers - 24.5).mean() / answers.std())


def test_a_difference_and_its_error_by_hand():
    """Two items, of weights 1 and 3: (1 · 1 + 3 · .5) / 4; respondent 1 answered both."""
    one = {
        "a": ItemScore(1.0, np.array([0, 1]), np.array([3.0, 1.0])),
        "b": ItemScore(3.0, np.array([1]), np.array([2.0])),
    }
    two = {
        "a": ItemScore(1.0, np.array([0, 1]), np.array([1.0, 1.0])),
        "b": ItemScore(3.0, np.array([1]), np.array([1.5])),
    }
    value, error = difference(one, two)
    assert value == pytest.approx((1 * 1 + 3 * 0.5) / 4)
    assert error == pytest.approx(np.sqrt(2 * (1 / 4 * 1 / 2) ** 2))
    assert np.isnan(difference({}, {})).all()


def test_the_error_of_a_difference_is_its_spread_over_samples_of_respondents():
    """Two laws foresee independent answers; of 300 sets of respondents the standard deviation is the mean error."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        rows, scores = np.arange(50), rng.exponential(size=(2, 50, 2))
        scores[..., 1] += scores[..., 0]  # a respondent's answers are alike
        own, other = ({"a": ItemScore(1, rows, s[:, 0]), "b": ItemScore(1, rows, s[:, 1])} for s in scores)
        found.append(difference(own, other))
    assert np.std([each.value for each in found]) == pytest.approx(np.mean([each.error for each in found]), rel=0.15)
