import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from datasets.errors import InputError
from datasets.moments import pairwise_moments
from datasets.prediction import Prediction, check_prediction, complete, distributions, expectation, narrow, point, widen
from datasets.schema import Column, Kind, Schema

SCHEMA = Schema(
    (
        Column("region", Kind.NOMINAL, {1: "north", 2: "south", 3: "west"}),
        Column("happy", Kind.ORDINAL, {0: "no", 1: "so-so", 2: "yes"}),
        Column("age", Kind.NUMERIC, decimals=0, low=18, high=90),
    )
)
VALUES = np.array([[np.nan, 1, 30], [2, np.nan, 40], [np.nan, 0, np.nan], [1, 2, 50]])  # holes: region happy region age
DRAWS = np.array([[3.0, 0, 2, 31], [3, 0, 1, 32], [1, 2, 1, 33], [2, 1, 2, 35]])


def test_complete_fills_holes_in_row_major_order_and_nothing_else():
    table = complete(VALUES, DRAWS[0])
    assert_array_equal(table, [[3, 1, 30], [2, 0, 40], [2, 0, 31], [1, 2, 50]])
    assert np.isnan(VALUES).sum() == 4


def test_distributions_are_the_shares_among_the_draws():
    shares = distributions(Prediction(DRAWS), VALUES, SCHEMA)
    assert set(shares) == {0, 1}
    assert_allclose(shares[0], [[0.25, 0.25, 0.5], [0.5, 0.5, 0]])
    assert_allclose(shares[1], [[0.5, 0.25, 0.25]])


def test_distributions_of_the_method_itself_come_first():
    own = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    shares = distributions(Prediction(DRAWS, probabilities={0: own}), VALUES, SCHEMA)
    assert_array_equal(shares[0], own)
    assert_allclose(shares[1], [[0.5, 0.25, 0.25]])


def test_expectation_is_the_mean_of_the_draws_and_nan_where_nominal():
    assert_allclose(expectation(Prediction(DRAWS), VALUES, SCHEMA), [np.nan, 0.75, np.nan, 32.75])


def test_expectation_of_the_method_itself_comes_first_and_stays_untouched():
    own = np.array([9.0, 0.6, 9, 32.2])
    assert_allclose(expectation(Prediction(DRAWS, own), VALUES, SCHEMA), [np.nan, 0.6, np.nan, 32.2])
    assert_array_equal(own, [9.0, 0.6, 9, 32.2])


def test_point_is_mode_median_and_rounded_mean_with_ties_to_the_lower_code():
    # region 0: level 3 leads; happy: half of the mass is at 0; region 2: levels 1 and 2 tie; age: 32.75 rounds
    assert_array_equal(point(Prediction(DRAWS), VALUES, SCHEMA), [3, 0, 1, 33])


def test_point_of_an_ordinal_item_is_the_median_not_the_mode():
    own = {1: np.array([[0.4, 0.25, 0.35]])}
    assert point(Prediction(DRAWS, probabilities=own), VALUES, SCHEMA)[1] == 1


def test_point_of_a_numeric_item_stays_within_its_limits():
    assert point(Prediction(DRAWS, np.array([np.nan, 1, np.nan, 120.0])), VALUES, SCHEMA)[3] == 90


def test_a_method_without_draws_has_neither_point_nor_expectation():
    prediction = Prediction(moments=pairwise_moments(SCHEMA.design(VALUES)))
    check_prediction(prediction, VALUES, SCHEMA)
    for read in (expectation, point):
        with pytest.raises(InputError, match="fills no hole"):
            read(prediction, VALUES, SCHEMA)


def test_check_accepts_a_full_answer():
    expected = np.array([np.nan, 1, np.nan, 33])
    own = {0: np.full((2, 3), 1 / 3), 1: np.array([[0.0, 0.5, 0.5]])}
    check_prediction(Prediction(DRAWS, expected, own), VALUES, SCHEMA)


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (Prediction(), "neither draws nor moments"),
        (Prediction(DRAWS[:, :3]), "wanted \\(draws, 4\\)"),
        (Prediction(DRAWS[0]), "wanted \\(draws, 4\\)"),
        (Prediction(DRAWS[:0]), "wanted \\(draws, 4\\)"),
        (Prediction(np.array([[3, 0.5, 1, 30]])), "1 fills of column 'happy'"),
        (Prediction(np.array([[3, 0, np.nan, 30]])), "1 fills of column 'region'"),
        (Prediction(np.array([[3, 0, 1, 91.0]])), "1 fills of column 'age'"),
        (Prediction(DRAWS, DRAWS[0, :3]), "expected has shape"),
        (Prediction(DRAWS, np.array([1, np.nan, 1, 30])), "expected is not finite in column 'happy'"),
        (Prediction(DRAWS, probabilities={1: np.ones((2, 3)) / 3}), "probabilities of 'happy' have shape"),
        (Prediction(DRAWS, probabilities={2: np.ones((1, 3)) / 3}), "given for column 2, which is none that has"),
        (Prediction(DRAWS, probabilities={7: np.ones((1, 3)) / 3}), "given for column 7, which is none that has"),
        (Prediction(DRAWS, probabilities={1: np.array([[0.5, 0.2, 0.2]])}), "summing to one"),
        (Prediction(DRAWS, probabilities={1: np.array([[1.5, -0.5, 0]])}), "non-negative"),
        (Prediction(DRAWS, probabilities={1: np.array([[np.nan, 0.5, 0.5]])}), "not finite"),
    ],
)
def test_check_names_what_is_wrong(prediction, message):
    with pytest.raises(InputError, match=message):
        check_prediction(prediction, VALUES, SCHEMA)


def test_a_prediction_for_some_holes_is_widened_to_all_with_nan_in_the_others_and_narrowed_back():
    own = Prediction(DRAWS[:, 1:], np.array([1.0, np.nan, 33.0]), {0: np.array([[0.5, 0.5, 0.0]])})
    asked = np.isnan(VALUES) & (np.arange(len(VALUES)) > 0)[:, None]
    whole = widen(own, VALUES, asked)
    assert_array_equal(whole.draws, np.column_stack([np.full(4, np.nan), DRAWS[:, 1:]]))
    assert_array_equal(whole.expected, [np.nan, 1.0, np.nan, 33.0])
    assert_array_equal(whole.probabilities[0], [[np.nan] * 3, [0.5, 0.5, 0.0]])
    back = narrow(whole, VALUES, asked)
    assert_array_equal(back.draws, own.draws)
    assert_array_equal(back.expected, own.expected)
    assert_array_equal(back.probabilities[0], own.probabilities[0])
    check_prediction(Prediction(DRAWS[:, 1:]), VALUES, SCHEMA, asked=asked)
    with pytest.raises(InputError, match=r"draws have shape \(4, 4\); wanted \(draws, 3\)"):
        check_prediction(Prediction(DRAWS), VALUES, SCHEMA, asked=asked)


def test_a_prediction_asked_for_all_holes_is_not_copied():
    prediction = Prediction(np.zeros((2, np.isnan(VALUES).sum())))
    assert narrow(prediction, VALUES, np.isnan(VALUES)) is prediction
