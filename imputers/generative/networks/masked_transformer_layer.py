"""A transformer layer over cells and the log loss of its questions, each with its gradient written out.

Torch's own gradient of the same formulas is slower: much of the time of so small a network goes into short-lived
arrays and the calls that make them.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import silu

HIGHEST_SCORE = 60.0  # attention scores are cut at plus and minus this, so that no exponential overflows or vanishes
ROWS = 1024  # that the perceptron works on at a time, so that its intermediate values stay in the cache


def normed(x: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors (r, n_hidden) divided by their root mean square, and its reciprocal (r, 1)."""
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    reciprocal = length.square_().mul_(1 / x.shape[1]).add_(1e-6).rsqrt_()
    return x * reciprocal, reciprocal


class Normed(Function):
    """Root-mean-square norm (Zhang & Sennrich 2019, NeurIPS) without weights: they go into the matrix that follows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - torch's context
        """Divide vectors (r, n_hidden) by their root mean square."""
        ctx.kept = normed(x)
        return ctx.kept[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        """Gradient of the vectors."""
        return _before_norm(gradient, *ctx.kept)


class AttentionLayer(Function):
    """States of questions after attention to visible cells and to themselves, and after the SwiGLU perceptron.

    Inputs
    ------
    state : of the questions, shape (b · q, n_hidden).
    keys_values : of each word, shape (words, 2 · n_hidden).
    project : of the normalised states to queries (scaled), keys and values, shape (3 · n_hidden, n_hidden).
    mix, gate_up, down : matrices after attention and of the perceptron (Shazeer 2020, arXiv 2002.05202, equation 6).
    prompt : words of the cells, shape (b, s).
    visible : 1 where a question sees a cell, else 0; shape (b, q, s).
    asked : rows of ``state`` that go on (a,), or None for all.
    member : 1 where a number belongs to a head, shape (n_hidden, heads).
    drop_mixed, drop_mlp : factors of what is added to the states, shape (a, n_hidden).
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        state: Tensor,
        keys_values: Tensor,
        project: Tensor,
        mix: Tensor,
        gate_up: Tensor,
        down: Tensor,
        prompt: Tensor,
        visible: Tensor,
        asked: Tensor | None,
        member: Tensor,
        drop_mixed: Tensor,
        drop_mlp: Tensor,
    ) -> Tensor:
        """States that go on, shape (a, n_hidden)."""
        norm = normed(state)
        ctx.projected = norm[0] @ project.t()
        ctx.words = prompt.reshape(-1)
        ctx.attention = _attend(ctx.projected, keys_values.index_select(0, ctx.words), visible, member)
        mixed = ctx.attention[-1]
        if asked is not None:
            state, mixed = state.index_select(0, asked), mixed.index_select(0, asked)
        state = torch.addcmul(state, mixed @ mix.t(), drop_mixed)
        out, ctx.perceptron = _perceptron(state, gate_up, down, drop_mlp)
        ctx.norm, ctx.mixed, ctx.n_words = norm, mixed, len(keys_values)
        ctx.save_for_backward(project, mix, gate_up, down, asked, member, drop_mixed)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Gradients of states, words' keys and values, and matrices."""
        project, mix, gate_up, down, asked, member, drop_mixed = ctx.saved_tensors
        of_state, of_gate_up, of_down = _before_perceptron(gradient, ctx.perceptron, gate_up, down)
        added = of_state * drop_mixed
        of_mix, of_mixed = added.t() @ ctx.mixed, added @ mix
        if asked is not None:
            whole = of_state.new_zeros(2, *ctx.norm[0].shape)
            of_mixed, of_state = whole[0].index_copy_(0, asked, of_mixed), whole[1].index_copy_(0, asked, of_state)
        of_projected, of_cells = _before_attention(of_mixed, ctx.projected, ctx.attention, member)
        of_words = torch.ops.aten.embedding_dense_backward(of_cells, ctx.words, ctx.n_words, -1, False)
        of_state = _before_norm(of_projected @ project, *ctx.norm).add_(of_state)
        return of_state, of_words, of_projected.t() @ ctx.norm[0], of_mix, of_gate_up, of_down, *([None] * 6)


