"""Delta-adjusted chained equations: fills move by what is stated, and the right departure gives the right mean."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.shared.delta import moved_levels, moved_numbers

PMM = "narfcs-pmm(delta={})"


def selected(n=3000, departure=-0.8, seed=4):
    """A pattern mixture: y of those who do not tell it lies by so many residual SDs off what x foretells."""
    rng = np.random.default_rng(seed)
    x, gone = rng.normal(size=n), rng.random(n) < 0.3
    y = 0.6 * x + 0.8 * rng.normal(size=n) + departure * gone
    answers = 1.0 + (rng.random(n) < 1 / (1 + np.exp(-x)))
    silent = rng.random(n) < 0.3
    seen = np.column_stack([x, np.where(gone, np.nan, y), np.where(silent, np.nan, answers)])
    levels = {1.0: "no", 2.0: "yes"}
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC), Column("vote", Kind.NOMINAL, levels)))
    return seen, schema, y


def fills(request, seen, schema, j, seed=1):
    prediction = make_imputer(request).fit(seen, schema=schema, random_state=seed).impute(seen, n_draws=5)
    own = np.nonzero(np.isnan(seen))[1] == j
    return prediction.draws[:, own], None if prediction.expected is None else prediction.expected[own]


@pytest.mark.parametrize("name", ["narfcs", "narfcs-pmm"])
def test_the_true_departure_gives_the_true_mean_and_none_does_not(name):
    """The mean of 900 fills has a standard error of .03 SD; the departure is .8 of the observed SD of 1."""
    seen, schema, y = selected()
    spread = np.nanstd(seen[:, 1])
    truth = y[np.isnan(seen[:, 1])].mean()
    at_random, _ = fills(name, seen, schema, 1)
    told, expected = fills(f"{name}(delta={{'y': {-0.8 / spread}}})", seen, schema, 1)
    assert at_random.mean() - truth == pytest.approx(0.8, abs=0.1)
    assert told.mean() == pytest.approx(truth, abs=0.1)
    assert expected.mean() == pytest.approx(told.mean(), abs=0.05)


@pytest.mark.parametrize("name", ["narfcs", "narfcs-pmm"])
def test_that_another_item_is_missing_too_moves_nothing_where_it_always_is(name):
    """The two indicators are one; a coefficient of the other's, which no data tell, would move fills by chance."""
    rng = np.random.default_rng(3)
    x, gone = rng.normal(size=2000), rng.random(2000) < 0.4
    seen = np.column_stack([x, 0.8 * x + 0.6 * rng.normal(size=2000), 0.5 * x + rng.normal(size=2000)])
    seen[gone, 1:] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "xyz"))
    drawn, _ = fills(name, seen, schema, 1)
    assert drawn.mean(axis=1) == pytest.approx(np.full(5, 0.8 * x[gone].mean()), abs=0.12)
    assert drawn.std(axis=1) == pytest.approx(np.ones(5), abs=0.1)


@pytest.mark.parametrize("name", ["narfcs", "narfcs-pmm"])
def test_log_odds_of_an_answer_are_moved(name):
    seen, schema, _ = selected()
    shares = [
        (fills(f"{name}(delta={{'vote: yes': {d}}})", seen, schema, 2)[0] == 2).mean() for d in (0.0, 20.0, -20.0)
    ]
    assert shares[1] > shares[0] + 0.2 > shares[0] - 0.2 > shares[2]


def test_levels_move_by_the_step_on_average_and_stay_at_the_ends():
    levels = np.array([1.0, 2, 3, 5])
    kernel = moved_levels(levels, 0.6)
    assert kernel.sum(axis=1) == pytest.approx(np.ones(4))
    assert kernel @ levels == pytest.approx([1.6, 2.6, 3.6, 5.0])
    assert moved_levels(levels, 0.0) == pytest.approx(np.eye(4))


def test_whole_numbers_move_by_the_step_on_average():
    codes, rng = np.full(20_000, 4.0), np.random.default_rng(1)
    found = moved_numbers(Column("age", Kind.NUMERIC, decimals=0, low=0, high=9), codes, 0.3, rng)
    assert set(found) == {4.0, 5.0} and found.mean() == pytest.approx(4.3, abs=0.015)
    assert moved_numbers(Column("age", Kind.NUMERIC, low=0, high=4.2), codes, 0.3, rng).max() == 4.2


def test_the_own_indicator_is_no_predictor_of_an_item():
    """It is constant where the item is known: with it, fills would vary by a coefficient that no data can tell."""
    seen, schema, _ = selected()
    means = [fills("narfcs-pmm(ridge=0.001)", seen, schema, 1, seed)[0].mean() for seed in range(4)]
    assert np.std(means) < 0.05


@pytest.mark.parametrize(
    ("delta", "told"),
    [
        ({"z": 1.0}, "no column 'z'"),
        ({"vote": 1.0}, "name it like 'vote: no'"),
        ({"y: high": 1.0}, "name it like 'y'"),
        ({"vote: maybe": 1.0}, "none of its answers"),
        ({"y": float("inf")}, "finite"),
    ],
)
def test_a_departure_that_means_nothing_is_an_error(delta, told):
    from imputers.statistical.narfcs import NarfcsPmm

    seen, schema, _ = selected(200)
    with pytest.raises(InputError, match=told):
        NarfcsPmm(delta=delta).fit(seen, schema=schema)
