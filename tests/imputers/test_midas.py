import numpy as np
import pytest
import torch

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.generative.midas import MIDAS
from imputers.generative.networks.autoencoder import Autoencoder, Course, Form, gaussian_numbers, learn, loss_by_kind
from imputers.generative.networks.encoding import Batch, Encoding
from imputers.generative.networks.likelihoods import Nominal, Ordinal, Real

CPU = torch.device("cpu")
SMALL = {"hidden_layer_sizes": (32, 32), "n_samples": 20}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(X, schema, corrupt_prob=0.2, dropout=0.5):
    encoding = Encoding.fit(X, schema)
    likelihoods = gaussian_numbers(encoding).likelihoods(X, CPU)
    form = Form((16, 16), torch.nn.functional.elu, corrupt_prob, dropout)
    return Autoencoder(encoding, likelihoods, form, seeded()), encoding


def batch_of(values, observed):
    return Batch(torch.zeros(len(values), 1), torch.tensor(values), torch.tensor(observed))


def test_error_of_numbers_is_the_root_of_their_mean_square_by_column():
    """Errors 3 and 4 in units of the column, one cell of three unseen: √(25 / 2) · 2 / 3."""
    likelihood = Real(torch.tensor([0]), torch.tensor([0.0]), torch.tensor([2.0]))
    location = torch.tensor([3.0, -4.0, 50.0]).reshape(1, 3, 1, 1)
    heads = [(likelihood, location, torch.zeros(1, 3, 1, 1))]
    error = loss_by_kind(batch_of([[0.0], [0.0], [0.0]], [[1.0], [1.0], [0.0]]), heads)
    assert float(error) == pytest.approx(np.sqrt(25 / 2) * 2 / 3)


def test_error_of_levels_is_the_cross_entropy_of_the_mean_over_masks():
    nominal = Nominal(torch.tensor([0]), torch.tensor([[0.5, 0.5]]))
    odds = torch.log(torch.tensor([1.0, 4.0])).reshape(2, 1, 1, 1)  # P(second) = 1/2, then 4/5
    ordinal = Ordinal(torch.tensor([1]), torch.tensor([[0.2, 0.3, 0.5]]))
    shape = torch.tensor([-1e4, 0.0, np.log(3), 1e4]).expand(2, 1, 1, 4)  # P(second) = 3/4 - 1/2
    heads = [(nominal, odds, torch.zeros(2, 1, 1, 0)), (ordinal, torch.zeros(2, 1, 1, 1), shape)]
    error = loss_by_kind(batch_of([[1.0, 1.0]], [[1.0, 1.0]]), heads)
    assert float(error) == pytest.approx(-np.log(0.65) - np.log(0.25), abs=1e-5)


def test_error_reads_observed_cells_only(masked_toy):
    net, encoding = network(masked_toy.values, masked_toy.schema)
    batch = encoding.batch(masked_toy.values, CPU)
    other = Batch(batch.inputs, torch.where(batch.observed > 0, batch.values, 1.0), batch.observed)
    heads = net.heads(batch.inputs.unsqueeze(0), seeded())
    assert torch.equal(loss_by_kind(batch, heads), loss_by_kind(other, heads))
    wrong = Batch(batch.inputs, torch.where(batch.observed > 0, 1.0, batch.values), batch.observed)
    assert not torch.equal(loss_by_kind(batch, heads), loss_by_kind(wrong, heads))


def test_corruption_hides_a_fifth_of_the_cells_each_as_a_whole(masked_toy):
    net, encoding = network(masked_toy.values, masked_toy.schema)
    hidden = net.corrupted(torch.ones(4000, len(encoding.centre)), seeded()) == 0
    for j in range(len(masked_toy.schema)):
        own = hidden[:, torch.as_tensor(encoding.owners == j)]
        assert (own == own[:, :1]).all()
        assert float(own.float().mean()) == pytest.approx(0.2, abs=0.03)


def test_every_input_is_owned_by_the_column_that_it_tells_of(masked_toy):
    encoding = Encoding.fit(masked_toy.values, masked_toy.schema)
    whole = masked_toy.truth.values[:1]
    for j in range(whole.shape[1]):
        X = np.full_like(whole, np.nan)
        X[0, j] = whole[0, j]
        touched = encoding.batch(X, CPU).inputs[0].numpy() != 0
        assert touched.any() and not touched[encoding.owners != j].any()


def test_dropout_masks_differ_and_none_without_dropout(masked_toy):
    for rate, same in ((0.5, False), (0.0, True)):
        net, encoding = network(masked_toy.values, masked_toy.schema, dropout=rate)
        inputs = encoding.batch(masked_toy.values, CPU).inputs
        for _, location, _ in net.heads(inputs.expand(2, *inputs.shape), seeded()):
            assert torch.allclose(location[0], location[1]) is same


def test_spread_is_what_masks_leave_unexplained(masked_toy):
    """Masks say 1 and 3 (mean 2, variance 1), truth is 5 and -1: ((9 - 1) + (9 - 1) + 1) / 3."""
    net, _ = network(masked_toy.values, masked_toy.schema)
    i = next(i for i, likelihood in enumerate(net.likelihoods) if isinstance(likelihood, Real))
    real = Real(torch.tensor([0]), torch.tensor([0.0]), torch.tensor([1.0]))
    net.shapes[i].data = torch.zeros(1, 1, 1, 1)
    location = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    heads = [(other, None, None) for other in net.likelihoods]
    heads = [head for head in heads if not isinstance(head[0], Real)]
    heads.insert(i, (real, location, None))
    net.spread(batch_of([[5.0], [-1.0], [77.0]], [[1.0], [1.0], [0.0]]), heads)
    assert net.shapes[i].exp().item() == pytest.approx(17 / 3)


