"""The network of the masked transformer: set attention over observed cells, and its training."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, linear, silu

from datasets.schema import Floats
from imputers.shared.vocabulary import Positions, Vocabulary

INITIAL_SPREAD = 0.02  # standard deviation of all random weights, as in Llama
STEPS_OF_256 = 256  # probabilities of masking and dropout are multiples of 1/256: one random byte for each

Shape = tuple[int, ...]
Dropout = Callable[[Shape], Tensor]


@dataclass(frozen=True)
class Plan:
    """How the network is trained.

    Parameters
    ----------
    n_steps, batch_size : gradient steps, and rows in each.
    learning_rate, warm_up : of AdamW, reached linearly after so many steps, then constant.
    dropout : share of the outputs that enter the residual stream set to zero.
    mask_ratio : a question does not see a share of its row's other cells, uniform between 0 and this.
    averaging : share of the running average of the weights that each step keeps.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    dropout: float
    warm_up: int = 60
    mask_ratio: float = 0.9
    averaging: float = 0.998


@dataclass(frozen=True, eq=False)
class Questions:
    """Cells to reconstruct, and what may be seen for each.

    Parameters
    ----------
    prompt : words of the cells that can be seen, shape (b, s).
    items : questions 0…p-1 of each row, shape (b, q).
    visible : the attention mask, 1 where a question sees a cell of its row, else 0; shape (b, q, s).
    asked : flat positions in ``items`` of the questions to answer, shape (a,).
    """

    prompt: Positions
    items: Positions
    visible: Tensor
    asked: Positions


