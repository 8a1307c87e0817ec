import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from reports.ranking import RESAMPLES, averages, design, interval, loss, unit_ranks, winner


def masks(mechanisms=("mcar",), seeds=3):
    return pd.DataFrame([(m, 0.3, s) for m in mechanisms for s in range(seeds)], columns=["mechanism", "rate", "seed"])


def test_ranks_are_those_of_scipy():
    losses = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(float)
    assert (unit_ranks(losses) == rankdata(losses, axis=-1)).all()


def test_loss_points_down():
    values = np.array([0.2, 1.5])
    assert loss(values, "lower").tolist() == [0.2, 1.5]
    assert loss(values, "higher").tolist() == [-0.2, -1.5]
    assert loss(values, "1") == pytest.approx([0.8, 0.5])


def test_first_row_is_the_experiment_itself():
    where = design(masks(), ["x", "y"], ["nominal", "ordered"])
    values = np.arange(3 * 2 * 2, dtype=float).reshape(3, 2, 2)
    assert averages([(values, ["x", "y"])], where)[0] == pytest.approx(values.mean(axis=(0, 1)))


def test_units_that_are_absent_carry_no_weight():
    where = design(masks(seeds=1), ["x", "y"], ["nominal", "nominal"])
    values = np.array([[[1.0, 2.0], [np.nan, np.nan]]])
    assert averages([(values, ["x", "y"])], where)[0].tolist() == [1.0, 2.0]


def test_parts_are_pooled_unit_by_unit():
    where = design(masks(seeds=1), ["x", "y", "z"], ["nominal", "ordered", "ordered"])
    first, second = np.full((1, 1, 1), 4.0), np.full((1, 2, 1), 1.0)
    assert averages([(first, ["x"]), (second, ["y", "z"])], where)[0] == pytest.approx([2.0])


def test_rescaled_bootstrap_has_the_variance_of_the_mean():
    # Rao & Wu (1988): the resampling variance of a mean of n is s²/n, s² with denominator n - 1
    y = np.array([1.0, 2.0, 6.0])
    where = design(masks(seeds=3), [], [])
    resamples = averages([(y.reshape(3, 1, 1), ["(table)"])], where)[1:, 0]
    assert resamples.var() == pytest.approx(y.var(ddof=1) / 3, rel=0.1)


def test_seeds_are_resampled_within_mechanisms_only():
    where = design(masks(("mcar", "ni"), 3), ["x"], ["nominal"])
    assert where.mask_weights[:, :3].sum(axis=1) == pytest.approx(3)
    assert where.mask_weights[:, 3:].sum(axis=1) == pytest.approx(3)
    assert where.mask_weights.shape == (1 + RESAMPLES, 6)
    assert np.ptp(where.mask_weights) > 0
    assert not np.ptp(where.column_weights)  # one item, and the whole table


def test_one_seed_and_one_item_are_no_sample():
    where = design(masks(("mcar", "mar"), 1), ["x", "y", "z"], ["nominal", "ordered", "ordered"])
    assert not where.replicated(["(table)"])
    assert not where.replicated(["x"])
    assert where.replicated(["y", "z"])


def test_winner_must_lead_in_the_resamples():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (1001, 1))
    apart = np.hstack([noise + 0.5, noise, noise + 1])  # paired: the noise cancels
    assert winner(apart) == 1
    near = np.hstack([rng.normal(0.1, 0.1, (1001, 1)), rng.normal(0, 0.1, (1001, 1))])
    assert winner(near) is None
    assert winner(apart[:, :1]) is None  # nobody to lead


def test_an_infinite_loss_does_not_hide_the_winner():
    assert winner(np.tile([np.inf, 1.0, 2.0], (1001, 1))) == 1


def test_interval_is_of_the_resamples_alone():
    values = np.concatenate([[1e9], np.arange(1001)]).reshape(-1, 1)
    assert interval(values)[:, 0] == pytest.approx([25, 975])
