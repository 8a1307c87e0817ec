import json
import math
from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
for package in ("peft", "accelerate", "safetensors"):
    pytest.importorskip(package)

from imputers.llm.prompts.script import Script  # noqa: E402
from imputers.llm.tuning.adapters import Lora, attach, detach, make_trainable, save  # noqa: E402
from imputers.llm.tuning.examples import make_example  # noqa: E402
from imputers.llm.tuning.recipe import Recipe  # noqa: E402
from imputers.llm.tuning.training import fine_tune  # noqa: E402
from imputers.shared.vocabulary import Vocabulary  # noqa: E402
from imputers.shared.weights import load  # noqa: E402

QUICK = Recipe(n_epochs=0.5, batch_size=8, learning_rate=5e-3, n_targets=2)  # 8 steps with 128 respondents


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def adapted(tiny_llama):
    return attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.1), seeded(1))


def trained(loaded):
    return {name: tensor.detach().clone() for name, tensor in loaded.model.named_parameters() if tensor.requires_grad}


def test_rate_rises_and_falls_along_a_cosine():
    recipe = Recipe(learning_rate=1.0, warmup_ratio=0.04)
    rates = [recipe.rate(step, 100) for step in range(100)]
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert rates[52] == pytest.approx(0.5) and rates[99] < 1e-3
    assert Recipe(learning_rate=1.0, warmup_ratio=0.0).rate(0, 1) == 1.0


def test_loss_is_the_mean_negative_log_probability_of_whole_answers(tiny_llama, tiny_script, tiny_table):
    """Against a full pass over the plain text of each question alone."""
    loaded = attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.0), seeded(1))
    recipe = replace(QUICK, n_epochs=1 / 128, batch_size=1)
    row = tiny_table[1][:1].repeat(128, axis=0)
    seen = []

    def record(*arguments):
        seen.append(make_example(*arguments))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imputers.llm.tuning.training.make_example", record)
        [loss] = fine_tune(loaded, tiny_script, row, recipe, np.random.default_rng(0))
    loaded, [example] = detach(loaded), seen
    asked = [
        ((*example.prefix, *block.tokens[: block.sources[0] + 1]), tuple(block.targets)) for block in example.blocks
    ]
    asked += [(example.prefix[: span.start], example.prefix[span.start : span.stop]) for span in example.told]
    assert len(asked) == (row[0] >= 0).sum()
    expected = []
    for before, prediction in asked:
        assert prediction in tiny_script.beginnings[0]
        text = (*before, *prediction)
        with torch.no_grad():
            logs = loaded.model(input_ids=torch.tensor([text])).logits[0].log_softmax(dim=-1)
        expected.append(-sum(float(logs[at - 1, text[at]]) for at in range(len(before), len(text))))
    assert loss == pytest.approx(np.mean(expected), abs=1e-4)


def test_dividing_a_batch_changes_nothing(tiny_llama, tiny_script, tiny_table):
    weights = []
    for max_tokens in (10_000, 200):
        loaded = attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.0), seeded(1))
        recipe = replace(QUICK, max_tokens=max_tokens, learning_rate=1e-3)
        fine_tune(loaded, tiny_script, tiny_table[1], recipe, np.random.default_rng(0))
        weights.append(trained(loaded))
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-4, rtol=1e-3)


def test_random_weights_learn_which_item_repeats_which(tiny_llama, tiny_script, tiny_table):
    loaded = make_trainable(load(str(tiny_llama), "auto", "random", seeded(0)), Lora(), seeded(1))
    answers = np.where(np.arange(4) < 2, tiny_table[1], -1)
    recipe = Recipe(n_epochs=25, batch_size=16, learning_rate=1e-2, n_targets=2)
    losses = fine_tune(loaded, tiny_script, answers, recipe, np.random.default_rng(0))
    n_respondents = (answers >= 0).any(axis=1).sum()
    assert len(losses) == recipe.n_steps(n_respondents) and not loaded.model.training
    assert np.mean(losses[:3]) > 10  # " y" is two bytes of 257
    assert np.mean(losses[-20:]) < 0.65  # and in the end less than a coin, since one item tells the other
    for prediction in (0, 1):
        space, letter = tiny_script.options[1][prediction][:2]
        prefix = tiny_script.opening + tiny_script.lines[0][prediction] + tiny_script.stems[1]
        with torch.no_grad():
            logs = loaded.model(input_ids=torch.tensor([[*prefix, space]])).logits[0].softmax(dim=1)
        assert logs[-2, space] > 0.9
        assert logs[-1, letter] > 0.9


