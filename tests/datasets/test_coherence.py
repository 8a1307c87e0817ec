"""Coherence of a prediction's parts: honest predictions pass whatever chance does, mixtures of two methods do not."""

import time

import numpy as np
import pytest

from datasets.coherence import check_coherence, disagreements
from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer

SCHEMA = Schema(
    (
        Column("income", Kind.NUMERIC, decimals=2),
        Column("trust", Kind.ORDINAL, {0.0: "none", 1.0: "little", 2.0: "some", 3.0: "much"}),
        Column("party", Kind.NOMINAL, {1.0: "red", 2.0: "blue", 3.0: "green"}),
    )
)


def honest(rng, n_draws, holes, shift=0.0):
    """A table and its prediction: draws of stated distributions, a row of which moves together by ``shift``, normal."""
    values = np.column_stack([rng.normal(size=400), rng.integers(0, 4, 400), rng.integers(1, 4, 400)]).astype(float)
    values[:holes] = np.nan
    rates = rng.choice([0.05, 1.0, 20.0], holes)  # of skew distributions, the first of them often at zero
    means = rng.normal(size=holes)
    skew = rng.poisson(rates, (n_draws, holes)) / np.sqrt(rates) - np.sqrt(rates)
    draws = np.empty((n_draws, holes, 3))
    draws[:, :, 0] = means + skew + shift * rng.normal(size=(n_draws, 1))
    probabilities = {}
    for j, levels in ((1, SCHEMA.columns[1].levels), (2, SCHEMA.columns[2].levels)):
        own = rng.dirichlet(np.full(len(levels), rng.choice([0.1, 1.0, 10.0])), holes)
        probabilities[j] = own
        drawn = (rng.random((n_draws, holes, 1)) > own.cumsum(axis=1)[:, :-1]).sum(axis=2)
        draws[:, :, j] = levels[drawn]
    expected = np.column_stack([means, probabilities[1] @ SCHEMA.columns[1].levels, np.full(holes, np.nan)])
    return values, Prediction(draws.reshape(n_draws, -1), expected.ravel(), probabilities)


@pytest.mark.parametrize("n_draws", [1, 2, 3, 5, 20, 50])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_no_honest_prediction_is_refused(n_draws, shift):
    """More than 200 tables, one to 300 holes a column: skew, nearly certain, moving together from draw to draw."""
    rng = np.random.default_rng([n_draws, int(shift)])
    for holes in np.repeat([1, 2, 5, 30, 300], 4):
        values, prediction = honest(rng, n_draws, int(holes), shift)
        check_coherence(prediction, values, SCHEMA)


def moved(prediction, column, by):
    expected = prediction.expected.copy()
    expected[column::3] += by
    return Prediction(prediction.draws, expected, prediction.probabilities)


def test_a_shift_of_the_means_is_refused_with_column_and_size():
    values, prediction = honest(np.random.default_rng(0), 20, 300)
    sd = np.nanstd(values[:, 0])
    with pytest.raises(InputError, match=r"expected of column 'income' lie 0\.[23]\d SD of the item off its draws"):
        check_coherence(moved(prediction, 0, 0.3 * sd), values, SCHEMA)
    check_coherence(moved(prediction, 0, 0.02 * sd), values, SCHEMA)


@pytest.mark.parametrize("far", [1e7, 1e200, 1.7e308, -1.7e308])
def test_means_that_lie_off_so_far_that_their_squares_are_no_numbers_are_refused(far):
    values, prediction = honest(np.random.default_rng(0), 5, 30)
    with pytest.raises(InputError, match="expected of column 'income' lie 1000000.00 SD of the item off its draws"):
        check_coherence(moved(prediction, 0, far), values, SCHEMA)


def test_the_size_is_free_of_monte_carlo_error():
    """Over many tables the mean square is that of what was added, with few draws as with many."""
    rng = np.random.default_rng(1)
    for n_draws in (4, 40):
        squares = []
        for _ in range(60):
            values, prediction = honest(rng, n_draws, 200)
            apart = moved(prediction, 0, 0.5 * np.nanstd(values[:, 0]) * rng.choice([-1, 1], 200))
            found = next(each for each in disagreements(apart, values, SCHEMA) if each.over == "holes")
            squares.append(found.size**2)
        assert np.mean(squares) == pytest.approx(0.25, abs=4 * np.std(squares) / np.sqrt(60))
        assert np.std(squares) < 0.12


def test_probabilities_of_other_holes_are_refused():
    values, prediction = honest(np.random.default_rng(2), 20, 300)
    other = dict(prediction.probabilities) | {2: prediction.probabilities[2][::-1]}
    with pytest.raises(InputError, match=r"probabilities of column 'party' lie 0\.\d\d off its draws"):
        check_coherence(Prediction(prediction.draws, prediction.expected, other), values, SCHEMA)


def test_a_small_shift_of_all_holes_is_refused_as_that_of_the_column():
    """Seven hundredths of a standard deviation in every hole: too little for one hole, too much for all."""
    rng = np.random.default_rng(3)
    values = np.concatenate([np.full(3000, np.nan), rng.normal(size=3000)])[:, None]
    schema = Schema((Column("income", Kind.NUMERIC),))
    means = rng.normal(size=3000)
    draws = means + 0.5 * rng.normal(size=(50, 3000))
    check_coherence(Prediction(draws, means), values, schema)
    with pytest.raises(InputError, match="'income' lie 0.07 SD of the item off its draws on average over its holes"):
        check_coherence(Prediction(draws, means + 0.07), values, schema)


