from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
for package in ("peft", "accelerate", "safetensors"):
    pytest.importorskip(package)

from safetensors.torch import load_file  # noqa: E402

from imputers.llm.tuning.adapters import Lora, attach  # noqa: E402
from imputers.llm.tuning.checkpoints import Checkpoints  # noqa: E402
from imputers.llm.tuning.recipe import Recipe  # noqa: E402
from imputers.llm.tuning.training import fine_tune  # noqa: E402
from imputers.shared.weights import load  # noqa: E402

QUICK = Recipe(n_epochs=0.5, batch_size=8, learning_rate=5e-3, n_targets=2)  # 8 steps with 128 respondents


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def trained(loaded):
    return {name: tensor.detach().clone() for name, tensor in loaded.model.named_parameters() if tensor.requires_grad}


class Killed(Exception):
    pass


def test_killed_training_goes_on_from_its_last_checkpoint(tiny_llama, tiny_script, tiny_table, tmp_path):
    def run(folder, after_step=None):
        loaded = attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(4, 8, 0.1), seeded(1))
        checkpoints = folder and Checkpoints(folder, every=3)
        rng = np.random.default_rng(7)
        losses = fine_tune(
            loaded, tiny_script, tiny_table[1], QUICK, rng, checkpoints=checkpoints, after_step=after_step
        )
        return losses, trained(loaded)

    def kill(step, loss):
        if step == 5:
            raise Killed

    whole, weights = run(None)
    with pytest.raises(Killed):
        run(tmp_path, kill)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    steps = []
    losses, resumed = run(tmp_path, lambda step, loss: steps.append(step))
    assert steps == [4, 5, 6, 7, 8]  # steps 4 and 5 are made again
    assert losses == whole
    assert all(torch.equal(resumed[name], tensor) for name, tensor in weights.items())
    steps.clear()
    again, finished = run(tmp_path, lambda step, loss: steps.append(step))
    assert not steps and again == whole  # the end is a checkpoint too
    assert all(torch.equal(finished[name], tensor) for name, tensor in weights.items())
    stored = load_file(tmp_path / "checkpoint.safetensors")
    assert sum(name.startswith("weights/") for name in stored) == len(weights)


@pytest.mark.parametrize("other", ["data", "recipe", "seed", "rank"])
def test_checkpoint_of_another_training_is_refused(tiny_llama, tiny_script, tiny_table, tmp_path, other):
    def run(answers=tiny_table[1], recipe=QUICK, seed=0, rank=4):
        loaded = attach(load(str(tiny_llama), "float32", "pretrained", seeded(0)), Lora(rank, 8, 0.1), seeded(1))
        rng = np.random.default_rng(seed)
        fine_tune(loaded, tiny_script, answers, recipe, rng, checkpoints=Checkpoints(tmp_path))

    short = replace(QUICK, n_epochs=1 / 128)
    run(recipe=short)
    changed = tiny_table[1].copy()
    changed[0] = -1
    others = {"data": changed, "recipe": replace(short, weight_decay=0.5), "seed": 1, "rank": 5}
    names = {"data": "answers"}
    with pytest.raises(InputError, match="another seed"):
        run(**({"recipe": short} | {names.get(other, other): others[other]}))


def test_wrong_pace_is_named(tmp_path):
    with pytest.raises(InputError, match="every 0 steps"):
        Checkpoints(tmp_path, every=0)
