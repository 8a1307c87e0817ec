import math

import numpy as np
import pytest
import torch

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.generative.networks.denoiser import Denoiser
from imputers.generative.networks.diffusion import FAR, SHARP, Space, flow, noise_levels
from imputers.generative.networks.encoding import Encoding
from imputers.generative.tab_csdi import TabCSDI

CPU = torch.device("cpu")
SCHEMA = Schema(
    (
        Column("vote", Kind.NOMINAL, {1: "a", 2: "b", 3: "c"}),
        Column("trust", Kind.ORDINAL, {0: "low", 1: "middle", 5: "high"}),
        Column("age", Kind.NUMERIC, decimals=0),
    )
)
X = np.array([[1, 0, 20], [1, 1, 30], [2, 5, 70], [np.nan, 5, 40], [3, np.nan, np.nan], [1, 1, 50]], dtype=float)
GAUSSIAN = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def denoiser(table=X, schema=SCHEMA, n_hidden=16):
    """A denoiser with weights far from nothing, and the table as it reads it."""
    network = Denoiser(Space.fit(table, schema, CPU), n_hidden, seeded())
    with torch.no_grad():
        network.linear.normal_(0, 0.3, generator=seeded(1))
        network.leave.normal_(0, 0.3, generator=seeded(2))
    return network.eval(), Encoding.fit(table, schema).batch(table, CPU)


def correlated(n, rho, seed=0):
    z = np.random.default_rng(seed).normal(size=(n, 2))
    return np.column_stack([z[:, 0], rho * z[:, 0] + math.sqrt(1 - rho**2) * z[:, 1]])


def test_sampler_with_the_exact_denoiser_of_a_gaussian_has_its_conditional_moments():
    """The y given x = 1.5 in a bivariate normal with correlation 0.8 is normal, mean 1.2 and variance 0.36."""
    mean, variance = 0.8 * 1.5, 1 - 0.8**2
    levels = noise_levels(20, 20.0, 0.05)

    def exact(noisy, level):
        return (variance * noisy + level**2 * mean) / (variance + level**2)

    drawn = flow(exact, torch.randn(40_000, generator=seeded()), levels)
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.01)
    assert float(drawn.var()) == pytest.approx(variance + 0.05**2, rel=0.03)


def test_loss_is_least_at_the_posterior_mean_and_variance():
    """Independent standard normals: given the noised value, mean y / (1 + σ²) and variance σ² / (1 + σ²)."""
    table = correlated(20_000, 0.0)
    network, batch = denoiser(table, GAUSSIAN)
    for parameter in (network.linear, network.leave):
        torch.nn.init.zeros_(parameter)
    asked, sigma = torch.ones_like(batch.values), torch.full((len(table), 1), 0.7)

    def loss(mean, log_spread):
        with torch.no_grad():
            network.leave_bias.copy_(torch.tensor([mean, mean, log_spread, log_spread]))
            return float(network.log_loss(batch.values, 0 * asked, asked, sigma, seeded()))

    least = loss(0.0, 0.0)
    assert least == pytest.approx(0.5, abs=0.01)
    assert min(loss(step, 0.0) for step in (-0.2, 0.2)) > least
    assert min(loss(0.0, step) for step in (-0.5, 0.5)) > least
    clean = network.space.coordinates(batch.values)
    noisy = clean + 0.7 * torch.randn(clean.shape, generator=seeded(1))
    loss(0.0, 0.0)
    with torch.no_grad():
        _, mean, variance = network(noisy, sigma.expand(-1, 2))
    slope = float((noisy * clean).sum() / (noisy**2).sum())  # the regression of clean on noised values
    assert torch.allclose(mean, slope * noisy, atol=0.05)
    assert float(variance[0, 0]) == pytest.approx(float((clean - slope * noisy).var()), abs=0.01)


def test_trained_denoiser_finds_the_conditional_distribution_of_a_gaussian():
    """Of y given x, correlation 0.8: expectation 0.8 x, and draws with variance 0.36 about it."""
    table = correlated(3_000, 0.8)
    table[2_000:, 1] = np.nan
    prediction = TabCSDI(weight_decay=0.1, n_epochs=30).fit(table, schema=GAUSSIAN).impute(table, n_draws=60)
    wanted = 0.8 * table[2_000:, 0]
    assert np.sqrt(((prediction.draws.mean(axis=0) - wanted) ** 2).mean()) < 0.15
    apart = prediction.draws - wanted
    assert apart.mean() == pytest.approx(0, abs=0.06)
    assert apart.var() == pytest.approx(0.36, rel=0.15)


