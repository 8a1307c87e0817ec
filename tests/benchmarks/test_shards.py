"""Cells dealt to several machines, and brought together again, are those of one run."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from benchmarks.computing import Settings
from benchmarks.merging import Merged, merge
from benchmarks.methods import describe_methods
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.run import check_suite, load_tables, plan, run
from benchmarks.shards import Shard, dealt, read_shard
from benchmarks.store import Cost, Store, Stored
from benchmarks.suite import Block, Suite
from datasets.errors import InputError
from datasets.prediction import Prediction
from reports.results import Record, read_record

QUIET = Console(quiet=True)
SUITE = check_suite(Suite("small", (Block("toy", ("mean", "hot-deck"), ("mcar",), (0.3,), (1, 2), 2),)))
ALL = Shard(1, 1)
COSTS = {"fit-seconds", "draw-seconds", "peak-memory-mb"}


def go(out, shard):
    settings = Settings(out, 2, Limits(120, 8), "run", shard=shard)
    tables = load_tables(SUITE, None, strict=True, console=QUIET)
    return run(SUITE, tables, describe_methods(SUITE), settings, Progress(QUIET))


def scores(out):
    found = {path.stem: read_record(path) for path in (out / "store" / "records").glob("*.json")}
    return {key: [s for s in record.scores if s[0] not in COSTS] for key, record in found.items()}


def test_shards_are_read_and_others_refused():
    assert read_shard(" 3/16") == Shard(3, 16)
    for text in ("0/4", "5/4", "3", "a/b", "-1/2", "1/0"):
        with pytest.raises(InputError, match="no part of a whole"):
            read_shard(text)


def test_each_cell_is_in_one_shard_and_each_method_in_all(tmp_path):
    tables = load_tables(SUITE, None, strict=True, console=QUIET)
    jobs = plan(SUITE, tables, describe_methods(SUITE), Settings(tmp_path, 1, Limits(9, 9), "run"))
    shards = [dealt(jobs, Shard(number, 2)) for number in (1, 2)]
    assert sorted(job.record_key for part in shards for job in part) == sorted(job.record_key for job in jobs)
    assert all({job.cell.imputer for job in part} == {"mean", "hot-deck"} for part in shards)


@pytest.mark.slow
def test_shards_merged_are_a_run_and_damage_stays_out(tmp_path):
    whole, parts, out = tmp_path / "whole", [tmp_path / "a", tmp_path / "b"], tmp_path / "out"
    go(whole, ALL)
    for number, part in enumerate(parts, 1):
        outcome = go(part, Shard(number, 2))
        assert (outcome.report, outcome.planned, outcome.done) == (None, 2, 2)
    spoilt = sorted((parts[1] / "store" / "records").iterdir())[0]
    kept = spoilt.read_bytes()
    spoilt.write_bytes(kept[:-9])
    told = []
    assert merge(parts, out, told.append) == Merged(3, 0, 1)
    assert "left out" in told[0]
    spoilt.write_bytes(kept)
    assert merge(parts, out, told.append) == Merged(1, 3, 0)
    assert scores(out) == scores(whole)
    before = {path: path.stat().st_mtime_ns for path in (out / "store" / "records").iterdir()}
    assert go(out, ALL).done == 4
    assert before == {path: path.stat().st_mtime_ns for path in (out / "store" / "records").iterdir()}


def test_what_is_done_stays_and_predictions_come_along_verified(tmp_path):
    out, one, two = (Store(tmp_path / name / "store") for name in ("out", "one", "two"))
    done = Record("toy", "mcar", 0.3, 1, "mean", scores=(("rmse", "age", 1.25),))
    failed = replace(done, status="failed", message="too slow", scores=())
    stored = Stored(Prediction(np.array([[1.0, 2.0]])), Cost(0.1, 0.2, 3.0))
    out.write("a-1", done)
    one.write("a-1", failed)
    one.write("b-1", failed)
    one.save_prediction("c", stored)
    two.write("b-1", done)
    two.save_prediction("d", stored)
    two.prediction_path("d").write_bytes(two.prediction_path("d").read_bytes()[:-30])
    told = []
    assert merge([tmp_path / "one", tmp_path / "two"], tmp_path / "out", told.append) == Merged(2, 1, 1)
    assert "d.npz is not the prediction of a cell" in told[0] and "left out" in told[0]
    assert {path.stem: read_record(path).status for path in (out.folder / "records").iterdir()} == {
        "a-1": "done",
        "b-1": "done",
    }
    assert np.array_equal(out.load_prediction("c").prediction.draws, [[1.0, 2.0]])
    assert not out.prediction_path("d").exists()
    with pytest.raises(InputError, match="is --out itself"):
        merge([tmp_path / "out"], tmp_path / "out", print)
    with pytest.raises(InputError, match="holds no store"):
        merge([tmp_path], tmp_path / "out", print)
