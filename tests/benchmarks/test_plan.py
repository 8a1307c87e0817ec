"""A plan says what a language model takes, from its shape and the suite's prompts alone."""

import re

import numpy as np
import pytest

from benchmarks.app import app
from benchmarks.commands.plan import plan
from datasets.errors import InputError

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks.commands.plan import device_rows  # noqa: E402 - these need torch
from imputers import IMPUTERS  # noqa: E402
from imputers.llm.planner import Reading, count, training_work  # noqa: E402
from imputers.llm.tuning.recipe import Recipe  # noqa: E402


@pytest.fixture(scope="module")
def large():
    return count(transformers.AutoConfig.for_model(**IMPUTERS["llama2-13b"].sizes), 16)


def figures(text, row):
    """Numbers in the line that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(row))
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*\d|\d", line.removeprefix(row))]


def alike(n):
    """A survey of n people: 100 tokens of context and 60 of questions, lines of 20, examples of 67 that predict 4."""
    same = np.ones(n)
    return Reading(100 * same, 60 * same, drawn=20.0, examples=67 * same, answers=4.0)


def test_the_plan_of_llama2_13b_needs_neither_its_files_nor_a_gpu(capsys):
    plan("llama2-13b", suite="toy")
    told = capsys.readouterr().out
    assert figures(told, "parameters") == [13_015_864_320]
    assert figures(told, "trained, in adapters of rank 16") == [62_586_880]
    assert figures(told, "prefix cache of a token, bytes in bfloat16") == [819_200]
    assert re.search(r"RTX 4090 +24 +bfloat16 +37\.\d+ +44\.15 +too small", told)
    assert re.search(r"RTX 4090 +24 +4-bit +18\.\d+ +25\.32 +too small", told)
    assert re.search(r"H100 +80 +bfloat16 +37\.\d+ +44\.15 +[\d.]+ +[\d.]+ +[\d.]+$", told, re.MULTILINE)
    assert re.search(r"CPU core +any +float32 ", told)


def test_parameters_of_the_imputer_change_its_plan(capsys):
    plan("llama2-7b(rank=4, n_adapters=5)", suite="toy")
    told = capsys.readouterr().out
    config = transformers.AutoConfig.for_model(**IMPUTERS["llama2-7b"].sizes)
    assert figures(told, "trained, in adapters of rank 4") == [count(config, 4).adapter]
    assert figures(told, "adapters") == [5]


def test_a_model_of_ones_own_is_planned_from_its_folder(tmp_path, capsys):
    config = transformers.LlamaConfig(
        vocab_size=500, hidden_size=32, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4
    )
    config.save_pretrained(tmp_path)
    plan("llm", suite="toy", model=tmp_path)
    told = capsys.readouterr().out
    assert figures(told, "parameters") == [transformers.LlamaForCausalLM(config).num_parameters()]
    assert "estimated from pieces of words" in told


def test_a_declared_model_is_known_by_its_id(capsys):
    plan("llm(model='meta-llama/Llama-2-13b-hf')", suite="toy")
    assert figures(capsys.readouterr().out, "parameters") == [13_015_864_320]


def test_tokens_are_counted_by_the_genuine_tokenizer(shared, capsys):
    tokenizer = shared / "models" / "llama2-tokenizer"
    plan("llama2-13b", suite="gss-smoke", data=shared / "data" / "2022_stata.zip", tokenizer=tokenizer)
    told = capsys.readouterr().out
    assert f"tokens are those of {tokenizer}" in told
    mean, high, most = figures(told, "tokens of a respondent's prompt: mean, 95 %, most")
    assert 100 < mean < high < most < 400


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("knn", "is no fine-tuned language model"),
        ("llm", "say which one by --model FOLDER"),
        ("llm(weights='random')", "trains all weights"),
        ("llama2-13b(model='nowhere')", "config.json of nowhere cannot be read"),
    ],
)
def test_what_cannot_be_planned_is_refused(request_, told):
    with pytest.raises(InputError, match=told):
        plan(request_, suite="toy")


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no tokenizer"):
        plan("llama2-13b", suite="toy", tokenizer=tmp_path)


def test_a_family_that_cannot_be_planned_is_refused(tmp_path):
    transformers.GPT2Config().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="is of the family 'gpt2'"):
        plan("llm", suite="toy", model=tmp_path)


def test_hours_follow_from_operations(large):
    _, flops = training_work(large, alike(6400), Recipe())
    rows = device_rows(large, alike(6400), 4096, (flops, 2 * flops), (0.001, 0.002), 2)
    hours = {row[0]: [float(number.replace(",", "")) for number in row[5:]] for row in rows if row[6] != "–"}
    seconds = 3 * 6400 * 67 * (6 * 12_687_769_600) / (0.001 * 989e12)  # three passes, each forward, again, and backward
    assert hours["H100"][0] == pytest.approx(seconds / 3600, rel=0.05)
    assert hours["H100"][1] == pytest.approx(hours["H100"][0], abs=0.02)  # twice the work at twice the share
    assert hours["H100"][2] == pytest.approx(2 * sum(hours["H100"][:2]), abs=0.02)  # two cells
    assert hours["L40S"][0] == pytest.approx(hours["H100"][0] * 989 / 362, rel=1e-3)
    assert hours["CPU core"][0] == pytest.approx(flops / 0.101e12 / 3600, rel=1e-3)  # as reached, whatever the share


def test_smaller_batches_fit_where_larger_do_not(large):
    fits = [
        {row[:3]: row[5] for row in device_rows(large, alike(64), n, (1e18, 1e18), (0.5, 0.5), 1)}
        for n in (65_536, 1024)
    ]
    assert [fit["A100", "40", "bfloat16"] == "too small" for fit in fits] == [True, False]


def test_the_command_is_there():
    assert "plan" in {command.callback.__name__ for command in app.registered_commands}