def test_seed_decides_and_the_global_generator_is_left_alone(tiny_llama, tiny_script, tiny_table):
    def run(seed):
        loaded = attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.1), seeded(1))
        return fine_tune(loaded, tiny_script, tiny_table[1], QUICK, np.random.default_rng(seed))

    with torch.random.fork_rng():
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first = run(1)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(6)  # another global state: dropout is the same
        assert run(1) == first
        assert run(2) != first


def test_respondents_without_any_answer_are_passed_over(tiny_llama, tiny_script, tiny_table):
    answers = np.concatenate([tiny_table[1], np.full((20, 4), -1)])
    losses = [
        fine_tune(
            attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.0), seeded(1)),
            tiny_script,
            own,
            replace(QUICK, n_epochs=3 * 8 / 128),
            np.random.default_rng(0),
        )
        for own in (tiny_table[1], answers)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_epochs": 0}, "n_epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"n_targets": -1}, "n_targets"),
        ({"min_hidden": 0.9, "max_hidden": 0.1}, "min_hidden"),
        ({"warmup_ratio": 1.5}, "warmup_ratio"),
    ],
)
def test_wrong_settings_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        Recipe(**wrong)


def test_training_that_cannot_be_is_refused(adapted, tiny_llama, tiny_script, tiny_table):
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="nobody has answered"):
        fine_tune(adapted, tiny_script, np.full((5, 4), -1), QUICK, rng)
    with pytest.raises(InputError, match="the loss is nan; take a learning_rate below"):
        fine_tune(adapted, tiny_script, tiny_table[1], replace(QUICK, learning_rate=1e30), rng)
    detach(adapted)
    frozen = load(str(tiny_llama), "float32", "pretrained", seeded(0))
    frozen.model.requires_grad_(False)
    with pytest.raises(InputError, match="weights are frozen"):
        fine_tune(frozen, tiny_script, tiny_table[1], QUICK, rng)
    frozen.model.config.max_position_embeddings = 40
    frozen.model.requires_grad_(True)
    with pytest.raises(InputError, match="reads 40 at most"):
        fine_tune(frozen, tiny_script, tiny_table[1], QUICK, rng)


def test_real_llama_learns_the_survey(shared, masked_gss):
    """Pre-trained weights, the real tokenizer, three items of the core table; all of it takes minutes."""
    schema, X = masked_gss.schema.take(range(3)), masked_gss.values[:100, :3]
    loaded = load(str(shared / "models" / "stories260K"), "auto", "pretrained", seeded(0))
    vocabulary = Vocabulary.fit(schema, X, 6)
    answers = vocabulary.answers(X)
    real = Script.make(vocabulary.items, loaded.tokenizer)
    loaded = make_trainable(loaded, Lora(), seeded(1))
    recipe = Recipe(n_epochs=1.6, batch_size=8, learning_rate=5e-3, n_targets=2)
    losses = fine_tune(loaded, real, answers, recipe, np.random.default_rng(0))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:2])


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bfloat16", "4-bit"])
def test_training_on_a_gpu(shared, tiny_script, tiny_table, tmp_path, precision):
    """Weights from which activations are recomputed are set low, so that this path runs too."""
    if precision == "4-bit":
        pytest.importorskip("bitsandbytes")
    loaded = load(str(shared / "models" / "stories260K"), precision, "pretrained", seeded(0))
    own = Script.make(tiny_table[0].items, loaded.tokenizer)
    loaded = replace(attach(loaded, Lora(), seeded(1)), n_parameters=2_000_000_000)
    losses = fine_tune(loaded, own, tiny_table[1], replace(QUICK, n_epochs=4), np.random.default_rng(0))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:2])
    save(loaded, tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 16
