"""Shapes of models, declared and read from configuration files."""

import pytest

from datasets.errors import InputError
from imputers.llm.models import MODELS, Shape, read_shape, shape_of

CONFIG = {
    "model_type": "llama",
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}


def test_a_shape_is_read_from_its_sizes():
    read = shape_of(CONFIG, "config.json")
    assert (read.attention, read.keys, read.context, read.tied, read.biased) == (64, 32, 128, False, ())
    assert read.linear["k_proj"] == (64, 32) and read.linear["down_proj"] == (160, 64)
    old = {name: size for name, size in CONFIG.items() if name != "num_key_value_heads"}
    assert shape_of(old, "config.json").keys == 64  # from before there were groups
    qwen = shape_of(CONFIG | {"model_type": "qwen2", "tie_word_embeddings": True, "head_dim": 32}, "config.json")
    assert (qwen.attention, qwen.keys, qwen.tied) == (128, 64, True) and "v_proj" in qwen.biased


@pytest.mark.parametrize(
    ("name", "family"), [("llama2-13b", "Llama"), ("mistral-7b", "Mistral"), ("qwen2.5-7b", "Qwen2")]
)
def test_a_declared_shape_is_the_one_in_a_configuration_file(name, family, tmp_path):
    transformers = pytest.importorskip("transformers")
    shape = MODELS[name].shape
    getattr(transformers, f"{family}Config")(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.context,
    ).save_pretrained(tmp_path)
    read = read_shape(tmp_path)
    assert (read.linear, read.keys, read.biased) == (shape.linear, shape.keys, shape.biased)
    assert (read.vocabulary, read.layers, read.context, read.tied) == (
        shape.vocabulary,
        shape.layers,
        shape.context,
        shape.tied,
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_type": "gpt2"}, "is of the family 'gpt2'"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"attention_bias": True}, "sets attention_bias"),
        ({"num_key_value_heads": 3}, "4 heads and 3 key-value heads cannot be"),
        ({"hidden_size": 63}, "width 63, 4 heads"),
    ],
)
def test_a_configuration_that_cannot_be_planned_is_refused(change, told):
    with pytest.raises(InputError, match=told):
        shape_of(CONFIG | change, "config.json")


def test_a_folder_without_a_configuration_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_shape(tmp_path)


def test_sizes_are_positive():
    with pytest.raises(InputError, match="sizes are positive"):
        Shape(0, 8, 8, layers=1, heads=1, key_value_heads=1, context=8)
