import json
import shutil
import time
from itertools import accumulate
from types import SimpleNamespace

import pytest

from datasets.errors import InputError, MethodUnavailableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
for package in ("peft", "accelerate", "safetensors"):
    pytest.importorskip(package)

from imputers.shared import processor, weights  # noqa: E402
from imputers.shared.architecture import check_architecture  # noqa: E402
from imputers.shared.weights import check_packages, choose_precision, count_parameters, load  # noqa: E402

LARGE = transformers.LlamaConfig(
    hidden_size=5120, intermediate_size=13_824, num_hidden_layers=40, num_attention_heads=40, vocab_size=32_000
)
IDS = torch.tensor([[0, 5, 80, 3, 200]])


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """The hub out of reach, and nothing downloaded before."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))


def logits(loaded):
    with torch.no_grad():
        return loaded.model(input_ids=IDS.to(loaded.device)).logits


def test_folder_is_loaded_as_transformers_would(tiny_llama, without_gpu):
    loaded = load(str(tiny_llama), "auto", "pretrained", seeded(0))
    plain = transformers.LlamaForCausalLM.from_pretrained(tiny_llama)
    with torch.no_grad():
        torch.testing.assert_close(logits(loaded), plain(input_ids=IDS).logits, rtol=0, atol=0)
    assert (loaded.precision, loaded.window, loaded.model.training) == ("float32", 256, False)
    assert loaded.n_parameters == sum(tensor.numel() for tensor in plain.parameters())
    assert loaded.tokenizer.decode(loaded.tokenizer("wünsche")["input_ids"]) == "wünsche"


def test_bfloat16_is_asked_for(tiny_llama, without_gpu):
    assert load(str(tiny_llama), "bfloat16", "pretrained", seeded(0)).model.dtype == torch.bfloat16


def test_real_llama_weights_predict_their_stories(shared, without_gpu):
    loaded = load(str(shared / "models" / "stories260K"), "auto", "pretrained", seeded(0))
    ids = loaded.tokenizer("Once upon a time, there was a little", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        best = loaded.model(input_ids=ids).logits[0, -1].topk(5).indices
    assert loaded.n_parameters == 260_032
    assert {" girl", " boy", " g", " b"} & {
        loaded.tokenizer.convert_ids_to_tokens(int(i)).replace("▁", " ") for i in best
    }


def test_random_weights_follow_their_generator_and_need_no_file_of_weights(tiny_llama, tmp_path, without_gpu):
    folder = shutil.copytree(tiny_llama, tmp_path / "shape", ignore=shutil.ignore_patterns("*.safetensors"))
    before = torch.get_rng_state()
    first, again, other = (load(str(folder), "auto", "random", seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(logits(first), logits(again))
    assert (logits(first) - logits(other)).abs().max() > 0.01
    assert first.weights == "random"
    with pytest.raises(MethodUnavailableError, match="safetensors"):
        load(str(folder), "auto", "pretrained", seeded(0))


def test_weights_that_could_run_code_are_refused(tiny_llama, tmp_path, without_gpu):
    folder = shutil.copytree(tiny_llama, tmp_path / "old", ignore=shutil.ignore_patterns("*.safetensors"))
    torch.save(transformers.LlamaForCausalLM.from_pretrained(tiny_llama).state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(MethodUnavailableError, match=r"no \*\.safetensors.*convert them"):
        load(str(folder), "auto", "pretrained", seeded(0))


def test_code_that_comes_with_a_model_is_not_run(tiny_llama, tmp_path):
    folder = shutil.copytree(tiny_llama, tmp_path / "strange")
    marker = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(MethodUnavailableError, match="without running code"):
        load(str(folder), "auto", "pretrained", seeded(0))
    assert not marker.exists()


@pytest.mark.parametrize("model", ["meta-llama/Llama-2-13b-hf", "/no/such/folder", "not a name"])
def test_absent_model_is_unavailable_at_once_and_says_what_to_do(offline, model):
    start = time.monotonic()
    with pytest.raises(MethodUnavailableError, match="HF_TOKEN, or pass model='/path/to/folder'") as refused:
        load(model, "auto", "pretrained", seeded(0))
    assert time.monotonic() - start < 15
    assert model in str(refused.value)


def test_gated_model_sends_to_its_licence(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError

    def refuse(model, allow_patterns):
        raise GatedRepoError("403", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(MethodUnavailableError, match="accept its licence on https://huggingface.co/some/gated"):
        load("some/gated", "auto", "pretrained", seeded(0))


def test_number_of_weights_of_llama_2_13b():
    """Two tables of words; in 40 layers four square matrices, three of the gated network and two norms; a norm."""
    layer = 4 * 5120**2 + 3 * 5120 * 13_824 + 2 * 5120
    assert count_parameters(LARGE) == 2 * 32_000 * 5120 + 40 * layer + 5120 == 13_015_864_320


def test_too_large_a_model_is_refused_before_it_is_loaded(monkeypatch, without_gpu):
    monkeypatch.setattr(weights.psutil, "virtual_memory", lambda: SimpleNamespace(available=24e9))
    with pytest.raises(MethodUnavailableError, match=r"13\.0 billion weights and needs a CUDA GPU, .* 44 GB"):
        choose_precision("llama2-13b", count_parameters(LARGE), "auto", "pretrained")
    with pytest.raises(MethodUnavailableError, match=r"13\.0 billion weights, which take 52 GB .* 24 GB are free"):
        choose_precision("llama2-13b", count_parameters(LARGE), "float32", "pretrained")


@pytest.mark.parametrize(("free", "wanted"), [(80e9, "bfloat16"), (45e9, "bfloat16"), (44e9, "4-bit"), (9e9, "4-bit")])
def test_precision_follows_the_free_memory_of_the_gpu(monkeypatch, free, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (int(free), int(80e9)))
    monkeypatch.setattr(weights, "check_packages", lambda who, names: None)
    assert choose_precision("llama2-13b", 13_015_864_320, "auto", "pretrained") == wanted
    assert choose_precision("tiny", 1_000_000, "auto", "random") == "float32"


def test_gpu_too_small_for_4_bit_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (int(6e9), int(8e9)))
    monkeypatch.setattr(weights, "check_packages", lambda who, names: None)
    with pytest.raises(MethodUnavailableError, match="8 GB of GPU memory in 4-bit, and 6 GB are free"):
        choose_precision("llama2-13b", 13_015_864_320, "auto", "pretrained")


def test_4_bit_needs_a_gpu(tiny_llama, without_gpu):
    with pytest.raises(MethodUnavailableError, match="needs a CUDA GPU"):
        load(str(tiny_llama), "4-bit", "pretrained", seeded(0))


def test_absent_package_is_named():
    with pytest.raises(MethodUnavailableError, match=r"who needs .*\['no_such_package'\].*pip install no_such_package"):
        check_packages("who", ("json", "no_such_package"))


@pytest.mark.parametrize(("precision", "origin"), [("float64", "pretrained"), ("auto", "own"), ("4-bit", "random")])
def test_wrong_choices_are_named(tiny_llama, precision, origin):
    with pytest.raises(InputError, match="take"):
        load(str(tiny_llama), precision, origin, seeded(0))


def test_tokenizer_of_another_model_is_refused(tiny_llama, tmp_path, without_gpu):
    folder = shutil.copytree(tiny_llama, tmp_path / "mixed")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.add_tokens(["<one more>"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(InputError, match="258 tokens and its network 257"):
        load(str(folder), "auto", "pretrained", seeded(0))


SIZES = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}


@pytest.mark.parametrize("name", ["Mistral", "Qwen2", "Qwen3"])
def test_usual_architectures_can_be_asked_packed_questions(name):
    config = getattr(transformers, f"{name}Config")(**SIZES, num_key_value_heads=2)
    check_architecture(name, getattr(transformers, f"{name}ForCausalLM")(config).eval(), 50)


@pytest.mark.parametrize(
    "config",
    [
        transformers.CohereConfig(
            **SIZES, num_key_value_heads=2, logit_scale=0.06, pad_token_id=0
        ),  # scales its logits
        transformers.BloomConfig(vocab_size=50, hidden_size=32, n_layer=2, n_head=4),  # has no positions of ours
    ],
    ids=lambda config: config.model_type,
)
def test_architectures_that_answer_otherwise_are_refused(config):
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(InputError, match="does not answer several questions"):
        check_architecture("strange", model, 50)


@pytest.mark.gpu
def test_4_bit_answers_much_like_bfloat16(shared):
    pytest.importorskip("bitsandbytes")
    folder = str(shared / "models" / "stories260K")
    full, packed = (load(folder, precision, "pretrained", seeded(0)) for precision in ("bfloat16", "4-bit"))
    assert full.device.type == packed.device.type == "cuda"
    assert (logits(full).float().softmax(-1) - logits(packed).float().softmax(-1)).abs().mean() < 0.01


@pytest.mark.parametrize(("rates", "wanted"), [((100e9, 440e9), "bfloat16"), ((77e9, 93e9), "float32")])
def test_a_processor_reads_models_in_what_it_multiplies_faster_and_says_so(
    rates, wanted, monkeypatch, without_gpu, caplog
):
    of = dict(zip((torch.float32, torch.bfloat16), rates, strict=True))
    monkeypatch.setattr(processor, "product_rates", lambda *kinds: [of[kind] for kind in kinds])
    processor.fastest_precision.cache_clear()
    with caplog.at_level("INFO"):
        assert [choose_precision("small", 135_000_000, "auto", "pretrained") for _ in range(2)] == [wanted] * 2
    assert caplog.text.count(f"are read in {wanted}") == 1
    assert choose_precision("small", 135_000_000, "auto", "random") == "float32"
    assert choose_precision("tiny", 1_000_000, "auto", "pretrained") == "float32"
    processor.fastest_precision.cache_clear()


def test_formats_are_timed_in_turns_and_by_their_best_round(monkeypatch):
    """A machine that is busy for a while slows both formats, and neither is chosen for that."""
    took = [*[9.0] * processor.ROUNDS, *[1.0, 2.0] * (processor.ROUNDS // 2)]
    clock = accumulate(step for seconds in took for step in (0.0, seconds))
    multiplied = []
    monkeypatch.setattr(processor.time, "process_time", lambda: next(clock))
    monkeypatch.setattr(torch.nn.functional, "linear", lambda left, right: multiplied.append(left.dtype))
    float32, bfloat16 = processor.product_rates(torch.float32, torch.bfloat16)
    assert multiplied == [torch.float32, torch.bfloat16] * processor.ROUNDS
    assert float32 == pytest.approx(2 * bfloat16)
