"""The pre-trained models that are fine-tuned under a name of their own, one declaration each."""

from imputers import IMPUTERS
from imputers.llm.fine_tuned import FineTuned
from imputers.llm.models import MODELS


@IMPUTERS.register("llama2-13b")
class Llama2Large(FineTuned):
    """Llama-2-13b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), Llama 2: Open Foundation and Fine-Tuned Chat Models, arXiv 2307.09288; the model of the
    founding experiment. Everything else is as in `FineTuned`.
    """

    declared = MODELS["llama2-13b"]


@IMPUTERS.register("llama2-7b")
class Llama2Small(FineTuned):
    """Llama-2-7b, fine-tuned on the respondents' answers in words.

    Touvron et al. (2023), arXiv 2307.09288. Everything else is as in `FineTuned`.
    """

    declared = MODELS["llama2-7b"]


@IMPUTERS.register("llama3.1-8b")
class Llama3(FineTuned):
    """Llama-3.1-8B, fine-tuned on the respondents' answers in words.

    Grattafiori et al. (2024), The Llama 3 Herd of Models, arXiv 2407.21783. Everything else is as in `FineTuned`.
    """

    declared = MODELS["llama3.1-8b"]


@IMPUTERS.register("mistral-7b")
class Mistral(FineTuned):
    """Mistral-7B, fine-tuned on the respondents' answers in words.

    Jiang et al. (2023), Mistral 7B, arXiv 2310.06825. Everything else is as in `FineTuned`.
    """

    declared = MODELS["mistral-7b"]


@IMPUTERS.register("qwen2.5-7b")
class Qwen(FineTuned):
    """Qwen2.5-7B, fine-tuned on the respondents' answers in words.

    Qwen Team (2024), Qwen2.5 Technical Report, arXiv 2412.15115. Everything else is as in `FineTuned`.
    """

    declared = MODELS["qwen2.5-7b"]
