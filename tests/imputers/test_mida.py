import numpy as np
import pytest
import torch

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.generative.mida import MIDA, start_of
from imputers.generative.networks.autoencoder import Autoencoder, Form, gaussian_numbers, squared_loss
from imputers.generative.networks.encoding import Batch, Encoding
from imputers.generative.networks.likelihoods import Nominal, Ordinal, Real, sampled

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(X, schema, n_models=1, seed=0):
    encoding = Encoding.fit(X, schema)
    likelihoods = gaussian_numbers(encoding).likelihoods(X, CPU)
    form = Form((9, 11), torch.tanh, 0.5, 0.0, n_models)
    return Autoencoder(encoding, likelihoods, form, seeded(seed)), encoding.batch(X, CPU)


def one(values, observed):
    return Batch(torch.zeros(len(values), 1), torch.tensor(values), torch.tensor(observed))


def test_squared_loss_of_the_margin_is_one(masked_toy):
    """Numbers are standardised, and the error of probabilities is divided by that of the margin: closed form."""
    net, batch = network(masked_toy.values, masked_toy.schema)
    with torch.no_grad():
        net.weights[-1].zero_()  # what is left are the intercepts, which start at the margins
        found = squared_loss(batch, net.heads(batch.inputs.unsqueeze(0), seeded()))
    assert float(found) == pytest.approx(1, abs=2e-3)


def test_squared_loss_of_a_nominal_item_is_the_brier_score():
    likelihood = Nominal(torch.tensor([0]), torch.tensor([[0.5, 0.25, 0.25]]))
    location = torch.log(torch.tensor([0.5, 2.0])).reshape(1, 1, 1, 2)  # odds 1 : 0.5 : 2 are 2/7, 1/7, 4/7
    error = squared_loss(one([[2.0]], [[1.0]]), [(likelihood, location, torch.zeros(1, 1, 1, 0))])
    assert float(error) == pytest.approx((4 + 1 + 9) / 49 / (0.25 + 2 * 0.25 * 0.75))


def test_squared_loss_of_an_ordinal_item_is_the_ranked_probability_score():
    likelihood = Ordinal(torch.tensor([0]), torch.tensor([[0.2, 0.3, 0.5]]))
    shape = torch.tensor([-1e4, 0.0, np.log(3), 1e4]).reshape(1, 1, 1, 4)  # P(x ≤ r) = 1/2, 3/4, 1
    error = squared_loss(one([[1.0]], [[1.0]]), [(likelihood, torch.zeros(1, 1, 1, 1), shape)])
    assert float(error) == pytest.approx((1 / 4 + 1 / 16) / (0.2 * 0.8 + 0.5 * 0.5))


def test_squared_loss_is_of_the_mean_over_models_by_observed_cells():
    likelihood = Real(torch.tensor([0, 1]), torch.tensor([10.0, 0.0]), torch.tensor([2.0, 1.0]))
    location = torch.tensor([[[0.0, 5.0]], [[1.0, 7.0]]]).unsqueeze(-1)  # 10 and 12 in the first column
    error = squared_loss(one([[14.0, 99.0]], [[1.0, 0.0]]), [(likelihood, location, torch.zeros(2, 1, 2, 1))])
    assert float(error) == pytest.approx((3 / 2) ** 2)


