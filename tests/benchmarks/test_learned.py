"""What a method learns is kept with its cell, is there again after a stop, and its audit reaches the record."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.cells import Cell, make_mask
from benchmarks.store import Store
from benchmarks.worker import Job, attempt
from benchmarks.worker import _answer_and_score as answer_and_score
from datasets.registry import load_plugin
from datasets.schema import Kind
from datasets.selection.ranking import take
from reports.results import read_record


@pytest.fixture(scope="module", autouse=True)
def learns():
    load_plugin(Path(__file__).parent / "learners.py")


def test_a_stopped_learner_finds_its_folder_again_and_its_audit_is_recorded(toy, tmp_path):
    numeric = take(toy, [column.name for column in toy.schema if column.kind is not Kind.NOMINAL])
    masked = make_mask(numeric, "mcar", 0.3, 1)
    job = Job(Cell(numeric.title, "mcar", 0.3, 1, "learns", 2), masked, "key", "record", Store(tmp_path))
    assert "stopped after the first step" in attempt(lambda: answer_and_score(job))
    assert not job.store.prediction_path("key").exists()
    assert (tmp_path / "learned" / "key" / "step.txt").exists()
    assert attempt(lambda: answer_and_score(job)) is None
    assert ("audit-mass", "(table)", 1.0) in read_record(job.store.record_path("record")).scores
    prediction, cost, audit = job.store.load_prediction("key")
    assert audit == {"audit-mass": 1.0} and cost.fit_seconds > 0 and np.isfinite(prediction.draws).all()
