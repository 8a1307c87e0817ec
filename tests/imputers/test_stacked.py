"""The stacked pool: its weights minimise the energy score of hidden answers, and its draws are draws of its members."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.worker import describe
from datasets.condition import Condition
from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS, make_imputer
from imputers.compound import with_members
from imputers.conformance import example_table
from imputers.ensembles.stacked import Stacked, _folds
from imputers.ensembles.weights import PULL, Distances, best_weights, distances, least_score

PAIR = ("hot-deck", "gaussian-em")
NUMBER = Column("number", Kind.NUMERIC)
GROUP = Column("group", Kind.NOMINAL, {1.0: "a", 2.0: "b", 3.0: "c"})


@pytest.fixture(scope="module")
def fitted():
    """A pool of two quick members, and the table that it learned from."""
    schema, X = example_table()
    return Stacked(PAIR).fit(X, schema=schema, random_state=1), X


def weighing(pool, shares):
    """The pool with other weights (p, K)."""
    other = Stacked(PAIR)
    other.__dict__.update(pool.__dict__, shares_=np.array(shares))
    return other


def draws_of_members(pool, X, n_draws):
    """Draws of each member as the pool asks for them, as many as some item with holes takes."""
    rng = np.random.default_rng((pool.random_state_, 1))
    taken = (rng.random(n_draws)[:, None] >= pool.shares_[:, 0]).astype(int)[:, np.isnan(X).any(axis=0)]
    numbers = [int((taken == k).any(axis=1).sum()) for k in (0, 1)]
    return [
        member.impute(X, number, random_state=int(rng.integers(2**31))).draws
        for member, number in zip(pool.members_, numbers, strict=True)
    ]


def cells(to_truth, between, n=1000):
    """Equal distances in n cells."""
    return Distances(np.tile(to_truth, (n, 1)), np.tile(between, (n, 1, 1)))


@pytest.mark.parametrize("column", [NUMBER, GROUP])
def test_the_score_from_distances_is_that_of_the_mixture(column):
    """Gneiting & Raftery 2007, equation 21: E d(X, y) - E d(X, X') / 2 for X drawn from the pool."""
    rng = np.random.default_rng(1)
    fills = rng.integers(1, 4, (2, 400, 1)).astype(float)
    fills[1] = np.where(rng.random((400, 1)) < 0.5, 3.0, fills[1])
    codes, w = np.array([2.0, 1.0, np.nan, 1.0]), np.array([0.3, 0.7])
    to_truth, between = distances(column, codes, np.array([0]), fills)
    drawn, other = (np.where(rng.random(200_000) < 0.3, *rng.choice(fills[:, :, 0], 200_000, axis=1)) for _ in range(2))
    far = (lambda x, y: x != y) if column.kind is Kind.NOMINAL else (lambda x, y: abs(x - y))
    wanted = (far(drawn, 2.0).mean() - far(drawn, other).mean() / 2) / (4 / 9)  # of two of 2, 1 and 1
    assert to_truth[0] @ w - w @ between[0] @ w / 2 == pytest.approx(wanted, abs=0.02)


def test_a_draw_is_not_compared_to_itself():
    codes, fills = np.array([1.0, 0.0]), np.array([[[0.0], [2.0]], [[1.0], [1.0]]])
    to_truth, between = distances(NUMBER, codes, np.array([0]), fills)  # people differ by 0.5
    assert to_truth.tolist() == [[2.0, 0.0]]
    assert between.tolist() == [[[4.0, 2.0], [2.0, 0.0]]]  # |0 - 2|, and the mean of |0 - 1| and |2 - 1|


@pytest.mark.parametrize("column", [NUMBER, GROUP])
def test_the_unit_is_the_mean_distance_of_two_answers(column):
    codes = np.array([1.0, 1.0, 2.0, 3.0, np.nan])
    pairs = [(x != y) if column.kind is Kind.NOMINAL else abs(x - y) for x in codes[:4] for y in codes[:4]]
    found = distances(column, codes, np.array([0]), np.array([[[2.0], [2.0]]]))
    assert found.to_truth[0, 0] == pytest.approx(1 / np.mean(pairs))


def test_weights_of_two_are_where_the_score_is_flat():
    """That is at w1 = 1/2 - (a1 - a2 - (B11 - B22)/2) / (2 B12 - B11 - B22)."""
    a, B = np.array([0.52, 0.50]), np.array([[0.40, 0.52], [0.52, 0.44]])
    wanted = 0.5 - (0.02 + 0.02) / (1.04 - 0.84)
    assert least_score(a, B, np.array([0.5, 0.5]), 0.0) == pytest.approx([wanted, 1 - wanted], abs=1e-4)


def test_a_member_that_only_harms_gets_nothing():
    assert least_score(np.array([0.6, 0.5]), np.full((2, 2), 0.5), np.array([0.5, 0.5]), 0.0) == pytest.approx(
        [0, 1], abs=1e-6
    )


def test_weights_are_held_to_equal_ones_and_those_of_items_to_common_ones():
    """The score bends by 2 B12 - B11 - B22 = 0.2, and is least at 0.5 + 0.04 / 0.2 = 0.7, for another item at 0.3."""
    B = np.array([[0.4, 0.5], [0.5, 0.4]])
    numbers, best = np.array([3000, 1000, 0]), np.array([0.7, 0.3, 0.5])

    def held(best, centre, n):
        return (0.2 * n * best + 2 * PULL * centre) / (0.2 * n + 2 * PULL)

    each = zip([[0.5, 0.54], [0.54, 0.5], [0.5, 0.5]], numbers, strict=True)
    shares = best_weights([cells(to_truth, B, n) for to_truth, n in each])[:, 0]
    common = held(numbers @ best / 4000, 0.5, 4000)
    assert 0.58 < common < 0.6
    assert shares == pytest.approx(held(best, common, numbers), abs=1e-4)


def test_a_member_that_reads_other_answers_outweighs_one_that_does_not():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1000, 1))
    X = x + 0.3 * rng.normal(size=(1000, 3))
    X[rng.random(X.shape) < 0.1] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "abc"))
    pool = Stacked(PAIR).fit(X, schema=schema)
    assert pool.shares_[:, 1].min() > 0.8
    assert pool.n_cells_.sum() == pytest.approx(0.5 * (~np.isnan(X)).sum(), rel=0.1)


