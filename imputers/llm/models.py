"""The language models that are known by name, each declared once, and the shape of any model from its config.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from datasets.errors import InputError

BIASED = {"llama": (), "mistral": (), "qwen2": ("q_proj", "k_proj", "v_proj")}  # linear layers with a bias, by family
NEEDED = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder of the Llama family.

    Touvron et al. (2023), LLaMA: Open and Efficient Foundation Language Models, arXiv 2302.13971: layers of attention
    and a gated feed-forward network, each behind a root-mean-square norm, no biases unless named.

    Parameters
    ----------
    vocabulary, context : tokens known, and tokens read at most.
    hidden, intermediate : width of the residual stream and of the feed-forward networks.
    layers, heads, key_value_heads : fewer of the last than heads is grouped-query attention.
    head_width : numbers per head; None is ``hidden / heads``.
    biased : names of the linear layers that have a bias.
    tied : the output head is the embedding.

    Raises
    ------
    InputError
        If a size is not positive, or heads do not divide evenly.
    """

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    context: int
    head_width: int | None = None
    biased: tuple[str, ...] = ()
    tied: bool = False

    def __post_init__(self) -> None:
        sizes = (self.vocabulary, self.hidden, self.intermediate, self.layers, self.heads, self.key_value_heads)
        if (
            min(sizes) < 1
            or self.heads % self.key_value_heads
            or (self.head_width is None and self.hidden % self.heads)
        ):
            raise InputError(
                f"a model of {self.layers} layers, width {self.hidden}, {self.heads} heads and {self.key_value_heads} "
                "key-value heads cannot be: sizes are positive, the heads divide by the key-value heads, and the width "
                "by the heads unless the head's width is given; correct its config.json"
            )

    @cached_property
    def attention(self) -> int:
        """Width of the queries of all heads."""
        return self.heads * (self.head_width or self.hidden // self.heads)

    @cached_property
    def keys(self) -> int:
        """Width of the keys of all key-value heads, and of the values."""
        return self.attention * self.key_value_heads // self.heads

    @cached_property
    def linear(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of the linear layers of one decoder layer, by name."""
        return {
            "q_proj": (self.hidden, self.attention),
            "k_proj": (self.hidden, self.keys),
            "v_proj": (self.hidden, self.keys),
            "o_proj": (self.attention, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }


@dataclass(frozen=True)
class Model:
    """A pre-trained model and how it is fine-tuned.

    Parameters
    ----------
    id : its name on huggingface.co.
    shape : its sizes, so that a run can be planned without its files.
    page : where its licence is read and, where its owner asks for that, accepted.
    rank : of the low-rank adapters.
    precision : of its weights on an accelerator; Llama 2 was trained in bfloat16, though its files say float16.
    """

    id: str
    shape: Shape
    page: str
    rank: int = 16
    precision: str = "bfloat16"


def read_shape(folder: Path) -> Shape:
    """Shape of the model in a folder, from its config.json.

    Raises
    ------
    InputError
        If there is none, it cannot be read, or the model is of another family.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); give the folder of a model's files") from None
    return shape_of(config, str(path))


def shape_of(config: Mapping[str, Any], where: str) -> Shape:
    """Shape that a model's configuration describes.

    Parameters
    ----------
    config : contents of a config.json.
    where : what to call it in an error.

    Raises
    ------
    InputError
        If it is of a family not known here, or lacks a size.
    """
    family = config.get("model_type")
    lacking = [name for name in NEEDED if not isinstance(config.get(name), int)]
    if family not in BIASED or lacking:
        found = f"lacks {', '.join(lacking)}" if family in BIASED else f"is of the family {family!r}"
        raise InputError(f"{where} {found}; a plan can be made for {', '.join(BIASED)} with all their sizes")
    unusual = [name for name in ("attention_bias", "mlp_bias") if config.get(name)]
    if unusual:
        raise InputError(
            f"{where} sets {' and '.join(unusual)}, which no released {family} has and a plan cannot count"
        )
    heads = config["num_attention_heads"]
    return Shape(
        vocabulary=config["vocab_size"],
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        context=config.get("max_position_embeddings", 2048),
        head_width=config.get("head_dim"),
        biased=BIASED[family],
        tied=bool(config.get("tie_word_embeddings", False)),
    )


MODELS = {
    "llama2-13b": Model(
        "meta-llama/Llama-2-13b-hf",
        Shape(32_000, 5120, 13_824, layers=40, heads=40, key_value_heads=40, context=4096),
        page="https://huggingface.co/meta-llama/Llama-2-13b-hf",
    ),
    "llama2-7b": Model(
        "meta-llama/Llama-2-7b-hf",
        Shape(32_000, 4096, 11_008, layers=32, heads=32, key_value_heads=32, context=4096),
        page="https://huggingface.co/meta-llama/Llama-2-7b-hf",
    ),
    "llama3.1-8b": Model(
        "meta-llama/Llama-3.1-8B",
        Shape(128_256, 4096, 14_336, layers=32, heads=32, key_value_heads=8, context=131_072),
        page="https://huggingface.co/meta-llama/Llama-3.1-8B",
    ),
    "mistral-7b": Model(
        "mistralai/Mistral-7B-v0.1",
        Shape(32_000, 4096, 14_336, layers=32, heads=32, key_value_heads=8, context=32_768),
        page="https://huggingface.co/mistralai/Mistral-7B-v0.1",
    ),
    "qwen2.5-7b": Model(
        "Qwen/Qwen2.5-7B",
        Shape(152_064, 3584, 18_944, layers=28, heads=28, key_value_heads=4, context=131_072, biased=BIASED["qwen2"]),
        page="https://huggingface.co/Qwen/Qwen2.5-7B",
    ),
}
