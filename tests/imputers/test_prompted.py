"""Imputers that put answers to a language model in words: fine-tuned, zero-shot and few-shot."""

import json
import time
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS
from imputers.conformance import CHECKS, example_table
from imputers.shared.distances import Gower

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from imputers.llm.scoring import portions  # noqa: E402
from imputers.llm.tuning.checkpoints import Checkpoints  # noqa: E402 - they import what may be absent
from imputers.llm.tuning.recipe import Recipe  # noqa: E402

PROMPTED = ("llm", "llm-zero-shot", "llm-few-shot")
QUICK = {"llm": {"n_epochs": 0.2, "min_steps": 1}, "llm-zero-shot": {}, "llm-few-shot": {"n_examples": 2}}
OFTEN = {"fills_every_hole_with_a_valid_answer"}


@cache
def bound(name: str, folder: Path) -> type:
    """The imputer with a small model as its usual one, so that rules can make it without parameters."""

    class Bound(IMPUTERS[name]):
        _parameter_constraints: ClassVar = IMPUTERS[name]._parameter_constraints | {"size": [dict]}

        def __init__(self, model=str(folder), size=QUICK[name]):
            super().__init__(model, **size)
            self.size = size

    return Bound


@pytest.mark.parametrize("name", PROMPTED)
@pytest.mark.parametrize(
    "rule", [pytest.param(r, id=r.__name__, marks=() if r.__name__ in OFTEN else pytest.mark.slow) for r in CHECKS]
)
def test_imputer_keeps_the_rule(rule, name, tiny_llama):
    rule(bound(name, tiny_llama))


