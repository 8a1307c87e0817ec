import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from imputers.shared import attention  # noqa: E402 - these need torch
from imputers.shared.attention import attend  # noqa: E402

SCALING = 0.3


def inputs(groups, places, dtype=torch.float32):
    """Six heads of two respondents who read five places behind others, each of which sees some of all."""
    generator = torch.Generator().manual_seed(groups + places)
    shapes = ((2, 6, 5, 8), (2, groups, places, 8), (2, groups, places, 8))
    query, key, value = (torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes)
    seen = torch.rand((2, 1, 5, places), generator=generator) < 0.5
    seen[..., -5:] |= torch.eye(5, dtype=torch.bool)
    return query, key, value, torch.where(seen, 0.0, torch.finfo(dtype).min).to(dtype)


def by_hand(query, key, value, mask):
    """Head by head, in double precision."""
    out = np.empty((2, 5, 6, 8))
    q, k, v, hidden = (x.detach().double().numpy() for x in (query, key, value, mask))
    for head in range(6):
        group = head * k.shape[1] // 6
        scores = SCALING * q[:, head] @ k[:, group].transpose(0, 2, 1) + hidden[:, 0]
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        out[:, :, head] = weights / weights.sum(axis=2, keepdims=True) @ v[:, group]
    return out


class Layer(torch.nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.num_key_value_groups = 6 // groups


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("places", [5, 12])
def test_it_is_attention(groups, places):
    given = inputs(groups, places)
    found, _ = attend(Layer(groups), *given, scaling=SCALING)
    np.testing.assert_allclose(found.detach().numpy(), by_hand(*given), atol=1e-5)


def test_it_has_the_gradient_of_the_kernel(monkeypatch):
    gradients = []
    for most in (attention.MOST_PLACES, 0):
        monkeypatch.setattr(attention, "MOST_PLACES", most)
        given = inputs(2, 12)
        found, _ = attend(Layer(2), *given, scaling=SCALING)
        (found * torch.linspace(-1, 1, found.numel()).view_as(found)).sum().backward()
        gradients.append([x.grad for x in given[:3]])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_it_rounds_no_more_than_the_kernel(monkeypatch):
    wanted = by_hand(*inputs(2, 12, torch.bfloat16))
    errors = []
    for most in (attention.MOST_PLACES, 0):
        monkeypatch.setattr(attention, "MOST_PLACES", most)
        found, _ = attend(Layer(2), *inputs(2, 12, torch.bfloat16), scaling=SCALING)
        errors.append(np.sqrt(np.mean((found.detach().double().numpy() - wanted) ** 2)))
    assert errors[0] < 1.5 * errors[1] and errors[0] < 0.01


def test_without_a_mask_of_ours_it_is_the_kernel():
    query, key, value, mask = inputs(2, 12)
    causal, _ = attend(Layer(2), query, key[:, :, :5], value[:, :, :5], None, scaling=SCALING)
    hidden = torch.full((5, 5), torch.finfo(torch.float32).min).triu(1).expand(2, 1, 5, 5)
    ours, _ = attend(Layer(2), query, key[:, :, :5], value[:, :, :5], hidden, scaling=SCALING)
    torch.testing.assert_close(ours, causal)
    told, _ = attend(Layer(2), query, key, value, mask == 0, scaling=SCALING)
    torch.testing.assert_close(told, attend(Layer(2), query, key, value, mask, scaling=SCALING)[0])


def test_models_are_loaded_with_it(tiny_llama):
    from imputers.shared.weights import load

    for weights in ("pretrained", "random"):
        model = load(str(tiny_llama), "float32", weights, torch.Generator().manual_seed(1)).model
        wanted = "sdpa" if torch.cuda.is_available() else attention.NAME
        assert model.config._attn_implementation == wanted
