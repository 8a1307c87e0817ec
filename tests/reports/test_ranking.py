"""Ranking: mean ranks of anybody's table by hand, the rescaling bootstrap, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from datasets.errors import InputError
from reports.ranking import RESAMPLES, averages, design, interval, loss, rank, winner


def masks(settings=("mcar",), seeds=3, columns=("(table)",)):
    """A table of masks, numbered through all settings, and columns."""
    numbered = list(enumerate((setting for setting in settings for _ in range(seeds)), start=1))
    rows = [(mask, setting, column) for mask, setting in numbered for column in columns]
    return pd.DataFrame(rows, columns=["mask", "setting", "column"])


def table(scores):
    """Scores by imputer, of metrics by name: arrays (masks, columns)."""
    rows = [
        (imputer, mask, metric, f"q{j}", value)
        for imputer, by_metric in scores.items()
        for metric, values in by_metric.items()
        for mask, row in enumerate(values)
        for j, value in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["imputer", "mask", "metric", "column", "value"])


def test_mean_ranks_are_those_of_scipy():
    values = np.random.default_rng(0).integers(0, 4, (7, 5, 6)).astype(float)  # imputers, masks, columns; many ties
    found = rank(table({f"m{k}": {"nrmse": values[k]} for k in range(7)}), {"nrmse": "lower"})
    expected = rankdata(values, axis=0).mean(axis=(1, 2))
    assert found["rank"].to_dict() == pytest.approx({f"m{k}": expected[k] for k in range(7)})
    assert found["rank"].is_monotonic_increasing


def test_directions_and_families_by_hand():
    a = {"nrmse": [[0.5, 0.6]], "accuracy": [[0.9]], "ratio": [[0.8]]}
    b = {"nrmse": [[0.6, 0.7]], "accuracy": [[0.8]], "ratio": [[1.1]]}
    better = {"nrmse": "lower", "accuracy": "higher", "ratio": "1"}
    assert rank(table({"a": a, "b": b}), better)["rank"].to_dict() == pytest.approx({"a": 4 / 3, "b": 5 / 3})
    together = dict.fromkeys(better, "all")  # four units: a wins three
    assert rank(table({"a": a, "b": b}), better, families=together)["rank"].to_dict() == {"a": 1.25, "b": 1.75}
    assert rank(table({"a": a, "b": b}), {"ratio": "1"}).index.tolist() == ["b", "a"]


def test_whoever_lacks_a_score_is_not_ranked_and_the_others_are_among_themselves():
    whole = {"a": {"nrmse": [[1.0, 3.0]]}, "b": {"nrmse": [[2.0, 4.0]]}, "c": {"nrmse": [[0.0, np.nan]]}}
    found = rank(table(whole), {"nrmse": "lower"})
    assert found.index.tolist() == ["a", "b", "c"]
    assert found["rank"].iloc[:2].tolist() == [1, 2] and found.loc["c", ["rank", "low", "high"]].isna().all()
    assert found["ahead"].tolist() == [True, False, False]
    nobody = rank(table({"a": {"nrmse": [[1.0, np.nan]]}, "b": {"nrmse": [[np.nan, 1.0]]}}), {"nrmse": "lower"})
    assert nobody["rank"].isna().all()


def test_one_unit_has_no_interval():
    found = rank(table({"a": {"nrmse": [[1.0]]}, "b": {"nrmse": [[2.0]]}}), {"nrmse": "lower"})
    assert found["rank"].tolist() == [1, 2]
    assert found[["low", "high"]].isna().all(axis=None) and not found["ahead"].any()


def test_masks_are_resampled_within_their_setting():
    # within each setting the masks are equal, so that nothing is left to resample but the share of the settings
    frame = table({"a": {"nrmse": [[1.0]] * 3 + [[2.0]] * 3}, "b": {"nrmse": [[2.0]] * 3 + [[1.0]] * 3}})
    one = rank(frame, {"nrmse": "lower"})
    two = rank(frame.assign(setting=np.where(frame["mask"] < 3, "mcar", "mar")), {"nrmse": "lower"})
    assert one["rank"].tolist() == two["rank"].tolist() == [1.5, 1.5]
    assert (one["high"] - one["low"]).min() > 0.3
    assert two["low"].tolist() == two["high"].tolist() == pytest.approx([1.5, 1.5])


@pytest.mark.parametrize(
    ("change", "better", "said"),
    [
        (lambda frame: frame.drop(columns="mask"), {"nrmse": "lower"}, r"lacks \['mask'\]"),
        (lambda frame: frame, {"rmse": "lower"}, "the table has scores of: nrmse"),
        (lambda frame: frame, {}, "the table has scores of: nrmse"),
        (lambda frame: frame, {"nrmse": "less"}, "'less'; wanted 'lower', 'higher', or a number"),
        (lambda frame: pd.concat([frame, frame]), {"nrmse": "lower"}, "stands twice"),
        (lambda frame: frame.assign(setting=frame["imputer"]), {"nrmse": "lower"}, "has two settings"),
    ],
)
def test_what_cannot_be_ranked(change, better, said):
    frame = table({"a": {"nrmse": [[1.0]]}, "b": {"nrmse": [[2.0]]}})
    with pytest.raises(InputError, match=said):
        rank(change(frame), better)


def test_loss_points_down():
    values = np.array([0.2, 1.5])
    assert loss(values, "lower").tolist() == [0.2, 1.5]
    assert loss(values, "higher").tolist() == [-0.2, -1.5]
    assert loss(values, "1") == pytest.approx([0.8, 0.5])


def test_first_row_is_the_experiment_itself():
    where = design(masks(), {"x": "nominal", "y": "ordered"})
    values = np.arange(3 * 2 * 2, dtype=float).reshape(3, 2, 2)
    assert averages([(values, ["x", "y"])], where)[0] == pytest.approx(values.mean(axis=(0, 1)))


def test_units_that_are_absent_carry_no_weight():
    where = design(masks(seeds=1), {"x": "nominal", "y": "nominal"})
    values = np.array([[[1.0, 2.0], [np.nan, np.nan]]])
    assert averages([(values, ["x", "y"])], where)[0].tolist() == [1.0, 2.0]


def test_parts_are_pooled_unit_by_unit():
    where = design(masks(seeds=1), {"x": "nominal", "y": "ordered", "z": "ordered"})
    first, second = np.full((1, 1, 1), 4.0), np.full((1, 2, 1), 1.0)
    assert averages([(first, ["x"]), (second, ["y", "z"])], where)[0] == pytest.approx([2.0])


def test_rescaled_bootstrap_has_the_variance_of_the_mean():
    # Rao & Wu (1988): the resampling variance of a mean of n is s²/n, s² with denominator n - 1
    y = np.array([1.0, 2.0, 6.0])
    where = design(masks(seeds=3))
    resamples = averages([(y.reshape(3, 1, 1), ["(table)"])], where)[1:, 0]
    assert resamples.var() == pytest.approx(y.var(ddof=1) / 3, rel=0.1)


def test_masks_are_weighted_within_settings_only():
    where = design(masks(("mcar", "ni"), 3), {"x": "nominal"})
    assert where.mask_weights[:, :3].sum(axis=1) == pytest.approx(3)
    assert where.mask_weights[:, 3:].sum(axis=1) == pytest.approx(3)
    assert where.mask_weights.shape == (1 + RESAMPLES, 6)
    assert np.ptp(where.mask_weights) > 0
    assert not np.ptp(where.column_weights)  # one item, and the whole table


def test_one_seed_and_one_item_are_no_sample():
    where = design(masks(("mcar", "mar"), 1), {"x": "nominal", "y": "ordered", "z": "ordered"})
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
