"""Contexts on chains and noise, and tables worked by hand."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.shared.classes import mutual_information
from imputers.statistical.cmi_info import ConditionalInformation, conditional_information, independence_statistics

HOLE = np.nan


def nominal(*names, levels=3):
    return [Column(name, Kind.NOMINAL, {float(k): f"{name}{k}" for k in range(levels)}) for name in names]


def pass_on(source, rng, kept=0.7):
    """The next link of a Markov chain: the same state with probability ``kept``, else any of three."""
    return np.where(rng.random(len(source)) < kept, source, rng.integers(0, 3, len(source)))


@pytest.mark.parametrize("seed", range(6))
def test_a_markov_chain_selects_the_next_link_and_stops(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, 2000)
    b = pass_on(a, rng)
    X = np.column_stack([a, b, pass_on(b, rng), *rng.integers(0, 3, (4, 2000))]).astype(float)
    X[:, :3][rng.random((2000, 3)) < 0.1] = HOLE
    imputer = ConditionalInformation().fit(X, schema=Schema(tuple(nominal(*"abcdefg"))))
    assert imputer.context_[2] == (1,)
    assert imputer.context_[0] == (1,)
    assert set(imputer.context_[1]) == {0, 2}


@pytest.mark.parametrize("n", [100, 1000])
def test_independent_columns_select_nothing(n):
    """Seven columns, 140 choices at 1 %: one or two wrong ones are due, 5 very improbable (Poisson, p = .01)."""
    chosen = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = np.column_stack([*rng.integers(0, 3, (3, n)), *rng.integers(0, 8, (2, n)), *rng.normal(size=(2, n))])
        columns = nominal(*"abc") + nominal(*"de", levels=8) + [Column(name, Kind.NUMERIC) for name in "fg"]
        imputer = ConditionalInformation().fit(X, schema=Schema(tuple(columns)))
        chosen += sum(len(context) for context in imputer.context_)
    assert chosen < 5


@pytest.mark.parametrize("n", [400, 4000])
def test_the_plain_estimate_would_have_gone_on(n):
    """Of A given B the plain gain is above 1e-3 of C's entropy; the corrected one about zero, its p-value uniform.

    At n = 400 a state that is not passed on is met 13 times a class, and G exceeds its χ² a little.
    """
    gains, improbable = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        a = rng.integers(0, 3, n)
        b = pass_on(a, rng)
        gain, p = conditional_information(a, pass_on(b, rng), b)
        gains.append(gain)
        improbable.append(p < 0.1)
    plain = np.mean(gains) + 12 / (2 * n)  # 3 classes of 2 × 2 degrees of freedom
    assert plain > 1e-3 * np.log(3)
    error = np.sqrt(24 / 300) / (2 * n)  # standard error of the mean; the variance of χ²(12) is 24
    assert -3 * error < np.mean(gains) < (plain / 5 if n == 400 else 3 * error)
    assert np.mean(improbable) == pytest.approx(0.1, abs=3 * np.sqrt(0.09 / 300))


def test_statistics_are_those_of_scipy():
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(3)
    a = rng.integers(0, 3, 300)
    b, classes = pass_on(a, rng, kept=0.2), rng.integers(0, 2, 300)
    G, X2, freedom = independence_statistics(a, b, classes)
    tables = [np.histogram2d(a[classes == c], b[classes == c], bins=3)[0] for c in (0, 1)]
    assert pytest.approx(X2) == sum(chi2_contingency(table)[0] for table in tables)
    assert pytest.approx(G) == sum(chi2_contingency(table, lambda_="log-likelihood")[0] for table in tables)
    assert freedom == 8


def test_information_within_one_class_is_mutual_information():
    a, b = np.random.default_rng(1).integers(0, 3, (2, 500))
    assert conditional_information(a, b, np.zeros(500, dtype=int))[0] == pytest.approx(mutual_information(a, b))


def test_the_chain_rule():
    """Uncorrected, I(X; Y | S) = I(X, S; Y) - I(S; Y)."""
    rng = np.random.default_rng(2)
    s = rng.integers(0, 3, 3000)
    x, y = pass_on(s, rng), pass_on(s, rng)
    whole, one = np.zeros(3000, dtype=int), 1 / 6000
    given = conditional_information(x, y, s)[0] + 12 * one
    both = conditional_information(3 * s + x, y, whole)[0] + 16 * one
    alone = conditional_information(s, y, whole)[0] + 4 * one
    assert given == pytest.approx(both - alone)


def worked(**parameters):
    """Ten times the same twelve answers a, y; b changes from one time to the next, and tells nothing."""
    y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]
    a = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    X = np.column_stack([np.tile(np.column_stack([a, y]), (10, 1)), np.repeat(np.arange(10) % 2, 12)]).astype(float)
    schema = Schema(tuple(nominal(*"ayb")))
    return ConditionalInformation(**parameters).fit(X, schema=schema)


def test_probabilities_of_a_worked_table():
    """Of a = 0, 50 rows say y0 and 10 say y1; of a = 1, 50 say y1 and 10 say y2; a level each in advance."""
    imputer = worked()
    assert imputer.context_[1] == (0,)
    prediction = imputer.impute(np.array([[0, HOLE, 0], [1, HOLE, 0], [HOLE, HOLE, 1], [2, HOLE, 0]]))
    wanted = np.array([[51, 11, 1], [1, 51, 11], [0, 0, 0], [0, 0, 0]]) / 63
    wanted[2:] = np.array([51, 61, 11]) / 123  # who did not answer a, or as nobody did, is as everybody
    assert prediction.probabilities[1] == pytest.approx(wanted)


def test_without_prior_answers_the_table_is_plain():
    prediction = worked(alpha=0).impute(np.array([[0, HOLE, 0]]))
    assert prediction.probabilities[1] == pytest.approx(np.array([[5, 1, 0]]) / 6)
    assert set(prediction.draws.ravel()) <= {0.0, 1.0}


def two_step(min_samples=5):
    """A number near 10·a + b, both with two levels; the class a = 1, b = 1 has three rows."""
    rows = [(a, b, 10 * a + b) for a, b, n in ((0, 0, 40), (0, 1, 40), (1, 0, 40), (1, 1, 3)) for _ in range(n)]
    X = np.array(rows, dtype=float)
    X[:, 2] += np.linspace(-0.1, 0.1, len(X))
    schema = Schema((*nominal("a", "b", levels=2), Column("y", Kind.NUMERIC)))
    return X, ConditionalInformation(min_samples=min_samples, n_bins=4).fit(X, schema=schema)


def test_small_classes_give_up_their_last_column():
    new = np.array([[0, 1, HOLE], [1, 1, HOLE]])
    for min_samples in (3, 4):
        X, imputer = two_step(min_samples)
        assert imputer.context_[2] == (0, 1)
        kept = X[(X[:, 0] == 1) & ((X[:, 1] == 1) | (min_samples == 4)), 2]
        prediction = imputer.impute(new, n_draws=200)
        assert prediction.expected == pytest.approx([X[40:80, 2].mean(), kept.mean()])
        assert set(prediction.draws[:, 1]) <= set(kept)


def test_a_row_that_lacks_the_first_column_uses_the_second():
    X, imputer = two_step()
    new = np.array([[HOLE, 1, HOLE], [0, HOLE, HOLE], [HOLE, HOLE, HOLE]])
    expected = imputer.impute(new).expected[[1, 3, 6]]
    assert expected == pytest.approx([X[X[:, 1] == 1, 2].mean(), X[X[:, 0] == 0, 2].mean(), X[:, 2].mean()])


def test_draws_of_levels_have_the_spread_of_the_posterior():
    """The share of y0 among h holes of one class: mean p, variance p(1-p)(1/(A+1) + (A/(A+1))/h), A = 63."""
    X = np.tile([[0, HOLE, 0]], (200, 1))
    shares = (worked().impute(X, n_draws=3000).draws == 0).mean(axis=1)
    p = 51 / 63
    assert shares.mean() == pytest.approx(p, abs=0.005)
    assert shares.var() == pytest.approx(p * (1 - p) * (1 / 64 + 63 / 64 / 200), rel=0.12)


def test_draws_of_numbers_have_the_spread_of_the_bootstrap():
    """Rubin 1981: the Bayesian bootstrap mean of n donors has variance s²/(n + 1), s² with divisor n."""
    X, imputer = two_step()
    means = imputer.impute(np.tile([[0, 0, HOLE]], (500, 1)), n_draws=2000).draws.mean(axis=1)
    donors = X[:40, 2]
    assert means.mean() == pytest.approx(donors.mean(), abs=0.1 * donors.std())
    assert means.var() == pytest.approx(donors.var() * (1 / 41 + 1 / 500), rel=0.12)


def test_contexts_of_the_survey_make_sense(masked_gss):
    """Degree follows from years of schooling, opinion on same-sex marriage from that on homosexual relations."""
    X, schema = masked_gss.values, masked_gss.schema
    imputer = ConditionalInformation().fit(X, schema=schema)
    first = {schema.names[j]: schema.names[context[0]] for j, context in enumerate(imputer.context_) if context}
    assert first["degree"] == "educ"
    assert first["marhomo"] == "homosex"
    assert first["vote20"] == "partyid"


@pytest.mark.parametrize("parameters", [{"max_features": -1}, {"alpha": -1.0}, {"min_samples": 0}, {"n_bins": 1}])
def test_impossible_parameters_are_errors(parameters):
    schema, X = example_table()
    with pytest.raises(InputError, match="in the range"):
        ConditionalInformation(**parameters).fit(X, schema=schema)
