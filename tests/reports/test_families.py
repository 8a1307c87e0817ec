"""Families in the report: by their best member, with the interval of the lead."""

from reports.families import family_sections
from reports.leaderboard import progress, standings
from reports.markdown import to_markdown
from reports.page import Page
from reports.results import lost, tidy


def grid(inventor, families):
    records, facts, _ = inventor(list(families), mechanisms=["mcar", "mar"], seeds=3)
    for name, family in families.items():
        facts["imputers"][name]["family"] = family
    board = standings(tidy(records), progress(tidy(records), lost(records), facts), facts)
    sections = family_sections(board)
    return to_markdown(Page("t", "d", tuple(sections))) if sections else "", board


def test_a_family_stands_by_its_best_and_the_runner_up_is_of_another(inventor):
    text, board = grid(inventor, {"a": "trees", "b": "clusters", "c": "normals", "d": "normals"})
    nrmse = board.table["nrmse"]
    assert nrmse["d"] < nrmse["c"] < nrmse["b"] < nrmse["a"]
    row = next(line for line in text.splitlines() if line.startswith("| NRMSE"))
    assert f"| normals       | d ({nrmse['d']:.3f})" in row  # c, of the same family, is no runner-up
    assert f"| clusters      | b ({nrmse['b']:.3f})" in row
    assert f"{nrmse['b'] - nrmse['d']:.3f} [" in row


def test_two_families_make_no_contest(inventor):
    assert grid(inventor, {"a": "trees", "b": "trees", "c": "clusters"})[0] == ""
