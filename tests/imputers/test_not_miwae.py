import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from datasets.schema import Column, Kind, Schema
from imputers.generative.miwae import MIWAE
from imputers.generative.networks.likelihoods import Count, Nominal, Ordinal, Positive, Real
from imputers.generative.networks.miwae import Sizes
from imputers.generative.networks.not_miwae import Holed, SelfMaskingNetwork
from imputers.generative.networks.self_masking import SelfMasking, support
from imputers.generative.not_miwae import NotMIWAE

NAN = float("nan")
ONE = torch.tensor([0])
MARGINS = torch.tensor([[0.5, 0.3, 0.2, NAN]])
LIKELIHOODS = {
    "real": Real(ONE, torch.tensor([50.0]), torch.tensor([10.0])),
    "positive": Positive(ONE, torch.tensor([3.0]), torch.tensor([0.8])),
    "count": Count(ONE, torch.tensor([2.0])),
    "nominal": Nominal(ONE, MARGINS),
    "ordinal": Ordinal(ONE, MARGINS),
}
MANY = 200_000


@pytest.fixture(params=list(LIKELIHOODS))
def cell(request):
    """A curve, and location and shape (1, 1, ·) of one cell."""
    likelihood = LIKELIHOODS[request.param]
    location, free = (table.unsqueeze(0) for table in likelihood.start())
    curve = SelfMasking(likelihood, torch.tensor([0.3]))
    with torch.no_grad():
        curve.slope += torch.tensor([[0.5, -1.0, 2.0, 0.0]]) if request.param == "nominal" else 1.7
    return curve, location + 0.3, likelihood.constrain(free - 0.5)


def spread(table):
    return table.expand(MANY, *table.shape[1:])


def test_integral_over_the_missing_value_is_that_of_brute_force(cell):
    curve, location, shape = cell
    drawn = curve.likelihood.sample(spread(location), spread(shape), torch.Generator().manual_seed(0))
    sampled = float(torch.sigmoid(curve.log_odds(drawn)).mean().detach())
    assert float(torch.exp(curve.log_missing(location, shape)).detach()) == pytest.approx(sampled, abs=0.005)


def test_weights_of_the_support_sum_to_one(cell):
    curve, location, shape = cell
    _, log_weights = support(curve.likelihood, location, shape)
    assert float(torch.exp(log_weights).sum()) == pytest.approx(1, abs=1e-5)


def test_missing_cells_have_the_moments_of_brute_force(cell):
    curve, location, shape = cell
    generator = torch.Generator().manual_seed(0)
    drawn = curve.likelihood.sample(spread(location), spread(shape), generator)[:, 0]
    weights = torch.softmax(logsigmoid(curve.log_odds(drawn)), dim=0).detach()
    size = 20_000
    own = curve.sample(location.expand(size, 1, -1), shape.expand(size, 1, -1), generator)[:, 0]
    mean = curve.mean(location, shape)[0, 0].detach()
    if isinstance(curve.likelihood, Nominal | Ordinal):
        shares = torch.stack([(weights * (drawn == level)).sum() for level in range(4)])
        assert mean.numpy() == pytest.approx(shares.numpy(), abs=0.006)
        assert np.bincount(own.long(), minlength=4) / size == pytest.approx(shares.numpy(), abs=0.015)
        return
    wanted = float((weights * drawn).sum())
    deviation = float((weights * (drawn - wanted) ** 2).sum().sqrt())
    assert float(mean) == pytest.approx(wanted, abs=0.02 * deviation)
    assert float(own.mean()) == pytest.approx(wanted, abs=0.05 * deviation)
    assert float(own.std()) == pytest.approx(deviation, rel=0.05)


def test_a_column_without_holes_gets_no_slope():
    curve = SelfMasking(LIKELIHOODS["real"], torch.tensor([0.0]))
    with torch.no_grad():
        curve.slope += 3.0
    values = torch.tensor([[20.0], [80.0]])
    assert torch.equal(*curve.log_odds(values))


