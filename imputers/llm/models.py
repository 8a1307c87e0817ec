"""The pre-trained models that are fine-tuned under a name of their own, with the sizes that a plan needs."""

from imputers import IMPUTERS
from imputers.llm.fine_tuned import FineTuned
from imputers.llm.in_context import ZeroShot


def _sizes(
    family: str, vocabulary: int, hidden: int, inner: int, layers: int, heads: int, key_heads: int, positions: int
) -> dict[str, str | int]:
    """Sizes of a network under their names in its config.json."""
    return {
        "model_type": family,
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "max_position_embeddings": positions,
    }


@IMPUTERS.register("smollm2-135m")
class SmolLM2(FineTuned):
    """SmolLM2-135M, fine-tuned on the respondents' answers in words; a package carries its weights.

    Allal et al. (2025), SmolLM2: When Smol Goes Big, arXiv 2502.02737. The weights are those of the release that
    follows instructions, in 4 bits, and become the numbers that these stand for. Everything else is as in `FineTuned`.
    """

    declared = "smollm2-135m"
    sizes = _sizes("llama", 49_152, 576, 1536, 30, 9, 3, 8192) | {"tie_word_embeddings": True}


@IMPUTERS.register("smollm2-135m-zero-shot")
class SmolLM2ZeroShot(ZeroShot):
    """SmolLM2-135M as it is, asked for each hole; a package carries its weights.

    Allal et al. (2025), arXiv 2502.02737; the release that follows instructions, in 4 bits. Everything else is as in
    `ZeroShot`.
    """

    declared = "smollm2-135m"


@IMPUTERS.register("llama2-13b")
class Llama2Large(FineTuned):
    """Llama-2-13b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), Llama 2: Open Foundation and Fine-Tuned Chat Models, arXiv 2307.09288. Everything else is as
    in `FineTuned`.
    """

    declared = "meta-llama/Llama-2-13b-hf"
    sizes = _sizes("llama", 32_000, 5120, 13_824, 40, 40, 40, 4096)


@IMPUTERS.register("llama2-7b")
class Llama2Small(FineTuned):
    """Llama-2-7b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), arXiv 2307.09288. Everything else is as in `FineTuned`.
    """

    declared = "meta-llama/Llama-2-7b-hf"
    sizes = _sizes("llama", 32_000, 4096, 11_008, 32, 32, 32, 4096)


@IMPUTERS.register("llama3.1-8b")
class Llama3(FineTuned):
    """Llama-3.1-8B, fine-tuned on the respondents' answers in words.

    Grattafiori et al. (2024), The Llama 3 Herd of Models, arXiv 2407.21783. Everything else is as in `FineTuned`.
    """

    declared = "meta-llama/Llama-3.1-8B"
    sizes = _sizes("llama", 128_256, 4096, 14_336, 32, 32, 8, 131_072)


@IMPUTERS.register("mistral-7b")
class Mistral(FineTuned):
    """Mistral-7B, fine-tuned on the respondents' answers in words.

    Jiang et al. (2023), Mistral 7B, arXiv 2310.06825. Everything else is as in `FineTuned`.
    """

    declared = "mistralai/Mistral-7B-v0.1"
    sizes = _sizes("mistral", 32_000, 4096, 14_336, 32, 32, 8, 32_768)


@IMPUTERS.register("qwen2.5-7b")
class Qwen(FineTuned):
    """Qwen2.5-7B, fine-tuned on the respondents' answers in words.

    Qwen Team (2024), Qwen2.5 Technical Report, arXiv 2412.15115. Everything else is as in `FineTuned`.
    """

    declared = "Qwen/Qwen2.5-7B"
    sizes = _sizes("qwen2", 152_064, 3584, 18_944, 28, 28, 4, 131_072)
