import math

import numpy as np
import pytest
import torch
from scipy import stats

from benchmarks.cells import make_mask
from datasets import DATASETS
from datasets.schema import Column, Kind, Schema
from imputers.generative.miwae import MIWAE
from imputers.generative.networks.encoding import Batch, Encoding
from imputers.generative.networks.likelihoods import Nominal, Ordinal, Real, StudentT
from imputers.generative.networks.miwae import Network, Sizes, by_width, with_student_t

CPU = torch.device("cpu")
NAN = float("nan")
LOADINGS = np.array([[1.0, 0.2], [-0.8, 0.5], [0.6, -0.9]])
NOISE = 0.7  # standard deviation
HOLED = np.array([[0.5, NAN, -1.0], [NAN, NAN, 2.0], [1.0, -1.0, NAN]])


def student_t(floor=0.001):
    tables = [torch.tensor([number], dtype=torch.float64) for number in (50.0, 10.0, floor)]
    return StudentT(torch.tensor([0]), *tables)


def parameters(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).reshape(1, 1, -1)


def factor_analysis():
    """Make x = W z + noise as a network, whose likelihood and posterior have closed forms."""
    real = Real(torch.arange(3), torch.zeros(3), torch.ones(3))
    network = Network([real], 3, Sizes(2, 8), torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.encoder.line.weight.zero_()  # q is the prior
        network.encoder.line.bias.zero_()
        network.decoder.line.weight.zero_()
        network.decoder.line.weight[:3] = torch.tensor(LOADINGS)
        network.decoder.line.bias[3:] = 2 * math.log(NOISE)
    return network


def holed():
    values, observed = (torch.tensor(table, dtype=torch.float32) for table in (HOLED, ~np.isnan(HOLED)))
    return Batch(values.nan_to_num(0.0), values.nan_to_num(0.0), observed)


def exact(row):
    """Log likelihood of the observed cells of a row, and mean and covariance of its missing ones."""
    covariance = LOADINGS @ LOADINGS.T + NOISE**2 * np.eye(3)
    seen = ~np.isnan(row)
    slope = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, ~seen)]).T
    left = covariance[np.ix_(~seen, ~seen)] - slope @ covariance[np.ix_(seen, ~seen)]
    likelihood = stats.multivariate_normal(np.zeros(seen.sum()), covariance[np.ix_(seen, seen)])
    return likelihood.logpdf(row[seen]), slope @ row[seen], left


def test_student_t_is_that_of_scipy():
    x = torch.linspace(-200, 300, 100_001, dtype=torch.float64).unsqueeze(-1)
    location, shape = parameters(0.7), parameters(-0.4, 1.5)
    density = torch.exp(student_t().log_prob(x, location, shape))[:, 0]
    scale, freedom = 10 * (np.log1p(np.exp(-0.4)) + 0.001), 3 + np.log1p(np.exp(1.5))
    assert density.numpy() == pytest.approx(stats.t(freedom, 57, scale).pdf(x[:, 0]), rel=1e-5)
    assert float(torch.trapezoid(density, x[:, 0])) == pytest.approx(1, abs=1e-3)
    many = location.expand(40_000, 1, 1), shape.expand(40_000, 1, 2)
    drawn = student_t().sample(*many, torch.Generator().manual_seed(0)).flatten().numpy()
    assert stats.kstest(drawn, stats.t(freedom, 57, scale).cdf).pvalue > 0.01


def test_scale_is_at_least_the_error_of_rounding():
    schema = Schema((Column("age", Kind.NUMERIC, decimals=0), Column("income", Kind.NUMERIC)))
    real = Real(torch.arange(2), torch.tensor([40.0, 3.0]), torch.tensor([10.0, 2.0]))
    (made,) = with_student_t([real], schema)
    assert isinstance(made, StudentT)
    assert made.floor.numpy() == pytest.approx([1 / math.sqrt(12) / 10, 1e-3])


@pytest.mark.parametrize("sort", [Nominal, Ordinal])
def test_columns_of_similar_width_share_a_likelihood_and_keep_their_margins(sort):
    margins = torch.full((4, 9), NAN)
    for j, n_levels in enumerate((2, 9, 4, 3)):
        margins[j, :n_levels] = torch.arange(1.0, n_levels + 1) / sum(range(n_levels + 1))
    parts = by_width([sort(torch.tensor([3, 5, 7, 8]), margins)])
    assert [part.columns.tolist() for part in parts] == [[3], [7, 8], [5]]
    for part in parts:
        location, free = part.start()
        table = part.mean(location, part.constrain(free))
        own = [(3, 5, 7, 8).index(j) for j in part.columns.tolist()]
        assert table.numpy() == pytest.approx(margins[own, : table.shape[1]].nan_to_num(0.0).numpy(), abs=1e-3)


def test_bound_rises_to_the_log_likelihood_as_samples_grow():
    network, batch = factor_analysis(), holed()
    truth = np.array([exact(row)[0] for row in HOLED])
    few = torch.stack([network.bound(batch, 2, torch.Generator().manual_seed(seed)) for seed in range(300)])
    many = network.bound(batch, 200_000, torch.Generator().manual_seed(0)).detach().numpy()
    assert many == pytest.approx(truth, abs=0.02)
    assert (few.mean(0).detach().numpy() < truth - 0.05).all()


