"""A plan says what a language model takes, from its shape and the suite's prompts alone."""

import re

import numpy as np
import pytest

from benchmarks.app import app
from benchmarks.commands.plan import _not_counted, plan
from datasets.errors import InputError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks.commands.plan import device_rows  # noqa: E402 - these need torch
from imputers import IMPUTERS  # noqa: E402
from imputers.llm import planner  # noqa: E402
from imputers.llm.planner import (  # noqa: E402
    DEVICES,
    Device,
    Work,
    checking_work,
    count,
    foresee,
    least_seconds,
    training_work,
)
from imputers.llm.tuning.recipe import Recipe  # noqa: E402
from imputers.llm.workload import Prompts, Reading  # noqa: E402


@pytest.fixture(scope="module")
def large():
    return declared("llama2-13b")


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """A processor that multiplies at 100 GFLOP/s in every format."""
    monkeypatch.setattr(planner, "product_rates", lambda kind: [100e9])
    monkeypatch.setattr(planner, "fastest_precision", lambda: "float32")


def declared(name):
    return count(transformers.AutoConfig.for_model(**IMPUTERS[name].sizes), 16)


def figures(text, row):
    """Numbers in the line that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(row))
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*\d|\d", line.removeprefix(row))]


def alike(n):
    """A survey of n people: 100 tokens of context and 60 of questions, lines of 20, examples of 67 that predict 4."""
    prompts = Prompts(100 * np.ones(n), 60 * np.ones(n))
    return Reading(prompts, prompts, prompts, drawn=20.0, examples=67 * np.ones(n), answers=4.0)


def test_the_plan_of_llama2_13b_needs_neither_its_files_nor_a_gpu(capsys):
    plan("llama2-13b", suite="toy")
    told = capsys.readouterr().out
    assert figures(told, "parameters") == [13_015_864_320]
    assert figures(told, "trained, in adapters of rank 16") == [62_586_880]
    assert figures(told, "prefix cache of a token, bytes in bfloat16") == [819_200]
    assert re.search(r"RTX 4090 +24 +bfloat16 +3\d\.\d+ +37\.52 +too small", told)
    assert re.search(r"RTX 4090 +24 +4-bit +1\d\.\d+ +18\.69 +\d", told)
    assert re.search(r"H100 +80 +bfloat16 +3\d\.\d+ +37\.52( +[\d.]+){4}$", told, re.MULTILINE)
    assert re.search(r"a core of this machine +any +float32 ", told)


def test_a_model_that_is_asked_as_it_is_trains_nothing_and_reads_the_options_in_each_question(capsys):
    """Its questions are longer: a fold took a core some 2.3 hours of answering, the fine-tuned one 25 minutes."""
    told, questions = {}, {}
    for name in ("smollm2-135m", "smollm2-135m-zero-shot"):
        plan(name, suite="toy")
        told[name] = capsys.readouterr().out
        questions[name] = figures(told[name], "tokens of the questions of all holes: mean, 95 %, most")[0]
    assert questions["smollm2-135m-zero-shot"] > 1.5 * questions["smollm2-135m"]
    assert re.search(r"trained +nothing\n", told["smollm2-135m-zero-shot"])
    assert "steps of training" not in told["smollm2-135m-zero-shot"]
    assert re.search(r"H100 +80 +bfloat16 +– +\d\.\d+ +– +\S", told["smollm2-135m-zero-shot"])


def test_a_part_of_the_rows_takes_less_to_answer_and_the_steps_that_are_made_at_least(capsys):
    tokens, trained = [], []
    for rows in (None, 100):
        plan("smollm2-135m", suite="toy", rows=rows)
        told = capsys.readouterr().out
        of = f"{rows or 400} rows" if rows else "400 × 8"
        assert of in told or f"{rows} × 8" in told
        tokens.append(figures(told, "tokens read in filling")[-1])
        trained.append("100 steps of training" in told)
    assert tokens[1] < tokens[0] / 3 and all(trained)


def test_parameters_of_the_imputer_change_its_plan(capsys):
    plan("llama2-7b(rank=4, n_adapters=5)", suite="toy")
    told = capsys.readouterr().out
    config = transformers.AutoConfig.for_model(**IMPUTERS["llama2-7b"].sizes)
    assert figures(told, "trained, in adapters of rank 4") == [count(config, 4).adapter]
    assert figures(told, "adapters") == [5]


def test_of_random_weights_all_are_trained_in_one_format(capsys):
    plan("smollm2-135m(weights='random')", suite="toy")
    told = capsys.readouterr().out
    assert figures(told, "trained: all") == figures(told, "parameters") == [134_515_008]
    assert "adapter" not in told.split("GB are")[0] and "4-bit" not in told.split("GB are")[0]
    cells = figures(told, "a core of this machine   any       float32")
    plan("smollm2-135m", suite="toy")
    adapters = figures(capsys.readouterr().out, "a core of this machine   any       float32")
    assert cells[0] > adapters[0] + 1 and cells[2] > 1.3 * adapters[2]


def test_tables_that_are_not_counted_are_named(capsys):
    plan("smollm2-135m", suite="toy")
    assert "other tables" not in capsys.readouterr().out
    plan("smollm2-135m", suite="published")
    assert "published has other tables, too, which are not counted here: wine-red," in capsys.readouterr().out
    assert _not_counted("mine", ["a", "b", "a", "c", "d", "e", "f"]).endswith(": b, c, d and 2 more")


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
        ("knn", "is no language model that is fine-tuned or asked as it is"),
        ("llm-few-shot", "is no language model that is fine-tuned or asked as it is"),
        ("llm", "say which one by --model FOLDER"),
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
    devices = (Device("core", ("float32",), None, 0.1), *DEVICES)
    rows = device_rows(large, alike(6400), devices, Work((flops, flops, 2 * flops)), (0.001, 0.002), 2)
    hours = {row[0]: [float(number.replace(",", "")) for number in row[5:]] for row in rows if row[6] != "–"}
    seconds = 3 * 6400 * 67 * (6 * 12_687_769_600) / (0.001 * 989e12)  # three passes, each forward, again, and backward
    assert hours["H100"][0] == pytest.approx(seconds / 3600, rel=0.05)
    assert hours["H100"][1] == pytest.approx(hours["H100"][0] / 2, abs=0.02)  # the work at twice the share
    assert hours["H100"][2] == pytest.approx(hours["H100"][0], abs=0.02)  # twice the work
    assert hours["H100"][3] == pytest.approx(2 * sum(hours["H100"][:3]), abs=0.03)  # two cells
    assert hours["L40S"][0] == pytest.approx(hours["H100"][0] * 989 / 362, rel=1e-3)
    assert hours["core"][0] == pytest.approx(flops / 0.6 / 0.1e12 / 3600, rel=1e-3)  # of the core's rate, as measured
    assert hours["core"][2] == pytest.approx(2 * flops / 0.5 / 0.1e12 / 3600, rel=1e-3)


def test_a_core_is_timed_in_the_format_that_is_read(capsys, monkeypatch):
    monkeypatch.setattr(planner, "product_rates", lambda kind: [{torch.float32: 50e9, torch.bfloat16: 400e9}[kind]])
    plan("smollm2-135m", suite="toy")
    slow = capsys.readouterr().out
    plan("smollm2-135m(precision='bfloat16')", suite="toy")
    fast = capsys.readouterr().out
    row = "a core of this machine   any"
    assert "50 GFLOP/s" in slow and "400 GFLOP/s" in fast
    assert figures(slow, f"{row}       float32")[2] > 5 * figures(fast, f"{row}      bfloat16")[2]


def test_the_founding_experiment_is_foreseen_within_a_factor_of_two():
    """By its tokens: of a core at 175 GFLOP/s, training took 53 minutes, calibration and audit 15; 2.44 GB at most."""
    net = declared("smollm2-135m")
    checks = Prompts(183 * np.ones(871), 12 * np.ones(871))
    asked = Prompts(178 * np.ones(2204), 124 * np.ones(2204))
    audited = Prompts(checks.contexts[::5], checks.questions[::5])
    reading = Reading(asked, checks, audited, drawn=46.5, examples=np.full(3544, 165.6), answers=27.3)
    _, training = training_work(net, reading, Recipe(n_epochs=1, batch_size=16))
    _, checking = checking_work(net, reading, 4)
    core = Device("core", ("float32",), None, 0.175)
    [row] = device_rows(net, reading, (core,), Work((training, checking, 0)), (1, 1), 1)
    assert 53 / 2 < 60 * float(row[5]) < 53 * 2
    assert 15 / 2 < 60 * float(row[6]) < 15 * 2
    assert 2.44 / 2 < float(row[3]) < 2.44 * 2


def test_training_random_weights_is_foreseen_within_a_factor_of_two():
    """By the tokens of a cell with 500 respondents, which took a core at 105 GFLOP/s 2,454 seconds and 4.1 GB."""
    net = count(transformers.AutoConfig.for_model(**IMPUTERS["smollm2-135m"].sizes), None)
    asked = Prompts(175 * np.ones(308), 22 * np.ones(308))
    checks = Prompts(165 * np.ones(367), 19 * np.ones(367))
    audited = Prompts(checks.contexts[::2], checks.questions[::2])
    reading = Reading(asked, checks, audited, drawn=11.7, examples=np.r_[np.full(499, 147.0), 274], answers=24.1)
    task = foresee(net, reading, Recipe(batch_size=16, min_steps=100), n_wordings=4, n_adapters=1, n_draws=5)
    [row] = device_rows(net, reading, (Device("core", ("float32",), None, 0.105),), task.work, (1, 1), 1)
    assert 2454 / 2 < 3600 * float(row[-1]) < 2454 * 2
    assert 4.1 / 2 < float(row[3]) < 4.1 * 2


def test_launching_bounds_what_a_gpu_does_for_a_small_model_and_nothing_for_a_large_one(large):
    """An H100 read 7,400 and 8,500 tokens a second in training smollm2-135m, 3,000 in a step."""
    hours = {}
    for net in (declared("smollm2-135m"), large):
        _, flops = training_work(net, alike(6400), Recipe())
        least = least_seconds(net, Recipe().n_steps(6400), 0, 0)
        for work in (Work((flops, 0, 0)), Work((flops, 0, 0), least)):
            row = device_rows(net, alike(6400), DEVICES[-1:], work, (0.18, 0.07), 1)[0]
            hours[net is large, work.seconds == least] = float(row[5].removeprefix("< "))
    assert hours[True, True] == hours[True, False]
    assert hours[False, True] == pytest.approx(600 * 0.36 / 3600, abs=0.01)
    assert hours[False, False] <= 0.01


def test_the_command_is_there():
    assert "plan" in {command.callback.__name__ for command in app.registered_commands}
