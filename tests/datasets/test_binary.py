"""Binary tables: how items are cut, which are left out, and the two tables made of the survey."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Column, Kind, Role, Schema
from datasets.surveys.binary import binary_items, recodings, two_answers, without_recodings
from datasets.surveys.gss_binary import hundred
from datasets.table import Dataset

N = np.nan


def test_two_observed_answers_stay_as_they_are():
    column = Column("vote", Kind.NOMINAL, {1: "yes", 2: "no", 9: "never said"}, "did you vote")
    binary, codes = two_answers(column, np.array([1, 2, 2, N]))
    assert dict(binary.labels) == {0: "yes", 1: "no"}
    assert binary.kind is Kind.NOMINAL and binary.role is Role.TARGET and binary.question == "did you vote"
    np.testing.assert_array_equal(codes, [0, 1, 1, N])


def test_ordinal_answers_are_cut_where_halves_are_most_equal():
    column = Column("agree", Kind.ORDINAL, {1: "strongly", 2: "agree", 3: "disagree", 4: "not at all"})
    codes = np.array([1, 1, 2, 3, 3, 3, 4, N])
    binary, halves = two_answers(column, codes)  # 2, 3 or 6 of 7 below
    assert list(binary.labels.values()) == ["strongly to agree", "disagree to not at all"]
    np.testing.assert_array_equal(halves, [0, 0, 0, 1, 1, 1, 1, N])
    alone, _ = two_answers(column, np.array([1.0, 1, 1, 2, 3]))
    assert list(alone.labels.values()) == ["strongly", "agree to disagree"]


def test_numbers_are_cut_at_the_median():
    binary, halves = two_answers(Column("age", Kind.NUMERIC, decimals=0), np.array([20.0, 30, 40, 50, N]))
    assert list(binary.labels.values()) == ["up to 30", "more than 30"]
    np.testing.assert_array_equal(halves, [0, 0, 1, 1, N])


def test_of_several_nominal_answers_the_most_frequent_stands_against_the_rest():
    column = Column("party", Kind.NOMINAL, {1: "left", 2: "centre", 3: "right"})
    binary, halves = two_answers(column, np.array([1.0, 2, 2, 3, N]))
    assert list(binary.labels.values()) == ["another answer", "centre"]
    np.testing.assert_array_equal(halves, [0, 1, 1, 0, N])


@pytest.fixture
def opinions():
    rng = np.random.default_rng(1)
    n = 1000
    age = rng.integers(18, 90, n).astype(float)
    opinion = np.where(rng.random(n) < 0.7, age > 50, rng.random(n) < 0.5) + 1.0
    born = 2022 - age
    born[:50] = N
    rare = (np.arange(n) < 15).astype(float) + 1
    seldom = np.where(np.arange(n) < 90, opinion, N)
    columns = [Column("born", Kind.NUMERIC, decimals=0), Column("age", Kind.NUMERIC, decimals=0)]
    columns += [Column(name, Kind.NOMINAL, {1: "yes", 2: "no"}) for name in ("opinion", "rare", "seldom")]
    return Dataset("opinions", Schema(tuple(columns)), np.column_stack([born, age, opinion, rare, seldom]))


def test_rare_seldom_asked_and_recoded_items_are_left_out(opinions):
    table = binary_items(opinions, "opinions-binary", 0.1)
    assert table.name == "opinions-binary"
    assert table.schema.names == ["age", "opinion"]  # born is a recoding that fewer answered
    assert set(np.unique(table.values)) == {0.0, 1.0}
    assert binary_items(opinions, "b", 0.05).schema.names == ["age", "opinion", "seldom"]
    with pytest.raises(InputError, match="no item of 'opinions'"):
        binary_items(opinions, "none", 2.0)


def test_recodings_leave_less_than_a_fifth_of_the_entropy():
    rng = np.random.default_rng(2)
    truth = rng.random(4000) < 0.5
    table = np.column_stack([truth, *[truth ^ (rng.random(4000) < wrong) for wrong in (0.004, 0.02, 0.06)], ~truth])
    found = recodings(table.astype(float))
    left = {wrong: -(wrong * np.log2(wrong) + (1 - wrong) * np.log2(1 - wrong)) for wrong in (0.02, 0.06)}
    assert left[0.02] < 0.2 < left[0.06]  # entropy left of a fair coin seen through an error
    assert found[0].tolist() == [False, True, True, False, True]
    assert (found == found.T).all()
    holes = table.astype(float)
    holes[3950:, 0] = N
    assert without_recodings(holes) == [1, 3]  # the copy that more people answered stays
    holes[50:, 1] = N  # seen together too seldom to know
    assert not recodings(holes)[0, 1]


def test_the_survey_has_790_binary_items(shared):
    table = DATASETS["gss2022-binary"](shared / "data" / "2022_stata.zip")
    part = hundred(table)
    assert table.values.shape == (3544, 790) and part.values.shape == (3544, 100)
    assert (table.name, part.name) == ("gss2022-binary", "gss2022-binary-100")
    assert all(column.role is Role.TARGET and len(column.labels) == 2 for column in table.schema)
    answered = (~np.isnan(table.values)).sum(axis=0)
    rarer = np.minimum(np.nansum(table.values, axis=0), np.nansum(1 - table.values, axis=0))
    assert answered.min() >= 354.4 and (rarer >= np.maximum(30, 0.02 * answered)).all()
    names = set(table.schema.names)
    assert {"age", "income16", "cappun", "polviews"} <= names
    assert not {"cohort", "realinc", "coninc", "sexnow1", "racecen1", "union1"} & names
    assert not recodings(table.values).any()
    assert set(part.schema.names) <= names
    assert table.schema["partyid"].text(1.0) != table.schema["partyid"].text(0.0)
    folds = [MECHANISMS.resolve(f"fold({k})")(part, 0.1, np.random.default_rng(0)) for k in range(1, 11)]
    np.testing.assert_array_equal(np.sum(folds, axis=0), ~np.isnan(part.values))
