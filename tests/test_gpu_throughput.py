"""The script that measures a GPU, on a processor and at a shape that costs nothing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from imputers.llm.budget import Batch  # noqa: E402 - these need torch
from imputers.llm.lengths import Pieces  # noqa: E402
from imputers.llm.models import Shape  # noqa: E402
from imputers.llm.prompt import Script  # noqa: E402
from imputers.llm.workload import forward_flops, training_flops  # noqa: E402
from imputers.shared.vocabulary import Vocabulary  # noqa: E402
from scripts import gpu_throughput  # noqa: E402

SHAPE = Shape(400, 16, 40, layers=1, heads=2, key_value_heads=1, context=512)


@pytest.fixture(scope="module")
def loaded():
    return gpu_throughput.random_model("tiny", SHAPE, 2, Pieces(), "cpu")


@pytest.fixture(scope="module")
def prompts(masked_toy, loaded):
    """The script of the small table, and its first 40 rows as answer numbers."""
    vocabulary = Vocabulary.fit(masked_toy.schema, masked_toy.values, 10)
    answers = np.column_stack([item.encode(masked_toy.values[:, j]) for j, item in enumerate(vocabulary.items)])
    return Script.make(vocabulary.items, loaded.tokenizer), answers[:40]


def test_training_is_measured_after_it_has_warmed_up(loaded, prompts):
    script, answers = prompts
    with gpu_throughput.passes_of(loaded.model) as passes:
        one = gpu_throughput.measure_training(loaded, SHAPE, 2, script, answers, n_steps=1)
    assert len(passes) == 3  # one for each step: two warm up, and the last is measured
    batch = Batch(passes[-1].rows, passes[-1].length, passes[-1].places)
    assert batch.rows == 32 and one.tokens == batch.tokens
    assert one.flops == training_flops(SHAPE, batch, rank=2)
    assert one.seconds > 0 and one.peak is None and one.cells is None


def test_answering_counts_holes_and_tokens(loaded, prompts):
    script, answers = prompts
    both = gpu_throughput.measure_answering(loaded, SHAPE, 2, script, answers[:5])
    assert [one.what for one in both] == ["probabilities", "a joint draw"]
    for one in both:
        assert one.cells == (answers[:5] < 0).sum() > 0
        assert one.tokens >= sum(len(script.context(row, range(len(row)))) for row in answers[:5] if (row < 0).any())
        assert one.flops > forward_flops(SHAPE, one.tokens, 0, 0)


def test_passes_are_recorded_as_they_are_read(loaded):
    from imputers.llm.packing import Block, pack
    from imputers.llm.reading import log_likelihoods

    block = Block.make((5, 6), [(7, 8), (7, 9)])  # reads 5, 6 and 7; predicts after 6 and after 7
    with gpu_throughput.passes_of(loaded.model) as passes, torch.no_grad():
        log_likelihoods(loaded.model, pack([(1, 2, 3)], [[block]]))
    assert passes == [gpu_throughput.Pass(rows=1, length=6, seen=6, places=2)]


def test_the_table_tells_the_share_of_the_peak():
    one = gpu_throughput.Speed("training", 2.0, 1000, 4e14, None, 3e9, int(2.5e9))
    told = gpu_throughput.table([one], 400.0)
    assert all(figure in told for figure in ("500", "200.0", "50.0%", "2.5", "3.0"))
    assert "%" not in gpu_throughput.table([one], None)


def test_without_a_gpu_it_refuses_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="torch finds none on this machine; run it on one that has a GPU"):
        gpu_throughput.main([])
