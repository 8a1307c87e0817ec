from dataclasses import replace

import numpy as np
import pytest

from reports import figures
from reports.covariances import target_covariances
from reports.leaderboard import progress, standings
from reports.results import lost, tidy


@pytest.fixture(scope="module")
def board(experiment):
    records, facts, _ = experiment
    scores, failed = tidy(records), lost(records)
    return standings(scores, progress(scores, failed, facts), facts)


def test_covariances_are_in_true_standard_deviations(board):
    found = target_covariances(board.contest, ["e", "a"])
    assert found.targets == ("income16", "educ", "letin1a", "finrela", "marhomo")
    assert found.truth == pytest.approx(np.full((5, 5), 0.25) + 0.75 * np.eye(5))  # covariances 1, variances 4
    assert list(found.imputed) == ["e", "a"]
    assert found.imputed["a"] == pytest.approx(0.5 * found.truth)  # the worst halves everything
    assert found.imputed["e"] == pytest.approx(0.9 * found.truth)


def test_covariances_may_be_absent(board):
    scores = board.contest.scores
    less = replace(board.contest, scores=scores[~scores["metric"].str.startswith("target-covariance")])
    assert target_covariances(less, ["e"]) is None


def test_overview_holds_the_truth_once_and_one_scale(board):
    found = target_covariances(board.contest, list(board.contest.ranked))
    figure = figures.covariance_overview(found, "gss2022: covariances")
    maps = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in maps] == ["truth (correlations)", "e", "d", "c", "b", "a"]
    assert len({axes.images[0].get_clim() for axes in maps[1:]}) == 1
    np.testing.assert_allclose(maps[1].images[0].get_array(), -0.1 * found.truth)
    assert figure.get_suptitle().startswith("gss2022")


def test_triptych_adds_up(board):
    found = target_covariances(board.contest, ["c"])
    truth, imputed, difference = (
        axes.images[0].get_array() for axes in figures.covariance_triptych(found, "c", "t").axes if axes.images
    )
    np.testing.assert_allclose(imputed - truth, difference)


def test_rank_figure_is_in_order(board):
    axes = figures.ranks(board, "gss2022: mean rank").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["e", "d", "c", "b", "a"]
    assert axes.lines[0].get_xdata() == pytest.approx(board.table["rank"].to_numpy())


def test_front_is_what_none_beats():
    x, y = np.array([3.0, 1.0, 2.0, 2.5, 1.0]), np.array([1.0, 3.0, 2.0, 2.5, 4.0])
    assert figures._front(x, y) == [1, 2, 0]
