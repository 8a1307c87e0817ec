"""Tabular foundation models: on stand-ins with the interface of their packages, and on a tiny TabICL where it is."""

import json
import sys

import numpy as np
import pytest

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS
from imputers.conformance import CHECKS
from imputers.pretrained.tabular import LEVELS, between, nearest_level, weights_file

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

STAND_IN = '''
"""Logistic and normal linear regression behind the constructors and predictions of a package's two estimators."""
import numpy as np
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

made = []


class Classifier:
    def __init__(self, *, n_estimators, random_state{more}):
        made.append((n_estimators, random_state{names}))

    def _load_model(self):
        raise RuntimeError("a network is there already")

    def fit(self, X, y):
        {load}
        if len(set(y)) > 10:
            raise ValueError("Number of classes exceeds the maximum")
        self.inner = LogisticRegression(max_iter=200).fit(X, y)
        self.classes_, self.rows = self.inner.classes_, len(X)
        made.append(self.rows)
        return self

    def predict_proba(self, X):
        return self.inner.predict_proba(X).astype(np.float32)


class Regressor(Classifier):
    def fit(self, X, y):
        {load}
        self.inner = LinearRegression().fit(X, y)
        self.spread = np.std(y - self.inner.predict(X))
        return self

    def predict(self, X, *, output_type, {levels}):
        assert output_type == "quantiles"
        spread = [self.inner.predict(X) + self.spread * norm.ppf(level) for level in {levels}]
        return {given}


{names_of}
'''
PACKAGES = {
    "tabpfn": {
        "more": ", model_path, ignore_pretraining_limits",
        "names": ", model_path",
        "load": "pass",
        "levels": "quantiles",
        "given": "spread",
        "names_of": "TabPFNClassifier, TabPFNRegressor = Classifier, Regressor",
    },
    "tabicl": {
        "more": ", allow_auto_download",
        "names": "",
        "load": "self._load_model()",
        "levels": "alphas",
        "given": "np.column_stack(spread)",
        "names_of": "TabICLClassifier, TabICLRegressor = Classifier, Regressor",
    },
}
NETWORK = """
import torch


class TabICL(torch.nn.Linear):
    def __init__(self, width):
        super().__init__(width, 1)
"""
SCHEMA = Schema(
    (
        Column("vote", Kind.NOMINAL, {1.0: "left", 2.0: "right", 5.0: "none"}),
        Column("view", Kind.ORDINAL, {float(k): f"{k}" for k in range(1, 6)}),
        Column("income", Kind.ORDINAL, {float(k): f"{k}" for k in range(1, 26)}),
        Column("age", Kind.NUMERIC, decimals=0, low=18, high=99),
    )
)


