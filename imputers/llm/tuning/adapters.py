"""Low-rank adapters on a frozen language model: attach, save, load again, and take off."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from datasets.errors import InputError
from imputers.llm.tuning.low_rank import with_low_rank_layers
from imputers.shared.randomness import seed_from, seeded
from imputers.shared.weights import LanguageModel


@dataclass(frozen=True)
class Lora:
    """Size of the adapters: the update of each linear layer is alpha / rank · B A, B (out, rank), A (rank, in).

    Hu et al. (2022), LoRA: Low-Rank Adaptation of Large Language Models, ICLR, arXiv 2106.09685; on all linear layers
    but the head, as by Dettmers et al. (2023), QLoRA, arXiv 2305.14314, section 4.

    Parameters
    ----------
    rank, alpha : as above.
    dropout : share of an adapter's inputs that is set to zero in training; a copy of each input is then kept.

    Raises
    ------
    InputError
        If a size is out of range.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if min(self.rank, self.alpha) < 1 or not 0 <= self.dropout < 1:
            raise InputError(
                f"lora has rank {self.rank}, alpha {self.alpha} and dropout {self.dropout}; wanted rank and alpha of "
                "1 at least and dropout from 0 to below 1"
            )


def make_trainable(loaded: LanguageModel, lora: Lora, generator: torch.Generator) -> LanguageModel:
    """What is to be trained, by the weights' origin: a fresh adapter on pre-trained ones, all of random ones.

    A low-rank update of a random network could hardly learn a language.
    """
    return attach(loaded, lora, generator) if loaded.weights == "pretrained" else loaded


def attach(loaded: LanguageModel, lora: Lora, generator: torch.Generator) -> LanguageModel:
    """Put a fresh adapter, in float32, on the frozen network; at first its answers stay the same.

    Parameters
    ----------
    generator : source of the adapter's first weights; torch's global one is not used.
    """
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with seeded(seed_from(generator), loaded.device):
        return _with_network(loaded, get_peft_model(_plain(loaded), with_low_rank_layers(config)).eval())


def detach(loaded: LanguageModel) -> LanguageModel:
    """Take the adapter off again; the network is as it was before."""
    if not isinstance(loaded.model, PeftModel):
        raise InputError(f"{loaded.name} has no adapter; attach or restore one first")
    return _with_network(loaded, loaded.model.unload())


def save(loaded: LanguageModel, folder: Path) -> None:
    """Write the adapter, or a network without one, as safetensors and JSON in the formats of peft and transformers."""
    if isinstance(loaded.model, PeftModel):
        # the vocabulary is never resized; peft would ask the hub whether it was
        loaded.model.save_pretrained(str(folder), save_embedding_layers=False)
    else:
        loaded.model.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)


def restore(loaded: LanguageModel, folder: Path) -> LanguageModel:
    """Put a saved adapter on the network that it was trained on.

    Raises
    ------
    InputError
        If the folder holds no adapter as safetensors.
    """
    if not (folder / "adapter_model.safetensors").is_file():
        raise InputError(f"{folder} has no adapter_model.safetensors; give the folder that an adapter was saved to")
    config = with_low_rank_layers(LoraConfig.from_pretrained(str(folder)))
    return _with_network(loaded, PeftModel.from_pretrained(_plain(loaded), folder, config=config).eval())


def _plain(loaded: LanguageModel) -> PreTrainedModel:
    if isinstance(loaded.model, PeftModel):
        raise InputError(f"{loaded.name} has an adapter already; detach it first")
    return loaded.model


def _with_network(loaded: LanguageModel, network: torch.nn.Module) -> LanguageModel:
    # a PeftModel passes on whatever it is asked for to the network inside it
    return replace(loaded, model=cast(PreTrainedModel, network))
