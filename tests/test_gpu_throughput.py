"""The script that measures a GPU, on a processor and at a shape that costs nothing."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from transformers import LlamaConfig  # noqa: E402 - these need torch

from imputers.llm.planner import Batch, count, forward_flops, training_flops  # noqa: E402
from imputers.llm.prompts.script import Pieces, Script  # noqa: E402
from imputers.shared.vocabulary import Vocabulary  # noqa: E402
from scripts import gpu_throughput  # noqa: E402


@pytest.fixture(scope="module")
def net():
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
    )
    return count(config, 2)


@pytest.fixture(scope="module")
def loaded(net):
    return gpu_throughput.random_model(net, Pieces(), "cpu")


@pytest.fixture(scope="module")
def prompts(masked_toy, loaded):
    """The script of the small table, and its first 40 rows as answer numbers."""
    vocabulary = Vocabulary.fit(masked_toy.schema, masked_toy.values, 10)
    answers = vocabulary.answers(masked_toy.values)
    return Script.make(vocabulary.items, loaded.tokenizer), answers[:40]


def test_training_is_measured_after_it_has_warmed_up(loaded, net, prompts):
    script, answers = prompts
    with gpu_throughput.passes_of(loaded.model) as passes:
        one = gpu_throughput.measure_training(loaded, net, script, answers, n_steps=1)
    assert len(passes) == 3  # one for each step: two warm up, and the last is measured
    batch = Batch(passes[-1].rows, passes[-1].length, passes[-1].places)
    assert batch.rows == 32 and one.tokens == batch.rows * batch.length
    assert one.flops == training_flops(net, batch)
    assert one.seconds > 0 and one.cells is None


def test_answering_counts_holes_and_tokens(loaded, net, prompts):
    script, answers = prompts
    both = gpu_throughput.measure_answering(loaded, net, script, answers[:5])
    assert [one.what for one in both] == ["probabilities", "a joint draw"]
    for one in both:
        assert one.cells == (answers[:5] < 0).sum() > 0
        assert one.tokens >= sum(len(script.context(row, range(len(row)))) for row in answers[:5] if (row < 0).any())
        assert one.flops > forward_flops(net, one.tokens, 0, 0)


def test_passes_are_recorded_as_they_are_read(loaded):
    from imputers.llm.scoring.packing import Block, pack
    from imputers.llm.scoring.reading import log_likelihoods

    block = Block.make((5, 6), [(7, 8), (7, 9)])  # reads 5, 6 and 7; predicts after 6 and after 7
    with gpu_throughput.passes_of(loaded.model) as passes, torch.no_grad():
        log_likelihoods(loaded.model, pack([(1, 2, 3)], [[block]]))
    assert passes == [gpu_throughput.Pass(rows=1, length=16, seen=16, places=2)]  # six tokens, and padding


def test_the_table_tells_the_share_of_the_peak():
    one = gpu_throughput.Speed("training", 2.0, 1000, 4e14, None)
    told = gpu_throughput.table([one], 400.0)
    assert all(figure in told for figure in ("500", "200.0", "50.0%"))
    assert "%" not in gpu_throughput.table([one], None)


def test_without_a_gpu_it_refuses_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="torch finds none on this machine; run it on one that has a GPU"):
        gpu_throughput.main([])
