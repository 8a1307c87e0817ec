"""The audit of language models in the report: numbers by hand, and sentences that turn with them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from datasets.errors import InputError
from imputers.llm.prompts.variants import Variant
from imputers.llm.scoring.audit import AuditedCells, Spent, audit
from reports.audit import BEYOND, MANY_FLIPS, MOST_LOW_MASS, NEAR_ONE, audit_sections
from reports.boards import Contest, contest_of
from reports.facts import Facts, check_facts
from reports.html import to_html
from reports.markdown import to_markdown
from reports.measures import OF_MODELS, SHOWN
from reports.page import Grid
from reports.results import Record, lost, tidy
from reports.sections import leaderboard_page

DISPERSION = ("within-variance-ratio", "within-entropy-ratio", "subgroup-variance-ratio", "subgroup-entropy-ratio")
SOUND = {
    "audit-cells": 400.0,
    "audit-mass": 0.97,
    "audit-low-mass": 0.01,
    "audit-log-score": 1.1,
    "audit-accuracy": 0.55,
    "audit-tokens": 180_000.0,
    "audit-seconds": 12.0,
    "audit-paraphrase-variation": 0.04,
    "audit-paraphrase-flips": 0.06,
    "audit-opaque-log-score": 1.2,
    "audit-opaque-log-score-change": 0.1,
    "audit-opaque-log-score-error": 0.02,
    "audit-opaque-accuracy": 0.5,
    "audit-opaque-accuracy-change": -0.05,
}
RATIOS = {"a": 0.5, "b": 0.8, "c": 0.9, "d": 0.99, "e": 0.8}  # of the variance; that of the entropy is the root


def spread(name):
    """Scores of the dispersion of an imputer, by group and on the whole."""
    ratio = RATIOS[name]
    groups = {"sex: female": ratio - 0.1, "sex: male": ratio + 0.1}
    return (
        ("within-variance-ratio", "(table)", ratio),
        ("within-entropy-ratio", "(table)", ratio**0.5),
        *(("subgroup-variance-ratio", group, value) for group, value in groups.items()),
        *(("subgroup-entropy-ratio", group, value**0.5) for group, value in groups.items()),
    )


class Five(NamedTuple):
    """Records and facts of five imputers of rising quality; d and e are language models."""

    records: list[Record]
    facts: Facts
    contest: Contest

    def told(self, **changes):
        """Records in which all have dispersion, and the best, e, an audit."""
        found = {**SOUND, **{f"audit-{name.replace('_', '-')}": value for name, value in changes.items()}}
        own = tuple((name, "(table)", value) for name, value in found.items() if value is not None)
        return [
            replace(r, scores=(*r.scores, *spread(r.imputer), *(own if r.imputer == "e" else ()))) for r in self.records
        ]

    def sections(self, records):
        """Sections of these records; audits and dispersion have no say in the order."""
        return audit_sections(replace(self.contest, scores=tidy(records)), list("edcba"))

    def reading(self, **changes):
        """The sentences about e."""
        return self.sections(self.told(**changes))[0].blocks[2]


@pytest.fixture(scope="module")
def five(inventor):
    records, facts, _ = inventor(list("abcde"), mechanisms=["mcar"], seeds=2)
    known = {"better": "1", "best": 1, "low": 0, "high": "inf", "reads": "fills", "trivial": "", "summary": "Of f."}
    facts["metrics"] |= dict.fromkeys(DISPERSION, known)
    facts["imputers"]["e"]["family"] = facts["imputers"]["d"]["family"] = "llm"
    return Five(records, facts, contest(records, facts))


def contest(records, facts):
    return contest_of(tidy(records), lost(records), facts)


def rows(grid):
    heads = [head.text for head in grid.heads]
    return {row[0].text: dict(zip(heads, [cell.text for cell in row], strict=True)) for row in grid.rows}


def test_measures_are_those_that_an_audit_gives():
    cells = (AuditedCells(np.array([0, 1]), np.array([0, 1]), ordered=True),)
    found = audit(lambda _: [np.log(np.full((2, 2), 0.5))], cells, list(Variant), Spent(1, 1, 1.0))
    assert set(found) == set(OF_MODELS)
    assert set(SHOWN) < set(OF_MODELS)
    assert {m.change for m in SHOWN.values()} | {m.error for m in SHOWN.values()} <= {*OF_MODELS, ""}


def test_the_grid_by_hand(five):
    section = five.sections(five.told())[0]
    grid = section.blocks[1]
    assert section.title == "Audit of language models"
    found = {name: row["e"] for name, row in rows(grid).items()}
    assert found["cells audited"] == "400"
    assert found["validity: mass on valid answers ↑"] == "0.970"
    assert found["opaque names: log score ↓"] == "1.200 (+0.100 ± 0.020)"
    assert found["opaque names: accuracy ↑"] == "0.500 (−0.050)"
    assert found["tokens per 1,000 cells ↓"] == "180,000"
    assert found["seconds per 1,000 cells ↓"] == "12.00"
    assert not [name for name in found if name.startswith(("order", "reversed"))]  # was not asked
    assert all(row["how to read it"].endswith(".") for row in rows(grid).values())


def test_a_model_that_cannot_be_asked_so_has_a_dash(five):
    records = five.told()
    other = tuple((name, "(table)", value) for name, value in SOUND.items() if "opaque" not in name)
    both = [replace(r, scores=(*r.scores, *other)) if r.imputer == "d" else r for r in records]
    found = rows(five.sections(both)[0].blocks[1])["opaque names: log score ↓"]
    assert (found["e"], found["d"]) == ("1.200 (+0.100 ± 0.020)", "–")
    assert "Without the names" not in five.sections(both)[0].blocks[2].split("\n")[1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"low_mass": MOST_LOW_MASS - 0.001}, "its probabilities are about the answers"),
        ({"low_mass": MOST_LOW_MASS + 0.001}, "**it often has something else to say"),
        ({"paraphrase_flips": MANY_FLIPS - 0.001}, "it hardly hangs on how it is asked"),
        ({"paraphrase_flips": MANY_FLIPS + 0.001}, "**it hangs on how it is asked**"),
        (
            {"reversed_order_flips": 0.3},
            "with another form of words in 6.0 % of the cells and with another order of the options in 30.0 %",
        ),
        ({"opaque_log_score_change": 0.02 * BEYOND + 0.001}, "**the words help it"),
        ({"opaque_log_score_change": 0.02 * BEYOND - 0.001}, "not detectably different"),
        ({"opaque_log_score_change": -0.02 * BEYOND - 0.001}, "the words mislead it"),
    ],
)
def test_sentences_turn_at_their_thresholds(changes, says, five):
    assert says in five.reading(**changes)


def test_what_was_not_asked_is_not_told(five):
    text = five.reading(paraphrase_flips=None, opaque_log_score_error=float("nan"))
    assert "likeliest answer changes" not in text and "Without the names" not in text
    assert "With the scales turned round" not in text
    assert "With the scales turned round its log score is worse (+0.300 ± 0.100)" in five.reading(
        reversed_scale_log_score_change=0.3, reversed_scale_log_score_error=0.1
    )


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        (1 - NEAR_ONE - 0.01, "**it flattens people**"),
        (1.0, "it keeps people as different as they are"),
        (1 + 3 * NEAR_ONE, "it makes people differ more than they do"),
    ],
)
def test_flattening_beside_the_best_that_are_no_language_models(ratio, says, five, monkeypatch):
    monkeypatch.setitem(RATIOS, "e", ratio)
    text = five.reading()
    assert f"have {ratio:.2f} of the true variance" in text and says in text
    assert "(variance of the best others: c 0.90, b 0.80, a 0.50)" in text  # best first; d is of the family llm


def test_dispersion_by_group(five):
    _, whole, *by_group = five.sections(five.told())
    found = rows(whole.blocks[1])
    assert list(found) == ["e", "c", "b", "a"]
    assert found["e"] == {
        "imputer": "e",
        "variance → 1": "0.800",
        "entropy → 1": "0.894",
        "flattest group": "sex: female (0.70)",
    }
    assert [section.title for section in by_group] == ["Ratios of variance by group", "Ratios of entropy by group"]
    assert rows(by_group[0].blocks[0])["sex: male"] == {
        "group": "sex: male",
        "e": "0.900",
        "c": "1.000",
        "b": "0.900",
        "a": "0.600",
    }


def test_means_are_taken_over_masks(five):
    records = five.told()
    half = [
        replace(r, scores=tuple((m, c, 0.99 if m == "audit-mass" and r.seed else v) for m, c, v in r.scores))
        for r in records
    ]
    assert rows(five.sections(half)[0].blocks[1])["validity: mass on valid answers ↑"]["e"] == "0.980"


def test_no_audit_no_section_and_a_failed_mask_keeps_a_model_out(five):
    _, facts, bare = five
    assert audit_sections(bare, list("edcba")) == []
    broken = [
        replace(r, status="failed", message="x", scores=()) if (r.imputer, r.seed) == ("e", 1) else r
        for r in five.told()
    ]
    assert audit_sections(contest(broken, facts), list("edcba")) == []


def test_without_nominal_drivers_there_is_no_dispersion(five):
    records = five.told()
    bare = [replace(r, scores=tuple(s for s in r.scores if s[0] not in DISPERSION)) for r in records]
    (section,) = five.sections(bare)
    assert isinstance(section.blocks[1], Grid) and "Within groups" not in section.blocks[2]


def test_it_stands_in_both_pages_and_is_no_metric(five):
    records = [r for r in five.told() if r.imputer in "de"]
    page = leaderboard_page(contest(records, five.facts), None, {}, None, {}, ())
    for shown in (to_markdown(page), to_html(page, {})):
        assert "Audit of language models" in shown and "Dispersion within groups" in shown
        assert "it flattens people" in shown
        assert "audit-mass" not in shown  # in the section by its title, and in no table of metrics
    assert "within-variance-ratio → 1" in to_html(page, {})


def test_an_unknown_measure_is_refused(five):
    strange = [replace(r, scores=(*r.scores, ("audit-mood", "(table)", 1.0))) for r in five.told()]
    with pytest.raises(InputError, match="audit-mood"):
        check_facts(five.facts, tidy(strange), lost(strange))
    check_facts(five.facts, tidy(five.told()), lost(strange))
