import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from datasets.errors import InputError  # noqa: E402 - these need torch
from datasets.schema import Column, Kind, Schema  # noqa: E402
from imputers import make_imputer  # noqa: E402
from imputers.generative.deep import DeepImputer  # noqa: E402
from imputers.generative.hivae import HIVAE  # noqa: E402
from imputers.generative.networks.encoding import VALIDATION_ROWS, Encoding, validation_rows  # noqa: E402
from imputers.shared.training import Curve, Plan, train, write_curves  # noqa: E402

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Weight(torch.nn.Module):
    """One weight, which the loss below pushes up by the learning rate at every step."""

    def __init__(self):
        super().__init__()
        self.at = torch.nn.Parameter(torch.zeros(()))


def learn(weight, score, plan, loss=None, n_rows=10):
    optimiser = torch.optim.SGD(weight.parameters(), lr=1.0)
    return train("example", weight, optimiser, loss or (lambda rows, _: -weight.at), score, n_rows, plan, seeded())


def test_rate_falls_to_zero_along_a_cosine():
    weight = Weight()
    learn(weight, lambda _: weight.at.item(), Plan(20, 5))
    # the sum of (1 + cos(πt/n)) / 2 over t = 0 … n-1 is (n + 1) / 2
    assert weight.at.item() == pytest.approx(21 / 2, abs=1e-4)


def test_weights_of_the_best_look_are_kept_and_learning_stops_when_patience_ends():
    weight = Weight()
    curve = learn(weight, lambda _: -abs(weight.at.item() - 10), Plan(1000, 5, n_check=5, patience=3))
    assert curve.steps == [0, 5, 10, 15, 20, 25] and curve.best == 2
    assert weight.at.item() == pytest.approx(10, abs=0.01)
    assert -abs(weight.at.item() - 10) == pytest.approx(max(curve.scores))


def test_untrained_weights_stay_if_every_step_makes_them_worse():
    weight = Weight()
    curve = learn(weight, lambda _: -weight.at.item(), Plan(100, 5, n_check=10, patience=2))
    assert weight.at.item() == 0 and curve.steps == [0, 10, 20]


def test_losses_are_means_since_the_last_look_and_the_last_step_is_looked_at():
    weight, counted = Weight(), iter(range(1, 100))
    curve = learn(
        weight, lambda _: weight.at.item(), Plan(7, 5, n_check=3), loss=lambda rows, _: 0 * weight.at - next(counted)
    )
    assert curve.steps == [0, 3, 6, 7] and math.isnan(curve.losses[0])
    assert curve.losses[1:] == [-2, -5, -7]


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(wrong):
    weight = Weight()
    with pytest.raises(InputError, match="example: the loss is .* after 5 steps; take a lower learning_rate"):
        learn(weight, lambda _: 0.0, Plan(20, 5, n_check=5), loss=lambda rows, _: weight.at + wrong)


def test_looks_differ_by_the_weights_alone_and_steps_by_their_noise():
    weight, noises = Weight(), []

    def loss(rows, generator):
        noises.append(float(torch.rand((), generator=generator)))
        return weight.at

    curve = learn(weight, lambda generator: float(torch.rand((), generator=generator)), Plan(40, 5, 10, 9), loss)
    assert len(set(curve.scores)) == 1 and len(curve.scores) == 5
    assert len(set(noises)) == 40


def test_every_row_is_learned_from_once_an_epoch_in_an_order_that_changes():
    weight, met = Weight(), []

    def loss(rows, generator):
        met.append(rows)
        return weight.at

    learn(weight, lambda _: 0.0, Plan(6, 4, 100), loss, n_rows=10)
    assert [len(rows) for rows in met] == [4, 4, 2, 4, 4, 2]
    epochs = torch.cat(met[:3]), torch.cat(met[3:])
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert not torch.equal(*epochs)


def test_network_trains_in_steps_and_is_scored_as_it_will_predict():
    weight, modes = Weight(), []

    def loss(rows, generator):
        modes.append(("step", weight.training))
        return weight.at

    def score(generator):
        modes.append(("look", weight.training))
        assert not torch.is_grad_enabled()
        return 0.0

    learn(weight, score, Plan(4, 5, n_check=2), loss)
    assert set(modes) == {("step", True), ("look", False)} and not weight.training


def test_curves_are_written_with_settings_and_without_nan(tmp_path):
    curve = Curve([math.nan, 1.5], [-2.0, -1.0], [0, 100])
    write_curves(tmp_path / "new" / "folder", {"rate": 0.1}, [curve, curve])
    told = json.loads((tmp_path / "new" / "folder" / "curve.json").read_text(encoding="utf-8"))
    one = {"losses": [None, 1.5], "scores": [-2.0, -1.0], "steps": [0, 100]}
    assert told == {"settings": {"rate": 0.1}, "curves": [one, one]} and curve.best == 1


