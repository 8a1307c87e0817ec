from html.parser import HTMLParser

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from reports.html import to_html
from reports.markdown import to_markdown
from reports.page import Cell, Grid, Head, Page, Picture, Section, Verbatim, Views, placed, plain
from reports.tables import numbers

NASTY = "a|b <script>x</script> `c` *d* [e](f) \\g\nh"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (320).to_bytes(4, "big") + (10).to_bytes(4, "big")


@pytest.fixture
def page():
    grid = Grid(
        (Head("imputer", numeric=False), Head("NRMSE ↓", 'a "hint"')),
        ((Cell(NASTY, NASTY), Cell("0.815", 0.815, strong=True)), (Cell("b", "b", link="masks/b.md"), Cell("–"))),
    )
    blocks = ("Some **bold** <script>bad()</script>.", grid, Picture("figures/x.png", "An x"), Verbatim("```\n<i>"))
    return Page("data: board", "data", (Section("One", blocks), Section("Two", ("Text.",), 3, True)))


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


def seen(text):
    parser = Seen()
    parser.feed(text)
    return parser


def test_markdown_shows_text_as_it_is(page):
    shown = seen(MarkdownIt("gfm-like", {"linkify": False}).render(to_markdown(page)))
    assert shown.tags.count("td") == 4 and shown.tags.count("table") == 1
    assert " ".join(NASTY.split()) in "".join(shown.words)
    assert ("href", "masks/b.md") in shown.attributes and ("src", "figures/x.png") in shown.attributes
    assert "**0.815**" in to_markdown(page)


@pytest.fixture
def tied():
    heads = (Head("imputer", numeric=False), Head("skill ↑"), Head("draws", numeric=False, aside=True))
    rows = tuple((Cell(name, name), Cell("0.1", 0.1), Cell("random")) for name in "abcd")
    return Grid(heads, rows, ("trees", "trees", "nets", "nets"), ("1–2", "1–2", "3", ""))


def test_markdown_has_places_and_leaves_out_what_is_aside(tied):
    page = Page("t", "d", (Section("One", (Views("mechanism", (("all", tied), ("mar | ni", tied))),)),))
    rows = [line for line in to_markdown(page).splitlines() if line.startswith("|")]
    assert [[field.strip() for field in row.strip("|").split("|")][:3] for row in rows] == [
        ["place", "imputer", "skill ↑"], ["--------:", ":----------", "----------:"],
        ["1–2", "a", "0.1"], ["1–2", "b", "0.1"], ["3", "c", "0.1"], ["–", "d", "0.1"],
    ]  # fmt: skip
    assert r"*mechanism: all; the page in HTML has mar \| ni*" in to_markdown(page)


def test_a_single_view_is_no_choice(tied):
    page = Page("t", "d", (Section("One", (Views("mechanism", (("all", tied),)),)),))
    assert "mechanism" not in to_markdown(page)
    assert "mechanism: all" not in to_html(page, {})


def test_places_sort_and_missing_ones_last(tied):
    assert [row[0].sort for row in placed(tied).rows] == [0, 0, 1, None]


def test_html_lets_no_tags_through(page):
    shown = seen(to_html(page, {"figures/x.png": PNG}))
    assert shown.tags.count("script") == 1  # ours
    assert NASTY in shown.words and "```\n<i>" in shown.words
    assert 'a "hint"' in shown.words
    assert ("data-sort", "0.815") in shown.attributes and ("width", "192") in shown.attributes


def test_html_needs_no_other_file(page):
    attributes = seen(to_html(page, {"figures/x.png": PNG})).attributes
    assert all(value.startswith("data:") for name, value in attributes if name == "src")
    assert not any("http" in (value or "") for _, value in attributes)


def test_plain_is_one_line():
    assert plain("a\n b") == "a b"


def test_numbers_share_their_digits():
    texts = [cell.text for cell in numbers(pd.Series({"a": 0.12345, "b": 12.0, "c": float("nan")}))]
    assert texts == ["0.12", "12.00", "–"]
    assert numbers(pd.Series({"a": 0.8154, "b": -0.5}))[0].text == "0.815"
    assert numbers(pd.Series({"a": -0.5}))[0].text == "−0.500"
    assert numbers(pd.Series({"a": -0.0001}))[0].text == "0.000"
    assert numbers(pd.Series({"a": float("inf")}))[0].text == "∞"
    assert numbers(pd.Series({"a": 12.345}), decimals=1)[0].text == "12.3"
    assert numbers(pd.Series({"a": 1234.5, "b": 3.0}))[0].text == "1,234"
