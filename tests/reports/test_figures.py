from dataclasses import replace

import numpy as np
import pytest

from reports import figures
from reports.boards import contest_of
from reports.covariances import target_covariances
from reports.results import lost, tidy


@pytest.fixture(scope="module")
def contest(experiment):
    records, facts, _ = experiment
    return contest_of(tidy(records), lost(records), facts)


def test_covariances_are_in_true_standard_deviations(contest):
    found = target_covariances(contest, ["e", "a"])
    assert found.targets == ("income16", "educ", "letin1a", "finrela", "marhomo")
    assert found.truth == pytest.approx(np.full((5, 5), 0.25) + 0.75 * np.eye(5))  # covariances 1, variances 4
    assert list(found.imputed) == ["e", "a"]
    assert found.imputed["a"] == pytest.approx(0.5 * found.truth)  # the worst halves everything
    assert found.imputed["e"] == pytest.approx(0.9 * found.truth)


def test_covariances_may_be_absent(contest):
    scores = contest.scores
    less = replace(contest, scores=scores[~scores["metric"].str.startswith("target-covariance")])
    assert target_covariances(less, ["e"]) is None


def test_overview_holds_the_truth_once_and_one_scale(contest):
    found = target_covariances(contest, list("edcba"))
    figure = figures.covariance_overview(found, "gss2022: covariances")
    maps = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in maps] == ["truth (correlations)", "e", "d", "c", "b", "a"]
    assert len({axes.images[0].get_clim() for axes in maps[1:]}) == 1
    np.testing.assert_allclose(maps[1].images[0].get_array(), -0.1 * found.truth)
    assert figure.get_suptitle().startswith("gss2022")
