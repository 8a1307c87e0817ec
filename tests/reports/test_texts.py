"""Text items in the report: the mean over folds with its standard error, and folds as replicates."""

import numpy as np
import pytest

from datasets.mechanisms import setting
from reports.boards import contest_of
from reports.markdown import to_markdown
from reports.results import Record, lost, tidy
from reports.sections import leaderboard_page

ACCURACIES = {"mean": (0.2, 0.3, 0.4), "knn-1": (0.6, 0.7, 0.65)}


@pytest.fixture
def folded(inventor):
    folds = ["fold(1)", "fold(2)", "fold(3)"]
    _, facts, _ = inventor(list(ACCURACIES), mechanisms=folds, seeds=1)
    facts["metrics"]["accuracy"] = facts["metrics"]["draw-accuracy"]
    facts["columns"] = {"city": {"kind": "text", "role": "target", "question": "city it is in"}}
    records = [
        Record("gss2022", fold, 0.3, 0, name, scores=(("accuracy", "city", value),), setting="fold")
        for name, own in ACCURACIES.items()
        for fold, value in zip(folds, own, strict=True)
    ]
    return contest_of(tidy(records), lost(records), facts)


def test_mean_and_standard_error_by_hand(folded):
    shown = to_markdown(leaderboard_page(folded, None, {}, None, {}, ()))
    assert f"0.300 ± {0.1 / np.sqrt(3):.3f}" in shown
    assert f"0.650 ± {0.05 / np.sqrt(3):.3f}" in shown


def test_folds_are_replicates_of_one_setting(folded):
    assert folded.settings == ["fold"] and folded.scores["mask"].nunique() == 3
    shown = to_markdown(leaderboard_page(folded, None, {}, None, {}, ()))
    assert shown.count("## Text items") == 1


def test_settings():
    requests = ("fold(1)", "fold(number=10)", "mar", "mar(auc=0.8)")
    assert [setting(request) for request in requests] == ["fold", "fold", "mar", "mar(auc=0.8)"]