class Network(nn.Module):
    """Transformer over a set of cells, without positions, whose parts are those of Llama.

    Touvron et al. (2023), LLaMA, arXiv 2302.13971, section 2.2: root-mean-square norms before attention and before a
    SwiGLU perceptron three times as wide, no biases, separate vectors of words at input and output. There are no rotary
    embeddings, since the order of cells means nothing. A question attends to the visible cells of its row and to
    itself, never to another question; a cell attends to itself alone. So a cell's key and value depend on its word
    only, and are computed once for each word.

    An answer's score starts from the log of its observed share, so that weights of zero answer by the shares: without
    biases these would have to be learned, and would not be from a few hundred rows.

    A word's vector is its own, plus its item's, plus place on the scale and its square × two directions of the item:
    what is learned about "agree" also moves "strongly agree".

    Parameters
    ----------
    vocabulary : words of questions and answers.
    n_hidden, n_layers, n_heads : width, a multiple of the number of attention heads; layers; heads.
    rng : source of the first weights.
    """

    basis: Tensor
    own_words: Tensor
    offset: Tensor

    def __init__(
        self, vocabulary: Vocabulary, n_hidden: int, n_layers: int, n_heads: int, rng: np.random.Generator
    ) -> None:
        super().__init__()

        def weights(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) * INITIAL_SPREAD)

        p, n_words = len(vocabulary.items), len(vocabulary)
        self.n_heads = n_heads
        self.first = vocabulary.bounds[:-1]  # word of each item's first answer, shape (p,)
        counts = np.diff(vocabulary.bounds)
        places = np.arange(counts.max())
        own_words = np.where(places < counts[:, None], self.first[:, None] + places, 0)
        with np.errstate(divide="ignore"):
            offset = np.log(vocabulary.shares).astype(np.float32)
        basis = np.zeros((n_words, 3, p), dtype=np.float32)
        powers = [np.arange(n_words) >= p, vocabulary.scores, vocabulary.scores**2]
        basis[np.arange(n_words), :, vocabulary.item_of] = np.stack(powers, axis=1)
        self.register_buffer("basis", torch.from_numpy(basis.reshape(n_words, 3 * p)))
        self.register_buffer("own_words", torch.from_numpy(own_words))  # answers of each item, (p, K)
        self.register_buffer("offset", torch.from_numpy(offset))
        self.words_in, self.words_out = weights(n_words, n_hidden), weights(n_words, n_hidden)
        self.items_in, self.items_out = weights(3 * p, n_hidden), weights(3 * p, n_hidden)
        self.layers = nn.ModuleList(Layer(n_hidden, weights) for _ in range(n_layers))
        self.norm = nn.Parameter(torch.ones(n_hidden))

    def states(self, questions: Questions, dropout: Dropout) -> Tensor:
        """Last hidden states of the asked questions, shape (a, n_hidden)."""
        asked = torch.from_numpy(questions.asked)
        words = torch.addmm(self.words_in, self.basis, self.items_in)
        state = embedding(torch.from_numpy(questions.items.ravel()), words)
        n_hidden = state.shape[1]
        state = state * dropout((len(state), n_hidden))
        for layer in cast("list[Layer]", self.layers):
            keys_values = linear(normed(words), (layer.project * layer.norm_attention)[n_hidden:])
            mixed = layer.attended(state, keys_values, questions, self.n_heads)
            if layer is self.layers[-1]:
                state, mixed = state[asked], mixed[asked]
            else:  # a cell's attention to itself alone gives its own value
                words = words + linear(keys_values[:, n_hidden:], layer.mix)
                words = words + layer.perceptron(words)
            state = torch.addcmul(state, linear(mixed, layer.mix), dropout(state.shape))
            state = torch.addcmul(state, layer.perceptron(state), dropout(state.shape))
        return state

    def head(self) -> Tensor:
        """Vectors that the normalised states are multiplied by to score the words, shape (words, n_hidden)."""
        return torch.addmm(self.words_out, self.basis, self.items_out) * self.norm

    def loss(self, questions: Questions, words: Positions, dropout: Dropout) -> Tensor:
        """Reconstruction loss: mean negative log-probability of the asked words among the answers of their items.

        Parameters
        ----------
        questions : with the asked ones sorted by item.
        words : the observed answers, shape (a,).
        """
        items = questions.items.ravel()[questions.asked]
        scores = self._scores_by_item(self.states(questions, dropout), items)
        return cross_entropy(scores, torch.from_numpy(words - self.first[items]))

    def _scores_by_item(self, state: Tensor, items: Positions) -> Tensor:
        """Scores of the answers to questions about sorted items (a,), shape (a, K); minus infinity beyond the item's.

        Only the words of the asked item are scored, one batched product for all items.
        """
        p, counts = len(self.first), np.bincount(items, minlength=len(self.first))
        longest = int(counts.max())
        starts = counts.cumsum() - counts
        place = items * longest + np.arange(len(items)) - starts[items]  # in a table with a row for each item
        table = state.new_zeros(p * longest, state.shape[1])
        by_item = table.index_copy(0, torch.from_numpy(place), normed(state)).view(p, longest, -1)
        vectors = embedding(self.own_words, self.head())  # (p, K, n_hidden)
        scores = torch.baddbmm(self.offset[:, None], by_item, vectors.transpose(1, 2))
        return scores.flatten(0, 1)[torch.from_numpy(place)]

    @torch.no_grad()
    def probabilities(self, questions: Questions) -> Floats:
        """Probabilities of the answers to the asked questions, shape (a, K), K those of the widest item; 0 beyond."""
        state = normed(self.states(questions, lambda shape: torch.ones(()).expand(shape)))
        items = torch.from_numpy(questions.items.ravel()[questions.asked])
        scores = linear(state, self.head()).gather(1, self.own_words[items]) + self.offset[items]
        return scores.softmax(dim=1).double().numpy()


