import csv
import math

import numpy as np
import pandas as pd
import pytest
import torch

from datasets.files.frame import infer_schema
from datasets.schema import Column, Kind, Schema
from imputers.generative.hivae import HIVAE
from imputers.generative.networks.encoding import Batch, Encoding
from imputers.generative.networks.hivae import Network, Sizes

CPU = torch.device("cpu")


def network(X, schema, sizes=Sizes(4, 2, 3, 16)):  # noqa: B008 - frozen
    encoding = Encoding.fit(X, schema)
    likelihoods = encoding.likelihoods(X, CPU)
    built = Network(likelihoods, len(encoding.centre), sizes, 1.0, torch.Generator().manual_seed(0))
    return built, encoding.batch(X, CPU)


def test_bound_reads_observed_cells_only(masked_toy):
    net, batch = network(masked_toy.values, masked_toy.schema)
    other = Batch(batch.inputs, torch.where(batch.observed > 0, batch.values, 1.0), batch.observed)
    bounds = [net.bound(rows, torch.Generator().manual_seed(1)) for rows in (batch, other)]
    assert torch.equal(*bounds)


def test_divergence_of_the_latent_position_is_that_of_two_gaussians(masked_toy):
    net, batch = network(masked_toy.values, masked_toy.schema)
    hidden, log_q = net.encoded(batch.inputs)
    at = net.latent(hidden, log_q, torch.Generator().manual_seed(1))
    mean, log_variance = (hidden @ net.to_z + at.s @ net.s_to_z).split(2, dim=-1)
    q = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    exact = torch.distributions.kl_divergence(q, torch.distributions.Normal(at.s @ net.prior, 1.0)).sum(-1)
    assert torch.allclose(at.divergence(at.s @ net.prior), exact, atol=1e-5)


def test_weighted_samples_have_the_posterior_of_a_linear_gaussian_model():
    """One component and Gaussian cells: z given x has known moments, whatever the encoder says."""
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "abc"))
    X = np.random.default_rng(0).normal(20, 3, size=(50, 3))
    X[0, 2] = np.nan
    net, batch = network(X, schema, Sizes(1, 2, 4, 8))
    with torch.no_grad():
        net.to_y.mul_(10), net.y_to_location[0].mul_(10), net.prior.fill_(0.4), net.s_to_shape[0].fill_(-1.0)
        _, z, weights = net.weighted(batch.rows(slice(0, 3)), 100_000, torch.Generator().manual_seed(0))
        slope = torch.einsum("dpy,pyk->dp", net.to_y, net.y_to_location[0])
        level = (net.to_y_bias.unsqueeze(1) @ net.y_to_location[0])[:, 0, 0] + net.s_to_location[0][0, :, 0]
    likelihood = net.likelihoods[0]
    apart = (batch.values[:3] - likelihood.centre) / likelihood.scale - level - net.prior[0].detach() @ slope
    assert weights.sum(0) == pytest.approx(1, abs=1e-5)
    for i, known in enumerate(batch.observed[:3] > 0):
        own = slope[:, known]
        precision = torch.eye(2) + own @ own.T * math.e
        mean = net.prior[0].detach() + torch.linalg.solve(precision, own @ apart[i, known] * math.e)
        found = weights[:, i] @ z[:, i]
        assert found == pytest.approx(mean, abs=0.02)
        spread = (z[:, i] - found).T @ (weights[:, i, None] * (z[:, i] - found))
        assert spread == pytest.approx(torch.linalg.inv(precision), abs=0.02)


def test_steps_follow_the_square_root_of_the_rows_up_to_the_most():
    rng = np.random.default_rng(0)
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))
    for rows, steps in ((140, 4), (875, 10), (7000, 20)):
        fitted = HIVAE(max_iter=20, n_hidden=4).fit(rng.normal(size=(rows, 2)), schema=schema)
        assert fitted.curves_[0].steps[-1] == steps


