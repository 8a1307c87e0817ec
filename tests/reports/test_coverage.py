"""Verdicts over replicates, from tables in which it is known what is wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from reports.coverage import by_law, combined, complete, judged, method_verdicts, smallest_told
from reports.coverage_page import inference_page
from reports.html import to_html
from reports.markdown import to_markdown
from reports.results import Record

ESTIMANDS = ("mean: a", "mean: a, sex = male", "linear: a ~ b")
HONEST = {
    "complete-bias": 0.0, "complete-square": 1.0, "complete-variance": 1.0, "complete-coverage": 0.95, "shift": 0.0,
    "shift-square": 0.25, "square": 1.25, "variance": 1.25, "coverage": 0.95, "width": 4.4, "fmi": 0.2,
    "law-coverage": 0.95, "sample-coverage": 0.95, "sample-width": 2.0,
}  # fmt: skip


def record(imputer="good", changes=None, block=1, replicates=500, design="twin", mechanism="mcar", seconds=1.0):
    """A cell whose estimands are honest but for the changes, by estimand."""
    scores = [("fit-seconds", "(table)", seconds)]
    for estimand in ESTIMANDS:
        own = HONEST | (changes or {}).get(estimand, {})
        scores += [
            ("replicates", estimand, float(replicates)),
            *((name, estimand, value) for name, value in own.items()),
        ]
    return Record(f"{design} {block}", mechanism, 0.3, 1, imputer, scores=tuple(scores))


DESIGNS = {f"{name} {k}": name for name in ("twin", "Gaussian", "clustered twin") for k in (1, 2)}


def verdicts(*records):
    return judged(combined(records, DESIGNS))


def test_blocks_are_put_together_by_their_replicates():
    one = record(changes={"mean: a": {"coverage": 0.90, "shift": 0.3}}, replicates=300)
    other = record(changes={"mean: a": {"coverage": 0.94, "shift": 0.1}}, block=2, replicates=100)
    found = combined([one, other], DESIGNS).set_index("estimand").loc["mean: a"]
    assert found["replicates"] == 400
    assert (found["coverage"], found["shift"]) == pytest.approx((0.91, 0.25))


def test_kinds_are_read_off_the_names():
    assert combined([record()], DESIGNS).set_index("estimand")["kind"].to_dict() == {
        "mean: a": "mean", "mean: a, sex = male": "subgroup mean", "linear: a ~ b": "linear",
    }  # fmt: skip


def test_an_honest_method_is_valid_and_few_replicates_are_untested():
    assert set(verdicts(record(replicates=200))["verdict"]) == {"valid"}
    assert set(verdicts(record(replicates=80))["verdict"]) == {"untested"}


def test_bias_beyond_chance_is_bias_unless_it_is_slight():
    changes = {
        "mean: a": {"shift": 0.21, "shift-square": 0.2941},
        "linear: a ~ b": {"shift": 0.19, "shift-square": 0.2861},
    }
    found = verdicts(record(changes=changes)).set_index("estimand")
    assert found["verdict"].to_dict() == {"mean: a": "biased", "mean: a, sex = male": "valid", "linear: a ~ b": "valid"}
    assert found.at["mean: a", "bias"] == pytest.approx(0.21)
    assert found.at["mean: a", "bias-error"] == pytest.approx(np.sqrt(0.25 / 499))


def test_low_coverage_is_too_sure_by_an_exact_test_with_multiplicity():
    short = {"mean: a": {"coverage": 0.925}}
    assert binom.cdf(462, 500, 0.95) < 0.05 / 3 < 2 * binom.cdf(464, 500, 0.95)
    assert set(verdicts(record(changes=short))["verdict"]) == {"valid", "too sure"}
    assert set(verdicts(record(changes={"mean: a": {"coverage": 0.93}}))["verdict"]) == {"valid"}


def test_what_complete_tables_do_not_cover_is_untested():
    broken = {"mean: a": {"complete-coverage": 0.90, "coverage": 0.90}}
    found = verdicts(record(changes=broken))
    assert found.set_index("estimand")["verdict"].to_dict() == {
        "mean: a": "untested", "mean: a, sex = male": "valid", "linear: a ~ b": "valid",
    }  # fmt: skip
    assert method_verdicts(found).loc["good"].tolist() == ["valid"]
    assert complete(found)["inside"].tolist() == [True, False, True]  # in the order of the names


def test_the_oracle_is_tested_on_both_sides():
    found = combined([record("oracle", {"mean: a": {"law-coverage": 0.99}})], DESIGNS)
    assert by_law(found).set_index("estimand")["inside"].to_dict() == {
        "linear: a ~ b": True, "mean: a": False, "mean: a, sex = male": True,
    }  # fmt: skip


def test_se_ratio_is_stated_over_true():
    found = verdicts(record(changes={"mean: a": {"variance": 0.64, "square": 1.0}})).set_index("estimand")
    assert found.at["mean: a", "se-ratio"] == pytest.approx(0.8, abs=0.001)


def test_more_replicates_tell_smaller_gaps():
    few, many = smallest_told(200, 117), smallest_told(1000, 117)
    assert few < many < 0.95
    hits = binom.ppf(0.05 / 117, 1000, 0.95) - 1
    assert binom.cdf(hits, 1000, many) >= 0.8
    assert binom.cdf(hits, 1000, many + 0.002) < 0.8
    assert np.isnan(smallest_told(1, 117)) and smallest_told(25, 117) < few


def manifest(records):
    tables = {title: {"data": {"title": title}} for title in DESIGNS}
    cells = [{"imputer": r.imputer, "setting": r.setting, "dataset": r.dataset} for r in records]
    about = {
        "designs": DESIGNS, "survey": "survey, given", "failing": ("mean",), "independent": ("twin", "Gaussian"),
        "untested": ("a-model",),
    }  # fmt: skip
    return {
        "suite": "s",
        "command": "python -m benchmarks run",
        "draws": 10,
        "about": about,
        "tables": tables,
        "cells": cells,
    }


def test_the_page_says_who_is_valid_and_whether_the_machinery_is_right():
    bad = {"linear: a ~ b": {"coverage": 0.2, "shift": 2.0, "shift-square": 4.25, "square": 5.25}}
    records = [record("good"), record("mean", bad), record("oracle"), record("gaussian-em", design="Gaussian")]
    records.append(Record("twin 2", "mcar", 0.3, 1, "lame", "failed", "ValueError: no"))
    page = inference_page(records, manifest(records))
    text = to_markdown(page)
    assert "| good        | valid (.950 / +0.00)" in text
    assert "| mean        | **biased (.200 / +2.00)**" in text
    assert "Untested, and in no suite of replicates for what a sample would take them: `a-model`." in text
    assert "| a-model" not in text
    assert "| lame        | untested" in text
    assert "lame on twin 2, mcar: ValueError: no" in text
    proof = [
        row for row in text.splitlines() if row.startswith(("| complete", "| oracle, exact", "| gaussian-em", "| mean"))
    ]
    assert all("pass" in row for row in proof if "wanted" in row or "over 3 estimands" in row)
    assert "linear: a ~ b: .200 (.018)" in text
    assert "Not run: the survey" in text
    assert "too sure" in to_html(page, {})


def test_a_page_without_results_says_so():
    records = [Record("twin 1", "mcar", 0.3, 1, "lame", "failed", "ValueError: no")]
    assert "No replicate of a known population" in to_markdown(inference_page(records, manifest(records)))


def test_the_survey_given_stands_beside():
    given = {name: value for name, value in HONEST.items() if name in
             ("complete-variance", "shift", "shift-square", "fmi", "sample-coverage", "sample-width")}  # fmt: skip
    scores = tuple((name, e, v) for e in ESTIMANDS for name, v in {"replicates": 100.0, **given}.items())
    records = [Record("survey 1", "mcar", 0.3, 1, "good", scores=scores)]
    facts = manifest(records)
    facts["tables"] = {"survey 1": {"data": {"title": "survey 1"}}}
    facts["about"] = {**facts["about"], "designs": {"survey 1": "survey, given"}}
    text = to_markdown(inference_page(records, facts))
    assert "| good      | mcar        |     100 |       .950 | .950 (.022) |" in text
    assert isinstance(combined(records, {"survey 1": "survey, given"}), pd.DataFrame)
