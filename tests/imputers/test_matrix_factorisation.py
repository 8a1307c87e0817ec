"""Matrix factorisation: ridge steps in closed form, recovery of low rank, calibrated tilts, honest spread."""

import numpy as np
import pytest
from scipy.optimize import minimize

from datasets.prediction import check_prediction, expectation
from datasets.schema import Column, Kind, Schema
from imputers.statistical.factors import Factors, solve, starting_factors
from imputers.statistical.matrix_factorisation import MatrixFactorisation
from imputers.statistical.tilt import Tilt, learn_tilt


def low_rank(rng, n=600, q=30, k=2, noise=0.3):
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, q)) / np.sqrt(k) + noise * rng.normal(size=(n, q))


def test_ridge_solves_each_row_on_its_known_cells():
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(8, 3)), rng.normal(size=(700, 8))
    known = rng.random(y.shape) < 0.6
    known[5] = False
    found = solve(F, np.where(known, y, 0), known, 2.0)
    assert (found[5] == 0).all()
    for i in (0, 1, 499, 500, 699):
        own = F[known[i]]
        expected = np.linalg.solve(own.T @ own + 2 * np.eye(3), own.T @ y[i, known[i]])
        assert found[i] == pytest.approx(expected, abs=1e-4)


def test_iterations_lower_the_penalised_error():
    rng = np.random.default_rng(1)
    D = low_rank(rng)
    D[rng.random(D.shape) < 0.4] = np.nan

    def error(factors):
        U = factors.rows(D)
        left = D - U @ factors.columns.T - factors.intercepts
        return float(np.nansum(left**2) + factors.ridge * ((U**2).sum() + (factors.columns**2).sum()))

    factors = starting_factors(30, 5, 3.0, rng)
    errors = []
    for _ in range(6):
        errors.append(error(factors))
        factors = factors.iterated(D, 1)
    assert errors == sorted(errors, reverse=True)
    assert isinstance(factors, Factors) and errors[-1] < 0.7 * errors[0]


def test_low_rank_comes_back_to_its_noise():
    rng = np.random.default_rng(2)
    truth = low_rank(rng)
    X = np.where(rng.random(truth.shape) < 0.3, np.nan, truth)
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(30)))
    imputer = MatrixFactorisation(n_components=10, ridge=5.0).fit(X, schema=schema, random_state=1)
    prediction = imputer.impute(X, n_draws=20)
    hidden = np.isnan(X)
    wrong = expectation(prediction, X, schema) - truth[hidden]
    assert np.sqrt(np.mean(wrong**2)) < 0.4  # the noise is .3, the spread of the truth 1
    within = prediction.draws.var(axis=0).mean()
    assert within == pytest.approx(np.mean(wrong**2), rel=0.15)  # draws scatter as forecasts err
    assert prediction.draws.var() == pytest.approx(truth[hidden].var(), rel=0.1)


def test_tilt_is_the_likeliest():
    rng = np.random.default_rng(3)
    shares, scores = np.array([0.6, 0.3, 0.1, 0.0]), rng.normal(size=(20000, 4))
    p = Tilt(0.8, 1.7).probabilities(shares, scores)
    assert p.sum(axis=1) == pytest.approx(1) and (p[:, 3] == 0).all()
    assert p[0, 0] / p[0, 1] == pytest.approx(2**0.8 * np.exp(1.7 * (scores[0, 0] - scores[0, 1])))
    true = (p.cumsum(axis=1) < rng.random((20000, 1))).sum(axis=1)
    repeated = np.tile(shares, (20000, 1))
    found = learn_tilt(repeated, scores, true)
    assert (found.share_power, found.slope) == pytest.approx((0.8, 1.7), abs=0.06)

    def surprise(ab):
        own = Tilt(*ab).probabilities(repeated, scores)[np.arange(20000), true]
        return -np.log(own).sum() + ((ab - 1) ** 2).sum() / 2

    best = minimize(surprise, [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6})
    assert (found.share_power, found.slope) == pytest.approx(tuple(best.x), abs=1e-3)


@pytest.mark.parametrize("share_power", [1.0, 0.0, -0.5])
def test_a_level_without_share_stays_without(share_power):
    found = Tilt(share_power, 1.0).probabilities(np.array([0.5, 0.5, 0.0]), np.array([[0.0, 0.0, 9.0]]))
    assert found == pytest.approx(np.array([[0.5, 0.5, 0.0]]))


def test_a_score_that_tells_nothing_leaves_the_shares():
    rng = np.random.default_rng(4)
    shares = np.tile([0.7, 0.3], (30000, 1))
    found = learn_tilt(shares, rng.normal(size=(30000, 2)), (rng.random(30000) < 0.3).astype(np.intp))
    assert (found.share_power, found.slope) == pytest.approx((1, 0), abs=0.05)


@pytest.fixture(scope="module")
def questionnaire():
    """Forty yes-no items of one trait, five-point items of it, a fifth hidden; and the chance of each yes."""
    rng = np.random.default_rng(5)
    trait = rng.normal(size=(1500, 1))
    chance = 1 / (1 + np.exp(-(rng.normal(size=40) + 1.5 * trait)))
    binary = (rng.random(chance.shape) < chance) + 1.0
    graded = np.digitize(trait + 0.7 * rng.normal(size=(1500, 4)), [-1.5, -0.5, 0.5, 1.5]) + 1.0
    truth = np.hstack([binary, graded])
    schema = Schema(
        tuple(Column(f"q{j}", Kind.NOMINAL, {1.0: "no", 2.0: "yes"}) for j in range(40))
        + tuple(Column(f"g{j}", Kind.ORDINAL, {float(k): f"grade {k}" for k in range(1, 6)}) for j in range(4))
    )
    X = np.where(rng.random(truth.shape) < 0.2, np.nan, truth)
    prediction = MatrixFactorisation().fit(X, schema=schema, random_state=1).impute(X, n_draws=5)
    return schema, truth, X, chance, prediction


def test_binary_probabilities_are_calibrated_and_near_the_true_chance(questionnaire):
    schema, _, X, chance, prediction = questionnaire
    check_prediction(prediction, X, schema)
    found = np.concatenate([prediction.probabilities[j][:, 1] for j in range(40)])
    true = np.concatenate([chance[np.isnan(X[:, j]), j] for j in range(40)])
    marginal = np.concatenate([np.full(np.isnan(X[:, j]).sum(), np.nanmean(X[:, j]) - 1) for j in range(40)])
    assert np.mean((found - true) ** 2) < 0.2 * np.mean((marginal - true) ** 2)
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)):
        here = (found >= low) & (found < high)
        assert true[here].mean() == pytest.approx(found[here].mean(), abs=0.04)


def test_graded_answers_beat_their_mean_and_keep_their_spread(questionnaire):
    schema, truth, X, _, prediction = questionnaire
    rows, columns = np.nonzero(np.isnan(X))
    at = columns >= 40
    wrong = (expectation(prediction, X, schema) - truth[rows, columns])[at]
    assert np.sqrt(np.mean(wrong**2)) < 0.75 * truth[rows, columns][at].std()
    assert prediction.draws[:, at].var() == pytest.approx(truth[rows, columns][at].var(), rel=0.12)


def test_new_rows_are_placed_by_their_own_answers(questionnaire):
    schema, _, X, _, prediction = questionnaire
    imputer = MatrixFactorisation().fit(X, schema=schema, random_state=1)
    part = imputer.impute(X[:50], n_draws=1)
    assert part.probabilities[0] == pytest.approx(prediction.probabilities[0][: len(part.probabilities[0])], abs=1e-4)
