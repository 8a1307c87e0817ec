"""The ensemble against a loop over members and donors, and against its uniform variant."""

import numpy as np
import pytest

from benchmarks.scoring import score
from datasets.errors import InputError
from datasets.prediction import expectation
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.neighbours.knn import NearestNeighbours
from imputers.neighbours.knne import NeighbourEnsemble


def numeric(p):
    return Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p)))


def brute_force(imputer, row, j, schema, X):
    """Mean over members of the mean of their k donors, one pair of rows and one attribute at a time."""
    span = np.nanmax(X, axis=0) - np.nanmin(X, axis=0)
    means = []
    for subset, ties in zip(imputer._subsets[j], imputer._ties[:, 0], strict=True):
        far = []
        for donor, tie in zip(X[imputer._lending[j]], ties, strict=False):
            terms = [tie]
            for a, column in enumerate(schema):
                if subset[a] and not (np.isnan(row[a]) or np.isnan(donor[a])):
                    gap = row[a] != donor[a] if column.kind is Kind.NOMINAL else abs(row[a] - donor[a]) / span[a]
                    terms.append(subset[a] * (gap - imputer._usual[a]))
            far.append(sum(terms))
        if any(subset[a] and not np.isnan(row[a]) for a in range(len(schema))):
            means.append(X[imputer._lending[j][np.argsort(far)[: imputer.n_neighbors]], j].mean())
    return np.mean(means)


def test_fills_are_those_of_a_brute_force_search():
    schema, X = example_table(90)
    income = schema.index("income")
    imputer = NeighbourEnsemble(n_estimators=6, n_neighbors=3, max_donors=40).fit(X, schema=schema)
    expected = imputer.impute(X, n_draws=1).expected[np.nonzero(np.isnan(X))[1] == income]
    asking = X[np.isnan(X[:, income])]
    wanted = [brute_force(imputer, row, income, schema, X) for row in asking]
    assert expected == pytest.approx(wanted, rel=1e-5)


def test_telling_attributes_are_drawn_more_often():
    """The first column repeats the last one; the others are noise."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 8))
    Z[:, 7] = Z[:, 0]
    X = Z.copy()
    X[:60, 7] = np.nan
    told = NeighbourEnsemble().fit(X, schema=numeric(8))
    alike = NeighbourEnsemble(relevance="uniform").fit(X, schema=numeric(8))
    drawn = told._subsets[7]
    assert drawn.sum(axis=1).tolist() == [4] * 30  # half of eight attributes, repeats counted
    assert drawn[:, 7].sum() == 0
    assert drawn[:, 0].mean() > 3.5 > 1 > alike._subsets[7][:, 0].mean()
    errors = [np.std(fitted.impute(X, n_draws=1).expected - Z[:60, 7]) for fitted in (told, alike)]
    assert errors[0] < 0.1 < 0.5 * errors[1]


def test_a_row_without_answers_gets_the_distribution_of_the_answers():
    """Ties are broken by each member in its own way, so that 150 different donors answer, not the same five."""
    schema, X = example_table()
    X[7] = np.nan
    prediction = NeighbourEnsemble().fit(X, schema=schema).impute(X[[7]], n_draws=1)
    for j, shares in prediction.probabilities.items():
        known = X[~np.isnan(X[:, j]), j]
        wanted = (known[:, None] == schema.columns[j].levels).mean(axis=0)
        assert shares[0] == pytest.approx(wanted, abs=0.15)


def test_fewer_donors_than_neighbours():
    X = np.array([[0.0, 1.0], [1.0, 3.0], [0.9, np.nan]])
    prediction = NeighbourEnsemble().fit(X, schema=numeric(2)).impute(X, n_draws=20)
    assert prediction.expected == pytest.approx([2])
    assert set(prediction.draws.ravel()) == {1, 3}


def test_relevance_beats_uniform_subsets_on_breast_cancer(breast_cancer):
    """METHODS' uniform variant with rescaled distances has MSE .6664; ours has .536, and with relevance .431."""
    Z, hidden, schema = breast_cancer
    X = np.where(hidden, np.nan, Z)
    error = {}
    for relevance in ("information", "uniform"):
        prediction = NeighbourEnsemble(relevance=relevance).fit(X, schema=schema).impute(X, n_draws=1)
        error[relevance] = np.mean((expectation(prediction, X, schema) - Z[hidden]) ** 2)
    assert error["information"] < 0.45
    assert error["information"] + 0.05 < error["uniform"] < 0.6664


@pytest.mark.slow
def test_better_than_nearest_neighbours_on_the_survey(masked_gss):
    def error(imputer):
        imputer.fit(masked_gss.values, schema=masked_gss.schema, weights=masked_gss.truth.weights, random_state=1)
        scores = score(masked_gss, imputer.impute(masked_gss.values, n_draws=2))
        return np.mean([value for metric, _, value in scores if metric == "nrmse"])

    assert error(NeighbourEnsemble()) < error(NearestNeighbours()) - 0.05


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_neighbors": 0}, r"'n_neighbors'.* range \[1, inf\). Got 0"),
        ({"n_estimators": 0}, r"'n_estimators'.* range \[1, inf\). Got 0"),
        ({"max_features": 0.0}, r"'max_features'.* range \(0.0, 1.0\]. Got 0.0"),
        ({"relevance": "r"}, "'relevance'.* Got 'r'"),
    ],
)
def test_wrong_parameters_are_refused(wrong, message):
    schema, X = example_table(50)
    with pytest.raises(InputError, match=message):
        NeighbourEnsemble(**wrong).fit(X, schema=schema)
