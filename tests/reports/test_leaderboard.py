from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.leaderboard import progress, standings
from reports.ranking import rank
from reports.results import Record, lost, tidy
from reports.tables import board_grid


def board_of(records, facts):
    scores, failed = tidy(records), lost(records)
    return standings(scores, progress(scores, failed, facts), facts)


def without(record, *metrics):
    return replace(record, scores=tuple(score for score in record.scores if score[0] not in metrics))


@pytest.fixture
def by_hand(inventor):
    """Three imputers, one mask, two ordered items, one nominal item; every rank can be counted on fingers."""
    _, facts, _ = inventor(["p", "q", "r"], mechanisms=["mcar"], seeds=1)
    columns = ("educ", "income16", "marital")
    values = {  #   nrmse of two items, accuracy, total variation, Wasserstein of two items, correlation error
        "p": (0.8, 0.9, 0.6, 0.10, 0.2, 0.2, 0.5),
        "q": (0.7, 0.9, 0.5, 0.20, 0.1, 0.1, 0.5),
        "r": (0.9, 0.8, 0.6, 0.30, 0.3, 0.3, 0.1),
    }
    metrics = (
        "nrmse",
        "nrmse",
        "accuracy",
        "total-variation",
        "wasserstein",
        "wasserstein",
        "design-correlation-error",
    )
    where = (*columns[:2], columns[2], columns[2], *columns[:2], "(table)")
    records = [
        Record("gss2022", "mcar", 0.3, 0, name, scores=tuple(zip(metrics, where, own, strict=True)))
        for name, own in values.items()
    ]
    return board_of(records, facts)


def test_mean_rank_by_hand(by_hand):
    # values: p (2, 2.5), q (1, 2.5), r (3, 1); categories: p 1.5, q 3, r 1.5
    # distribution, three units: p (1, 2, 2), q (2, 1, 1), r (3, 3, 3); covariance: p 2.5, q 2.5, r 1
    expected = {
        "p": (2.25 + 1.5 + 5 / 3 + 2.5) / 4,
        "q": (1.75 + 3.0 + 4 / 3 + 2.5) / 4,
        "r": (2.0 + 1.5 + 3.0 + 1.0) / 4,
    }
    assert by_hand.table["rank"].to_dict() == pytest.approx(expected)
    assert by_hand.table.index.tolist() == sorted(expected, key=expected.get) == ["r", "p", "q"]
    assert by_hand.families == {
        "values": ["nrmse"],
        "categories": ["accuracy"],
        "distribution": ["total-variation", "wasserstein"],
        "covariance": ["design-correlation-error"],
    }


def test_the_facts_say_which_metrics_make_the_board_and_where(inventor):
    records, facts, _ = inventor(["a", "b", "c"], mechanisms=["mcar"])
    del facts["metrics"]["accuracy"]["headline"], facts["metrics"]["wasserstein"]["headline"]
    facts["metrics"]["log-score"]["headline"] |= {"place": 0, "family": "surprise"}
    facts["metrics"]["variance-ratio"]["headline"] = {
        "title": "VR",
        "place": 9,
        "kinds": ["ordinal"],
        "family": "values",
    }
    board = board_of(records, facts)
    assert board.families == {
        "surprise": ["log-score"],
        "values": ["nrmse", "variance-ratio"],
        "distribution": ["total-variation"],
        "covariance": ["design-correlation-error"],
    }
    heads = [head.text for head in board_grid(board).heads]
    assert heads[3:8] == ["log score ↓", "NRMSE ↓", "total variation ↓", "correlation error ↓", "VR → 1"]


def test_the_board_is_the_ranking_of_its_own_table(experiment):
    records, facts, _ = experiment
    scores = tidy(records)
    frame = scores.assign(
        mask=scores.groupby(["mechanism", "rate", "seed"]).ngroup(), setting=scores["mechanism"] + " 0.3"
    )
    strata = {
        name: "unordered" if known["kind"] == "nominal" else "ordered" for name, known in facts["columns"].items()
    }
    families = {
        "nrmse": "v",
        "accuracy": "c",
        "total-variation": "d",
        "wasserstein": "d",
        "design-correlation-error": "r",
    }
    better = {metric: facts["metrics"][metric]["better"] for metric in families}
    found = rank(frame[frame["metric"].isin(better)], better, families=families, strata=strata)
    board = board_of(records, facts).table
    assert found.index.tolist() == board.index.tolist()
    pd.testing.assert_frame_equal(found[["rank", "low", "high"]], board[["rank", "low", "high"]], check_names=False)


def test_means_by_hand(by_hand):
    assert by_hand.table.loc["p", "nrmse"] == pytest.approx(0.85)
    assert by_hand.table.loc["r", "design-correlation-error"] == 0.1
    assert by_hand.table.loc["q", "accuracy"] == 0.5


def test_one_seed_makes_no_claim_about_the_whole_table(by_hand):
    assert "design-correlation-error" not in by_hand.winners  # 0.1 against 0.5, but of one mask