class Layer(nn.Module):
    """Weights of one layer: norms, query-key-value projection, mixing of the heads, perceptron."""

    def __init__(self, n_hidden: int, weights: Callable[..., nn.Parameter]) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = (nn.Parameter(torch.ones(n_hidden)) for _ in range(2))
        self.project, self.mix = weights(3 * n_hidden, n_hidden), weights(n_hidden, n_hidden)
        self.gate_up, self.down = weights(6 * n_hidden, n_hidden), weights(n_hidden, 3 * n_hidden)

    def attended(self, state: Tensor, keys_values: Tensor, questions: Questions, n_heads: int) -> Tensor:
        """Attention of each question to the visible cells of its row and to itself, shape (b · q, n_hidden).

        Parameters
        ----------
        state : of the questions, shape (b · q, n_hidden).
        keys_values : of each word, shape (words, 2 · n_hidden).
        """
        b, q, s = questions.visible.shape
        projected = linear(normed(state), self.project * self.norm_attention)
        query, key, value = projected.view(b, q, 3, n_heads, -1).permute(2, 0, 3, 1, 4)  # each (b, heads, q, size)
        query = query * query.shape[-1] ** -0.5
        cells = embedding(torch.from_numpy(questions.prompt), keys_values).view(b, s, 2, n_heads, -1)
        keys, values = cells.permute(2, 0, 3, 1, 4)  # each (b, heads, s, size)
        scores = query @ keys.transpose(2, 3) + torch.log(questions.visible)[:, None]
        weights = torch.cat([scores, (query * key).sum(dim=3, keepdim=True)], dim=3).softmax(dim=3)
        mixed = weights[..., :-1] @ values + weights[..., -1:] * value
        return mixed.transpose(1, 2).reshape(b * q, -1)

    def perceptron(self, state: Tensor) -> Tensor:
        """What the SwiGLU perceptron (Shazeer 2020, arXiv 2002.05202, equation 6) adds to states (r, n_hidden)."""
        gate, up = linear(normed(state), self.gate_up * self.norm_mlp).chunk(2, dim=1)
        return linear(silu(gate) * up, self.down)


def train(network: Network, words: Positions, targets: Positions, plan: Plan, rng: np.random.Generator) -> list[float]:
    """Fit the network in place; it is left with the running average of its weights.

    Parameters
    ----------
    words : a word per cell (n, p); questions, the words 0…p-1, are never learned from.
    targets : items whose answers are learned, shape (t,).
    plan : length and pace.
    rng : source of rows, masked cells and dropout.

    Returns
    -------
    list of float
        Reconstruction loss at every step.
    """
    groups = _flat_groups(network)
    optimiser = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.99), fused=True)
    flat = [parameter for group in groups for parameter in group["params"]]
    average = [parameter.detach().clone() for parameter in flat]
    dropout = _dropout(plan.dropout, rng)
    losses = []
    for step, (questions, answers) in enumerate(batches(words, targets, plan, rng)):
        optimiser.zero_grad(set_to_none=False)  # in place: the network's gradients are views of these
        loss = network.loss(questions, answers, dropout)
        loss.backward()
        nn.utils.clip_grad_norm_(flat, 1.0)
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * min(1.0, (step + 1) / plan.warm_up)
        optimiser.step()
        # at first the average is over the last third or so of few steps, or the random start would stay in it
        pace = max(1 - plan.averaging, 3 / (4 + step))
        torch._foreach_lerp_(average, [parameter.detach() for parameter in flat], pace)
        losses.append(float(loss.detach()))
    with torch.no_grad():
        for parameter, mean in zip(flat, average, strict=True):
            parameter.copy_(mean)
    network.requires_grad_(False).zero_grad()
    return losses


def batches(
    words: Positions, targets: Positions, plan: Plan, rng: np.random.Generator
) -> Iterator[tuple[Questions, Positions]]:
    """For each step random rows, random observed cells to reconstruct, sorted by item, and their words (a,)."""
    p = words.shape[1]
    item_of = np.zeros(words.max() + 1, dtype=np.intp)
    item_of[words] = np.arange(p)
    n_visible, n_asked = mean_observed(words, p), mean_observed(words[:, targets], p)
    for _ in range(plan.n_steps):
        rows = words[rng.choice(len(words), min(plan.batch_size, len(words)), replace=False, shuffle=False)]
        prompt, answers = observed_cells(rows, p, n_visible, rng), observed_cells(rows[:, targets], p, n_asked, rng)
        items = item_of[answers]
        asked = np.flatnonzero(answers >= p)
        if not len(asked):
            continue
        asked = asked[np.argsort(items.ravel()[asked], kind="stable")]
        visible = visible_cells(prompt, answers, p, plan.mask_ratio, rng)
        questions = Questions(prompt, items, torch.from_numpy(visible.view(np.uint8)).float(), asked)
        yield questions, answers.ravel()[asked]


