"""The pre-trained models that are fine-tuned under a name of their own, with the sizes that a plan needs."""

from typing import Any, ClassVar

from imputers import IMPUTERS
from imputers.llm.fine_tuned import FineTuned


@IMPUTERS.register("llama2-13b")
class Llama2Large(FineTuned):
    """Llama-2-13b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), Llama 2: Open Foundation and Fine-Tuned Chat Models, arXiv 2307.09288. Everything else is as
    in `FineTuned`.
    """

    declared = "meta-llama/Llama-2-13b-hf"
    sizes: ClassVar[dict[str, Any]] = {
        "model_type": "llama",
        "vocab_size": 32_000,
        "hidden_size": 5120,
        "intermediate_size": 13_824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 40,
        "max_position_embeddings": 4096,
    }


@IMPUTERS.register("llama2-7b")
class Llama2Small(FineTuned):
    """Llama-2-7b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), arXiv 2307.09288. Everything else is as in `FineTuned`.
    """

    declared = "meta-llama/Llama-2-7b-hf"
    sizes: ClassVar[dict[str, Any]] = {
        "model_type": "llama",
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "max_position_embeddings": 4096,
    }


@IMPUTERS.register("llama3.1-8b")
class Llama3(FineTuned):
    """Llama-3.1-8B, fine-tuned on the respondents' answers in words.

    Grattafiori et al. (2024), The Llama 3 Herd of Models, arXiv 2407.21783. Everything else is as in `FineTuned`.
    """

    declared = "meta-llama/Llama-3.1-8B"
    sizes: ClassVar[dict[str, Any]] = {
        "model_type": "llama",
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 131_072,
    }


@IMPUTERS.register("mistral-7b")
class Mistral(FineTuned):
    """Mistral-7B, fine-tuned on the respondents' answers in words.

    Jiang et al. (2023), Mistral 7B, arXiv 2310.06825. Everything else is as in `FineTuned`.
    """

    declared = "mistralai/Mistral-7B-v0.1"
    sizes: ClassVar[dict[str, Any]] = {
        "model_type": "mistral",
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 32_768,
    }


@IMPUTERS.register("qwen2.5-7b")
class Qwen(FineTuned):
    """Qwen2.5-7B, fine-tuned on the respondents' answers in words.

    Qwen Team (2024), Qwen2.5 Technical Report, arXiv 2412.15115. Everything else is as in `FineTuned`.
    """

    declared = "Qwen/Qwen2.5-7B"
    sizes: ClassVar[dict[str, Any]] = {
        "model_type": "qwen2",
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "max_position_embeddings": 131_072,
    }
