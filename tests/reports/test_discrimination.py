"""Two-answer items in the report: means and errors by hand, the published row, and when there is no section."""

import numpy as np
import pytest

from reports.boards import contest_of
from reports.discrimination import discrimination_sections
from reports.markdown import to_markdown
from reports.page import Page
from reports.results import Record, lost, tidy
from reports.sections import leaderboard_page

POOLED = ("pooled-auc", "pooled-log-loss", "pooled-brier", "ece", "pooled-accuracy", "pooled-f1")
FOLDS = ["fold(1)", "fold(2)", "fold(3)"]


@pytest.fixture
def aisurvey(inventor):
    """A board of items with two answers, by dataset title and number of items."""

    def build(title, items=10, **told):
        _, facts, _ = inventor(["mean", "gbm"], mechanisms=FOLDS, seeds=1)
        facts["data"]["title"] = title
        names = [f"q{j}" for j in range(items)]
        facts["columns"] = {name: {"kind": "nominal", "role": "target", "question": name} for name in names}
        known = {"low": 0, "high": 1, "best": 1, "reads": "probabilities", "trivial": "", "summary": "Says so."}
        facts |= told
        facts["metrics"] |= {metric: known | {"better": "higher"} for metric in ("auc", *POOLED)}
        records = []
        for k, fold in enumerate(FOLDS):
            areas = [("auc", name, 0.6 + 0.1 * k + (0.3 if name == "q0" else 0)) for name in names]
            pooled = [(metric, "(table)", 0.7 + 0.01 * k) for metric in POOLED]
            even = [("auc", name, 0.5) for name in names]
            records.append(Record(title, fold, 0.3, 0, "gbm", scores=(*areas, *pooled), setting="fold"))
            records.append(Record(title, fold, 0.3, 0, "mean", scores=tuple(even), setting="fold"))
        return contest_of(tidy(records), lost(records), facts)

    return build


def shown(contest):
    return " ".join(to_markdown(Page("t", "d", tuple(discrimination_sections(contest, ["gbm", "mean"])))).split())


def test_mean_median_and_standard_error_by_hand(aisurvey):
    text = shown(aisurvey("gss2022-binary"))
    error = 0.1 / np.sqrt(3)
    assert f"0.730 ± {error:.4f} | 0.700 ± {error:.4f}" in text  # mean and median over items: one of ten is .3 higher
    assert f"0.710 ± {0.01 / np.sqrt(3):.4f}" in text
    assert "0.500 ± 0.0000" in text


def test_a_published_figure_stands_where_the_facts_give_one(aisurvey):
    published = {"label": "Kim and Lee 2023", "values": {"pooled-auc": 0.87}, "note": "best on the very fold."}
    text = shown(aisurvey("gss2022-binary", published_metrics=published))
    assert "| published: Kim and Lee 2023 | 0.87 | – |" in text and "question marginal" in text
    assert "Published: best on the very fold." in text
    assert "ublished" not in shown(aisurvey("other survey"))


def test_few_items_make_no_section(aisurvey):
    assert discrimination_sections(aisurvey("gss2022-binary", items=9), ["gbm", "mean"]) == []


def test_the_leaderboard_carries_it(aisurvey):
    page = leaderboard_page(aisurvey("gss2022-binary"), None, {}, None, {}, ())
    assert "## Items with two answers" in to_markdown(page)
