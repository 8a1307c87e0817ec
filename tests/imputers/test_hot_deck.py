"""Hot deck: who lends, how often, and whether uncertainty about the class shows."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers.substitution.hot_deck import HotDeck

SCHEMA = Schema((Column("group", Kind.NOMINAL, {1.0: "a", 2.0: "b"}), Column("y", Kind.NUMERIC)))


def deck(donors_a, donors_b, holes=1, weights=None, n_draws=4000):
    rows = [(1, y) for y in donors_a] + [(2, y) for y in donors_b] + [(1, np.nan)] * holes
    X = np.array(rows, dtype=float)
    imputer = HotDeck(groups=("group",), min_samples=2).fit(X, schema=SCHEMA, weights=weights, random_state=3)
    return imputer.impute(X, n_draws=n_draws)


def test_donors_come_from_the_class():
    prediction = deck([1, 2, 3], [7, 8, 9], n_draws=50)
    assert set(prediction.draws.ravel()) == {1.0, 2.0, 3.0}
    assert prediction.expected == pytest.approx([2.0])


def test_donors_lend_by_survey_weight():
    """Averaged over bootstrap weights E[w₁e₁ / (w₁e₁ + w₂e₂)] for odds r = 3: r (r - 1 - ln r) / (r - 1)² = .6760."""
    prediction = deck([1, 2], [7, 8], weights=np.array([1.0, 3.0, 1.0, 1.0, 1.0]), n_draws=2000)
    share = 3 * (2 - np.log(3)) / 4
    assert (prediction.draws == 2).mean() == pytest.approx(share, abs=0.03)
    assert prediction.expected == pytest.approx([1.75])


def test_draws_are_proper():
    """Variance between draws of the mean of many holes: s²/holes by drawing, s²/donors by the bootstrap.

    Rubin 1981: the Bayesian bootstrap mean of n donors has variance s²/(n + 1), s² with divisor n.
    """
    donors = np.arange(20.0)
    prediction = deck(donors, [7, 8], holes=500, n_draws=800)
    between = prediction.draws.mean(axis=1).var()
    wanted = donors.var() / 21 + donors.var() / 500
    assert between == pytest.approx(wanted, rel=0.2)


def test_the_survey_keeps_its_spread(masked_gss):
    """Donors' answers restore what mean substitution shrinks: variances within 10 %, on every scale."""
    X, schema = masked_gss.values, masked_gss.schema
    prediction = HotDeck().fit(X, schema=schema).impute(X, n_draws=2)
    columns = np.nonzero(np.isnan(X))[1]
    for j in schema.where(Kind.ORDINAL, Kind.NUMERIC)[1:]:
        drawn = prediction.draws[0, (columns == j) & masked_gss.scored]
        assert drawn.std() == pytest.approx(masked_gss.truth.values[masked_gss.hidden[:, j], j].std(), rel=0.1)