class LogLoss(Function):
    """Mean negative log-probability of the answers to questions, among the answers of each question's item.

    Only the words of the asked item are scored, one batched product for all items.

    Inputs
    ------
    state : of the questions, shape (a, n_hidden).
    head : vectors of the words, shape (words, n_hidden).
    own_words : words that answer each item, shape (p, K).
    barred : 0 for those, minus infinity for what fills the row up, shape (p, K).
    place : flat place of each question in a table (p, c) with a row for each item, shape (a,).
    answers : number of the answer at each place, shape (p · c,); 0 where there is no question.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        state: Tensor,
        head: Tensor,
        own_words: Tensor,
        barred: Tensor,
        place: Tensor,
        answers: Tensor,
    ) -> Tensor:
        """Mean over the questions, a scalar."""
        ctx.norm = normed(state)
        by_item = state.new_zeros(len(answers), state.shape[1]).index_copy_(0, place, ctx.norm[0])
        ctx.by_item = by_item.view(len(own_words), -1, state.shape[1])
        ctx.vectors = head.index_select(0, own_words.view(-1)).view(*own_words.shape, -1)
        scores = torch.baddbmm(barred[:, None], ctx.by_item, ctx.vectors.transpose(1, 2))
        ctx.logs, ctx.n_words = scores.log_softmax(dim=2).flatten(0, 1), len(head)
        ctx.save_for_backward(own_words, place, answers)
        return -ctx.logs.gather(1, answers[:, None]).index_select(0, place).mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Gradients of states and of the words' vectors."""
        own_words, place, answers = ctx.saved_tensors
        step = gradient / len(place)
        # states of places without a question are 0: they add nothing to the words' gradient, and are not read
        of_scores = ctx.logs.exp().mul_(step)
        of_scores.scatter_add_(1, answers[:, None], -step.expand(len(answers), 1))
        of_scores = of_scores.view(len(own_words), -1, own_words.shape[1])
        of_normed = torch.bmm(of_scores, ctx.vectors).flatten(0, 1).index_select(0, place)
        of_vectors = torch.bmm(of_scores.transpose(1, 2), ctx.by_item).flatten(0, 1)
        of_head = of_vectors.new_zeros(ctx.n_words, of_vectors.shape[1]).index_add_(0, own_words.view(-1), of_vectors)
        return _before_norm(of_normed, *ctx.norm), of_head, None, None, None, None


def _before_norm(gradient: Tensor, of_norm: Tensor, reciprocal: Tensor) -> Tensor:
    along = (gradient * of_norm).mean(dim=1, keepdim=True)
    return torch.addcmul(gradient, of_norm, along, value=-1).mul_(reciprocal)


def _attend(projected: Tensor, cells: Tensor, visible: Tensor, member: Tensor) -> tuple[Tensor, ...]:
    """Softmax attention of questions to cells and to themselves; the last entry is its result (b · q, n_hidden).

    Exponentials are divided by their sum after the values are added up, which touches fewer numbers. The sum comes from
    a value of 1 in every cell.
    """
    (b, q, s), (n_hidden, n_heads) = visible.shape, member.shape
    query, key, value = projected.split(n_hidden, dim=1)
    itself = ((query * key) @ member).clamp_(-HIGHEST_SCORE, HIGHEST_SCORE).exp_()
    queries = _by_head(query, b, n_heads).reshape(b * n_heads, q, -1)
    keys = _by_head(cells[:, :n_hidden], b, n_heads).reshape(b * n_heads, s, -1)
    values = keys.new_ones(b, n_heads, s, keys.shape[2] + 1)
    values[..., :-1] = _by_head(cells[:, n_hidden:], b, n_heads)
    values = values.flatten(0, 1)
    weights = torch.bmm(queries, keys.transpose(1, 2)).clamp_(-HIGHEST_SCORE, HIGHEST_SCORE).exp_()
    weights.view(b, n_heads, -1).mul_(visible.reshape(b, 1, -1))
    sums = torch.bmm(weights, values).view(b, n_heads, q, -1).transpose(1, 2)
    share = (sums[..., -1].reshape(-1, n_heads) + itself).reciprocal_() @ member.t()
    mixed = sums[..., :-1].reshape(-1, n_hidden).addcmul_(itself @ member.t(), value).mul_(share)
    return queries, keys, values, weights, itself, share, mixed


