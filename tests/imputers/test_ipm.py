"""IPM: a tiny encoder with random weights, which is enough to see that learning and predicting are right."""

import json

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError, MethodUnavailableError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Column, Kind, Schema
from datasets.table import Masked

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("safetensors")

from imputers.pretrained.ipm_binary import IPMBinary  # noqa: E402
from imputers.pretrained.ipm_multi import IPMMulti  # noqa: E402

NAN = float("nan")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def echo_table(n=240):
    """The second answer repeats the first, the string tells the third's; a fifth of both unknown."""
    rng = np.random.default_rng(0)
    level = {0.0: "low", 1.0: "middle", 2.0: "high"}
    schema = Schema(
        (
            Column("first", Kind.NOMINAL, level),
            Column("second", Kind.ORDINAL, level),
            Column(
                "code",
                Kind.TEXT,
                {float(k): f"{'xyz'[k % 3] * 4}" + "ab"[k // 3 % 2] * (1 + k // 6) for k in range(36)},
            ),
            Column("third", Kind.NUMERIC, decimals=0),
        )
    )
    truth = np.column_stack([rng.integers(0, 3, n), np.zeros(n), rng.integers(0, 36, n), np.zeros(n)]).astype(float)
    truth[:, 1], truth[:, 3] = truth[:, 0], truth[:, 2] % 3 * 10
    table = truth.copy()
    table[:, [1, 3]] = np.where(rng.random((n, 2)) < 0.2, NAN, truth[:, [1, 3]])
    return schema, truth, table


@pytest.mark.parametrize("make", [IPMMulti, IPMBinary])
def test_it_learns_what_answers_and_strings_tell(tiny_bert, make):
    schema, truth, table = echo_table()
    imputer = make(tiny_bert, n_hidden=16, max_epochs=60, learning_rate=1e-2, encoder_learning_rate=3e-3)
    imputer.fit(table, schema=schema, random_state=1)
    curve = imputer.curves_[0]
    assert max(curve.scores) > curve.scores[0] + 0.5 and curve.losses[-1] < curve.losses[1]
    prediction = imputer.impute(table, n_draws=200)
    columns = np.nonzero(np.isnan(table))[1]
    hits = imputer.transform(table)[np.isnan(table)] == truth[np.isnan(table)]
    assert hits[columns == 1].mean() > 0.95 and hits[columns == 3].mean() > 0.95
    shares = (prediction.draws[:, columns == 1][:, :, None] == np.arange(3.0)).mean(axis=0)
    assert np.abs(shares - prediction.probabilities[1]).max() < 0.15
    assert prediction.expected[columns == 1] == pytest.approx(prediction.probabilities[1] @ np.arange(3.0))


@pytest.mark.parametrize("make", [IPMMulti, IPMBinary])
def test_whole_tuples_are_learned_from_too(tiny_bert, make):
    schema, _, table = echo_table(64)
    imputer = make(tiny_bert, reading="tuples", n_hidden=8, max_epochs=2).fit(table, schema=schema)
    assert not np.isnan(imputer.transform(table)).any()
    rows, hidden = torch.arange(16), torch.from_numpy(~np.isnan(table[:16])) & torch.tensor([False, True, False, False])
    shown = torch.where(hidden, -1, torch.from_numpy(imputer.pairs_.numbers(table[:16])))
    layers = list(imputer.network_.reader.encoder.parameters())
    with torch.no_grad():  # the head stays as it happens to be: what is learned is to read
        for name, parameter in imputer.network_.named_parameters():
            if not name.startswith("reader"):
                parameter += 0.3 * torch.randn(parameter.shape, generator=seeded())
    optimiser = torch.optim.Adam(layers, lr=1e-2)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = imputer._loss(shown, hidden, rows, seeded())
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.02


@pytest.mark.parametrize("make", [IPMMulti, IPMBinary])
def test_hidden_and_validation_cells_are_never_shown(tiny_bert, monkeypatch, make):
    schema, _, table = echo_table(80)
    steps, own_loss = [], make._loss

    def watched(self, shown, hidden, rows, generator):
        steps.append(bool(((shown >= 0) & hidden).any()))
        told = torch.from_numpy(~np.isnan(table))[rows] & ~hidden
        steps.append(bool(((shown >= 0) & ~told).any()))
        return own_loss(self, shown, hidden, rows, generator)

    monkeypatch.setattr(make, "_loss", watched)
    make(tiny_bert, max_epochs=2, n_hidden=4).fit(table, schema=schema)
    assert len(steps) >= 8 and not any(steps)


def test_seed_decides_draws_and_global_generators_stay(tiny_bert):
    schema, _, table = echo_table(80)
    before = np.random.get_state(legacy=False), torch.get_rng_state()  # noqa: NPY002

    def draws(seed):
        fitted = IPMMulti(tiny_bert, weights="random", max_epochs=2).fit(table, schema=schema, random_state=seed)
        return fitted.impute(table, n_draws=2).draws

    first, again, other = draws(1), draws(1), draws(2)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert repr(before[0]) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


def test_new_rows_may_bring_new_strings_and_holes_elsewhere(tiny_bert):
    schema, _, table = echo_table(80)
    table[table[:, 2] == 7, 2] = 8  # so that nobody gave the string 7
    imputer = IPMBinary(tiny_bert, max_epochs=2).fit(table, schema=schema)
    rows = np.array([[NAN, 1, 7, NAN], [0, NAN, 3, 10]])
    prediction = imputer.impute(rows, n_draws=3)
    assert prediction.probabilities[0][0] == pytest.approx(np.bincount(table[:, 0].astype(int)) / 80)  # was not learned
    assert np.isin(prediction.draws[:, 1], [0, 10, 20]).all()


def test_what_is_no_candidate_has_no_probability(tiny_bert):
    schema, _, table = echo_table(120)
    table[::4, 2] = NAN
    imputer = IPMBinary(tiny_bert, max_epochs=1, n_frequent=2, n_neighbors=3).fit(table, schema=schema)
    shares = imputer.impute(table, n_draws=1).probabilities[2]
    assert ((shares > 0).sum(axis=1) <= 5).all() and shares.sum(axis=1) == pytest.approx(1)


def test_settings_and_curve_are_kept_with_the_encoder_that_was_used(tiny_bert, tmp_path):
    schema, _, table = echo_table(80)
    imputer = IPMMulti(tiny_bert, max_epochs=2)
    imputer.fit(table, schema=schema, folder=tmp_path / "kept")
    kept = json.loads((tmp_path / "kept" / "curve.json").read_text())
    assert kept["settings"]["model"] == imputer.model_ == tiny_bert
    assert kept["settings"]["max_epochs"] == 2 and len(kept["curves"][0]["scores"]) > 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"reading": "words"},
        {"weights": "own"},
        {"n_tuned_layers": -1},
        {"n_bins": 1},
        {"max_epochs": 0},
        {"encoder_learning_rate": NAN},
    ],
)
def test_wrong_parameters_are_named(wrong):
    schema, _, table = echo_table(20)
    with pytest.raises(InputError, match=next(iter(wrong))):
        IPMMulti(**wrong).fit(table, schema=schema)
    with pytest.raises(InputError, match="n_negatives"):
        IPMBinary(n_negatives=0).fit(table, schema=schema)


@pytest.mark.slow
@pytest.mark.parametrize("make", [IPMMulti, IPMBinary])
def test_cities_of_restaurants(shared, make):
    """The first of ten folds, three passes: half as many again as are in the most common city, 27 %, at least."""
    data = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    masked = Masked(data, MECHANISMS["fold"](data, 0.1, np.random.default_rng(1)))
    try:
        imputer = make(max_epochs=3).fit(masked.values, schema=data.schema)
    except MethodUnavailableError as lacking:
        pytest.skip(str(lacking))
    hidden = masked.hidden
    assert (imputer.transform(masked.values)[hidden] == data.values[hidden]).mean() > 0.6
