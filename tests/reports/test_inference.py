"""The board Inference: verdicts by stated rules, on methods that are as they should be and on those that are not."""

import numpy as np
import pandas as pd
import pytest

from reports.board_tables import inference_grid
from reports.boards import contest_of
from reports.inference import inference_of
from reports.results import Record, lost, tidy
from reports.verdicts import inference_verdict

TERMS = ("income16 ~ educ", "income16 ~ finrela")


def contest(inventor, methods, seeds, mechanisms=("mcar", "ni")):
    """Methods as (bias of the first slope, SD of errors from mask to mask, standard error as stated)."""
    _, facts, _ = inventor(list(methods), mechanisms=list(mechanisms), seeds=seeds)
    known = {
        "better": "0",
        "best": 0,
        "low": "-inf",
        "high": "inf",
        "reads": "estimates",
        "trivial": "",
        "summary": "S.",
    }
    facts["metrics"] |= {f"regression-{name}": known for name in ("error", "se", "covers", "fmi")}
    rng = np.random.default_rng(3)
    records = []
    for cell in facts["cells"]:
        bias, sd, stated = methods[cell["imputer"]]
        scores = []
        for term, off in zip(TERMS, (bias, 0.0), strict=True):
            error = off + rng.normal(0, sd)
            told = {"error": error, "se": stated, "covers": float(abs(error) < 1.96 * stated), "fmi": 0.3}
            scores += [(f"regression-{name}", term, value) for name, value in told.items()]
        records.append(Record(**cell, scores=tuple(scores)))
    return contest_of(tidy(records), lost(records), facts)


METHODS = {"good": (0.0, 0.4, 0.4), "off": (0.9, 0.4, 0.4), "sure": (0.0, 0.4, 0.1), "one": (0.0, 0.4, 0.0)}


def test_enough_masks_tell_valid_from_too_sure_and_biased(inventor):
    found = inference_of(contest(inventor, METHODS, seeds=100))
    for mechanism in ("mcar", "ni"):
        assert found.verdicts[mechanism].to_dict() == {
            "good": "valid", "off": "biased", "sure": "too sure", "one": "too sure"
        }  # fmt: skip
    assert list(found.table.index) == list(found.verdicts.index) == ["good", "one", "sure", "off"]
    assert found.table.loc["good", "se-ratio"] == pytest.approx(1, abs=0.1)
    assert found.table.loc["sure", "se-ratio"] == pytest.approx(0.25, abs=0.03)
    assert found.table.loc["good", "coverage"] == pytest.approx(0.95, abs=0.03)
    assert found.table.loc["one", "width"] == 0 and found.table.loc["one", "coverage"] == 0
    assert found.table.loc["off", "bias"] == pytest.approx(0.9, abs=0.15)
    assert found.bias.loc["off", TERMS[0]] == pytest.approx(0.9, abs=0.1)
    assert abs(found.bias.loc["off", TERMS[1]]) < 4 * found.bias_error.loc["off", TERMS[1]]


def test_few_masks_leave_a_good_method_untested_and_still_find_what_is_plain(inventor):
    found = inference_of(contest(inventor, METHODS, seeds=4))
    assert found.masks == 8 and not found.verdicts.isin(["valid"]).any(axis=None)
    assert found.verdicts["ni"][["good", "one"]].tolist() == ["untested", "too sure"]


def test_equal_draws_that_hold_no_slope_are_too_sure_on_a_single_mask(inventor):
    found = inference_of(contest(inventor, METHODS, seeds=1))
    assert found.verdicts["mcar"].to_dict() == {
        "good": "untested", "off": "untested", "sure": "untested", "one": "too sure"
    }  # fmt: skip


def test_a_good_method_is_seldom_called_biased_or_too_sure(inventor):
    many = {f"m{k}": (0.0, 0.4, 0.42) for k in range(200)}
    found = inference_of(contest(inventor, many, seeds=3))
    biased = found.verdicts.isin(["biased"]).any(axis=1).mean()
    sure = found.verdicts.isin(["too sure"]).to_numpy().mean()
    assert biased < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)  # over slopes and mechanisms
    assert sure < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)  # of a mechanism


def test_no_regression_no_board_and_a_method_that_lacks_a_slope_is_left_out(inventor, experiment):
    records, facts, _ = experiment
    assert inference_of(contest_of(tidy(records), lost(records), facts)) is None
    whole = contest(inventor, METHODS, seeds=3)
    rows = whole.scores
    gone = rows[~((rows["imputer"] == "good") & (rows["column"] == TERMS[0]) & (rows["mask"] == 0))]
    assert "good" not in inference_of(type(whole)(gone, whole.facts, whole.cells, whole.imputers)).table.index


def test_table_and_sentences_say_what_was_found(inventor):
    found = inference_of(contest(inventor, METHODS, seeds=100))
    shown = inference_grid(found)
    assert [head.text for head in shown.heads[:3]] == ["imputer", "mcar", "ni"]
    assert [cell.text for cell in shown.rows[0][:3]] == ["good", "valid", "valid"]
    told = " ".join(inference_verdict(found))
    assert "Valid under mcar: `good`." in told and "biased: `off`; too sure: `one` and `sure`." in told
    few = " ".join(inference_verdict(inference_of(contest(inventor, METHODS, seeds=4))))
    assert "8 masks of one sample are too few to show a method valid" in few and "Valid under" not in few


def test_a_mechanism_that_refutes_more_is_told_of(inventor):
    found = inference_of(contest(inventor, METHODS, seeds=100))
    found.verdicts.loc["good", "ni"] = "biased"
    assert inference_verdict(found)[-1] == "Under ni, 4 of 4 are refuted, 2 of them as biased."
    assert pd.notna(found.table["fmi"]).all()