@pytest.fixture(scope="module")
def twins():
    """A table (200, 2): the items agree in 95 % of people, and the second is missing for a fifth of them."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 200)
    second = np.where(rng.random(200) < 0.95, first, 1 - first)
    schema = Schema(tuple(Column(name, Kind.NOMINAL, {0.0: "no", 1.0: "yes"}) for name in ("tea", "milk")))
    X = np.column_stack([first, second]).astype(float)
    truth = X[:40, 1].copy()
    X[:40, 1] = np.nan
    return schema, X, truth


@pytest.fixture(scope="module")
def learned(twins, tiny_llama):
    """Trained from random weights, since a low-rank change of them could learn nothing."""
    schema, X, _ = twins
    settings = {"weights": "random", "n_epochs": 20.0, "min_steps": 1, "batch_size": 20, "learning_rate": 1e-2}
    return IMPUTERS["llm"](model=str(tiny_llama), **settings).fit(X, schema=schema, random_state=1)


def test_loss_falls_and_the_other_item_is_learned(learned, twins):
    losses = learned.losses_[0]
    assert np.mean(losses[-10:]) < 0.2 * losses[0]
    _, X, _ = twins
    shares = learned.impute(X).probabilities[1]
    assert (shares[np.arange(40), X[:40, 0].astype(int)] > 0.75).all()


def test_a_hole_is_drawn_given_what_was_drawn_before(learned, twins):
    """Two people in three who answered nothing still agree with themselves, as independent draws would not."""
    nobody = np.full((300, 2), np.nan)
    draws = learned.impute(nobody, n_draws=1).draws.reshape(300, 2)
    assert (draws[:, 0] == draws[:, 1]).mean() > 0.85
    assert 0.3 < draws[:, 0].mean() < 0.7


def test_a_stopped_training_goes_on_to_the_same_answer(twins, tiny_llama, tmp_path, monkeypatch):
    schema, X, _ = twins
    settings = {"model": str(tiny_llama), "n_epochs": 2.0, "min_steps": 1, "learning_rate": 1e-2}
    whole = IMPUTERS["llm"](**settings).fit(X, schema=schema).impute(X, 2)
    rate, steps = Recipe.rate, []

    def stop(self, step, n_steps):
        if step == 7:
            raise KeyboardInterrupt
        return rate(self, step, n_steps)

    def count(self, step, n_steps):
        steps.append(step)
        return rate(self, step, n_steps)

    monkeypatch.setattr(Checkpoints, "due", lambda self, step, n_steps: True)
    monkeypatch.setattr(Recipe, "rate", stop)
    with pytest.raises(KeyboardInterrupt):
        IMPUTERS["llm"](**settings).fit(X, schema=schema, folder=tmp_path)
    monkeypatch.setattr(Recipe, "rate", count)
    resumed = IMPUTERS["llm"](**settings).fit(X, schema=schema, folder=tmp_path)
    prediction = resumed.impute(X, 2)
    assert steps[0] == 7
    np.testing.assert_allclose(prediction.probabilities[1], whole.probabilities[1], atol=1e-6)
    np.testing.assert_array_equal(prediction.draws, whole.draws)
    assert (tmp_path / "member-1" / "adapter_model.safetensors").is_file()
    curve = json.loads((tmp_path / "member-1" / "curve.json").read_text(encoding="utf-8"))
    assert curve["losses"] == resumed.losses_[0] and curve["recipe"]["n_epochs"] == 2.0


def test_stopped_answers_go_on_behind_the_last_portion(twins, tiny_llama, tmp_path, monkeypatch):
    schema, X, _ = twins
    monkeypatch.setattr(portions, "PORTION", 10)
    imputer = IMPUTERS["llm-zero-shot"](model=str(tiny_llama)).fit(X, schema=schema)
    whole, asked = imputer.impute(X, 3), []
    kept = IMPUTERS["llm-zero-shot"](model=str(tiny_llama)).fit(X, schema=schema, folder=tmp_path)
    answered = kept._answered

    def ask(answers, *rest):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(answers)
        return answered(answers, *rest)

    kept._answered = ask
    with pytest.raises(KeyboardInterrupt):
        kept.impute(X, 3)
    again = IMPUTERS["llm-zero-shot"](model=str(tiny_llama)).fit(X, schema=schema, folder=tmp_path)
    more, answered_again = [], again._answered
    again._answered = lambda answers, *rest: more.append(len(answers)) or answered_again(answers, *rest)
    prediction = again.impute(X, 3)
    assert more == [10, 10]  # of four portions two were kept
    np.testing.assert_array_equal(prediction.draws, whole.draws)
    np.testing.assert_array_equal(prediction.probabilities[1], whole.probabilities[1])
    again.impute(X, 2)
    assert len(more) == 6  # other draws are other answers
    other = IMPUTERS["llm-zero-shot"](model=str(tiny_llama), wording="codes").fit(X, schema=schema, folder=tmp_path)
    other.temperatures_ = again.temperatures_
    assert not np.array_equal(other.impute(X, 3).probabilities[1], whole.probabilities[1])  # and so are other words


def test_adapters_differ_and_their_probabilities_are_averaged(twins, tiny_llama):
    schema, X, _ = twins
    two = IMPUTERS["llm"](model=str(tiny_llama), n_adapters=2, min_steps=15, learning_rate=2e-2).fit(X, schema=schema)
    answers, asked = two.vocabulary_.answers(X[:40]), np.isnan(X[:40])
    contexts, _ = two._prompts(two.script_, answers, asked, np.random.default_rng(0))
    from imputers.llm.scoring.options import option_log_probabilities

    own = [option_log_probabilities(member.model, two.script_, contexts, asked)[1] for member in two._members()]
    assert np.abs(own[0] - own[1]).max() > 1e-3
    together = two._option_logs(two.script_, contexts, asked)[1]
    np.testing.assert_allclose(np.exp(together), (np.exp(own[0]) + np.exp(own[1])) / 2, rtol=1e-5)


def test_no_adapter_is_left_on_the_network_behind_draws(twins, tiny_llama):
    schema, X, _ = twins
    one = IMPUTERS["llm"](model=str(tiny_llama), min_steps=2).fit(X, schema=schema)
    before = one.impute(X[:5], n_draws=3, random_state=1)
    assert not [name for name, _ in one.language_.model.named_parameters() if "lora_" in name]
    np.testing.assert_array_equal(one.impute(X[:5], n_draws=3, random_state=1).draws, before.draws)


def test_only_the_most_telling_answers_are_shown(tiny_llama):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 400)
    columns = [target, (target + (rng.random(400) < 0.1)) % 3, rng.integers(0, 3, 400), rng.integers(0, 3, 400)]
    schema = Schema(
        tuple(Column(n, Kind.NOMINAL, {0.0: "a", 1.0: "b", 2.0: "c"}) for n in ("aim", "close", "far", "farther"))
    )
    X = np.column_stack(columns).astype(float)
    X[:10, 0] = np.nan
    imputer = IMPUTERS["llm"](model=str(tiny_llama), n_features=1, min_steps=1, n_epochs=0.1).fit(X, schema=schema)
    contexts, asked = imputer._prompts(imputer.script_, imputer.vocabulary_.answers(X[:10]), np.isnan(X[:10]), rng)
    told = [imputer.language_.tokenizer.decode(context) for context in contexts]
    assert all("close: " in text and "far" not in text for text in told)
    assert asked.sum() == 10


def test_examples_are_the_nearest_who_answered_and_never_the_respondent(tiny_llama):
    schema, X = example_table()
    shown = IMPUTERS["llm-few-shot"](model=str(tiny_llama), n_examples=1, n_features=2)
    shown.fit(X, schema=schema)
    row = np.flatnonzero(np.isnan(X[:, 5]))[0]
    answers = shown.vocabulary_.answers(X)
    questions = np.zeros((1, 6), dtype=bool)
    questions[0, 5] = True
    contexts, _ = shown._prompts(shown.script_, answers[[row]], questions, np.random.default_rng(0))
    text = shown.language_.tokenizer.decode(contexts[0])
    assert text.count("A respondent's answers") == 2
    example, own = text.split("A respondent's answers to a survey.\n")[1:]
    assert "vote (yes / no): " in example and "vote" not in own
    donors = shown._codes_of(shown._donors)
    ((_, apart),) = Gower.learn(schema, donors).blocks(X[[row]], donors)
    nearest = next(d for d in np.argsort(apart[0], kind="stable") if not np.isnan(donors[d, 5]))
    assert nearest != row
    assert f"vote (yes / no): {schema['vote'].text(donors[nearest, 5])}\n" in example


def test_a_short_table_is_passed_through_more_often_and_a_small_model_learns_faster():
    assert Recipe(n_epochs=3.0, min_steps=100, batch_size=32).n_steps(64) == 100
    assert Recipe(n_epochs=3.0, min_steps=100, batch_size=32).n_steps(3544) == 333
    assert IMPUTERS["llama2-13b"]().recipe(13_015_864_320).learning_rate == pytest.approx(1.75e-4, rel=0.01)
    assert IMPUTERS["llm"]().recipe(135_000_000).learning_rate == pytest.approx(1.72e-3, rel=0.01)
    assert IMPUTERS["llm"]().recipe(260_000).learning_rate == 3e-3
    assert IMPUTERS["llm"](learning_rate=1e-4).recipe(260_000).learning_rate == 1e-4


@pytest.mark.parametrize("name", PROMPTED)
def test_without_a_model_it_says_how_to_give_one(name):
    schema, X = example_table()
    with pytest.raises(MethodUnavailableError, match="give the folder of one, or its id"):
        IMPUTERS[name]().fit(X, schema=schema)


@pytest.mark.parametrize("name", ["llama2-13b", "llama2-7b", "llama3.1-8b", "mistral-7b", "qwen2.5-7b"])
def test_weights_that_are_not_here_are_no_failure(name, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    schema, X = example_table()
    start = time.monotonic()
    with pytest.raises(MethodUnavailableError, match="hf auth login"):
        IMPUTERS[name]().fit(X, schema=schema)
    assert time.monotonic() - start < 15
    assert IMPUTERS[name]().model_name() == IMPUTERS[name].declared


@pytest.mark.parametrize(
    "settings",
    [
        {"wording": "emoji"},
        {"n_features": 0},
        {"n_bins": 1},
        {"n_adapters": 0},
        {"weights": "borrowed"},
        {"precision": "8-bit"},
        {"rank": 0},
        {"n_epochs": 0},
        {"min_steps": 0},
        {"learning_rate": 0.0},
    ],
)
def test_wrong_parameters_are_named(settings, tiny_llama):
    schema, X = example_table()
    with pytest.raises(InputError, match=next(iter(settings))):
        IMPUTERS["llm"](model=str(tiny_llama), **settings).fit(X, schema=schema)


def test_a_question_that_is_not_asked_is_not_put_to_the_model(learned, monkeypatch):
    """Of people who answered nothing, milk alone: as many answers as among all holes, of half the questions."""
    from imputers.llm.scoring import draws

    nobody, rounds, ask = np.full((300, 2), np.nan), [], draws._shares
    monkeypatch.setattr(draws, "_shares", lambda *given: rounds.append(len(given[4])) or ask(*given))
    both = learned.impute(nobody, n_draws=4)
    n_both = sum(rounds)
    milk = learned.impute(nobody, n_draws=4, asked=np.tile([False, True], (300, 1)))
    assert sum(rounds) - n_both == n_both / 2
    assert milk.draws.shape == (4, 300)
    assert (len(milk.probabilities[0]), len(milk.probabilities[1])) == (0, 300)
    assert abs(milk.draws.mean() - both.draws[:, 1::2].mean()) < 4 * 0.5 / np.sqrt(300)