def test_what_a_noised_level_says_is_bayes_rule():
    space = Space.fit(X, SCHEMA, CPU)
    noisy, sigma = torch.tensor([[0.9, 0.3, -0.2, 0.4, 0.0]]), torch.tensor([[0.7, 0.5, 1.0]])
    found = space.alone(noisy, sigma).exp()[0]
    votes = np.array([3.5, 1.5, 1.5]) / 6.5  # half an answer more than observed
    apart = ((noisy[0, :3].numpy() - np.eye(3)) ** 2).sum(axis=1)
    wanted = votes * np.exp(-apart / (2 * 0.7**2))
    assert found[:3].numpy() == pytest.approx(wanted / wanted.sum(), abs=1e-5)
    trust = np.array([1.5, 2.5, 2.5]) / 6.5
    scores = (np.array([0, 1, 5]) - trust @ [0, 1, 5]) / np.sqrt(trust @ (np.array([0, 1, 5]) - trust @ [0, 1, 5]) ** 2)
    wanted = trust * np.exp(-((0.4 - scores) ** 2) / (2 * 0.5**2))
    assert found[3:].numpy() == pytest.approx(wanted / wanted.sum(), abs=1e-5)


def test_a_missing_cell_says_nothing_and_a_shown_one_all():
    space = Space.fit(X, SCHEMA, CPU)
    batch = Encoding.fit(X, SCHEMA).batch(X, CPU)
    clean = space.coordinates(batch.values)
    missing = torch.full_like(batch.values, FAR)
    noisy = FAR * torch.randn(clean.shape, generator=seeded())
    assert space.alone(noisy, missing).numpy() == pytest.approx(space.log_margins.expand(len(X), -1).numpy(), abs=0.01)
    assert space.beliefs(noisy, missing, space.alone(noisy, missing)).abs().max() < 0.02
    sharp = space.padded(space.alone(clean, torch.full_like(batch.values, SHARP)))
    assert torch.equal(sharp.argmax(dim=-1).float(), batch.values[:, :2])
    assert sharp.amax(dim=-1).exp().numpy() == pytest.approx(1, abs=1e-6)


def test_probabilities_sum_to_one_by_column():
    network, batch = denoiser()
    log_p, _ = network.sample(batch.values, batch.observed, noise_levels(6, 20.0, 0.05), seeded())
    sums = network.space.padded(log_p).exp().sum(dim=-1)
    assert sums.detach().numpy() == pytest.approx(1, abs=1e-5)


def test_hidden_cells_do_not_leak_into_answers_or_loss():
    """Whatever stands where nothing is observed, nothing changes."""
    network, batch = denoiser()
    other = torch.where(batch.observed > 0, batch.values, 1.0)
    levels = noise_levels(6, 20.0, 0.05)
    for values in zip(
        *(network.sample(each, batch.observed, levels, seeded()) for each in (batch.values, other)), strict=True
    ):
        assert torch.equal(*values)
    losses = [network.loss(each, batch.observed, 0.5, seeded()) for each in (batch.values, other)]
    assert torch.equal(*losses)


def test_shown_cells_stay_as_they_are_down_the_levels():
    network, batch = denoiser()
    log_p, numbers = network.sample(batch.values, batch.observed, noise_levels(6, 20.0, 0.05), seeded())
    known = batch.observed > 0
    levels = network.space.padded(log_p).argmax(dim=-1).float()
    assert torch.equal(levels[known[:, :2]], batch.values[:, :2][known[:, :2]])
    found = network.space.numbers(numbers)[known[:, 2:]]
    assert found.detach().numpy() == pytest.approx(batch.values[:, 2:][known[:, 2:]].numpy(), rel=1e-2)


def test_learning_lowers_the_loss_and_predicts_validation_cells_better(masked_toy):
    imputer = TabCSDI().fit(masked_toy.values, schema=masked_toy.schema)
    curve = imputer.curves_[0]
    assert max(curve.scores) > curve.scores[0] + 0.05
    first, *_, last = (loss for loss in curve.losses if not math.isnan(loss)), curve.losses[-1]
    assert last < next(first)


def test_the_seed_decides_draws_and_nothing_is_stated_beside_them(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    imputer = TabCSDI().fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=10)
    assert np.array_equal(prediction.draws, imputer.impute(X, n_draws=10).draws)
    assert not (prediction.draws == prediction.draws[0]).all()
    assert prediction.expected is None and not prediction.probabilities


def test_it_leaves_the_global_generator_as_it_was(masked_toy):
    before = torch.get_rng_state()
    TabCSDI(n_hidden=8, n_epochs=1).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.ORDINAL])
def test_tables_of_one_kind_are_filled(kind):
    labels = {} if kind is Kind.NUMERIC else {float(k): f"{k}" for k in range(4)}
    schema = Schema((Column("x", kind, labels), Column("y", kind, labels)))
    table = np.round(np.clip(correlated(80, 0.8) + 1.5, 0, 3))
    table[::4, 1] = np.nan
    completed = TabCSDI(n_hidden=16, n_epochs=1).fit(table, schema=schema).transform(table)
    assert not np.isnan(completed).any()


@pytest.mark.parametrize("wrong", [{"max_mask_ratio": 0.0}, {"n_steps": 1}])
def test_bad_parameters_are_refused_by_name(masked_toy, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        TabCSDI(**wrong).fit(masked_toy.values, schema=masked_toy.schema)
