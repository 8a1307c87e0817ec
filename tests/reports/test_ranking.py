"""Ranking: places that ties share, paired differences, the resolution floor, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from reports.ranking import TELLING, compare, rank, resolution, shared_places
from reports.uncertainty import Scores, scores_of, variance

PSUS, STRATA = 132, np.repeat(np.arange(66), 2)  # the design of the General Social Survey 2022


def drawn(rng, means, of_people, of_masks, masks=9):
    """Scores of methods with these means, whose respondents and cells add noise of these SDs."""
    people = rng.normal(size=(PSUS, len(means))) * of_people
    x = np.asarray(means) + people + rng.normal(size=(masks, PSUS, len(means))) * of_masks
    values = x.mean(axis=1)
    influence = ((x - values[:, None]) / PSUS).transpose(0, 2, 1)
    names = tuple(f"m{k}" for k in range(len(means)))
    return Scores(names, values, influence, np.repeat(np.arange(3), masks // 3), STRATA)


def frame_of(values, **more):
    rows = [(name, mask, value) for name, own in values.items() for mask, value in enumerate(own)]
    return pd.DataFrame(rows, columns=["imputer", "mask", "value"]).assign(**more)


def test_methods_that_cannot_be_told_apart_share_a_place_and_the_next_place_counts_them():
    noise = np.array([0.01, -0.01, 0.02, -0.02, 0.0, 0.01])
    table = rank(frame_of({"a": 0.5 + noise, "b": 0.5 + noise[::-1], "c": 0.3 + noise, "d": 0.3 - noise}))
    assert table["place"].to_dict() == {"a": 1, "b": 1, "c": 3, "d": 3}
    assert table["behind"].loc["c"] == pytest.approx(table["score"].max() - table["score"]["c"])
    assert (table["behind_low"][["c", "d"]] > 0).all()
    assert (table["low"] <= table["score"]).all() and (table["score"] <= table["high"]).all()


def test_lower_is_better_where_it_is_said():
    values = {"a": [1.0, 1.1, 0.9, 1.0], "b": [0.5, 0.6, 0.4, 0.5]}
    table = rank(frame_of(values), better="lower")
    assert list(table.index) == ["b", "a"] and table["score"]["b"] == pytest.approx(0.5)
    assert table.loc["b", "low"] <= 0.5 <= table.loc["b", "high"] and table["behind"]["a"] == pytest.approx(0.5)


def test_who_else_is_listed_changes_no_score_and_not_the_order_of_others():
    rng = np.random.default_rng(4)
    values = {name: rng.normal(mean, 0.02, 9) for name, mean in {"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.2}.items()}
    whole = rank(frame_of(values))
    fewer = rank(frame_of({name: own for name, own in values.items() if name != "b"}))
    assert fewer["score"].to_dict() == whole["score"].drop("b").to_dict()
    assert list(fewer.index) == [name for name in whole.index if name != "b"]


def test_without_replicates_everybody_shares_the_first_place_and_intervals_are_unknown():
    table = rank(frame_of({"a": [0.5], "b": [0.1]}))
    assert table["place"].tolist() == [1, 1] and table[["low", "high", "behind_low"]].isna().all(axis=None)
    assert np.isnan(resolution(scores_of(frame_of({"a": [0.5], "b": [0.1]}))))


def test_a_method_without_all_scores_is_listed_last_and_has_no_place():
    frame = frame_of({"a": [0.5, 0.4, 0.5], "b": [0.1, 0.2, 0.1], "c": [0.9, 0.9, np.nan]})
    table = rank(frame)
    assert list(table.index) == ["a", "b", "c"] and table.loc["c"].isna().all()


def test_items_are_averaged_each_counting_the_same():
    frame = pd.concat(
        [frame_of({"a": [0.2, 0.4], "b": [0.3, 0.1]}, item="x"), frame_of({"a": [0.6, 0.8], "b": [0.1, 0.3]}, item="y")]
    )
    assert rank(frame)["score"].to_dict() == pytest.approx({"a": 0.5, "b": 0.2})


@pytest.mark.parametrize(("of_people", "of_cells"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)])
def test_the_variance_is_that_of_other_samples_and_other_masks(of_people, of_cells):
    rng = np.random.default_rng(11)
    found = [drawn(rng, [0.0, 0.0], of_people, of_cells) for _ in range(400)]
    gaps = [float(np.subtract(*s.values.mean(axis=0))) for s in found]
    stated = np.mean([variance(s).of_difference("total", 0, 1) for s in found])
    true = 2 * (of_people**2 + of_cells**2 / 9) / PSUS
    assert np.var(gaps) == pytest.approx(true, rel=0.22)  # 400 samples: Monte-Carlo error 7 %
    assert 0.95 * true < stated < true + 0.5 * 2 * of_cells**2 / 9 / PSUS  # what is clipped at zero errs to caution


@pytest.mark.parametrize("methods", [2, 8])
@pytest.mark.parametrize("of_people", [0.0, 0.5, 2.0])
def test_equal_methods_are_told_apart_in_a_twentieth_of_samples_however_many_they_are(methods, of_people):
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(300):
        scores = drawn(rng, [0.0] * methods, of_people, 1.0)
        wrong += len(set(shared_places(scores.values.mean(axis=0), variance(scores).total))) > 1
    assert wrong / 300 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_three_masks_alone_do_not_tell_equal_methods_apart_more_often_than_is_said():
    rng = np.random.default_rng(9)
    wrong = 0
    for _ in range(400):
        found = scores_of(frame_of({"a": rng.normal(0, 0.1, 3), "b": rng.normal(0, 0.1, 3)}))
        wrong += compare(found, "a", "b").verdict != "cannot tell"
    assert wrong / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_a_gap_of_the_resolution_floor_is_told_in_four_samples_of_five():
    rng = np.random.default_rng(3)
    floor = np.mean([resolution(drawn(rng, [0.0, 0.0], 1.0, 0.5)) for _ in range(20)])
    told = np.mean([compare(drawn(rng, [floor, 0.0], 1.0, 0.5), "m0", "m1").verdict == "better" for _ in range(200)])
    assert told == pytest.approx(0.80, abs=0.09)  # Monte-Carlo error .03


def test_runs_of_one_method_under_other_seeds_raise_the_floor():
    scores = drawn(np.random.default_rng(3), [0.0, 0.0], 1.0, 0.5)
    assert resolution(scores, [0.5, -0.5]) == pytest.approx(TELLING * 0.5)
    assert resolution(scores, [1e-9]) == resolution(scores)


def test_a_comparison_says_how_many_masks_would_tell():
    rng = np.random.default_rng(5)
    rows = {"a": rng.normal(0.02, 0.05, 6), "b": rng.normal(0.0, 0.05, 6)}
    found = compare(scores_of(frame_of(rows)), "a", "b")
    assert found.verdict == "cannot tell" and found.low < 0 < found.high and found.masks == 6
    error = np.std(rows["a"] - rows["b"], ddof=1)  # of one mask; many enough make the difference 2.80 errors
    assert found.wanted == np.ceil((TELLING * error / found.difference) ** 2)
    of_people = drawn(np.random.default_rng(1), [0.0, 0.0], 1.0, 0.0)
    assert compare(of_people, "m0", "m1").wanted == np.inf  # masks do not differ: only more people would tell


def test_places_of_three_clear_groups():
    assert shared_places(np.array([0.5, 0.1, 0.501, 0.3]), np.diag([1e-4] * 4)).tolist() == [1, 4, 1, 3]


@pytest.mark.parametrize(
    ("frame", "better", "told"),
    [
        (frame_of({"a": [1.0]}).drop(columns="mask"), "higher", "lacks mask"),
        (frame_of({"a": [1.0]}), "best", "'higher' or 'lower'"),
        (pd.concat([frame_of({"a": [1.0]})] * 2), "higher", "stands twice"),
        (frame_of({"a": [1.0], "b": [1.0]}, setting=["x", "y"]), "higher", "two settings"),
        (frame_of({"a": [1.0]}).iloc[:0], "higher", "no rows"),
    ],
)
def test_what_cannot_be_ranked_is_refused_with_what_is_wanted(frame, better, told):
    with pytest.raises(InputError, match=told):
        rank(frame, better)


def test_influences_that_do_not_fit_the_strata_are_refused():
    frame = frame_of({"a": [1.0, 2.0]}).assign(influence=[np.zeros(3), np.zeros(3)])
    with pytest.raises(InputError, match="influences of 3 clusters, and strata of 4"):
        rank(frame, strata=[1, 1, 2, 2])
