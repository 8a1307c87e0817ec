"""Texts as a language model sees them: one vector each, the mean of its last hidden states."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch

from datasets.schema import Floats
from imputers.shared.weights import load


def mean_states(model: str) -> Callable[[Sequence[str]], Floats]:
    """Load a model, and give the function from texts to their vectors, shape (texts, hidden).

    The mean over a text's tokens, as texts are commonly compared by models that were not trained for it (Reimers
    and Gurevych 2019, EMNLP, arXiv 1908.10084, section 4).

    Parameters
    ----------
    model : id on the hub or folder, see `imputers.shared.weights.load`.

    Raises
    ------
    MethodUnavailableError, InputError
        As `imputers.shared.weights.load`.
    """
    loaded = load(model, "auto", "pretrained", torch.Generator())
    decoder = loaded.model.get_decoder()

    @cache
    def state(text: str) -> Floats:
        tokens = torch.tensor([loaded.tokenizer.encode(text)], device=loaded.device)
        with torch.no_grad():
            states = decoder(input_ids=tokens, use_cache=False).last_hidden_state
        return states[0].double().mean(dim=0).cpu().numpy()

    return lambda texts: np.stack([state(text) for text in texts])