def _before_attention(
    gradient: Tensor, projected: Tensor, attention: tuple[Tensor, ...], member: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the projected states (b · q, 3 · n_hidden), and of the cells' keys and values (b · s, 2 · n_hidden).

    With weight w and values v of a cell, the gradient g of the result x gives its score w · (g · v − g · x); the second
    part is the product with the value of 1.
    """
    queries, keys, values, weights, itself, share, mixed = attention
    n_hidden, n_heads = member.shape
    b, q, s = len(queries) // n_heads, queries.shape[1], keys.shape[1]
    query, key, value = projected.split(n_hidden, dim=1)
    gradient = gradient * share
    level = (gradient * mixed) @ member
    of_itself = ((gradient * value) @ member).sub_(level).mul_(itself) @ member.t()
    of_sums = queries.new_empty(b, n_heads, q, values.shape[2])
    of_sums[..., :-1] = _by_head(gradient, b, n_heads)
    of_sums[..., -1] = level.neg_().view(b, q, n_heads).transpose(1, 2)
    of_sums = of_sums.flatten(0, 1)
    of_scores = torch.bmm(of_sums, values.transpose(1, 2)).mul_(weights)
    of_projected = torch.empty_like(projected)
    of_query, of_key, of_value = of_projected.split(n_hidden, dim=1)
    _by_head(of_query, b, n_heads).copy_(torch.bmm(of_scores, keys).view(b, n_heads, q, -1))
    of_query.addcmul_(of_itself, key)
    torch.mul(of_itself, query, out=of_key)
    torch.mul(itself @ member.t(), gradient, out=of_value)
    of_cells = queries.new_empty(b * s, 2 * n_hidden)
    of_keys, of_values = of_cells.split(n_hidden, dim=1)
    _by_head(of_keys, b, n_heads).copy_(torch.bmm(of_scores.transpose(1, 2), queries).view(b, n_heads, s, -1))
    _by_head(of_values, b, n_heads).copy_(torch.bmm(weights.transpose(1, 2), of_sums[..., :-1]).view(b, n_heads, s, -1))
    return of_projected, of_cells


def _by_head(x: Tensor, rows: int, n_heads: int) -> Tensor:
    """View vectors (rows · n, n_hidden) by head, shape (rows, n_heads, n, size of a head)."""
    return x.unflatten(1, (n_heads, -1)).unflatten(0, (rows, -1)).transpose(1, 2)


def _perceptron(
    state: Tensor, gate_up: Tensor, down: Tensor, factors: Tensor
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    """States plus the factors times the perceptron of the normalised states, and for each block what it came from."""
    gate, up = gate_up.chunk(2)
    out = torch.empty_like(state)
    blocks: list[tuple[Tensor, ...]] = []
    for rows, block, drop in zip(state.split(ROWS), out.split(ROWS), factors.split(ROWS), strict=True):
        x, reciprocal = normed(rows)
        gates, ups = x @ gate.t(), x @ up.t()
        torch.addcmul(rows, silu(gates).mul_(ups) @ down.t(), drop, out=block)
        blocks.append((x, reciprocal, gates, ups, drop))
    return out, blocks


def _before_perceptron(
    gradient: Tensor, blocks: list[tuple[Tensor, ...]], gate_up: Tensor, down: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the states, and of the two matrices."""
    gate, up = gate_up.chunk(2)
    of_state, of_gate_up, of_down = torch.empty_like(gradient), torch.zeros_like(gate_up), torch.zeros_like(down)
    of_gate, of_up = of_gate_up.chunk(2)
    parts = zip(gradient.split(ROWS), of_state.split(ROWS), blocks, strict=True)
    for of_out, of_rows, (x, reciprocal, gates, ups, drop) in parts:
        added, opened = of_out * drop, silu(gates)
        of_down.addmm_(added.t(), opened * ups)
        of_product = added @ down
        of_ups = opened.mul_(of_product)
        of_gates = torch.ops.aten.silu_backward(of_product.mul_(ups), gates)
        of_gate.addmm_(of_gates.t(), x)
        of_up.addmm_(of_ups.t(), x)
        torch.add(of_out, _before_norm((of_gates @ gate).addmm_(of_ups, up), x, reciprocal), out=of_rows)
    return of_state, of_gate_up, of_down
