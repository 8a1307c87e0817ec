"""Boards: who has a place, which means are shown, and that nobody is judged on fewer tasks."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.board_tables import board_grid, board_views, place_labels, reading_grid
from reports.boards import board_of, boards_of, contest_of
from reports.comparisons import comparisons
from reports.ranking import rank
from reports.results import lost, tidy

PRIMARY, RMSE = "row-energy-skill", ("draw-rmse", "educ")


def contest(records, facts):
    return contest_of(tidy(records), lost(records), facts)


def without(record, *metrics):
    kept = tuple(score for score in record.scores if score[0] not in metrics)
    return replace(record, scores=kept, influences=tuple(i for i in record.influences if i[0] not in metrics))


def moved(record, metric, by):
    return replace(record, scores=tuple((m, c, v + by * (m == metric)) for m, c, v in record.scores))


def test_the_board_is_the_ranking_of_its_own_table(experiment):
    records, facts, _ = experiment
    frame = tidy(records)
    frame = frame[frame["metric"] == PRIMARY].assign(mask=lambda f: f.groupby(["mechanism", "seed"]).ngroup())
    found = rank(frame, strata=facts["data"]["strata"])
    board = board_of(contest(records, facts), "distributions")
    pd.testing.assert_frame_equal(found, board.table[list(found)], check_names=False)
    assert list(board.table.index) == ["e", "d", "c", "b", "a"]


def test_each_board_is_ordered_by_its_own_score_alone(experiment):
    records, facts, _ = experiment
    turned = [moved(r, "value-skill", {"a": 1.0, "b": 0.8, "c": 0.6, "d": 0.4, "e": 0.2}[r.imputer]) for r in records]
    boards = boards_of(contest(turned, facts))
    assert list(boards["values"].table.index) == ["a", "b", "c", "d", "e"]
    pd.testing.assert_frame_equal(
        boards["distributions"].table, boards_of(contest(records, facts))["distributions"].table
    )


def test_equals_share_the_first_place(experiment):
    records, facts, _ = experiment
    best = {(r.mechanism, r.seed): r for r in records if r.imputer == "e"}
    tied = [
        replace(r, scores=best[r.mechanism, r.seed].scores, influences=best[r.mechanism, r.seed].influences)
        if r.imputer == "a"
        else r
        for r in records
    ]
    board = board_of(contest(tied, facts), "distributions")
    assert set(board.tied) == {"a", "e"}
    assert place_labels(board.table["place"]) == ["1–2", "1–2", "3", "4", "5"]


def test_means_are_over_masks_and_over_items_of_the_kinds_that_are_told(experiment):
    records, facts, _ = experiment
    table = board_of(contest(records, facts), "values").table
    own = [value for r in records if r.imputer == "c" for metric, _, value in r.scores if metric == "draw-accuracy"]
    assert table.loc["c", "draw-accuracy"] == pytest.approx(np.mean(own))


def test_columns_of_a_metric_stand_one_by_one_where_its_headline_names_them(experiment):
    records, facts, _ = experiment
    split = deepcopy(facts)
    split["metrics"]["draw-rmse"]["headline"] |= {"columns": ["educ", "age"], "kinds": []}
    own = contest(records, split)
    board = board_of(own, "values")
    values = [v for r in records if r.imputer == "c" for metric, column, v in r.scores if (metric, column) == RMSE]
    assert board.table.loc["c", "draw-rmse educ"] == pytest.approx(np.mean(values))
    assert board.table["draw-rmse age"].isna().all()  # nobody has a score of it
    heads = [head.text for head in board_grid(board, "values").heads]
    assert "RMSE educ ↓" in heads
    assert not {"RMSE ↓", "RMSE age ↓"} & set(heads)
    assert [row[2].text for row in reading_grid(board, "values").rows if row[0].text == "RMSE educ ↓"] == ["educ"]
    titles = [one.title for one in comparisons(own, "c", "d")]
    assert "RMSE educ" in titles
    assert "RMSE age" not in titles


def test_a_failure_leaves_no_place_and_no_mean_of_the_rest(experiment):
    records, facts, _ = experiment
    first = next(i for i, r in enumerate(records) if r.imputer == "e")
    broken = list(records)
    broken[first] = replace(records[first], status="failed", message="TimeLimit: 30 s", scores=(), influences=())
    found = contest(broken, facts)
    assert found.imputers.loc["e", "reason"] == "failed in 1 of 9 cells"
    board = board_of(found, "distributions")
    assert list(board.table.index) == ["d", "c", "b", "a"] and board.tied == ["d"]


def test_a_cell_that_was_not_run_counts_as_missing(experiment):
    records, facts, _ = experiment
    found = contest([r for r in records if r.imputer != "c" or r.seed != 2], facts)
    assert found.imputers.loc["c", "reason"] == "not run in 3 of 9 cells"
    assert found.imputers.loc["c", ["done", "planned"]].tolist() == [6, 9]


def test_deletion_is_listed_without_a_place_beside_its_correlations(experiment):
    records, facts, _ = experiment
    gone = [m for m in facts["metrics"] if m not in ("pooled-correlation-error",)]
    board = board_of(contest([without(r, *gone) if r.imputer == "e" else r for r in records], facts), "distributions")
    assert board.table.index[-1] == "e" and pd.isna(board.table.loc["e", "place"])
    assert np.isfinite(board.table.loc["e", "pooled-correlation-error"])
    assert board_grid(board, "distributions").groups[-1] == ""


def test_who_states_no_probabilities_is_judged_like_the_others(experiment):
    records, facts, _ = experiment
    silent = board_of(contest([without(r, "log-score") if r.imputer == "e" else r for r in records], facts), "values")
    told = board_of(contest(records, facts), "values")
    pd.testing.assert_series_equal(silent.table["place"], told.table["place"])
    assert np.isnan(silent.table.loc["e", "log-score"])


def test_one_missing_primary_score_costs_the_place(experiment):
    records, facts, _ = experiment
    at = next(i for i, r in enumerate(records) if r.imputer == "e")
    lame = list(records)
    lame[at] = without(lame[at], PRIMARY)
    board = board_of(contest(lame, facts), "distributions")
    assert list(board.placed.index) == ["d", "c", "b", "a"]


def test_the_order_of_records_changes_nothing(experiment):
    records, facts, _ = experiment
    there, back = (board_of(contest(rows, facts), "values") for rows in (records, records[::-1]))
    pd.testing.assert_frame_equal(there.table, back.table, check_exact=True)
    assert there.floor == back.floor


def test_a_second_run_of_a_method_raises_the_floor_and_is_listed_nowhere(inventor):
    records, facts, _ = inventor(["a", "b", "b#2"])
    like = {(r.mechanism, r.seed): r for r in records if r.imputer == "b"}

    def again(shift):
        return [
            replace(moved(like[r.mechanism, r.seed], PRIMARY, shift), imputer="b#2") if r.imputer == "b#2" else r
            for r in records
        ]

    near, far = (board_of(contest(again(shift), facts), "distributions") for shift in (0.0, 0.5))
    assert list(near.table.index) == ["b", "a"] == list(far.table.index)
    assert far.floor == pytest.approx(2.802 * 0.5, rel=1e-3) and near.floor < 0.1
    only_two = board_of(contest([r for r in records if "#" not in r.imputer], facts), "distributions")
    pd.testing.assert_frame_equal(only_two.table, near.table)


def test_views_are_of_all_masks_and_of_each_mechanism(experiment):
    records, facts, _ = experiment
    shown = board_views(board_of(contest(records, facts), "distributions"), "distributions")
    assert [name for name, _ in shown.views] == ["all", "mcar", "mar", "ni"]
    heads = [head.text for head in shown.views[0][1].heads]
    assert heads[:6] == ["imputer", "skill ↑ [95 %]", "behind the best [95 %]", "mcar ↑", "mar ↑", "ni ↑"]
    own = [v for r in records if r.imputer == "e" and r.mechanism == "ni" for m, _, v in r.scores if m == PRIMARY]
    assert dict(shown.views)["ni"].rows[0][1].sort == pytest.approx(np.mean(own))


def test_what_a_method_is_stands_in_columns_aside(experiment):
    records, facts, _ = experiment
    shown = board_grid(board_of(contest(records, facts), "values"), "values")
    aside = {head.text: j for j, head in enumerate(shown.heads) if head.aside}
    assert {"family", "draws", "proper", "weights", "told", "defaults"} <= set(aside)
    last = {name: shown.rows[-1][j].text for name, j in aside.items()}
    assert (last["proper"], last["draws"], last["defaults"]) == ("yes", "random", "as published")
    assert shown.tags[-1] == "family of a"


def test_nobody_to_place(inventor):
    records, facts, _ = inventor(["a", "b"], seeds=1)
    gone = [replace(r, status="failed", message="Error: x", scores=(), influences=()) for r in records]
    assert boards_of(contest(gone, facts)) == {}
    assert boards_of(contest([replace(r, scores=r.scores[-3:], influences=()) for r in records], facts)) == {}
