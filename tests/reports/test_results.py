from dataclasses import replace
from math import inf, isnan, nan

import numpy as np
import pytest

from datasets.errors import InputError
from reports.results import Provenance, Record, collect, lost, read_record, tidy, write_record

DONE = Record("gss2022", "mcar", 0.3, 1, "mice", scores=(("nrmse", "educ", 0.1 + 0.2), ("log-score", "(table)", inf)))
FELL = Record("gss2022", "ni", 0.3, 1, "mice", "failed", "MemoryError: too much\nfull text | with <signs> é")


@pytest.mark.parametrize("record", [DONE, FELL])
def test_round_trip_is_exact(record, tmp_path):
    path = tmp_path / "cells" / "one.json"
    write_record(record, path)
    assert read_record(path) == record
    assert [p.name for p in path.parent.iterdir()] == ["one.json"]  # nothing beside it is left


def test_round_trip_keeps_every_digit_and_nan(tmp_path):
    values = np.random.default_rng(0).normal(size=50) * 10.0 ** np.arange(-25, 25)
    scores = tuple(("rmse", f"c{i}", float(value)) for i, value in enumerate(values))
    record = replace(DONE, scores=(*scores, ("a", "b", -inf), ("c", "d", nan)))
    write_record(record, tmp_path / "r.json")
    again = read_record(tmp_path / "r.json").scores
    assert again[:-1] == record.scores[:-1]
    assert isnan(again[-1][2])
    assert "Infinity" not in (tmp_path / "r.json").read_text()  # which is not JSON


def test_a_replicate_stands_under_its_setting(tmp_path):
    fold = replace(
        DONE, mechanism="fold(3)", setting="fold", seconds=1.5, provenance=Provenance("a1", {"numpy": "2"}, "m")
    )
    write_record(fold, tmp_path / "r.json")
    assert read_record(tmp_path / "r.json") == fold
    assert set(tidy([fold])["setting"]) == {"fold"} and set(tidy([DONE])["setting"]) == {"mcar"}


def test_what_computed_records_is_collected():
    made = Provenance("a1", {"numpy": "2.0.2", "scipy": "1.13"}, "one"), Provenance("b2", {"numpy": "2.1.0"}, "one")
    found = collect([replace(DONE, provenance=own) for own in (*made, made[0])])
    assert found == Provenance("a1, b2", {"numpy": "2.0.2, 2.1.0", "scipy": "1.13"}, "one")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"scores": [["a", "b"]]}', '{"scores": [], "who": 1}'])
def test_not_a_record(text, tmp_path):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=r"r\.json is not the record of a cell .* delete it and run again"):
        read_record(tmp_path / "r.json")


def test_impossible_records():
    with pytest.raises(InputError, match="status is 'maybe'"):
        replace(DONE, status="maybe")
    with pytest.raises(InputError, match="must hold a message and no scores"):
        replace(DONE, status="failed", message="x")
    with pytest.raises(InputError, match="must hold a message"):
        replace(FELL, message="")
    with pytest.raises(InputError, match="twice"):
        replace(DONE, scores=(("nrmse", "educ", 1.0), ("nrmse", "educ", 2.0)))


def test_tidy_holds_what_is_done_and_failures_the_rest():
    table = tidy([FELL, DONE])
    cell = ["dataset", "mechanism", "setting", "rate", "seed", "imputer"]
    assert table.columns.tolist() == [*cell, "metric", "column", "value", "influence"]
    assert table[["metric", "column", "value"]].values.tolist() == [
        ["log-score", "(table)", inf],
        ["nrmse", "educ", 0.1 + 0.2],
    ]
    assert table["seed"].dtype == np.int64
    table = lost([FELL, DONE])
    assert table.values.tolist() == [["gss2022", "ni", "ni", 0.3, 1, "mice", "failed", FELL.message]]
    assert lost([DONE]).empty and tidy([FELL]).empty


def test_tidy_does_not_depend_on_the_order(experiment):
    records = experiment[0]
    shuffled = [records[i] for i in np.random.default_rng(0).permutation(len(records))]
    assert tidy(shuffled).equals(tidy(records))


def test_a_cell_counts_once():
    with pytest.raises(InputError, match="has two records"):
        tidy([DONE, replace(DONE, scores=())])