def test_bound_has_each_cell_as_seen_missing_or_neither():
    real = Real(torch.arange(2), torch.zeros(2), torch.ones(2))
    network = SelfMaskingNetwork([real], 2, Sizes(1, 4), torch.Generator().manual_seed(0), torch.tensor([0.5, 0.5]), 10)
    with torch.no_grad():
        network.encoder.line.weight.zero_()
        network.encoder.line.bias.zero_()
        network.decoder.line.weight.zero_()
        network.curves[0].slope += 2.0
    prior = -2 * 2.0**2 / (2 * 2.5**2) / 10

    def bound(observed, missing):
        zeros, tables = torch.zeros(1, 2), [torch.tensor([table]) for table in (observed, missing)]
        batch = Holed(zeros, torch.ones(1, 2), *tables)
        return network.bound(batch, 50_000, torch.Generator().manual_seed(1)).item() - prior

    seen = -0.5 - 0.5 * np.log(2 * np.pi) + np.log(1 / (1 + np.exp(2)))
    assert bound([0.0, 0.0], [0.0, 0.0]) == pytest.approx(0, abs=0.01)
    assert bound([1.0, 0.0], [0.0, 0.0]) == pytest.approx(seen, abs=0.01)
    assert bound([1.0, 0.0], [0.0, 1.0]) == pytest.approx(seen + np.log(0.5), abs=0.01)  # half by symmetry


def self_masked(sign, n=1000):
    """Three correlated items, the last of which hides its own high (or low) answers; with truth."""
    rng = np.random.default_rng(3)
    trait = rng.normal(size=n)
    truth = np.column_stack([trait + 0.5 * rng.normal(size=n) for _ in range(3)])
    holes = rng.random(n) < 1 / (1 + np.exp(-sign * 3 * truth[:, 2]))
    X = truth.copy()
    X[holes, 2] = np.nan
    return X, truth[holes, 2], Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(3)))


@pytest.mark.parametrize("sign", [1, -1])
def test_sign_is_recovered_and_bias_is_less_than_without_the_mechanism(sign):
    X, truth, schema = self_masked(sign)
    settings = {"n_hidden": 16, "n_components": 2, "max_examples": 180_000}
    told, untold = (make(**settings).fit(X, schema=schema, random_state=1) for make in (NotMIWAE, MIWAE))
    slope = sign * told.network_.curves[0].slope[2].item()
    assert slope > 1
    answers = [imputer.impute(X, n_draws=5) for imputer in (told, untold)]
    bias = [sign * (prediction.expected.mean() - truth.mean()) for prediction in answers]
    assert bias[1] < -0.15
    assert abs(bias[0]) < 0.5 * abs(bias[1])
    assert answers[0].draws.mean() == pytest.approx(answers[0].expected.mean(), abs=0.05)


def test_validation_cells_are_neither_observed_nor_missing(masked_toy):
    X, batches = masked_toy.values, []
    imputer = NotMIWAE(max_examples=100, n_hidden=8)
    batch = imputer._batch
    imputer._batch = lambda X, hidden: batches.append(batch(X, hidden)) or batches[-1]
    imputer.fit(X, schema=masked_toy.schema)
    learned, judged = batches
    neither = learned.observed + learned.missing == 0
    assert 20 < neither.sum() == judged.observed.sum() + judged.missing.sum() < 0.1 * X.size
    assert judged.missing.sum() > 5
    known = ~neither.numpy()
    assert np.array_equal(learned.missing.numpy()[known] > 0, np.isnan(X)[known])


def test_expectations_may_lie_beyond_what_was_observed_but_not_off_the_scale():
    X, _, _ = self_masked(1)
    X[:, 2] = np.where(X[:, 2] > 0.2, np.nan, X[:, 2])
    schema = Schema((*(Column(f"x{j}", Kind.NUMERIC) for j in range(2)), Column("y", Kind.NUMERIC, high=1.0)))
    X = np.where(np.isnan(X), np.nan, np.minimum(X, [np.inf, np.inf, 1.0]))
    imputer = NotMIWAE(n_hidden=16, n_components=2).fit(X, schema=schema)
    expected = imputer.impute(X, n_draws=1).expected
    assert 0.2 < expected.max() <= 1.0


def test_it_says_what_it_is_told():
    assert "own value" in NotMIWAE.told
