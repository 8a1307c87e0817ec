"""Convergence on a board: the table by hand, and a warning of chains that disagree beyond chance."""

from dataclasses import replace

import pytest

from reports.boards import contest_of
from reports.convergence import convergence_sections
from reports.results import lost, tidy

CALM, APART = (1.2, 1.4, 0.0), (2.5, 1.4, 0.25)  # R-hat of the worst item, limit, share of items beyond


@pytest.fixture(scope="module")
def told(inventor):
    """Sections of a page on which a names measures by method and seed, and others have none."""
    records, facts, _ = inventor(list("abc"), mechanisms=["mcar"], seeds=6)
    contest = contest_of(tidy(records), lost(records), facts)

    def sections(found):
        measured = [replace(r, scores=(*r.scores, *measures(found.get(r.imputer), r.seed))) for r in records]
        return convergence_sections(replace(contest, scores=tidy(measured)), list("cba"))

    return sections


def measures(own, seed):
    if own is None:
        return ()
    return tuple(zip(("r-hat", "r-hat-limit", "r-hat-beyond"), ["(table)"] * 3, own[seed % len(own)], strict=True))


def test_methods_without_chains_have_no_section(told):
    assert told({}) == []


def test_the_table_by_hand_in_the_order_of_the_page(told):
    (section,) = told({"a": [CALM], "b": [CALM, APART]})
    shown = [[cell.text for cell in row] for row in section.blocks[1].rows]
    assert shown == [
        ["b", "6", "0.50", "1.85", "2.50", "1.40", "0.12"],
        ["a", "6", "0.00", "1.20", "1.20", "1.40", "0.00"],
    ]


def test_who_is_beyond_chance_is_warned_of(told):
    (section,) = told({"a": [CALM], "b": [CALM, APART]})
    assert "**The chains of b disagree** in 3 of 6 cells, by an R-hat of up to 2.50" in section.blocks[2]
    assert "chains of a" not in section.blocks[2] and "`max_iter`" in section.blocks[2]
    (calm,) = told({"a": [CALM, CALM, CALM, CALM, CALM, APART]})  # one of six: a chance of 6 %
    assert len(calm.blocks) == 2
