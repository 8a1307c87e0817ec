"""The page in HTML as a reader meets it: clicked, narrowed, printed, and with hostile names, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.html import to_html
from reports.page import Cell, Grid, Head, Page, Section, Verbatim, Views
from tests.reports.browser import Browser, find_chromium

HOSTILE = '</script><script>document.title = "taken"</script>" onload="x <b>'
HEADS = (
    Head("imputer", numeric=False),
    Head("skill ↑", "One less the score over that of the marginals."),
    Head("seconds ↓"),
    Head("draws", numeric=False, aside=True),
)
ROWS = (("gbm", 0.2, 30.0), ("cart", 0.19, 4.0), (HOSTILE, 0.1, None), ("mean", 0.0, 0.5))


def board(shift: float) -> Grid:
    rows = tuple(
        (
            Cell(name, name),
            Cell(f"{skill - shift:.2f}", skill - shift),
            Cell("–" if cost is None else f"{cost:.1f}", cost),
            Cell("random", "random"),
        )
        for name, skill, cost in ROWS
    )
    return Grid(HEADS, rows, ("trees", "trees", HOSTILE, "simple"), ("1–2", "1–2", "3", ""))


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    wide = Grid((Head("mask", numeric=False), *(Head(f"item{k}") for k in range(30))), ((Cell("m"),) * 31,))
    views = Views("mechanism", (("all", board(0)), ("mar", board(0.05)), (HOSTILE, board(0.5))))
    sections = (
        Section("Values", ("Some `short-name`, `<i>` and `a long command line --with options`.", views)),
        Section("Wide", (wide, Verbatim("x" * 900), "y" * 300)),
        Section(HOSTILE, (wide,), 3, folded=True),
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(to_html(Page(f"data: {HOSTILE}", HOSTILE, sections), {}))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium on the path; install Debian's package chromium to test the page in HTML")
    started = Browser(executable, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def shown(browser, path) -> Iterator[Browser]:
    browser.open(path)
    yield browser
    assert browser.errors == []


VISIBLE = "[...document.querySelectorAll('{}')].filter(e => e.checkVisibility()).map(e => e.innerText.trim())"


def names(browser: Browser) -> list[str]:
    """What names the rows of the first table that is in sight, from top to bottom."""
    return browser.read(VISIBLE.format(".view tbody .name"))


def heads(browser: Browser) -> list[str]:
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in browser.read(VISIBLE.format(".view thead th"))]


def head(text: str) -> str:
    return f"[...document.querySelectorAll('.view thead button')].find(e => e.innerText.startsWith('{text}'))"


def choice(text: str) -> str:
    return f"[...document.querySelectorAll('.tools label')].find(e => e.innerText === '{text}')"


def menu(text: str) -> str:
    return f"[...document.querySelectorAll('.tools summary')].find(e => e.innerText.startsWith('{text}'))"


def test_a_click_on_a_head_sorts_and_a_second_turns_it_round(shown):
    shown.click(head("seconds"))
    assert names(shown) == ["mean", "cart", "gbm", HOSTILE]  # what has no value stays below
    assert shown.read(f"{head('seconds')}.closest('th').ariaSort") == "ascending"
    shown.click(head("seconds"))
    assert names(shown) == ["gbm", "cart", "mean", HOSTILE]
    shown.click(head("imputer"))
    assert names(shown)[1:] == ["cart", "gbm", "mean"]
    assert shown.read("document.querySelectorAll('[aria-sort]').length") == 1


def test_keys_sort(shown):
    shown.read(f"{head('seconds')}.focus()")
    shown.press("Enter", "\r")
    assert names(shown)[0] == "mean"


def test_ties_are_braced_while_the_rows_stand_by_place(shown):
    braced = "getComputedStyle(document.querySelector('.tied > td')).borderLeftColor !== 'rgba(0, 0, 0, 0)'"
    assert shown.read(braced)
    shown.click(head("seconds"))
    assert not shown.read(braced)
    shown.click(head("place"))
    assert shown.read(braced) and names(shown) == [name for name, _, _ in ROWS]


def test_families_filter(shown):
    shown.click(menu("Families"))
    shown.click(choice("trees"))
    assert names(shown) == [HOSTILE, "mean"]
    assert shown.read(f"{menu('Families')}.innerText") == "Families: 2 of 3"
    shown.press("Escape")
    assert shown.read("document.querySelectorAll('.menu[open]').length") == 0
    shown.click(head("skill"))
    assert names(shown) == ["mean", HOSTILE]


def test_columns_are_hidden_and_shown(shown):
    assert heads(shown) == ["place", "imputer", "skill ↑", "seconds ↓"]
    shown.click(menu("Columns"))
    shown.click(choice("draws"))
    shown.click(choice("skill\N{NO-BREAK SPACE}↑"))
    assert heads(shown) == ["place", "imputer", "seconds ↓", "draws"]
    assert shown.read(VISIBLE.format(".view tbody tr:first-child > *")) == ["1–2", "gbm", "30.0", "random"]


def test_mechanisms_are_switched_and_share_the_filter(shown):
    first = VISIBLE.format(".view tbody tr:first-child td:nth-child(3)")
    assert shown.read(first) == ["0.20"]
    shown.click(menu("Families"))
    shown.click(choice("simple"))
    shown.click(choice("mar"))
    assert shown.read(first) == ["0.15"]
    assert names(shown) == ["gbm", "cart", HOSTILE]


@pytest.mark.parametrize("width", [360, 1280])
def test_a_definition_shows_on_focus_within_the_window(shown, width):
    shown.resize(width, 500)
    shown.read("scrollTo(0, document.documentElement.scrollHeight)")
    told = "document.querySelector('#hint').checkVisibility() && document.querySelector('#hint').innerText"
    assert shown.read(told) is False
    shown.read(f"{head('imputer')}.focus()")
    shown.press("Tab")
    shown.read("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(1))))")
    assert shown.read(told) == HEADS[1].hint
    left, right = shown.read("(r => [r.left, r.right])(document.querySelector('#hint').getBoundingClientRect())")
    assert 0 <= left < right <= width
    described = f"document.getElementById({head('skill')}.getAttribute('aria-describedby')).textContent"
    assert shown.read(described) == HEADS[1].hint
    shown.press("Escape")
    assert shown.read(told) is False


def test_a_definition_shows_under_the_mouse(shown):
    shown.click(head("skill"))
    assert shown.read("document.querySelector('#hint').checkVisibility()")
    shown.click("document.querySelector('h1')")
    assert not shown.read("document.querySelector('#hint').checkVisibility()")


def test_a_phone_scrolls_tables_and_never_the_page(shown, path):
    shown.open(path, width=360, height=740)
    assert shown.read("document.documentElement.scrollWidth") == 360
    assert shown.read("document.querySelectorAll('.scroll')[3].scrollWidth") > 700
    cut = "[...document.querySelectorAll('thead th')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth)"
    assert shown.read(f"{cut}.length") == 0
    kept = "(document.querySelector('.view .scroll').scrollLeft = 300,"
    kept += " document.querySelector('.view tbody .name').getBoundingClientRect().left)"
    assert 0 <= shown.read(kept) < 40  # the names stay in sight


def test_without_script_every_table_and_definition_is_there(browser, path):
    browser.open(path, script=False)
    assert browser.read("document.querySelectorAll('button, input').length") == 0
    assert len(names(browser)) == 3 * len(ROWS)
    assert "draws" in heads(browser)
    assert browser.read("document.querySelector('.terms dd:last-child').textContent") == HEADS[1].hint


def test_print_shows_what_is_folded_and_no_controls(shown):
    shown.call("Emulation.setEmulatedMedia", media="print")
    shown.read("dispatchEvent(new Event('beforeprint'))")
    assert shown.read("document.querySelector('.tools').checkVisibility()") is False
    assert shown.read("document.querySelector('.folded table').checkVisibility()")
    assert shown.read("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    shown.read("dispatchEvent(new Event('afterprint'))")
    shown.call("Emulation.setEmulatedMedia", media="")
    assert not shown.read("document.querySelector('.folded').open")


def test_light_and_dark(shown):
    paper = "getComputedStyle(document.body).backgroundColor"
    shown.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = shown.read(paper)
    shown.click("document.querySelector('header button')")
    light = shown.read(paper)
    shown.click("document.querySelector('header button')")
    assert shown.read(paper) == dark != light == "rgb(255, 255, 255)"
    shown.call("Emulation.setEmulatedMedia", features=[])


def test_short_names_are_not_broken(shown):
    wraps = "[...document.querySelectorAll('code')].map(e => [e.textContent, getComputedStyle(e).whiteSpace])"
    assert shown.read(wraps) == [
        ["short-name", "nowrap"], ["<i>", "nowrap"], ["a long command line --with options", "normal"],
    ]  # fmt: skip


def test_hostile_names_are_shown_as_they_are(shown):
    assert shown.read("document.title") == f"data: {HOSTILE}"
    assert HOSTILE in names(shown)
    assert shown.read("document.querySelectorAll('script').length") == 1
    assert HOSTILE in shown.read("[...document.querySelectorAll('.tools label')].map(e => e.innerText)")
