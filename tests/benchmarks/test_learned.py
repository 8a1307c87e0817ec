"""What a method learns is kept with its cell, is there again after a stop, and its audit reaches the record."""

from pathlib import Path

import numpy as np

from benchmarks.cells import Cell, make_mask
from benchmarks.judge import Job
from benchmarks.processes import Limits
from benchmarks.sealed import Seal
from benchmarks.store import Store
from benchmarks.supervisor import Supervisor
from datasets.schema import Kind
from datasets.selection.ranking import take

LEARNERS = Path(__file__).parent / "learners.py"


def test_a_stopped_learner_finds_its_folder_again_and_its_audit_is_recorded(toy, tmp_path):
    numeric = take(toy, [column.name for column in toy.schema if column.kind is not Kind.NOMINAL])
    masked, cell = make_mask(numeric, "mcar", 0.3, 1), Cell(numeric.title, "mcar", 0.3, 1, "learns", 2)
    job = Job(cell, "mcar", masked, "key", "record", Store(tmp_path), (LEARNERS,), added=True)
    records = []
    with Seal([LEARNERS]) as seal:
        for _ in range(2):
            run = Supervisor(seal, 1, Limits(60, 8), (), print).run
            run([job], lambda job, record, seconds: records.append(record) or True)
            if len(records) == 1:
                assert not job.store.prediction_path("key").exists()
                assert (tmp_path / "learned" / "key" / "step.txt").exists()
    assert "stopped after the first step" in records[0].message
    assert ("audit-mass", "(table)", 1.0) in records[1].scores
    stored = job.store.load_prediction("key")
    assert stored.audit == {"audit-mass": 1.0} and stored.cost.fit_seconds > 0
    assert np.isfinite(stored.prediction.draws).all()