@pytest.fixture(params=PACKAGES)
def stand_in(request, tmp_path, monkeypatch):
    """Name of a package, of which a stand-in is installed, and a folder of weights."""
    name = request.param
    package = tmp_path / "site" / name
    (package / "_model").mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN.format(**PACKAGES[name]))
    (package / "_model" / "__init__.py").touch()
    (package / "_model" / "tabicl.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(package.parent)
    folder = tmp_path / "weights"
    folder.mkdir()
    for kind in ("classifier", "regressor"):
        tensors = {"weight": torch.ones(1, 3), "bias": torch.zeros(1)}
        safetensors.save_file(tensors, folder / f"{kind}.safetensors", {"config": json.dumps({"width": 3})})
    yield name, str(folder)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def people(n=300, share=0.25, seed=0):
    """Four items on one trait; income is nearly age in steps."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    vote = np.array([1.0, 2.0, 5.0])[np.digitize(trait + 0.5 * rng.normal(size=n), [-0.5, 0.7])]
    view = 1.0 + np.digitize(trait + 0.5 * rng.normal(size=n), [-1, -0.3, 0.3, 1])
    income = 1.0 + np.clip(np.round(12 + 5 * trait + rng.normal(size=n)), 0, 24)
    age = np.clip(np.round(50 + 12 * trait + 3 * rng.normal(size=n)), 18, 99)
    truth = np.column_stack([vote, view, income, age])
    return truth, np.where(rng.random(truth.shape) < share, np.nan, truth)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_they_keep_the_contract(stand_in, rule):
    name, folder = stand_in

    class Quick(IMPUTERS[name]):
        def __init__(self, model=folder, max_iter=1, n_estimators=1, max_rows=50):
            super().__init__(model, max_iter, n_estimators, max_rows)

    rule(Quick)


def test_draws_follow_the_other_items_and_spread_as_answers_do(stand_in):
    name, folder = stand_in
    truth, X = people()
    found = IMPUTERS[name](model=folder).fit(X, schema=SCHEMA, random_state=1).impute(X, 8)
    columns = np.nonzero(np.isnan(X))[1]
    for j in (2, 3):
        own, real = columns == j, truth[np.isnan(X[:, j]), j]
        assert np.corrcoef(found.expected[own], real)[0, 1] > 0.75
        assert np.sqrt(np.mean((found.expected[own] - real) ** 2)) < 0.7 * np.nanstd(X[:, j])
        assert found.draws[:, own].std() == pytest.approx(np.nanstd(X[:, j]), rel=0.15)  # means alone vary less
    for j in (0, 1, 2):
        shares, levels = found.probabilities[j], SCHEMA.columns[j].levels
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        drawn = np.mean(found.draws[:, columns == j, None] == levels, axis=(0, 1))
        np.testing.assert_allclose(drawn, shares.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(found.expected[columns == 1], found.probabilities[1] @ SCHEMA.columns[1].levels)


def test_a_sample_of_rows_is_shown_and_settings_reach_the_package(stand_in):
    name, folder = stand_in
    _, X = people()
    IMPUTERS[name](model=folder, max_iter=1, n_estimators=3, max_rows=40).fit(X, schema=SCHEMA).impute(X, 1)
    made = sys.modules[name].made
    assert {rows for rows in made if isinstance(rows, int)} == {40}
    heads = [head for head in made if isinstance(head, tuple)]
    assert {head[0] for head in heads} == {3} and len({head[1] for head in heads}) == len(heads) == 4
    if name == "tabpfn":
        assert {head[2].rpartition("/")[2] for head in heads} == {"classifier.safetensors", "regressor.safetensors"}


def test_a_sample_in_which_all_say_the_same_asks_nobody(stand_in):
    name, folder = stand_in
    _, X = people(share=0.1)
    X[3:, 0], X[:3, 0] = 1.0, [np.nan, 2.0, 1.0]
    drawn = IMPUTERS[name](model=folder, max_iter=1, max_rows=2).fit(X, schema=SCHEMA, random_state=2).impute(X, 1)
    assert set(drawn.draws[0, np.nonzero(np.isnan(X))[1] == 0]) <= {1.0, 2.0}


def test_what_a_package_refuses_is_told_by_item(stand_in):
    name, folder = stand_in
    rng = np.random.default_rng(0)
    many = Column("job", Kind.NOMINAL, {float(k): f"job {k}" for k in range(12)})
    X = np.column_stack([np.resize(np.arange(12.0), 60), rng.integers(1, 6, 60).astype(float)])
    X[::7, 0] = np.nan
    fitted = IMPUTERS[name](model=folder).fit(X, schema=Schema((many, SCHEMA.columns[1])))
    with pytest.raises(InputError, match=f"{name} cannot answer job, which has 12 different answers"):
        fitted.impute(X, 1)


@pytest.mark.parametrize("name", PACKAGES)
def test_without_its_package_a_method_is_unavailable(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("imputers.shared.weights.find_spec", lambda wanted: None if wanted == name else True)
    with pytest.raises(MethodUnavailableError, match=f"pip install {name}"):
        IMPUTERS[name]().fit(people()[1], schema=SCHEMA)


def test_without_weights_a_method_is_unavailable_and_says_which_are_wanted(stand_in, tmp_path):
    name, _ = stand_in
    with pytest.raises(MethodUnavailableError, match=rf"{name}\(model='folder'\)"):
        IMPUTERS[name]().fit(people()[1], schema=SCHEMA)
    with pytest.raises(MethodUnavailableError, match="has 0 files"):
        IMPUTERS[name](model=str(tmp_path / "site")).fit(people()[1], schema=SCHEMA)


@pytest.mark.parametrize("stand_in", ["tabicl"], indirect=True)
@pytest.mark.parametrize("header", [{}, {"config": json.dumps({"width": 7})}, {"config": "no JSON"}])
def test_weights_of_another_network_are_refused_with_the_way_to_write_them(stand_in, header):
    _, folder = stand_in
    safetensors.save_file({"weight": torch.ones(1, 3)}, f"{folder}/classifier.safetensors", header)
    with pytest.raises(MethodUnavailableError, match=r"holds no TabICL network .*torch.load\('x.ckpt'"):
        IMPUTERS["tabicl"](model=folder).fit(people()[1], schema=SCHEMA)


def test_one_file_serves_both_heads_and_two_of_a_kind_are_refused(tmp_path):
    (tmp_path / "tabpfn-v3.5.safetensors").touch()
    assert {weights_file(tmp_path, kind).name for kind in ("classifier", "regressor")} == {"tabpfn-v3.5.safetensors"}
    (tmp_path / "a-regressor.safetensors").touch()
    assert weights_file(tmp_path, "regressor").name == "a-regressor.safetensors"
    assert weights_file(tmp_path, "classifier").name == "tabpfn-v3.5.safetensors"
    (tmp_path / "b-regressor.safetensors").touch()
    with pytest.raises(MethodUnavailableError, match="has 2 files"):
        weights_file(tmp_path, "regressor")


def test_values_between_quantiles_follow_the_distribution():
    uniform = np.tile(LEVELS, (5, 1))
    np.testing.assert_allclose(between(uniform, np.array([0.0, 0.1, 0.5, 0.777, 1.0])), [0.005, 0.1, 0.5, 0.777, 0.995])
    assert nearest_level(np.array([1.0, 2.0, 10.0]), np.array([[-3.0, 1.4], [1.6, 6.1]])).tolist() == [[0, 0], [1, 2]]


def test_a_tiny_tabicl_of_the_package_itself_answers(tmp_path):
    """Random weights, so that the interface alone is tried."""
    pytest.importorskip("tabicl")
    from tabicl._model.tabicl import TabICL

    sizes = dict.fromkeys(("col_num_blocks", "row_num_blocks", "icl_num_blocks"), 1)
    sizes |= dict.fromkeys(("col_nhead", "row_nhead", "icl_nhead", "row_num_cls"), 2)
    sizes |= {"embed_dim": 16, "col_num_inds": 8}
    for kind, own in {"classifier": {"max_classes": 10}, "regressor": {"max_classes": 0, "num_quantiles": 99}}.items():
        net = TabICL(**sizes, **own)
        tensors = {key: tensor.clone() for key, tensor in net.state_dict().items()}
        safetensors.save_file(tensors, tmp_path / f"{kind}.safetensors", {"config": json.dumps(sizes | own)})
    _, X = people(60)
    found = IMPUTERS["tabicl"](model=str(tmp_path), max_iter=1).fit(X, schema=SCHEMA).impute(X, 2)
    assert np.isfinite(found.draws).all()
