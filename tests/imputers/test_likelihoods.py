import numpy as np
import pytest
import torch
from scipy import stats

from datasets.schema import Column, Kind
from imputers.generative.networks.encoding import sort_of
from imputers.generative.networks.likelihoods import Count, Nominal, Ordinal, Positive, Real

NAN = float("nan")
ONE = torch.tensor([0])
MARGINS = torch.tensor([[0.5, 0.3, 0.2, NAN], [0.1, 0.2, 0.3, 0.4]])
TWO = torch.tensor([0, 1])


def grid(low, high, n=20_001):
    return torch.linspace(low, high, n, dtype=torch.float64).unsqueeze(-1)


def parameters(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).reshape(1, 1, -1)


def test_gaussian_density_and_mean():
    likelihood = Real(ONE, torch.tensor([50.0]), torch.tensor([10.0]))
    x = grid(-100, 200)
    density = torch.exp(likelihood.log_prob(x, parameters(0.7), parameters(-0.4)))[:, 0]
    assert density.numpy() == pytest.approx(stats.norm(57, 10 * np.exp(-0.2)).pdf(x[:, 0]), abs=1e-6)
    assert float(likelihood.mean(parameters(0.7), parameters(-0.4))) == pytest.approx(57)


def test_log_normal_density_integrates_to_one_and_its_mean_to_the_mean():
    likelihood = Positive(ONE, torch.tensor([1.0]), torch.tensor([0.5]))
    x = grid(-0.999, 60, 200_001)
    density = torch.exp(likelihood.log_prob(x, parameters(0.3), parameters(-0.4)))[:, 0]
    assert float(torch.trapezoid(density, x[:, 0])) == pytest.approx(1, abs=1e-4)
    mean = float(torch.trapezoid(density * x[:, 0], x[:, 0]))
    assert float(likelihood.mean(parameters(0.3), parameters(-0.4))) == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize("sort", [Real, Positive])
def test_the_censored_mean_is_that_of_values_kept_within_the_limits(sort):
    """Against 400,000 draws; half of them lie beyond a limit."""
    likelihood = sort(ONE, torch.tensor([2.0]), torch.tensor([1.0]))
    shape, low, high = parameters(0.5), torch.tensor([1.5]), torch.tensor([3.5])
    found = float(likelihood.censored_mean(parameters(-0.5), shape, low, high))
    many = likelihood.at(parameters(-0.5), shape, torch.randn(400_000, 1, generator=torch.Generator().manual_seed(1)))
    kept = many.clamp(1.5, 3.5)
    assert float((kept != many).double().mean()) > 0.4
    assert found == pytest.approx(float(kept.mean()), abs=0.01)


def test_poisson_is_that_of_scipy():
    likelihood = Count(ONE, torch.tensor([2.0]))
    counts = torch.arange(30.0, dtype=torch.float64).unsqueeze(-1)
    found = likelihood.log_prob(counts, parameters(0.9), parameters())[:, 0]
    assert found.numpy() == pytest.approx(stats.poisson(np.exp(0.9)).logpmf(np.arange(30)), abs=1e-6)


@pytest.mark.parametrize("sort", [Nominal, Ordinal])
def test_level_probabilities_start_at_the_margin_and_sum_to_one_however_far_they_move(sort):
    likelihood = sort(TWO, MARGINS)
    location, free = likelihood.start()
    assert likelihood.mean(location, likelihood.constrain(free)).numpy() == pytest.approx(
        np.nan_to_num(MARGINS.numpy()), abs=1e-3
    )
    generator = torch.Generator().manual_seed(0)
    location = location + 3 * torch.randn(7, *location.shape, generator=generator)
    shape = likelihood.constrain(free + 3 * torch.randn(7, *free.shape, generator=generator))
    table = likelihood.mean(location, shape)
    assert table.sum(-1).numpy() == pytest.approx(1, abs=1e-5)
    assert (table[:, 0, 3] == 0).all()  # the first column has three levels
    for level in range(3):
        log = likelihood.log_prob(torch.full((7, 2), float(level)), location, shape)
        assert np.exp(log.numpy()) == pytest.approx(table[..., level].numpy(), abs=1e-5)


@pytest.mark.parametrize("sort", [Nominal, Ordinal])
def test_sampled_levels_have_their_probabilities(sort):
    likelihood = sort(TWO, MARGINS)
    location, free = likelihood.start()
    many = location.expand(20_000, *location.shape), likelihood.constrain(free).expand(20_000, 2, -1)
    levels = likelihood.sample(*many, torch.Generator().manual_seed(0))
    for j in range(2):
        shares = np.bincount(levels[:, j].long(), minlength=4) / 20_000
        assert shares == pytest.approx(np.nan_to_num(MARGINS[j].numpy()), abs=0.015)


def test_likelihood_follows_kind_support_and_margin():
    rng = np.random.default_rng(0)
    count = Column("children", Kind.NUMERIC, decimals=0, low=0)
    assert sort_of(count, rng.poisson(1.5, 500).astype(float)) is Count
    assert sort_of(count, np.round(rng.normal(50, 4, 500))) is Real  # far narrower than a Poisson of mean 50
    amount = Column("income", Kind.NUMERIC, low=0)
    assert sort_of(amount, np.exp(rng.normal(3, 1, 500))) is Positive
    assert sort_of(amount, 100 - np.exp(rng.normal(2, 0.8, 500))) is Real  # its tail is on the left
    assert sort_of(Column("income", Kind.NUMERIC), np.exp(rng.normal(3, 1, 500))) is Real  # may be negative
    assert sort_of(Column("vote", Kind.NOMINAL, {0: "a", 1: "b"}), np.array([0.0, 1.0])) is Nominal
    assert sort_of(Column("trust", Kind.ORDINAL, {0: "a", 1: "b"}), np.array([0.0, 1.0])) is Ordinal
