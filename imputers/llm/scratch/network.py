"""A small Llama with random weights, whose words for answers on a scale start out knowing the scale."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import LlamaConfig, LlamaForCausalLM

from imputers.shared.vocabulary import Vocabulary

SPREAD = 0.02  # of all random weights, as in Llama


def build(vocabulary: Vocabulary, hidden: int, layers: int, heads: int, generator: torch.Generator) -> LlamaForCausalLM:
    """Llama of this size over these words, weights from the generator; torch's global one is not used.

    Touvron et al. (2023), LLaMA: Open and Efficient Foundation Language Models, arXiv 2302.13971.
    """
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=len(vocabulary.items),
        initializer_range=SPREAD,
        use_cache=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        model = LlamaForCausalLM(config)
        for table in (model.get_input_embeddings(), model.get_output_embeddings()):
            parametrize.register_parametrization(table, "weight", Scale(vocabulary, hidden))
    return model


def fold(model: LlamaForCausalLM) -> None:
    """Add the parts of the two word tables into plain ones, which give the same answers."""
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        parametrize.remove_parametrizations(table, "weight")


class Scale(nn.Module):
    """A word's vector: its own, plus its item's, plus place on the scale and its square × the item's directions.

    What is learned about "agree" so also moves "strongly agree", and early in training all of them do.
    """

    powers: Tensor  # 1, place on the scale, and its square, of each word; shape (3, words, 1)
    item_of: Tensor

    def __init__(self, vocabulary: Vocabulary, hidden: int) -> None:
        super().__init__()
        p = len(vocabulary.items)
        self.items = nn.Parameter(torch.randn(3, p, hidden) * SPREAD)
        places = torch.as_tensor(vocabulary.scores, dtype=torch.float32)
        answers = torch.as_tensor(np.arange(len(vocabulary)) >= p, dtype=torch.float32)
        self.register_buffer("powers", torch.stack([answers, places, places**2])[:, :, None])
        self.register_buffer("item_of", torch.as_tensor(vocabulary.item_of))

    def forward(self, own: Tensor) -> Tensor:
        """Vectors (words, hidden) of all words from their own parts."""
        return own + (self.powers * self.items[:, self.item_of]).sum(dim=0)
