"""A method that answers row by row is asked for what may be hidden alone, and is scored as if it were asked all."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cells import Cell
from benchmarks.judge import Job, judge
from benchmarks.processes import Limits
from benchmarks.sealed import Seal
from benchmarks.store import Store
from benchmarks.supervisor import Supervisor
from datasets.table import Masked, Reason


def test_it_is_asked_for_no_other_rows_and_no_question_that_was_not_asked_and_scored_as_if_for_all(toy, tmp_path):
    hidden = np.zeros(toy.values.shape, dtype=bool)
    hidden[10:60, :3] = ~np.isnan(toy.values[10:60, :3])
    reasons = toy.reasons.copy()
    unasked = np.isnan(toy.values) & (np.arange(len(reasons)) < 30)[:, None]
    assert unasked[10:].any()
    reasons[unasked] = Reason.NOT_ASKED
    masked, store = Masked(replace(toy, reasons=reasons), hidden), Store(tmp_path)
    whole = Job(Cell(toy.title, "fold(1)", 0.2, 1, "mean", 3), "fold", masked, "all", "all", store)
    some = replace(whole, prediction_key="some", record_key="some", by_row=True)
    records = {}
    with Seal() as seal:
        run = Supervisor(seal, 1, Limits(600, 8), (), print).run
        run([whole, some], lambda job, record, seconds: records.update({job.record_key: record}) or True)
    assert [record.status for record in records.values()] == ["done", "done"]

    filled = {key: store.load_prediction(key).prediction.draws.shape[1] for key in ("all", "some")}
    assert filled["all"] == np.isnan(masked.values).sum()
    assert filled["some"] == np.isnan(masked.values[10:60]).sum() - unasked[10:].sum() < filled["all"]

    scores = {key: _scores(record) for key, record in records.items()}
    assert len(scores["all"]) > 20
    assert scores["all"] == pytest.approx(scores["some"], nan_ok=True)
    assert _scores(judge(some, None, 0.0)) == scores["some"]  # from the store


def _scores(record):
    costs = ("fit-seconds", "draw-seconds", "peak-memory-mb")
    return {f"{metric} {column}": value for metric, column, value in record.scores if metric not in costs}