def test_training_raises_the_bound_and_the_probability_of_validation_cells(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    fitted = HIVAE(max_iter=600).fit(X, schema=schema)
    assert max(fitted.curves_[0].scores) > fitted.curves_[0].scores[0] + 0.05
    short = HIVAE(max_iter=1, learning_rate=1e-9).fit(X, schema=schema)
    batch = fitted.encoding_.batch(X, CPU)
    bounds = [
        float(each.network_.bound(batch, torch.Generator().manual_seed(2)).mean().detach()) for each in (short, fitted)
    ]
    assert bounds[1] > bounds[0] + 0.5


def test_predictions_agree_with_their_draws_and_stay_on_their_scales(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    imputer = HIVAE(max_iter=100, n_samples=400).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=400)
    columns = np.nonzero(np.isnan(X))[1]
    for j, column in enumerate(schema):
        drawn = prediction.draws[:, columns == j]
        if column.kind is Kind.NUMERIC or not drawn.size:
            continue
        shares = (drawn[:, :, None] == column.levels).mean(axis=0)
        assert np.abs(shares - prediction.probabilities[j]).max() < 0.12  # √(0.25 / 400) = 0.025
        assert np.abs((shares - prediction.probabilities[j]).mean(axis=0)).max() < 0.01
        if column.kind is Kind.ORDINAL:
            assert prediction.expected[columns == j] == pytest.approx(
                prediction.probabilities[j] @ column.levels, abs=1e-9
            )


def test_it_leaves_every_global_generator_as_it_was(masked_toy):
    before = np.random.get_state(legacy=False), torch.get_rng_state()  # noqa: NPY002
    HIVAE(max_iter=20).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values, n_draws=1)
    assert repr(before[0]) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


def test_plugin_of_hyperimpute_gives_the_same_completed_table(masked_toy):
    from imputers.generative.hivae_plugin import HIVAEPlugin

    from hyperimpute.plugins.imputers import Imputers  # isort: skip - after ours, which keeps the environment

    frame = pd.DataFrame(masked_toy.values, columns=masked_toy.schema.names).set_index(pd.RangeIndex(7, 407))
    plugin = Imputers().add("hivae", HIVAEPlugin).get("hivae", max_iter=50, n_samples=10, random_state=3)
    completed = plugin.fit_transform(frame)
    own = HIVAE(max_iter=50, n_samples=10).fit(frame, schema=infer_schema(frame), random_state=3).transform(frame)
    pd.testing.assert_frame_equal(completed, own)
    assert completed.index.equals(frame.index) and not completed.isna().any(axis=None)
    array = HIVAEPlugin(max_iter=20, n_samples=5).fit_transform(masked_toy.values)
    assert array.shape == frame.shape and not array.isna().any(axis=None)


def table_of_the_authors(folder, mask):
    """Table, hidden cells and schema of the data that HI-VAE's authors published with their code."""
    X = np.genfromtxt(folder / "data.csv", delimiter=",")
    with (folder / "data_types.csv").open(newline="") as file:
        types = [row["type"] for row in csv.DictReader(file)]
    columns = []
    for j, kind in enumerate(types):
        codes = np.unique(X[:, j][~np.isnan(X[:, j])]) if kind == "cat" else np.arange(1.0, 11.0)
        labels = {float(code): f"{code:g}" for code in codes}
        if kind in ("cat", "ordinal"):
            columns.append(Column(f"x{j}", Kind.NOMINAL if kind == "cat" else Kind.ORDINAL, labels))
        else:
            columns.append(Column(f"x{j}", Kind.NUMERIC, low=0, decimals=0 if kind == "count" else None))
    hidden = np.zeros(X.shape, dtype=bool)
    rows, cells = np.genfromtxt(folder / f"{mask}.csv", delimiter=",").astype(int).T - 1
    hidden[rows, cells] = True
    return X, hidden & ~np.isnan(X), Schema(tuple(columns))


def error_of_the_authors(X, hidden, filled, schema):
    """Mean over columns of error rate, absolute difference by levels, or RMSE by range."""
    errors = []
    for j, column in enumerate(schema):
        apart = (filled - X)[hidden[:, j], j]
        match column.kind:
            case Kind.NOMINAL:
                errors.append((apart != 0).mean())
            case Kind.ORDINAL:
                errors.append(np.abs(apart).mean() / len(column.levels))
            case Kind.NUMERIC:
                errors.append(np.sqrt((apart**2).mean()) / np.ptp(X[~np.isnan(X[:, j]), j]))
    return np.mean(errors)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mask", "floor", "share"),
    [
        ("Wine", "Missing20_1", 0.1120, 0.7),
        ("Wine", "Missing50_1", 0.1123, 0.71),
        ("Breast", "Missing20_1", 0.2027, 0.5),
        ("Breast", "Missing50_1", 0.1996, 0.6),
    ],
)
def test_error_is_far_below_that_of_means_and_modes_on_the_authors_masks(shared, name, mask, floor, share):
    """20 % or 50 % of the cells missing; floors are those of mean and mode under the authors' metric."""
    X, hidden, schema = table_of_the_authors(shared / "data" / "hivae" / name, mask)
    values = np.where(hidden, np.nan, X)
    filled = HIVAE().fit(values, schema=schema).transform(values)
    assert error_of_the_authors(X, hidden, filled, schema) < share * floor