def known_model(n=800):
    """Four readings of z ~ N(0, 1), y = 0.8 z + e with e of variance 0.36, and 1.5 z + logistic noise cut at ±1."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    score = 1.5 * z + rng.logistic(size=n)
    item = (score > -1).astype(float) + (score > 1)
    X = np.column_stack([z[:, None] + 0.2 * rng.normal(size=(n, 4)), 0.8 * z + 0.6 * rng.normal(size=n), item])
    holes = np.pad(rng.random((n, 2)) < 0.4, ((0, 0), (4, 0)))
    numbers = [Column(name, Kind.NUMERIC) for name in ("z1", "z2", "z3", "z4", "y")]
    return (
        z,
        X,
        np.where(holes, np.nan, X),
        Schema((*numbers, Column("item", Kind.ORDINAL, {0.0: "low", 1.0: "middle", 2.0: "high"}))),
    )


def test_draws_lie_about_their_expectation_as_the_truth_does():
    z, truth, X, schema = known_model()
    imputer = MIDAS(hidden_layer_sizes=(64, 64), max_epochs=40)
    prediction = imputer.fit(X, schema=schema).impute(X, n_draws=100)
    columns, hole = np.nonzero(np.isnan(X))[1], np.isnan(X[:, 4])
    drawn = prediction.draws[:, columns == 4]
    assert 0.2 < (drawn @ z[hole]).mean() / (z[hole] @ z[hole]) < 0.8  # see the next test
    apart = truth[hole, 4] - prediction.expected[columns == 4]
    assert drawn.var(axis=0).mean() == pytest.approx((apart**2).mean(), rel=0.6)  # told by 76 cells
    assert (drawn.mean(axis=0) - prediction.expected[columns == 4]).mean() == pytest.approx(0, abs=0.05)
    high = 1 / (1 + np.exp(1 - 1.5 * z[np.isnan(X[:, 5])]))
    assert np.corrcoef(prediction.probabilities[5][:, 2], high)[0, 1] > 0.9
    shares = (prediction.draws[:, columns == 5, None] == [0, 1, 2]).mean(axis=0)
    assert np.abs((shares - prediction.probabilities[5]).mean(axis=0)).max() < 0.03
    assert np.abs(shares - prediction.probabilities[5]).max() < 0.25  # √(0.25 / 100) = 0.05


@pytest.mark.parametrize("corrupt_prob", [0.2, 0.5])
def test_linear_network_finds_the_least_squares_of_corrupted_rows(corrupt_prob):
    """Closed form: a hidden one of two standard normal columns is foretold as r (1 - k) / (1 - k² r²) times the other.

    Here r is their correlation and k the share of the cells that corruption leaves; these are the normal equations of y
    on what is left of y and z. That is less than r, as most of what the loss counts can be copied.
    """
    rng = np.random.default_rng(0)
    z = rng.normal(size=2000)
    X = np.column_stack([z, 0.8 * z + 0.6 * rng.normal(size=2000)])
    schema = Schema((Column("z", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    encoding = Encoding.fit(X, schema)
    form = Form((4,), lambda x: x, corrupt_prob, 0.0)
    net = Autoencoder(encoding, encoding.likelihoods(X, CPU), form, seeded())
    batch = encoding.batch(X, CPU)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    learn("midas", net, optimiser, Course(loss_by_kind, 1, 40, 250), batch, batch, seeded())
    y = net.heads(torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]), seeded())[0][1][0, :, 1, 0]
    r, k = 0.8, 1 - corrupt_prob
    assert (y[1] - y[0]).item() == pytest.approx(r * (1 - k) / (1 - k**2 * r**2), abs=0.03)


def test_learning_lowers_the_loss_and_predicts_validation_cells_better(masked_toy):
    curve = MIDAS(**SMALL, max_epochs=60).fit(masked_toy.values, schema=masked_toy.schema).curves_[0]
    assert min(curve.losses[2:]) < curve.losses[1]
    assert max(curve.scores) > curve.scores[0] + 0.02


def test_validation_cells_are_not_learned_from(masked_toy):
    """Other values in them change where learning stops, not what is learned on the way there."""
    X, schema = masked_toy.values, masked_toy.schema
    losses = []
    for change in (0.0, 1.0):
        net, encoding = network(X, schema)
        batch, _, check = encoding.split(X, CPU, np.random.default_rng(0))
        assert batch.observed.sum() < encoding.batch(X, CPU).observed.sum()
        check = Batch(check.inputs, torch.where(check.observed > 0, check.values * (1 - change), 0.0), check.observed)
        optimiser = torch.optim.AdamW(net.parameters(), lr=0.001)
        losses.append(learn("midas", net, optimiser, Course(loss_by_kind, 2, 1, 64), batch, check, seeded()).losses[1:])
    assert losses[0] == losses[1]


def test_it_leaves_every_global_generator_as_it_was(masked_toy):
    before = torch.get_rng_state()
    MIDAS(**SMALL, max_epochs=1).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values, n_draws=1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "wrong",
    [
        {"corrupt_prob": 1.0},
        {"corrupt_prob": -0.1},
        {"dropout": 1.5},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (8, 0.5)},
    ],
)
def test_parameters_that_make_no_network_are_refused(masked_toy, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        MIDAS(**wrong).fit(masked_toy.values, schema=masked_toy.schema)
