"""DataWig: the sparse layer by hand, known distributions, calibration, and restaurants."""

import json

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from datasets import DATASETS
from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.prediction import point
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.generative.datawig import DataWig, string_features
from imputers.generative.networks.datawig import Network, Predictors

LETTERS = {0.0: "a", 1.0: "b", 2.0: "c"}


@pytest.fixture(scope="module")
def fitted():
    schema, X = example_table()
    before = torch.get_rng_state()
    imputer = DataWig().fit(X, schema=schema)
    imputer.impute(X, n_draws=1)
    assert torch.equal(before, torch.get_rng_state())  # global generators are as they were
    return imputer


def test_bags_of_strings_give_the_product_with_the_matrix_of_weights():
    rng = np.random.default_rng(0)
    strings = rng.random((7, 9)) * (rng.random((7, 9)) < 0.4)
    strings[3] = 0  # a row without strings
    strings = strings.astype(np.float32)
    numbers = rng.standard_normal((7, 2)).astype(np.float32)
    network = Network(9, 2, 4, torch.tensor([0.1, 0.2, 0.3]), torch.Generator().manual_seed(0))
    for weights in network.parameters():
        weights.data = torch.as_tensor(rng.standard_normal(weights.shape), dtype=torch.float32)
    table, turn, bias, above, intercept = (weights.detach().numpy() for weights in network.parameters())
    wanted = strings @ table + np.maximum(numbers @ turn + bias, 0) @ above + intercept
    assert network.scores(Predictors(csr_matrix(strings), numbers)) == pytest.approx(wanted, abs=1e-5)


def test_an_untrained_network_says_the_margin():
    network = Network(3, 1, 5, torch.tensor([0.5, -0.5]), torch.Generator().manual_seed(0))
    x = Predictors(csr_matrix(np.eye(3, dtype=np.float32)), np.ones((3, 1), dtype=np.float32))
    assert network.scores(x) == pytest.approx(np.tile([0.5, -0.5], (3, 1)))


def test_texts_are_close_if_they_share_n_grams_and_a_hole_is_nothing():
    column = Column("x", Kind.TEXT, {0.0: "213/848-6677", 1.0: "213-848-6677", 2.0: "404/261-7379"})
    features = string_features(column, 3, 2**15).toarray()
    product = features @ features.T
    assert product[0, 1] > 3 * product[0, 2]
    assert (features[3] == 0).all() and (features != 0).any(axis=0).all()
    assert np.diag(product)[:3] == pytest.approx(product[0, 0])  # all of one length
    dummies = string_features(Column("x", Kind.NOMINAL, LETTERS), 3, 2**15).toarray()
    assert (dummies == np.eye(4, 3)).all()


def test_a_column_is_no_predictor_of_itself(fitted):
    schema, X = example_table()
    for j in range(len(schema)):
        changed = X.copy()
        changed[:, j] = np.nan
        mine, other = fitted._predictors(X, j), fitted._predictors(changed, j)
        assert (mine.strings != other.strings).nnz == 0 and (mine.numbers == other.numbers).all()


