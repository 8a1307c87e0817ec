"""Whether a network can be asked several questions in one sequence: it must obey a mask and positions of ours."""

from inspect import signature

import torch
from transformers import PreTrainedModel

from datasets.errors import InputError


def check_architecture(name: str, network: PreTrainedModel, n_tokens: int) -> None:
    """See that a network knows all tokens and answers a packed question as it answers it alone.

    Questions that share a sequence must not see each other, and the head is applied where they
    end and nowhere else. Some architectures take no such mask, or rescale what the head says; their answers would be
    wrong in silence.

    Parameters
    ----------
    name : what to call it in an error.
    network : in evaluation mode.
    n_tokens : size of its tokenizer.

    Raises
    ------
    InputError
        If it does not.
    """
    rows = int(network.config.get_text_config().vocab_size)
    if n_tokens > rows:
        raise InputError(
            f"the tokenizer of {name} has {n_tokens} tokens and its network {rows}; they are not of the same model: "
            "put the model's own tokenizer beside its config.json"
        )
    if "position_ids" not in signature(network.get_decoder().forward).parameters or not _agrees(network):
        raise InputError(
            f"{name} ({network.config.model_type}) does not answer several questions in one sequence as it answers "
            "each alone; take a model of the Llama, Mistral or Qwen family"
        )


def _agrees(network: PreTrainedModel) -> bool:
    tolerance = 1e-3 if network.dtype == torch.float32 else 0.1
    with torch.no_grad():
        alone = network(
            input_ids=torch.tensor([[1, 2, 4]], device=network.device),
            attention_mask=_mask(network, torch.ones(3, 3, dtype=torch.bool).tril()),
        )
        packed = _packed_logits(network).float()
    asked = alone.logits[0, -1].float()
    return bool((packed - asked).abs().max() <= tolerance * asked.std())


def _packed_logits(network: PreTrainedModel) -> torch.Tensor:
    """What is predicted after tokens 1, 2, 4, where 3 stands before the 4 and must not be seen; shape (tokens,)."""
    seen = torch.ones(4, 4, dtype=torch.bool).tril()
    seen[3, 2] = False
    states = network.get_decoder()(
        input_ids=torch.tensor([[1, 2, 3, 4]], device=network.device),
        attention_mask=_mask(network, seen),
        position_ids=torch.tensor([[0, 1, 2, 2]], device=network.device),
        use_cache=False,
    ).last_hidden_state
    return network.get_output_embeddings()(states[0, -1])


def _mask(network: PreTrainedModel, seen: torch.Tensor) -> torch.Tensor:
    """What is added to scores (n, n), so that what is not seen counts for nothing, shape (1, 1, n, n)."""
    return torch.where(seen.to(network.device), 0.0, torch.finfo(network.dtype).min).to(network.dtype)[None, None]
