import numpy as np
import pytest

from datasets.errors import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
for package in ("peft", "accelerate", "safetensors"):
    pytest.importorskip(package)

from peft.tuners.lora import Linear  # noqa: E402

from imputers.llm.tuning.adapters import Lora, attach, detach, restore, save  # noqa: E402
from imputers.llm.tuning.low_rank import LowRankLinear  # noqa: E402
from imputers.llm.tuning.recipe import Recipe  # noqa: E402
from imputers.llm.tuning.training import fine_tune  # noqa: E402
from imputers.shared.weights import load  # noqa: E402

QUICK = Recipe(n_epochs=0.5, batch_size=8, learning_rate=5e-3, n_targets=2)  # 8 steps with 128 respondents


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def adapted(tiny_llama):
    return attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.1), seeded(1))


def log_probabilities(loaded):
    ids = torch.randint(1, 257, (3, 40), generator=seeded(5))
    with torch.no_grad():
        return loaded.model(input_ids=ids).logits.log_softmax(dim=-1)


def test_adapter_alone_is_trained(adapted, tiny_script, tiny_table):
    before = {name: tensor.clone() for name, tensor in adapted.model.named_parameters()}
    fine_tune(adapted, tiny_script, tiny_table[1], QUICK, np.random.default_rng(0))
    moved = {name for name, tensor in adapted.model.named_parameters() if not torch.equal(tensor, before[name])}
    assert moved == {name for name in before if "lora_" in name}
    assert moved == {name for name, tensor in adapted.model.named_parameters() if tensor.requires_grad}
    layers = {name.split(".lora_")[0].rsplit(".", 1)[1] for name in moved}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_adapter_is_saved_restored_and_taken_off(adapted, tiny_llama, tiny_script, tiny_table, tmp_path):
    fresh = load(str(tiny_llama), "float32", "pretrained", seeded(0))
    base = log_probabilities(fresh)
    assert torch.equal(log_probabilities(adapted), base)  # at first an adapter adds nothing
    fine_tune(adapted, tiny_script, tiny_table[1], QUICK, np.random.default_rng(0))
    own = log_probabilities(adapted)
    assert (own - base).abs().max() > 0.1
    save(adapted, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json", ".md"}
    restored = restore(fresh, tmp_path)
    assert torch.equal(log_probabilities(restored), own)
    taken_off = detach(adapted)
    assert torch.equal(log_probabilities(taken_off), base)
    assert torch.equal(log_probabilities(attach(taken_off, Lora(), seeded(2))), base)


@pytest.mark.parametrize(("precision", "apart"), [("float32", 1e-5), ("bfloat16", 0.03)])
def test_layers_give_the_numbers_and_gradients_of_peft(tiny_llama, precision, apart):
    """Against peft's own layer, which adds the low-rank part in passes of its own."""
    found = []
    for own in (LowRankLinear.forward, Linear.forward):
        loaded = attach(load(str(tiny_llama), precision, "pretrained", seeded(0)), Lora(4, 8, 0.0), seeded(1))
        with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(LowRankLinear, "forward", own)
            for number, (name, weight) in enumerate(loaded.model.named_parameters()):
                if "lora_B" in name:
                    weight.copy_(torch.randn(weight.shape, generator=seeded(number)) / 4)
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                logits = loaded.model(input_ids=torch.arange(12).view(2, 6)).logits
                logits.float().log_softmax(dim=-1)[..., 0].sum().backward()
        slopes = {name: weight.grad for name, weight in loaded.model.named_parameters() if weight.requires_grad}
        assert len(slopes) == 2 * 2 * 7
        assert {slope.dtype for slope in slopes.values()} == {torch.float32}
        found.append({"logits": logits.detach().float(), **slopes})
    for name, theirs in found[1].items():
        assert (found[0][name] - theirs).norm() < apart * theirs.norm(), name


def test_the_fused_layer_is_the_one_that_runs_in_mixed_precision(tiny_llama, monkeypatch):
    """The adapter is in float32 and the weights are not: peft's own layer is never called."""
    loaded = attach(load(str(tiny_llama), "bfloat16", "pretrained", seeded(0)), Lora(), seeded(1))
    monkeypatch.setattr(Linear, "forward", None)
    with torch.autocast("cpu", torch.bfloat16):
        loaded.model(input_ids=torch.arange(12).view(2, 6)).logits.sum().backward()


def test_network_without_adapter_is_saved_whole(tiny_llama, tmp_path):
    loaded = load(str(tiny_llama), "auto", "random", seeded(3))
    save(loaded, tmp_path)
    again = load(str(tmp_path), "auto", "pretrained", seeded(0))
    assert torch.equal(log_probabilities(again), log_probabilities(loaded))


def test_adapter_where_none_should_be_and_none_where_one_should(adapted, tiny_llama, tmp_path):
    with pytest.raises(InputError, match="has an adapter already"):
        attach(adapted, Lora(), seeded(0))
    bare = load(str(tiny_llama), "float32", "pretrained", seeded(0))
    with pytest.raises(InputError, match="has no adapter"):
        detach(bare)
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match="no adapter_model.safetensors"):
        restore(bare, tmp_path)


def test_bfloat16_base_has_a_float32_adapter(tiny_llama):
    loaded = attach(load(str(tiny_llama), "bfloat16", "pretrained", seeded(0)), Lora(), seeded(1))
    kinds = {name: tensor.dtype for name, tensor in loaded.model.named_parameters()}
    assert {kind for name, kind in kinds.items() if "lora_" in name} == {torch.float32}
    assert {kind for name, kind in kinds.items() if "lora_" not in name} == {torch.bfloat16}


def test_wrong_sizes_are_named():
    with pytest.raises(InputError, match="rank 0"):
        Lora(rank=0)