def test_what_is_missing_enters_as_mean_or_mode(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    imputer = MIDA(n_estimators=1, max_epochs=1).fit(X, schema=schema)
    start = start_of(X, schema)
    for j, column in enumerate(schema):
        known = X[~np.isnan(X[:, j]), j]
        if column.kind is Kind.NUMERIC:
            assert start[0, j] == pytest.approx(known.mean())
        else:
            assert (known == start[0, j]).sum() == max((known == level).sum() for level in column.levels)
    empty = imputer.encoding_.batch(np.full_like(start, np.nan), CPU).inputs
    assert torch.allclose(imputer.encoding_.batch(start, CPU).inputs, empty, atol=1e-5)


def test_layers_are_wider_than_the_input_and_mirrored(masked_toy):
    imputer = MIDA(n_estimators=2, max_epochs=1).fit(masked_toy.values, schema=masked_toy.schema)
    q = len(imputer.encoding_.centre)
    widths = [weight.shape[1] for weight in imputer.network_.weights]
    assert widths == [q, q + 7, q + 14, q + 21, q + 14, q + 7]
    assert all(len(weight) == 2 for weight in imputer.network_.weights)


def test_models_start_apart_and_learn_alone(masked_toy):
    gradients = []
    for scale in (1.0, 3.0):
        net, batch = network(masked_toy.values, masked_toy.schema, n_models=2)
        assert not torch.equal(net.weights[0][0], net.weights[0][1])
        net.weights[0].data[1] *= scale
        inputs = net.corrupted(batch.inputs.expand(2, *batch.inputs.shape), seeded())
        heads = net.heads(inputs, seeded())
        first = [(likelihood, location[:1], shape[:1]) for likelihood, location, shape in heads]
        squared_loss(batch, first).backward()
        assert (net.weights[0].grad[1] == 0).all()
        gradients.append(net.weights[0].grad[0])
    assert torch.equal(*gradients) and gradients[0].abs().max() > 0


def test_draws_take_the_models_in_turn():
    likelihood = Real(torch.tensor([0]), torch.tensor([0.0]), torch.tensor([1.0]))
    location = torch.tensor([-30.0, 0.0, 30.0]).reshape(3, 1, 1, 1)
    schema = Schema((Column("y", Kind.NUMERIC),))
    drawn, means = sampled([(likelihood, location, torch.full((3, 1, 1, 1), -6.0))], 5, schema, seeded())
    assert np.round(drawn[:, 0, 0] / 30).tolist() == [-1, 0, 1, -1, 0]
    assert means[0, 0, 0] == pytest.approx(0, abs=1e-6)


def known_model(n=800):
    """Four readings of z ~ N(0, 1), y = 0.8 z + e with e of variance 0.36, and an item that is 1 with P = σ(2 z)."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    item = (rng.random(n) < 1 / (1 + np.exp(-2 * z))).astype(float)
    X = np.column_stack([z[:, None] + 0.2 * rng.normal(size=(n, 4)), 0.8 * z + 0.6 * rng.normal(size=n), item])
    holes = np.pad(rng.random((n, 2)) < 0.4, ((0, 0), (4, 0)))
    numbers = [Column(name, Kind.NUMERIC) for name in ("z1", "z2", "z3", "z4", "y")]
    return z, X, np.where(holes, np.nan, X), Schema((*numbers, Column("item", Kind.NOMINAL, {0.0: "no", 1.0: "yes"})))


def test_draws_lie_about_their_expectation_as_the_truth_does():
    z, truth, X, schema = known_model()
    prediction = MIDA(n_estimators=3, max_epochs=40).fit(X, schema=schema).impute(X, n_draws=60)
    columns, hole = np.nonzero(np.isnan(X))[1], np.isnan(X[:, 4])
    drawn = prediction.draws[:, columns == 4]
    assert (drawn @ z[hole]).mean() / (z[hole] @ z[hole]) == pytest.approx(0.8, abs=0.12)
    apart = truth[hole, 4] - prediction.expected[columns == 4]
    assert drawn.var(axis=0).mean() == pytest.approx((apart**2).mean(), rel=0.6)  # told by 76 cells
    assert (drawn.mean(axis=0) - prediction.expected[columns == 4]).mean() == pytest.approx(0, abs=0.05)
    yes = 1 / (1 + np.exp(-2 * z[np.isnan(X[:, 5])]))
    assert np.abs(prediction.probabilities[5][:, 1] - yes).mean() < 0.13
    assert (
        np.abs((prediction.draws[:, columns == 5] == 1).mean(axis=0) - prediction.probabilities[5][:, 1]).mean() < 0.08
    )


def test_learning_lowers_the_loss_and_predicts_validation_cells_better(masked_toy):
    curve = MIDA(n_estimators=2, max_epochs=40).fit(masked_toy.values, schema=masked_toy.schema).curves_[0]
    assert min(curve.losses[2:]) < curve.losses[1]
    assert max(curve.scores) > curve.scores[0] + 0.02


@pytest.mark.parametrize("wrong", [{"n_estimators": 0}, {"corrupt_prob": 1.0}, {"n_wider": -100}])
def test_parameters_that_make_no_network_are_refused(masked_toy, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        MIDA(**wrong).fit(masked_toy.values, schema=masked_toy.schema)