def test_a_draw_is_a_whole_draw_of_one_member(fitted):
    """So that relations between holes, and the uncertainty of parameters, are those of the member."""
    pool, X = fitted
    alike = weighing(pool, np.full((6, 2), 0.5))
    draws, of = alike.impute(X, 8).draws, draws_of_members(alike, X, 8)
    found = [[bool((own == draw).all(axis=1).any()) for own in of] for draw in draws]
    assert all(sum(whose) == 1 for whose in found)
    assert len(of[0]) + len(of[1]) == 8 and min(len(of[0]), len(of[1])) > 0


def test_an_item_takes_the_member_that_has_all_its_weight(fitted):
    pool, X = fitted
    apart = weighing(pool, [[0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.5, 0.5]])
    draws, of = apart.impute(X, 4).draws, draws_of_members(apart, X, 4)
    columns = np.nonzero(np.isnan(X))[1]
    assert np.array_equal(draws[:, columns == 2], of[0][:, columns == 2])
    assert np.array_equal(draws[:, columns == 4], of[1][:, columns == 4])


def test_means_and_probabilities_are_the_weighted_ones():
    pool = Stacked(PAIR)
    told = [
        Prediction(np.zeros((1, 3)), np.array([1.0, 2.0, np.nan]), {3: np.array([[1.0, 0.0]])}),
        Prediction(np.zeros((1, 3)), np.array([2.0, 6.0, np.nan]), {3: np.array([[0.0, 1.0]])}),
    ]
    pool.shares_ = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.1, 0.9]])
    expected, probabilities = pool._pooled(told, np.array([0, 1, 3]))
    assert expected[:2].tolist() == [1.5, 5.0] and np.isnan(expected[2])
    assert probabilities[3].tolist() == [[0.1, 0.9]]
    assert pool._pooled([told[0], Prediction(np.zeros((1, 3)))], np.array([0, 1, 3])) == (None, {})


def test_without_answers_to_spare_weights_are_equal_and_said_to_be():
    schema, X = example_table()
    few = np.full((4, 6), np.nan)
    few[:2] = X[~np.isnan(X).any(axis=1)][:2]
    few[1] = np.where(few[0] == few[1], few[1] % 2 + 1, few[1])
    assert not any(hidden.any() for hidden in _folds(few, np.random.default_rng(1)))
    pool = Stacked(PAIR).fit(few, schema=replace(schema, regression=None))
    assert np.array_equal(pool.shares_, np.full((6, 2), 0.5))
    assert "equal: answers are few" in pool.decided()


def test_it_says_which_weights_it_found(fitted):
    pool, _ = fitted
    told = pool.decided()
    assert f"gaussian-em {pool.shares_[:, 1].mean():.2f}" in told
    assert f"found on {pool.n_cells_.sum():,} validation cells" in told and "estimators=" in told


def test_checks_of_the_schema_are_kept():
    rng = np.random.default_rng(3)
    low = rng.normal(size=300)
    X = np.column_stack([low, low + rng.exponential(size=300)])
    X[:80, 1] = np.nan
    schema = Schema((Column("low", Kind.NUMERIC), Column("high", Kind.NUMERIC)), checks=(Condition("high >= low"),))
    draws = Stacked(PAIR).fit(X, schema=schema).impute(X, 4).draws
    assert np.mean(draws >= X[:80, 0]) > 0.98


@pytest.mark.parametrize(
    ("estimators", "message"),
    [
        (("mice",), "wanted are two different imputers or more"),
        (("mice", "mice"), "wanted are two different imputers or more"),
        (("mice", "mise"), "of its estimator mise: there is no imputer 'mise'; did you mean mice"),
        (("mice", "knn(k=3)"), "of its estimator .*has no parameter 'k'"),
        (("mice", "gbm"), "draws of gbm are not proper.*take imputers whose draws are"),
    ],
)
def test_what_cannot_be_pooled_is_told(estimators, message):
    with pytest.raises(InputError, match=message):
        make_imputer(f"stacked(estimators={estimators!r})")


def test_a_member_that_is_not_on_this_machine_is_named(monkeypatch):
    def lacking(self, X, rng):
        raise MethodUnavailableError("its program is not installed")

    monkeypatch.setattr(IMPUTERS["hot-deck"], "_fit", lacking)
    schema, X = example_table()
    with pytest.raises(MethodUnavailableError, match="of its estimator hot-deck: its program .*leave it out"):
        Stacked(PAIR).fit(X, schema=schema)


def test_the_code_of_members_is_part_of_what_a_run_knows_of_it():
    files = [name.rpartition("/")[2] for name in describe(f"stacked(estimators={PAIR!r})")["files"]]
    assert sorted(files) == ["gaussian_em.py", "hot_deck.py", "stacked.py"]
    assert [type(each).__name__ for each in with_members(make_imputer("mice"))] == ["Mice"]
