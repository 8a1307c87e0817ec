"""MIBOS against tables of six rows worked by hand; no public code or checkable figure of the paper was found."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import point
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.neighbours.mibos import Mibos

_ = np.nan

# Equal answers of each pair that matters, and whether the two disagree on anything (!):
# row 1: with 2: 3, with 3: 2!, with 4: 0!, with 5: 0!, with 6: 2
# row 5: with 1: 0!, with 2: 1!, with 3: 0!, with 4: 2!, with 6: 0!
# row 6: with 1: 2, with 2: 2!, with 3: 2!, with 4: 1!, with 5: 0!
SIX = np.array(
    [
        [1, 1, 1, _],  # d: row 2 is most similar and says 1
        [1, 1, 1, 1],
        [1, 1, 2, 2],
        [2, 2, 2, 2],
        [2, 2, _, 1],  # c: row 4 says 2, but disagrees on d; under "strict" nobody is left, and the mode of c is 1
        [1, _, 1, 2],  # b: rows 1, 2 and 3 say 1; under "strict" row 1 alone does
    ]
)


def nominal(names, K):
    return Schema(
        tuple(Column(name, Kind.NOMINAL, {float(k): f"{name}{k}" for k in range(1, K + 1)}) for name in names)
    )


@pytest.mark.parametrize(
    ("conflict", "fills", "shares_c"), [("count", [1, 2, 1], [0, 1]), ("strict", [1, 1, 1], [0.6, 0.4])]
)
def test_six_rows_by_hand(conflict, fills, shares_c):
    schema = nominal("abcd", 2)
    prediction = Mibos(conflict).fit(SIX, schema=schema).impute(SIX, n_draws=2)
    assert prediction.draws.tolist() == [fills, fills]
    assert point(prediction, SIX, schema).tolist() == fills
    assert prediction.probabilities[2] == pytest.approx(np.array([shares_c]), abs=1e-5)


@pytest.mark.parametrize(("rounds", "a"), [(1, 2), (10, 1)])
def test_fills_count_and_lend_in_the_next_round(rounds, a):
    """Row 3 is like nobody who answered a, until row 2 has taken the 3 from row 1; else it gets the mode, 2."""
    X = np.array([[_, 3, _, 1], [1, _, 1, 1], [_, 3, _, _], [2, 1, 2, 2], [2, 2, 2, 3], [2, 1, 2, 3]])
    prediction = Mibos(max_iter=rounds).fit(X, schema=nominal("abcd", 3)).impute(X, n_draws=1)
    assert prediction.draws.tolist() == [[1, 1, 3, a, a, 1]]


@pytest.mark.parametrize(
    ("last", "fill"),
    [
        ([1, 2, 2], 2),  # 1 and 2 have a vote each; the donors of 2 agree on three answers in all, those of 1 on two
        ([3, 3, 2], 2),  # the same totals; 2 is more frequent
    ],
)
def test_ties_go_to_the_larger_total_similarity_and_then_to_the_mode(last, fill):
    X = np.array([[1, 1, _], [1, 1, 1], [1, 1, 2], last, [3, 3, 3]])
    schema = nominal("abc", 3)
    prediction = Mibos().fit(X, schema=schema).impute(X, n_draws=1)
    assert prediction.draws.tolist() == [[fill]]
    assert point(prediction, X, schema).tolist() == [fill]
    assert prediction.probabilities[2] == pytest.approx(np.array([[0.5, 0.5, 0]]), abs=1e-5)


def test_a_numeric_hole_gets_the_median_of_the_winning_bin():
    schema = Schema((*nominal("ab", 2), Column("age", Kind.NUMERIC, decimals=0)))
    ages = [20, 22, 30, 70, 80, 90]  # cut at 30: four voters, three of them young
    X = np.column_stack([np.full((7, 2), 1.0), [*ages, _]])
    X[[4, 5], :2] = 2
    prediction = Mibos(n_bins=2).fit(X, schema=schema).impute(X, n_draws=1)
    assert prediction.draws.tolist() == [[22]]
    assert prediction.expected.tolist() == [22]


def test_new_rows_and_empty_rows_are_filled_from_the_fitted_ones():
    schema, X = example_table()
    imputer = Mibos().fit(X, schema=schema)
    new = np.vstack([X[:5], np.full(6, np.nan)])
    whole, part = imputer.impute(X, n_draws=1).draws[0], imputer.impute(new, n_draws=1).draws[0]
    holes = int(np.isnan(X[:5]).sum())
    assert part[:holes].tolist() == whole[:holes].tolist()
    categorical = schema.where(Kind.NOMINAL, Kind.ORDINAL)
    assert part[holes:][categorical].tolist() == [_mode(X[:, j]) for j in categorical]


def _mode(column):
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return values[counts.argmax()]


def test_similarities_are_those_of_a_loop_over_pairs():
    schema, X = example_table(60)
    numbers = Mibos().fit(X, schema=schema)._numbers(X)
    for conflict in ("count", "strict"):
        imputer = Mibos(conflict).fit(X, schema=schema)
        marks = imputer._marks(numbers)
        for i, k in np.random.default_rng(0).integers(60, size=(40, 2)):
            both = (numbers[i] >= 0) & (numbers[k] >= 0)
            equal = int((numbers[i] == numbers[k])[both].sum())
            wanted = equal if conflict == "count" or equal == both.sum() else 0
            assert imputer._similarities(marks[[i]], marks[[k]]).tolist() == [[wanted]]


@pytest.mark.parametrize("wrong", [{"conflict": "some"}, {"n_bins": 1}, {"max_iter": 0}, {"max_donors": 0}])
def test_wrong_parameters_are_refused(wrong):
    schema, X = example_table(30)
    with pytest.raises(InputError, match=f"'{next(iter(wrong))}' parameter of Mibos must be"):
        Mibos(**wrong).fit(X, schema=schema)
