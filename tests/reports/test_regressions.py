"""The table of the regression, with numbers that can be counted on fingers."""

from dataclasses import replace

import pytest

from reports.leaderboard import progress, standings
from reports.page import Grid
from reports.regressions import regression_sections
from reports.results import lost, tidy
from reports.write import report_files

SLOPES = ["income16 ~ educ", "income16 ~ marital: widowed"]
BETTER = {
    "regression-bias": ("0", 0),
    "regression-se-ratio": ("1", 1),
    "regression-overlap": ("higher", 1),
    "regression-covers": ("higher", 1),
    "regression-population-coverage": ("0.95", 0.95),
}
FILLS = ("nrmse", "rmse", "accuracy", "total-variation", "wasserstein", "variance-ratio", "log-score")


def inference(bias, overlap, ratio=1.0):
    """Scores of both slopes; the bias of the second has the other sign."""
    values = (bias, ratio, overlap, float(overlap > 0), 0.95 * overlap)
    return tuple(
        (metric, slope, -value if metric == "regression-bias" and slope == SLOPES[1] else value)
        for metric, value in zip(BETTER, values, strict=True)
        for slope in SLOPES
    )


@pytest.fixture
def analysed(inventor):
    """Three imputers, two mechanisms, one seed: a is biased, b is good, c gives estimates alone."""
    records, facts, _ = inventor(["a", "b", "c"], mechanisms=["mcar", "mar"], seeds=1)
    known = {"low": "-inf", "high": "inf", "reads": "estimates", "trivial": "", "summary": "Of a slope."}
    metrics = {name: known | {"better": better, "best": best} for name, (better, best) in BETTER.items()}
    facts |= {"metrics": facts["metrics"] | metrics}
    facts["imputers"]["a"]["deterministic"] = True
    own = {  # by mechanism
        "a": {"mcar": inference(3.0, 0.0, 0.9), "mar": inference(4.0, 0.2, 0.9)},
        "b": {"mcar": inference(0.5, 0.9), "mar": inference(-0.5, 0.7)},
        "c": {"mcar": inference(1.0, 0.85, 1.4), "mar": inference(1.0, 0.85, 1.4)},
    }
    made = []
    for record in records:
        kept = () if record.imputer == "c" else record.scores
        made.append(replace(record, scores=(*kept, *own[record.imputer][record.mechanism])))
    return made, facts


def board_of(records, facts):
    scores, gone = tidy(records), lost(records)
    return standings(scores, progress(scores, gone, facts), facts)


def table(records, facts):
    """Title, rows by imputer as text by head, and the paragraphs."""
    (section,) = regression_sections(board_of(records, facts))
    grid = next(block for block in section.blocks if isinstance(block, Grid))
    heads = [head.text for head in grid.heads]
    rows = {row[0].text: dict(zip(heads, [cell.text for cell in row], strict=True)) for row in grid.rows}
    return section.title, rows, [block for block in section.blocks if isinstance(block, str)]


def test_numbers_by_hand(analysed):
    title, rows, _ = table(*analysed)
    assert title == "Regression: income16 on educ, marital"
    assert list(rows) == ["before masking", "c", "b", "a"]  # overlap 0.85, (0.9 + 0.7) / 2, (0 + 0.2) / 2
    assert rows["a"] == {
        "imputer": "a",
        "inference": "equal draws",
        "RMS bias, mcar ↓": "3.00",
        "RMS bias, mar ↓": "4.00",
        "SE ratio → 1": "0.90",
        "overlap ↑": "0.10",
        "holds ↑": "0.50",
        "coverage → 0.95": "0.10",
        "educ → 0": "3.50",
        "marital: widowed → 0": "−3.50",
    }
    assert (rows["b"]["RMS bias, mcar ↓"], rows["b"]["educ → 0"]) == ("0.50", "0.00")  # biases that cancel still count
    assert [rows[name]["inference"] for name in ("before masking", "b", "c")] == [
        "complete table",
        "random draws",
        "own estimates",
    ]
    assert list(rows["before masking"].values())[2:] == ["0.00", "0.00", "1.00", "1.00", "1.00", "0.95", "0.00", "0.00"]


def test_estimates_alone_are_no_reason_to_rank(analysed):
    board = board_of(*analysed)
    assert board.table.loc["c", "reason"] == "fills no holes: it gives estimates only"
    assert board.contest.ranked == ("b", "a")


def test_moments_and_estimates_are_named(analysed, inventor):
    records, facts = analysed
    full, _, _ = inventor(["a", "b", "c"], mechanisms=["mcar", "mar"], seeds=1)
    moments = [s for s in full[-1].scores if s[0] not in FILLS]
    deletion = [replace(r, scores=(*moments, *r.scores)) if r.imputer == "c" else r for r in records]
    assert board_of(deletion, facts).table.loc["c", "reason"] == "fills no holes: it gives moments and estimates only"


def test_a_failed_cell_keeps_an_imputer_out(analysed):
    records, facts = analysed
    broken = [
        replace(r, status="failed", message="x", scores=()) if (r.imputer, r.mechanism) == ("b", "mar") else r
        for r in records
    ]
    assert list(table(broken, facts)[1]) == ["before masking", "c", "a"]


def test_who_lacks_a_slope_is_named_and_kept_out(analysed):
    records, facts = analysed
    less = [replace(r, scores=tuple(s for s in r.scores if r.imputer != "b" or s[1] != SLOPES[1])) for r in records]
    _, rows, told = table(less, facts)
    assert list(rows) == ["before masking", "c", "a"]
    assert told[-1] == "Not in the table, as they lack some of its scores: b."


def test_no_regression_no_section(experiment):
    assert regression_sections(board_of(*experiment[:2])) == []


def test_it_stands_in_both_pages(analysed):
    records, facts = analysed
    bare = [replace(r, scores=tuple(s for s in r.scores if not s[0].startswith("target-cov"))) for r in records]
    files = report_files(bare, facts)
    for name in ("leaderboard.md", "leaderboard.html"):
        page = files[name].decode()
        assert "Regression: income16 on educ, marital" in page
        assert "RMS bias, mar" in page and "own estimates" in page
    assert "income16 ~ educ" not in files["leaderboard.md"].decode()  # a slope is no item, and in no other table
