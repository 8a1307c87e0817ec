"""The section on subgroups names the group in which a method is furthest off."""

from dataclasses import replace

from reports.boards import contest_of
from reports.results import lost, tidy
from reports.subgroups import subgroup_sections


def with_gaps(experiment, gaps):
    records, facts, _ = experiment
    told = [
        replace(r, scores=(*r.scores, *(("subgroup-gaps", g, v * (r.imputer != "e")) for g, v in gaps)))
        for r in records
    ]
    return contest_of(tidy(told), lost(told), facts)


def test_the_worst_group_is_named_by_its_mean_over_masks(experiment):
    gaps = [("sex: female", 0.1), ("age: up to 38", 0.3), ("sex: female ~ age: up to 38", 0.5)]
    (section,) = subgroup_sections(with_gaps(experiment, gaps), ["b", "e"])
    shown = section.blocks[1]
    assert [cell.text for cell in shown.rows[0]] == [
        "b", "sex: female ~ age: up to 38", "0.500", "age: up to 38", "0.300", "0.300",
    ]  # fmt: skip
    assert shown.rows[1][2].sort == 0


def test_without_groups_there_is_no_section(experiment):
    assert subgroup_sections(with_gaps(experiment, []), ["a"]) == []
