"""What a method learns is kept with its cell, is there again after a stop, and its audit reaches the record."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.cells import Cell, make_mask
from benchmarks.store import Store
from benchmarks.worker import Job, attempt, predict_and_score
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
    job = Job(Cell(numeric.title, "mcar", 0.3, 1, "learns", 2), "mcar", masked, "key", "record", Store(tmp_path))
    assert "stopped after the first step" in attempt(lambda: predict_and_score(job))
    assert not job.store.prediction_path("key").exists()
    assert (tmp_path / "learned" / "key" / "step.txt").exists()
    assert attempt(lambda: predict_and_score(job)) is None
    assert ("audit-mass", "(table)", 1.0) in read_record(job.store.record_path("record")).scores
    stored = job.store.load_prediction("key")
    assert stored.audit == {"audit-mass": 1.0} and stored.cost.fit_seconds > 0
    assert np.isfinite(stored.prediction.draws).all()