def test_labels_get_their_shares_given_a_class():
    """P(y | x) is 0.8 for the same letter, 0.1 for each other one; a saturated softmax is consistent for it."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, 3000).astype(float)
    y = np.where(rng.random(3000) < 0.7, x, rng.integers(0, 3, 3000))
    X = np.column_stack([x, np.where(np.arange(3000) < 300, np.nan, y)])
    schema = Schema((Column("x", Kind.NOMINAL, LETTERS), Column("y", Kind.NOMINAL, LETTERS)))
    imputer = DataWig(max_epochs=5).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=200)
    found = prediction.probabilities[1][np.arange(300), x[:300].astype(int)]
    assert found == pytest.approx(0.8, abs=0.06)
    assert (prediction.draws == x[:300]).mean() == pytest.approx(found.mean(), abs=0.01)
    assert list(imputer.models_) == [1]  # the other has no holes


def test_a_number_bends_and_is_drawn_with_the_spread_of_its_residuals():
    rng = np.random.default_rng(1)
    z = rng.standard_normal(1200)
    y = 3 * np.abs(z) + 0.5 * rng.standard_normal(1200)  # a straight line knows nothing of it
    X = np.column_stack([z, np.where(np.arange(1200) < 400, np.nan, y)])
    schema = Schema((Column("z", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    prediction = DataWig().fit(X, schema=schema).impute(X, n_draws=100)
    wrong = prediction.expected - 3 * np.abs(z[:400])
    assert np.sqrt(np.mean(wrong**2)) < 0.3
    assert (prediction.draws - prediction.expected).std() == pytest.approx(0.5, abs=0.1)


def test_the_head_is_calibrated_on_validation_cells():
    """Labels without any pattern: an overtrained network is too sure, and is told so by a temperature."""
    rng = np.random.default_rng(2)
    words = {float(k): "".join(rng.choice(list("abcdefgh"), 8)) for k in range(400)}
    X = np.column_stack([np.arange(400.0), rng.integers(0, 2, 400)])
    X[:20, 1] = np.nan
    schema = Schema((Column("word", Kind.TEXT, words), Column("y", Kind.NOMINAL, {0.0: "no", 1.0: "yes"})))
    imputer = DataWig(weight_decay=0.0, learning_rate=0.1).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=1)
    model = imputer.models_[1]
    scores = model.network.scores(imputer._predictors(X[:20], 1))
    odds = np.log(prediction.probabilities[1][:, 1] / prediction.probabilities[1][:, 0])
    assert odds == pytest.approx((scores[:, 1] - scores[:, 0]) / model.temperature, abs=1e-4)
    assert model.temperature > 1


def test_rare_answers_are_left_out():
    schema, X = example_table()
    party = schema.index("party")
    prediction = DataWig(max_categories=2, max_epochs=1).fit(X, schema=schema).impute(X, n_draws=1)
    counts = [(X[:, party] == code).sum() for code in schema.columns[party].levels]
    assert (prediction.probabilities[party][:, np.argsort(counts)[:2]] == 0).all()
    assert prediction.probabilities[party].sum(axis=1) == pytest.approx(1)


def test_curves_are_kept_and_an_item_is_learned_once_and_alike_whatever_else_is_learned(fitted, tmp_path):
    schema, X = example_table()
    vote, region = schema.index("vote"), schema.index("region")
    imputer = DataWig().fit(X, schema=schema, folder=tmp_path)
    model, learned = imputer.models_[vote], list(imputer.models_)
    assert learned == np.flatnonzero(np.isnan(X).any(axis=0)).tolist() and region not in learned
    alone = X[~np.isnan(X).any(axis=1)]
    alone[:30, vote] = np.nan
    prediction = imputer.impute(alone, n_draws=1)
    assert fitted.impute(alone, n_draws=1).probabilities[vote] == pytest.approx(prediction.probabilities[vote])
    anew = imputer._forecast(imputer._learn(vote), alone[:30], vote)
    assert anew == pytest.approx(prediction.probabilities[vote])
    alone[30:60, region] = np.nan  # an item without holes in fit
    imputer.impute(alone, n_draws=1)
    assert imputer.models_[vote] is model and list(imputer.models_) == learned == list(imputer.curves_)
    kept = json.loads((tmp_path / "curve.json").read_text())
    assert len(kept["curves"]) == len(learned) and kept["settings"]["max_ngram"] == 3


def test_training_predicts_validation_cells_better_than_the_margin(fitted):
    curve = fitted.curves_[fitted.schema_.index("trust")]
    assert max(curve.scores) > curve.scores[0] + 0.2


def test_senseless_parameters_are_refused():
    schema, X = example_table()
    with pytest.raises(InputError, match="max_categories.*Got 1"):
        DataWig(max_categories=1).fit(X, schema=schema)


def cities_right(shared, fold, names):
    """Which cities of a fold are found from these columns."""
    data = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    hidden = MECHANISMS["fold"](data, 0.1, np.random.default_rng(0), number=fold)
    columns = [data.schema.index(name) for name in names]
    schema, truth, hidden = data.schema.take(columns), data.values[:, columns], hidden[:, columns]
    X = np.where(hidden, np.nan, truth)
    prediction = DataWig().fit(X, schema=schema).impute(X, n_draws=1)
    return (point(prediction, X, schema) == truth[np.isnan(X)])[hidden[np.isnan(X)]]


def test_cities_from_telephone_numbers(shared):
    """The city most frequent for an area code is right for 75.8 ± 4.5 of the restaurants; n-grams know the codes."""
    assert cities_right(shared, 3, ("phone", "city")).mean() > 0.713


@pytest.mark.slow
def test_restaurants_in_ten_folds(shared):
    """Must pass 84; a logistic regression on n-grams of the whole row has 85.1 ± 2.8 elsewhere."""
    names = ("name", "address", "city", "phone", "type")
    assert np.concatenate([cities_right(shared, fold, names) for fold in range(1, 11)]).mean() >= 0.84
