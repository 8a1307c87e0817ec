"""AimNet: attention by hand, what each cell is foretold from, known answers, and the real survey."""

import numpy as np
import pytest
import torch

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.generative.aimnet import AimNet
from imputers.generative.networks.aimnet import attend

P = 5


@pytest.fixture(scope="module")
def example():
    return example_table()


@pytest.fixture(scope="module")
def fitted(example):
    schema, X = example
    return AimNet().fit(X, schema=schema)


def weights_of(logits, seen):
    """Attention (targets, attributes, rows), read off the average of unit vectors."""
    units = torch.eye(len(logits)).unsqueeze(1).expand(-1, seen.shape[1], -1)
    return attend(logits, seen, units).permute(0, 2, 1)


def test_weights_sum_to_one_with_nothing_on_the_target_and_on_hidden_attributes():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(P, P, generator=generator)
    seen = (torch.rand(P, 40, generator=generator) < 0.5).float()
    weights = weights_of(logits, seen)
    others = seen.unsqueeze(0) * (1 - torch.eye(P)).unsqueeze(-1)
    assert (weights[others == 0] == 0).all()
    some = others.sum(dim=1) > 0
    assert weights.sum(dim=1)[some].numpy() == pytest.approx(1, abs=1e-5)
    assert (weights.sum(dim=1)[~some] == 0).all() and (~some).any()


def test_weights_are_the_softmax_after_the_mask_however_far_apart_the_logits():
    logits = torch.tensor([[9.0, 0.0, 1.0, 2.0], [0.0] * 4, [0.0] * 4, [60.0, 0.0, 0.0, 0.0]])
    seen = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    weights = weights_of(logits, seen)
    e = np.exp([0.0, 1.0, 2.0])
    assert weights[0, 1:, 1].numpy() == pytest.approx(e / e.sum())
    assert weights[0, 1:, 0].numpy() == pytest.approx([e[0] / (e[0] + e[2]), 0, e[2] / (e[0] + e[2])])
    assert weights[3, :, 1].numpy() == pytest.approx([0, 0.5, 0.5, 0])  # the heaviest is hidden


def test_attention_of_the_table_sums_to_one_beside_a_zero_diagonal(fitted, example):
    attention = fitted.attention_
    assert attention.shape == (len(example[0]),) * 2
    assert attention.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.diag(attention) == 0).all() and (attention >= 0).all()


def test_a_cell_is_foretold_from_the_others_that_are_seen_alone(fitted, example):
    schema, X = example
    batch = fitted.encoding_.batch(X, fitted.device_)
    network, j = fitted.network_, schema.index("trust")
    other = batch.values.clone()
    other[:, j] = (other[:, j] + 1) % 4
    seen = batch.observed.clone()
    with torch.no_grad():
        mine, changed = (
            [location[:, likelihood.columns == j] for likelihood, location, _ in network.heads(values, seen)]
            for values in (batch.values, other)
        )
        assert all(torch.equal(a, b) for a, b in zip(mine, changed, strict=True))
        seen[:, j] = 0
        mine, changed = (network.heads(values, seen) for values in (batch.values, other))
    assert all(torch.equal(a[1], b[1]) for a, b in zip(mine, changed, strict=True))


def test_loss_reads_observed_cells_only(fitted, example):
    batch = fitted.encoding_.batch(example[1], fitted.device_)
    changed = type(batch)(batch.inputs, torch.where(batch.observed > 0, batch.values, 1.0), batch.observed)
    losses = [fitted.network_.loss(rows, torch.Generator().manual_seed(1)) for rows in (batch, changed)]
    assert torch.equal(*losses)


def pairs(n=3000):
    """A class, its noisy copy, a number that bends with it, and a coin."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, n).astype(float)
    b = np.where(rng.random(n) < 0.7, a, rng.integers(0, 3, n))
    number = (a - 1) ** 2 * 4 + rng.normal(size=n)
    X = np.column_stack([a, b, number, rng.integers(0, 2, n)])
    labels = {0.0: "x", 1.0: "y", 2.0: "z"}
    schema = Schema(
        (
            Column("a", Kind.NOMINAL, labels),
            Column("b", Kind.ORDINAL, labels),
            Column("number", Kind.NUMERIC),
            Column("coin", Kind.NOMINAL, {0.0: "heads", 1.0: "tails"}),
        )
    )
    return schema, X


def test_it_finds_the_conditional_distributions_and_whom_to_attend_to():
    schema, X = pairs()
    fitted = AimNet(max_epochs=30).fit(X, schema=schema)
    holes = X[:600].copy()
    holes[:200, 1] = np.nan  # P(b | a) is 0.8, 0.1, 0.1
    holes[200:400, 2] = np.nan  # 4 or 0, the deviation is one
    holes[400:, 3] = np.nan
    prediction = fitted.impute(holes, n_draws=50)
    columns = np.nonzero(np.isnan(holes))[1]
    right = prediction.probabilities[1][np.arange(200), X[:200, 0].astype(int)]
    assert right == pytest.approx(0.8, abs=0.08)
    assert prediction.expected[columns == 2] == pytest.approx((X[200:400, 0] - 1) ** 2 * 4, abs=0.6)
    drawn = prediction.draws[:, columns == 2] - prediction.expected[columns == 2]
    assert drawn.std() == pytest.approx(1, abs=0.15)
    assert prediction.probabilities[3] == pytest.approx(0.5, abs=0.12)
    assert fitted.attention_[1, 0] > 2 * fitted.attention_[1, 3]


def test_draws_have_the_probabilities_that_are_stated(fitted, example):
    schema, X = example
    prediction = fitted.impute(X, n_draws=400)
    columns = np.nonzero(np.isnan(X))[1]
    for j in schema.where(Kind.NOMINAL, Kind.ORDINAL):
        drawn = prediction.draws[:, columns == j]
        if drawn.size:
            shares = (drawn[:, :, None] == schema.columns[j].levels).mean(axis=0)
            assert np.abs(shares - prediction.probabilities[j]).max() < 0.12  # √(0.25 / 400) = 0.025
            assert np.abs((shares - prediction.probabilities[j]).mean(axis=0)).max() < 0.015


def test_training_lowers_the_loss_and_predicts_validation_cells(fitted):
    curve = fitted.curves_[0]
    assert max(curve.scores) > curve.scores[0] + 0.1
    assert np.isfinite(curve.losses[1:]).all()


def test_a_row_without_answers_gets_the_margins_and_no_level_beyond_the_scale(fitted, example):
    schema, X = example
    nobody = np.full((1, X.shape[1]), np.nan)
    prediction = fitted.impute(nobody, n_draws=1)
    region = prediction.probabilities[schema.index("region")][0]
    assert region == pytest.approx([(X[:, 0] == code).mean() for code in (1.0, 2.0, 3.0)], abs=0.15)


def test_global_generators_are_as_they_were(example):
    schema, X = example
    before = torch.get_rng_state()
    AimNet(max_epochs=1).fit(X, schema=schema).impute(X, n_draws=1)
    assert torch.equal(before, torch.get_rng_state())


def test_senseless_parameters_are_refused(example):
    schema, X = example
    with pytest.raises(InputError, match="dropout"):
        AimNet(dropout=1.0).fit(X, schema=schema)
