import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from reports import board_figures
from reports.drawing import png
from reports.shares import level_shares

COLUMNS = {"sex": {"answers": ["1", "2"]}, "educ": {"answers": []}}
NAMES = ["gbm", "cart", "mice", "knn", "mean", "wild", "lost"]


@pytest.fixture
def table():
    score = [0.30, 0.29, 0.25, 0.20, 0.0, -9.0, np.nan]
    seconds = [30.0, 4.0, 5.0, 1.0, 0.01, 2.0, 1.0]
    columns = {"place": pd.array([1, 1, 3, 4, 5, 6, None], dtype="Int64"), "score": score, "seconds": seconds}
    return pd.DataFrame(columns, index=NAMES).assign(
        low=lambda t: t["score"] - 0.01, high=lambda t: t["score"] + 0.01
    )  # fmt: skip


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_skill_is_in_order_with_its_intervals(table):
    axes = board_figures.skill(table, 0.02, "t", "skill").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES[:-1]
    assert axes.lines[0].get_xdata() == pytest.approx(table["score"][:-1])
    ends = np.array(axes.collections[0].get_segments())[:, :, 0]
    assert ends == pytest.approx(table[["low", "high"]].to_numpy()[:-1])


def test_skill_shades_places_and_draws_the_floor(table):
    axes = board_figures.skill(table, 0.02, "t", "skill").axes[0]
    bands = [(patch.get_y(), patch.get_y() + patch.get_height()) for patch in axes.patches]
    assert bands == [(-0.44, 1.44)]  # the two that share the first place
    assert texts(axes)[:5] == ["1", "3", "4", "5", "6"]
    assert axes.lines[-1].get_xdata() == pytest.approx([0.28, 0.30])
    assert "resolution floor 0.020 " in texts(axes)
    without = board_figures.skill(table, np.nan, "t", "skill").axes[0]
    assert not any("floor" in text for text in texts(without))


def test_a_long_title_takes_lines_and_stays_inside(table):
    title = "a survey with twenty items by mutual information, a few rows: " * 2
    figure = board_figures.skill(table, 0.02, title, "skill")
    png(figure)
    title = figure.axes[0]._left_title
    extent = title.get_window_extent()
    assert title.get_text().count("\n") == 2
    assert 0 < extent.x0 < extent.x1 < figure.bbox.x1 and extent.y1 < figure.bbox.y1


def test_one_poor_method_does_not_squeeze_the_others(table):
    axes = board_figures.skill(table, 0.02, "t", "skill").axes[0]
    assert -1 < axes.get_xlim()[0] < 0
    assert "◂ −9.00" in texts(axes)
    axes = board_figures.cost(table, "t", "skill").axes[0]
    assert -1 < axes.get_ylim()[0] < 0
    assert "wild (−9.00)" in texts(axes)


def test_intervals_may_be_absent(table):
    alone = table.assign(low=np.nan, high=np.nan)
    png(board_figures.skill(alone[:1], np.nan, "t", "skill"))
    axes = board_figures.skill(alone, np.nan, "t", "skill").axes[0]
    assert axes.lines[0].get_xdata() == pytest.approx(table["score"][:-1])


def test_front_joins_those_that_none_beats(table):
    axes = board_figures.cost(table, "t", "skill").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.01, 1, 4, 30])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.0, 0.20, 0.29, 0.30])
    assert axes.get_xscale() == "log"
    assert "lost" not in texts(axes)


@pytest.fixture
def tidy_shares():
    rows = []
    for mask, shift in ((1, 0.0), (2, 0.1)):
        for imputer, more in (("gbm", 0.05), ("mean", 0.3)):
            for level, share in (("12", 0.6), ("16", 0.4)):
                sign = 1 if level == "12" else -1
                rows.append((mask, imputer, "level-share-true", f"educ: {level}", share - sign * shift))
                rows.append((mask, imputer, "level-share", f"educ: {level}", share - sign * (shift - more)))
    rows.append((1, "gbm", "rmse", "educ", 2.0))
    return pd.DataFrame(rows, columns=["mask", "imputer", "metric", "column", "value"])


def test_shares_are_means_over_masks(tidy_shares):
    found = level_shares(tidy_shares, COLUMNS).set_index(["item", "level", "imputer"])
    assert list(found.index) == [("educ", lv, name) for lv in ("12", "16") for name in ("gbm", "mean")]
    assert found["truth"].tolist() == pytest.approx([0.55, 0.55, 0.45, 0.45])
    assert found["share"].tolist() == pytest.approx([0.60, 0.85, 0.40, 0.15])
    assert level_shares(tidy_shares[tidy_shares["metric"] == "rmse"], COLUMNS).empty


def test_levels_stand_in_the_order_of_their_answers():
    answers = [("health", level) for level in ("poor", "good", "fair", "bad: very")]
    bins = [("age", level) for level in ("9 to 20", "101", "21 to 29.5", "-3")]
    rows = [("m", name, f"{item}: {level}", 0.1) for item, level in [*answers, *bins]
            for name in ("level-share", "level-share-true")]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["imputer", "metric", "column", "value"])
    columns = {"age": {"answers": []}, "health": {"answers": ["good", "fair", "poor", "bad: very"]}}
    assert level_shares(scores, columns)["level"].tolist() == [
        *("-3", "9 to 20", "21 to 29.5", "101"),
        *("good", "fair", "poor", "bad: very"),
    ]
    untold = level_shares(scores, {name: {} for name in columns})["level"].tolist()
    assert untold[4:] == ["poor", "good", "fair", "bad: very"]


def test_names_of_levels_fit():
    rows = [(f"{k}.123456 to {k + 1}", f"m{j}", 0.1, 0.1) for k in range(30) for j in range(2)]
    table = pd.DataFrame(rows, columns=["level", "imputer", "share", "truth"]).assign(item="age")
    labels = [label.get_text() for label in board_figures.shares(table, ["m0"], "t").axes[0].get_xticklabels()]
    assert labels[0] == "0.1235" and len(labels) < 6
    ways = ("agree", "disagree", "disagree with it", "so")
    long = table[:8].assign(level=[f"strongly {way}" for way in ways for _ in range(2)])
    labels = board_figures.shares(long, ["m0"], "t").axes[0].get_xticklabels()
    told = ["strongly agree", "strongly disagree", "strongly disagree…", "strongly so"]
    assert [label.get_text() for label in labels] == told and labels[0].get_rotation() == 35


def test_names_keep_off_the_front(table):
    figure = board_figures.cost(table, "t", "skill")
    axes = figure.axes[0]
    name = next(text for text in axes.texts if text.get_text() == "cart")
    box = name.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    corners = axes.transData.transform(np.column_stack([[4.0, 30.0], [0.29, 0.29]]))  # the step right of cart
    assert not (box.y0 < corners[0, 1] < box.y1 and box.x1 > corners[0, 0] and box.x0 < corners[1, 0])


def test_bars_are_answers_and_marks_are_fills(tidy_shares):
    axes = board_figures.shares(level_shares(tidy_shares, COLUMNS), ["mean", "gbm"], "t").axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.55, 0.45])
    assert {line.get_label(): list(line.get_ydata()) for line in axes.lines} == {
        "mean": pytest.approx([0.85, 0.15]),
        "gbm": pytest.approx([0.60, 0.40]),
    }
    assert [label.get_text() for label in axes.get_xticklabels()] == ["12", "16"]


def test_png_has_no_date_and_no_software(table):
    image = png(board_figures.cost(table, "t", "skill"))
    assert b"tEXt" not in image and b"tIME" not in image
    assert image == png(board_figures.cost(table, "t", "skill"))