def mean_observed(words: Positions, p: int) -> int:
    """Observed cells in a row of words (n, t) on average, rounded up; words below p are questions."""
    return math.ceil((words >= p).sum() / len(words))


def observed_cells(words: Positions, p: int, n_cells: int, rng: np.random.Generator) -> Positions:
    """So many cells of each row, at random from the observed ones while there are any, shape (b, n_cells).

    Training so spends little time on holes, of which there is nothing to learn.
    """
    places = rng.random(words.shape, dtype=np.float32) + (words < p)
    return np.take_along_axis(words, np.argpartition(places, n_cells - 1, axis=1)[:, :n_cells], axis=1)


def visible_cells(
    prompt: Positions, answers: Positions, p: int, mask_ratio: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Cells that each question sees, shape (b, q, s): observed ones, a random share, and never its own answer.

    Parameters
    ----------
    prompt : a word per cell, shape (b, s).
    answers : the words that are asked for, shape (b, q).
    p : number of items; smaller words are holes.
    mask_ratio : share that is masked at most; each question has its own.
    """
    ratios = rng.integers(0, round(mask_ratio * STEPS_OF_256), (*answers.shape, 1), dtype=np.uint8, endpoint=True)
    kept = _random_bytes((*answers.shape, prompt.shape[1]), rng) >= ratios
    return kept & (prompt >= p)[:, None, :] & (prompt[:, None, :] != answers[:, :, None])


def normed(x: Tensor) -> Tensor:
    """Vectors (r, n) over their root mean square (Zhang & Sennrich 2019, NeurIPS); weights go into the next matrix."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-6).rsqrt()


def _dropout(share: float, rng: np.random.Generator) -> Dropout:
    """Factors that set a share of the outputs to zero, to the nearest 1/256, and raise the others by as much."""
    dropped = round(share * STEPS_OF_256)

    def factors(shape: Shape) -> Tensor:
        kept = (_random_bytes(shape, rng) >= dropped).view(np.uint8)
        return torch.from_numpy(kept).float().mul_(STEPS_OF_256 / (STEPS_OF_256 - dropped))

    return factors


def _random_bytes(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    n_bytes = math.prod(shape)
    return rng.integers(0, 2**64, -(-n_bytes // 8), dtype=np.uint64).view(np.uint8)[:n_bytes].reshape(shape)


def _flat_groups(network: Network) -> list[dict[str, Any]]:
    """Parameter groups of AdamW: the layers' matrices shrink strongly, words' vectors less, and norms not at all.

    Each is one flat parameter, of which the network's are views from now on: the optimiser's time is that of its calls.
    """
    decays: dict[float, list[nn.Parameter]] = {1.0: [], 0.2: [], 0.0: []}
    for name, parameter in network.named_parameters():
        decays[0.0 if "norm" in name else 1.0 if name.startswith("layers.") else 0.2].append(parameter)
    groups = []
    for decay, parameters in decays.items():
        flat = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in parameters]))
        flat.grad = gradients = torch.zeros_like(flat.detach())
        sizes = [parameter.numel() for parameter in parameters]
        parts = zip(parameters, flat.detach().split(sizes), gradients.split(sizes), strict=True)
        for parameter, values, gradient in parts:
            parameter.data, parameter.grad = values.view_as(parameter), gradient.view_as(parameter)
        groups.append({"params": [flat], "weight_decay": decay})
    return groups