def test_draws_without_any_spread_are_no_draws_of_a_wide_distribution():
    values, prediction = honest(np.random.default_rng(4), 20, 300)
    draws = prediction.draws.copy()
    draws[:, 2::3] = draws[0, 2::3]
    wide = dict(prediction.probabilities) | {2: np.full((300, 3), 1 / 3)}
    with pytest.raises(InputError, match="probabilities of column 'party'"):
        check_coherence(Prediction(draws, prediction.expected, wide), values, SCHEMA)


def fixed(fills, expected, probabilities):
    """Five equal draws of ten rows, alike."""
    repeated = {j: np.tile(own, (10, 1)) for j, own in probabilities.items()}
    return Prediction(np.tile(np.array(fills, dtype=float), (5, 10)), np.tile(expected, 10), repeated)


VALUES = np.array([[np.nan, np.nan, np.nan]] * 10 + [[1.0, 0, 1], [3.0, 3, 2]])
ORDINAL = np.array([0.42, 0.05, 0.14, 0.39])  # mode 0; median 2; mean 1.5, nearest 1
NOMINAL = np.array([0.2, 0.5, 0.3])


@pytest.mark.parametrize("trust", [0, 1, 2])
def test_equal_draws_may_be_any_point_of_what_is_stated(trust):
    expected = np.array([2.004, 1.5, np.nan])
    check_coherence(fixed([2.0, trust, 2], expected, {1: ORDINAL, 2: NOMINAL}), VALUES, SCHEMA)


@pytest.mark.parametrize(
    ("fills", "expected", "message"),
    [
        ([2.5, 2, 2], [2.0, 1.5, np.nan], "expected of column 'income' lie 0.50 SD of the item off its fills"),
        (
            [2.0, 3, 2],
            [2.0, 1.5, np.nan],
            "probabilities of column 'trust' have their mode and median elsewhere in 100%",
        ),
        ([2.0, 2, 3], [2.0, 1.5, np.nan], "probabilities of column 'party' have their mode and median elsewhere"),
        ([2.0, 2, 2], [2.0, 2.4, np.nan], "expected of column 'trust' lie 0.60 SD of the item off its fills"),
    ],
)
def test_equal_draws_that_are_no_point_of_it_are_refused(fills, expected, message):
    with pytest.raises(InputError, match=message):
        check_coherence(fixed(fills, np.array(expected), {1: ORDINAL, 2: NOMINAL}), VALUES, SCHEMA)


def test_a_method_that_states_or_fills_nothing_is_coherent():
    check_coherence(Prediction(np.ones((5, 30))), VALUES, SCHEMA)
    check_coherence(Prediction(), VALUES, SCHEMA)


def predicted(name, masked, n_draws=20):
    imputer = make_imputer(name).fit(masked.values, schema=masked.schema, random_state=1)
    return imputer.impute(masked.values, n_draws=n_draws)


def test_the_means_of_one_method_and_the_draws_of_another_are_refused(masked_toy):
    means, draws = predicted("gbm", masked_toy), predicted("mice-cart", masked_toy)
    mixed = Prediction(draws.draws, means.expected, means.probabilities)
    with pytest.raises(InputError, match=r"of column '\w+' lie 0\.\d\d SD of the item off its draws"):
        check_coherence(mixed, masked_toy.values, masked_toy.schema)


@pytest.mark.parametrize(
    "name",
    ["mean", "subgroup-mean", "mice", "r-mice", "gbm", "gaussian-em", "mibos", "masked-transformer(n_epochs=5)"],
)
def test_methods_are_coherent(name, masked_toy):
    try:
        prediction = predicted(name, masked_toy, 10)
    except MethodUnavailableError as lacking:
        pytest.skip(str(lacking))
    check_coherence(prediction, masked_toy.values, masked_toy.schema)


def test_a_survey_is_checked_in_a_moment(masked_gss):
    """3,544 rows of 24 items, 25,000 holes, twenty draws."""
    prediction = predicted("hot-deck", masked_gss)
    stated = predicted("knn", masked_gss)
    mixed = Prediction(prediction.draws, stated.expected, stated.probabilities)
    times = []
    for _ in range(3):
        start = time.process_time()
        assert sum(each.beyond for each in disagreements(mixed, masked_gss.values, masked_gss.schema)) > 20
        times.append(time.process_time() - start)
    assert min(times) < 0.5


@pytest.mark.parametrize("n_draws", [10, 20])
def test_a_class_whose_few_donors_are_drawn_anew_is_not_refused(n_draws):
    """All 1,000 holes share eight donors, as behind a split ballot; two in three answered yes, by weight."""
    rng, yes = np.random.default_rng(3), np.arange(8) < 5
    schema = Schema((Column("a", Kind.NOMINAL, {0.0: "no", 1.0: "yes"}), Column("b", Kind.NUMERIC)))
    X = np.column_stack([np.append(np.tile([0.0, 1.0], 10), np.full(1000, np.nan)), np.arange(1020.0)])
    stated = {0: np.tile([3 / 8, 5 / 8], (1000, 1))}

    def refused(off=0.0):
        lent = rng.exponential(size=(n_draws, 8))
        share = lent[:, yes].sum(axis=1) / lent.sum(axis=1) if not off else np.full(n_draws, 5 / 8 + off)
        draws = (rng.random((n_draws, 1000)) < share[:, None]).astype(float)
        return any(each.beyond for each in disagreements(Prediction(draws, None, stated), X, schema))

    assert sum(refused() for _ in range(300)) == 0
    assert all(refused(off=0.15) for _ in range(20))  # without such a class it is told