def test_settings_and_curves_are_kept_in_the_folder_if_there_is_one(masked_toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    imputer = HIVAE(max_iter=20, n_components=3)
    imputer.fit(masked_toy.values, schema=masked_toy.schema)
    assert not list(tmp_path.rglob("*"))
    imputer.fit(masked_toy.values, schema=masked_toy.schema, folder=tmp_path / "cell")
    told = json.loads((tmp_path / "cell" / "curve.json").read_text(encoding="utf-8"))
    assert told["settings"] == imputer.get_params() and told["settings"]["n_components"] == 3
    assert told["curves"][0]["scores"] == imputer.curves_[0].scores and told["curves"][0]["steps"][-1] <= 20


def test_validation_cells_are_not_shown_and_are_the_only_ones_scored(masked_toy):
    X, encoding = masked_toy.values, Encoding.fit(masked_toy.values, masked_toy.schema)
    rows, cells = validation_rows(X, np.random.default_rng(5))
    learned, shown, check = encoding.split(X, CPU, np.random.default_rng(5))
    assert np.array_equal(check.observed.numpy() > 0, cells) and not np.isnan(X[rows])[cells].any()
    other = X.copy()
    other[rows] = np.where(cells, np.roll(X[rows], 1, axis=0), X[rows])
    learned_other, _, check_other = encoding.split(np.where(np.isnan(X), np.nan, other), CPU, np.random.default_rng(5))
    assert torch.equal(learned.inputs, learned_other.inputs)
    assert torch.equal(check.inputs, check_other.inputs) and torch.equal(check.inputs, learned.inputs[rows])
    assert torch.equal(shown.inputs, check.inputs) and torch.equal(shown.values, learned.values[rows])
    assert (learned.observed[rows].numpy()[cells] == 0).all() and (learned.values[rows].numpy()[cells] == 0).all()
    kept = ~np.isnan(X)
    kept[rows] &= ~cells
    assert np.array_equal(learned.observed.numpy() > 0, kept)
    numeric = masked_toy.schema.where(Kind.NUMERIC)
    assert np.allclose(check.values.numpy()[:, numeric], np.nan_to_num(X[rows][:, numeric]), rtol=1e-5)


def test_share_of_validation_cells_and_the_most_rows():
    X = np.random.default_rng(0).normal(size=(3000, 4))
    rows, cells = validation_rows(X, np.random.default_rng(0))
    assert len(set(rows)) == VALIDATION_ROWS and cells.mean() == pytest.approx(0.15, abs=0.025)
    lone = np.full((2, 2), np.nan)
    lone[1, 0] = 1.0
    rows, cells = validation_rows(lone, np.random.default_rng(0))
    assert cells.sum() == 1 and not np.isnan(lone[rows][cells]).any()  # something is always there to stop by


LEVELS = {1.0: "low", 2.0: "middle", 4.0: "high"}
SMALL = Schema(
    (Column("vote", Kind.NOMINAL, LEVELS), Column("trust", Kind.ORDINAL, LEVELS), Column("age", Kind.NUMERIC))
)


class Fixed(DeepImputer):
    """Always says the same of every hole: levels .2, .2 and .6, and a number of 50."""

    rows_at_once = 2

    def _learn(self, X, rng, generator):
        self.encoding_ = Encoding.fit(X, self.schema_)
        self.met_ = []
        return []

    def _sample(self, X, n_draws, generator):
        self.met_.append(len(X))
        levels = torch.rand((n_draws, len(X), 3), generator=generator).numpy().argmax(axis=-1)
        drawn = np.stack([levels, levels, np.full(levels.shape, 50.0)], axis=-1)
        means = np.full((len(X), 3, 3), np.nan)
        means[:, :2], means[:, 2, 0] = [0.1, 0.1, 0.3], 50.0
        return drawn, means


def test_levels_become_codes_probabilities_sum_to_one_and_expectations_stay_among_the_observed():
    X = np.array([[1, 2, 20], [2, 1, 30], [np.nan, 4, 40], [4, np.nan, np.nan], [2, np.nan, 25], [1, 1, np.nan]])
    imputer = Fixed().fit(X, schema=SMALL)
    prediction = imputer.impute(X, n_draws=40)
    assert imputer.met_ == [2, 2]  # rows with holes only, two at a time
    assert set(prediction.draws[:, 0]) == {1.0, 2.0, 4.0} and (prediction.draws[:, 2] == 50).all()
    assert prediction.probabilities[0] == pytest.approx(np.array([[0.2, 0.2, 0.6]]))
    trust = 0.2 * 1 + 0.2 * 2 + 0.6 * 4
    assert prediction.expected == pytest.approx(np.array([np.nan, trust, 40, trust, 40]), nan_ok=True)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "request_",
    [
        "hivae(max_iter=60)",
        "miwae(max_examples=6000)",
        "not-miwae(max_examples=6000)",
        "mida(max_epochs=4)",
        "midas(max_epochs=4)",
        "aimnet(max_epochs=4)",
        "remasker(max_epochs=10)",
        "tab-csdi(n_epochs=10)",
        "datawig(max_epochs=4)",
    ],
)
def test_predictions_on_a_gpu_are_those_of_the_processor(masked_toy, monkeypatch, request_):
    X, schema = masked_toy.values, masked_toy.schema
    found = []
    for gpu in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        imputer = make_imputer(request_).fit(X, schema=schema, random_state=0)
        assert imputer.device_.type == ("cuda" if gpu else "cpu")
        found.append(imputer.impute(X))
    prediction, own = found
    numeric = np.isin(np.nonzero(np.isnan(X))[1], schema.where(Kind.NUMERIC))
    assert (prediction.draws == own.draws)[:, ~numeric].mean() > 0.95
    assert np.corrcoef(prediction.draws[:, numeric].ravel(), own.draws[:, numeric].ravel())[0, 1] > 0.98
    for j, table in own.probabilities.items():
        assert prediction.probabilities[j] == pytest.approx(table, abs=0.01)
