import math

import pytest

torch = pytest.importorskip("torch")

from imputers.shared import noise  # noqa: E402 - it needs torch

CPU = torch.device("cpu")
MANY = 200_000


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [0.3, 1.0, 6.5])
def test_gamma_numbers_have_mean_and_variance_of_their_shape(shape):
    drawn = noise.gamma(torch.full((MANY,), shape), seeded())
    assert float(drawn.mean()) == pytest.approx(shape, abs=5 * math.sqrt(shape / MANY))
    assert float(drawn.var()) == pytest.approx(shape, rel=0.05)


@pytest.mark.parametrize("rate", [0.2, 4.0])
def test_poisson_counts_have_mean_and_variance_of_their_rate(rate):
    drawn = noise.poisson(torch.full((MANY,), rate), seeded())
    assert float(drawn.mean()) == pytest.approx(rate, abs=5 * math.sqrt(rate / MANY))
    assert float(drawn.var()) == pytest.approx(rate, rel=0.05) and torch.equal(drawn, drawn.round())


def test_levels_have_their_probabilities_in_every_row():
    shares = torch.tensor([[0.7, 0.1, 0.2], [0.0, 1.0, 0.0]])
    drawn = noise.level(shares.expand(MANY, 2, 3), seeded())
    assert drawn.shape == (MANY, 2)
    found = torch.stack([(drawn == level).float().mean(0) for level in range(3)], dim=1)
    assert torch.allclose(found, shares, atol=0.006)  # √(0.25 / 200,000) = 0.0011


def test_normal_and_uniform_numbers_have_their_moments():
    normal, uniform = noise.normal((MANY,), seeded(), CPU), noise.uniform((MANY,), seeded(), CPU)
    assert float(normal.mean()) == pytest.approx(0, abs=0.012) and float(normal.std()) == pytest.approx(1, abs=0.01)
    assert float(uniform.mean()) == pytest.approx(0.5, abs=0.004) and 0 <= uniform.min() <= uniform.max() < 1


def test_dropout_zeroes_its_share_and_keeps_the_mean():
    dropped = noise.dropout(torch.full((MANY,), 3.0), 0.25, seeded())
    assert set(dropped.unique().tolist()) == {0.0, 4.0}
    assert float(dropped.mean()) == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("draw", [noise.normal, noise.uniform])
def test_a_seed_gives_the_same_numbers_and_the_global_generator_is_not_asked(draw):
    before = torch.get_rng_state()
    assert torch.equal(draw((3, 2), seeded(1), CPU), draw((3, 2), seeded(1), CPU))
    assert not torch.equal(draw((3, 2), seeded(1), CPU), draw((3, 2), seeded(2), CPU))
    assert torch.equal(before, torch.get_rng_state())