def test_clear_leads_are_bold_and_ties_are_not(experiment):
    records, facts, _ = experiment
    board = board_of(records, facts)
    assert board.contest.ranked == ("e", "d", "c", "b", "a")
    assert board.winners["rank"] == board.winners["nrmse"] == board.winners["accuracy"] == "e"


def test_equals_are_not_bold(experiment):
    records, facts, _ = experiment
    best = {(r.mechanism, r.seed): r.scores for r in records if r.imputer == "e"}
    tied = [replace(r, scores=best[r.mechanism, r.seed]) if r.imputer == "a" else r for r in records]
    board = board_of(tied, facts)
    assert set(board.contest.ranked[:2]) == {"a", "e"}
    assert not board.winners


def test_interval_holds_the_rank(experiment):
    table = board_of(*experiment[:2]).table
    assert (table["low"] <= table["rank"]).all() and (table["rank"] <= table["high"]).all()
    assert ((table["high"] - table["low"]) < 1).all()
    assert table["rank"].sum() == pytest.approx(15)  # five ranks in every unit


def test_a_failure_takes_an_imputer_out_of_the_ranking(experiment):
    records, facts, _ = experiment
    first = next(i for i, r in enumerate(records) if r.imputer == "e")
    broken = list(records)
    broken[first] = replace(records[first], status="failed", message="TimeLimit: 30 s", scores=())
    board = board_of(broken, facts)
    assert board.contest.ranked == ("d", "c", "b", "a")
    own = board.table.loc["e"]
    assert own["reason"] == "failed in 1 of 9 cells"
    assert own[["rank", "nrmse", "design-correlation-error", "seconds"]].isna().all()  # no average over the rest
    assert board.table["rank"].sum() == pytest.approx(10)  # the others are ranked among themselves


def test_a_cell_that_was_not_run_counts_as_missing(experiment):
    records, facts, _ = experiment
    board = board_of([r for r in records if r.imputer != "c" or r.seed != 2], facts)
    assert board.table.loc["c", "reason"] == "not run in 3 of 9 cells"
    assert board.table.loc["c", ["done", "planned"]].tolist() == [6, 9]


def test_deletion_is_listed_unranked_with_its_correlations(experiment):
    records, facts, _ = experiment
    fills = ("nrmse", "rmse", "accuracy", "total-variation", "wasserstein", "variance-ratio", "log-score")
    board = board_of([without(r, *fills) if r.imputer == "e" else r for r in records], facts)
    assert board.table.loc["e", "reason"] == "fills no holes: it gives moments only"
    assert np.isfinite(board.table.loc["e", "design-correlation-error"])
    assert board.winners.get("design-correlation-error") != "e"  # bold is for the ranked


def test_no_probabilities_is_no_hindrance(experiment):
    records, facts, _ = experiment
    board = board_of([without(r, "log-score") if r.imputer == "e" else r for r in records], facts)
    assert board.contest.ranked[0] == "e"
    assert np.isnan(board.table.loc["e", "log-score"])


def test_one_missing_score_is_named(experiment):
    records, facts, _ = experiment
    at = next(i for i, r in enumerate(records) if r.imputer == "b")
    lame = list(records)
    lame[at] = replace(lame[at], scores=tuple(s for s in lame[at].scores if s[:2] != ("nrmse", "educ")))
    assert board_of(lame, facts).table.loc["b", "reason"] == "scores are missing: nrmse (1 of 135)"


def test_a_unit_that_nobody_has_is_no_unit(experiment):
    records, facts, _ = experiment
    less = [replace(r, scores=tuple(s for s in r.scores if s[1] != "educ" or r.seed)) for r in records]
    assert board_of(less, facts).contest.ranked == ("e", "d", "c", "b", "a")


def test_rank_does_not_depend_on_the_order_of_records(experiment):
    records, facts, _ = experiment
    pd.testing.assert_frame_equal(
        board_of(records[::-1], facts).table, board_of(records, facts).table, check_exact=True
    )


def test_scores_may_be_infinite(inventor):
    records, facts, _ = inventor(["a", "b", "c"], mechanisms=["mcar"])
    wild = [
        replace(r, scores=tuple((m, c, np.inf if m == "log-score" and r.imputer == "a" else v) for m, c, v in r.scores))
        for r in records
    ]
    board = board_of(wild, facts)
    assert board.table.loc["a", "log-score"] == np.inf
    assert board.winners["log-score"] == "c"
    assert "∞" in {cell.text for row in board_grid(board).rows for cell in row}


def test_nobody_to_rank(inventor):
    records, facts, _ = inventor(["a", "b"], seeds=1)
    lost = [replace(r, status="failed", message="Error: x", scores=()) for r in records]
    board = board_of(lost, facts)
    assert board.contest.ranked == () and board.table["rank"].isna().all()
    only_costs = [replace(r, scores=r.scores[-3:]) for r in records]
    assert set(board_of(only_costs, facts).table["reason"]) == {"no metric that makes the rank was scored"}