def test_answers_have_the_moments_of_the_exact_posterior():
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(3)))
    imputer = MIWAE(n_samples=20_000)
    imputer.schema_, imputer.device_, imputer.network_ = schema, CPU, factor_analysis()
    imputer.encoding_ = Encoding(schema, (Real,) * 3, np.zeros(3), np.ones(3))
    with torch.no_grad():
        drawn, means = imputer._sample(HOLED, 4_000, torch.Generator().manual_seed(0))
    for i, row in enumerate(HOLED):
        _, mean, covariance = exact(row)
        missing = np.isnan(row)
        assert means[i, missing, 0] == pytest.approx(mean, abs=0.04)
        assert drawn[:, i, missing].mean(axis=0) == pytest.approx(mean, abs=0.08)
        assert np.cov(drawn[:, i, missing].T).reshape(covariance.shape) == pytest.approx(covariance, abs=0.12)


def test_gradient_is_that_of_the_bound_in_expectation():
    """The encoder's gradient leaves out terms of mean zero; plain differentiation of equation 4 keeps them."""
    network = factor_analysis()
    row = holed().rows(torch.zeros(60_000, dtype=torch.long))

    def plain():
        inputs = torch.cat([row.inputs, row.observed], dim=-1)
        mean, log_deviation = network.encoder(inputs).chunk(2, dim=-1)
        noise = torch.randn((3, *mean.shape), generator=torch.Generator().manual_seed(5))
        z = mean + torch.exp(log_deviation) * noise
        log_ratio = ((noise**2 - z**2) / 2 + log_deviation).sum(-1)
        return (log_ratio + network.cells(row, network.heads(z)).sum(-1)).logsumexp(0).mean()

    def gradients(value):
        network.zero_grad()
        value.backward()
        return network.encoder.line.bias.grad.clone(), network.decoder.line.bias.grad.clone()

    ours = gradients(network.bound(row, 3, torch.Generator().manual_seed(4)).mean())
    theirs = gradients(plain())
    for found, wanted in zip(ours, theirs, strict=True):
        assert found.numpy() == pytest.approx(wanted.numpy(), abs=0.02)
    assert theirs[0].abs().max() > 0.1


def test_bound_reads_observed_cells_only(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    encoding = Encoding.fit(X, schema)
    likelihoods = by_width(with_student_t(encoding.likelihoods(X, CPU), schema))
    network = Network(likelihoods, len(encoding.centre), Sizes(3, 16), torch.Generator().manual_seed(0))
    batch = encoding.batch(X, CPU)
    other = Batch(batch.inputs, torch.where(batch.observed > 0, batch.values, 1.0), batch.observed)
    bounds = [network.bound(rows, 4, torch.Generator().manual_seed(1)) for rows in (batch, other)]
    assert torch.equal(*bounds)


def test_training_never_sees_the_cells_that_judge_it(masked_toy, monkeypatch):
    X, hidden = masked_toy.values, []
    batch = MIWAE._batch
    monkeypatch.setattr(MIWAE, "_batch", lambda self, X, cells: hidden.append(cells) or batch(self, X, cells))
    fitted = MIWAE(max_examples=100, n_hidden=8).fit(X, schema=masked_toy.schema)
    learned, judged = hidden
    rows = learned.any(axis=1)
    assert 20 < learned.sum() == (~judged).sum() < 0.1 * X.size
    assert not np.isnan(X[learned]).any()
    assert np.array_equal(np.sort(learned[rows].sum(axis=1)), np.sort((~judged).sum(axis=1))[-rows.sum() :])
    assert len(fitted.curves_[0].scores) > 1


def test_training_raises_the_bound_and_the_probability_of_validation_cells(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    fitted, short = (MIWAE(n_hidden=32, max_examples=n).fit(X, schema=schema) for n in (60_000, 1))
    assert max(fitted.curves_[0].scores) > fitted.curves_[0].scores[0] + 0.05
    batch = fitted.encoding_.batch(X, CPU)
    start = Network(fitted.network_.likelihoods, batch.inputs.shape[1], Sizes(10, 32), torch.Generator().manual_seed(0))
    bounds = [
        float(network.bound(batch, 5, torch.Generator().manual_seed(2)).mean().detach())
        for network in (start, short.network_, fitted.network_)
    ]
    assert bounds[2] > bounds[0] + 0.5 and bounds[2] > bounds[1]


def test_draws_have_the_stated_probabilities(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    prediction = MIWAE(n_hidden=32, n_samples=400).fit(X, schema=schema).impute(X, n_draws=300)
    columns = np.nonzero(np.isnan(X))[1]
    for j, probabilities in prediction.probabilities.items():
        drawn = prediction.draws[:, columns == j]
        if drawn.size:
            shares = (drawn[:, :, None] == schema.columns[j].levels).mean(axis=0)
            assert np.abs(shares - probabilities).max() < 0.15  # √(0.25 / 300) = 0.029
            assert np.abs((shares - probabilities).mean(axis=0)).max() < 0.01


def test_it_leaves_every_global_generator_as_it_was(masked_toy):
    before = np.random.get_state(legacy=False), torch.get_rng_state()  # noqa: NPY002
    MIWAE(max_examples=100, n_hidden=8).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values)
    assert repr(before[0]) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.slow
def test_error_on_the_demonstration_of_the_authors():
    """Mattei and Frellsen's notebook: breast cancer, 50 % of the cells missing at seed 1234, error 0.2867."""
    masked = make_mask(DATASETS["wdbc"](None), "miwae-demo", 0.5, 1)
    X, truth = masked.values, masked.truth.values
    imputer = MIWAE(max_examples=200_000, n_importance=10, n_samples=1000).fit(X, schema=masked.schema)
    apart = (imputer.impute(X, n_draws=1).expected - truth[masked.hidden]) / truth.std(axis=0)[
        np.nonzero(masked.hidden)[1]
    ]
    assert np.mean(apart**2) == pytest.approx(0.28, abs=0.02)
