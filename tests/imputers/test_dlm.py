"""Distance likelihood maximisation against regressions and sums done one at a time, and restaurants."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.prediction import point
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.relational.distance_models import Distances, fit_models, log_likelihoods
from imputers.relational.dlm import DistanceLikelihood, Scored, best_temperature, nearest

NUMBERS = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(3)))


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    trait = rng.random(40)
    return np.column_stack([trait, trait + 0.2 * rng.random(40), rng.random(40)])


def regressions(X, i, neighbours):
    """Local models of one row by least squares: its distances in each column on the others, with intercept."""
    apart = np.abs(X[neighbours] - X[i]) / np.ptp(X, axis=0)
    for j in range(X.shape[1]):
        D = np.column_stack([np.ones(len(apart)), np.delete(apart, j, axis=1)])
        slopes = np.linalg.lstsq(D, apart[:, j], rcond=None)[0]
        yield slopes, np.mean((apart[:, j] - D @ slopes) ** 2)


def log_density(X, row, i, neighbours):
    """Sum of the normal log densities of a row's distances to row i."""
    apart, total = np.abs(row - X[i]) / np.ptp(X, axis=0), 0.0
    for j, (slopes, variance) in enumerate(regressions(X, i, neighbours)):
        residual = apart[j] - slopes @ np.append(1, np.delete(apart, j))
        total -= (np.log(variance) + residual**2 / variance) / 2
    return total


def neighbours_of(X, i, count):
    apart = (((X - X[i]) / np.ptp(X, axis=0)) ** 2).mean(axis=1)
    apart[i] = np.inf
    return np.argsort(apart)[:count]


def test_distances_by_kind():
    strings = {1.0: "smith", 2.0: "smyth"}
    schema = Schema(
        (
            Column("age", Kind.NUMERIC),
            Column("trust", Kind.ORDINAL, {0.0: "no", 1.0: "some", 2.0: "much"}),
            Column("party", Kind.NOMINAL, {1.0: "red", 2.0: "blue", 3.0: "green"}),
            Column("name", Kind.TEXT, strings),
        )
    )
    X = np.array([[20.0, 0.0, 1.0, 1.0], [60.0, 2.0, 3.0, 2.0], [30.0, 1.0, 3.0, 1.0], [np.nan, np.nan, np.nan, 2.0]])
    distances = Distances(schema, X)
    Z = distances.scaled(X)
    found = distances.vectors(Z[:1], Z[None])[0]
    edit = 2 * 1 / (5 + 5 + 1)
    assert found[:3] == pytest.approx(np.array([[0, 0, 0, 0], [1, 1, 1, edit], [0.25, 0.5, 1, 0]]))
    assert np.isnan(found[3, :3]).all()
    _, far = next(iter(distances.blocks(Z, Z)))
    assert far[0] == pytest.approx([0, np.sqrt((3 + edit**2) / 4), np.sqrt((0.25**2 + 0.5**2 + 1) / 4), edit], rel=1e-5)
    assert np.isnan(X[3, 0])  # nothing was written to


def test_rows_that_share_no_answer_are_as_far_as_can_be():
    distances = Distances(NUMBERS, np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 5.0]]))
    Z = distances.scaled(np.array([[0.0, np.nan, np.nan], [np.nan, 0.0, 5.0]]))
    assert next(iter(distances.blocks(Z, Z)))[1].tolist() == [[0, 1], [1, 0]]


def test_one_inverse_holds_all_the_regressions(table):
    distances = Distances(NUMBERS, table)
    models = fit_models(distances, distances.scaled(table), n_neighbors=12, ridge=1e-7)
    for i in (0, 17):
        for j, (slopes, variance) in enumerate(regressions(table, i, neighbours_of(table, i, 12))):
            assert -np.delete(models.residual[i, j], j) == pytest.approx(slopes[1:], abs=2e-3)
            assert models.residual[i, j, j] == 1
            assert models.variance[i, j] == pytest.approx(variance, rel=1e-3)


def test_likelihoods_are_those_of_the_sums_one_at_a_time(table):
    distances = Distances(NUMBERS, table)
    Z = distances.scaled(table)
    models = fit_models(distances, Z, n_neighbors=15, ridge=1e-7)
    row, near, lent = table[3].copy(), np.array([[5, 9, 30]]), np.array([[8, 11]])
    row[1] = np.nan
    apart = distances.vectors(distances.scaled(row[None]), Z[near])
    own = distances.between(1, Z[near, 1][:, :, None], Z[lent, 1][:, None])
    found = log_likelihoods(models, near, apart, own, 1)
    for c, donor in enumerate(lent[0]):
        row[1] = table[donor, 1]
        wanted = [log_density(table, row, i, neighbours_of(table, i, 15)) for i in near[0]]
        assert found[0, :, c] == pytest.approx(wanted, rel=0.01, abs=0.02)


def test_the_whole_method_on_one_hole(table):
    X = table.copy()
    X[7, 1] = np.nan
    imputer = DistanceLikelihood(n_donors=5, n_largest=4, n_references=39, n_neighbors=15, ridge=1e-7)
    imputer.fit(X, schema=NUMBERS)
    scored = imputer._score(X, np.isnan(X))[1]
    known = np.delete(X, 7, axis=0)  # as a neighbour of others, row 7 changes little
    assert scored.values.shape == (1, 5)
    ordered = np.argsort((((known - X[7]) / np.nanmax(X - np.nanmin(X, axis=0), axis=0))[:, [0, 2]] ** 2).sum(axis=1))
    assert scored.values[0].tolist() == known[ordered[:5], 1].tolist()
    order = {value: c for c, value in enumerate(scored.values[0])}
    wanted = np.empty(5)
    for value, c in order.items():
        row = X[7].copy()
        row[1] = value
        rest = [log_density(known, row, i, neighbours_of(known, i, 15)) for i in range(len(known))]
        wanted[c] = np.sort(rest)[-4:].sum()
    assert np.corrcoef(scored.scores[0], wanted)[0, 1] > 0.9
    assert scored.scores[0].argmax() == wanted.argmax()


def test_ten_neighbours_of_eleven_columns_do_not_explode():
    rng = np.random.default_rng(1)
    X = rng.random((30, 11))
    X[:10] = X[0]  # copies, which no distance tells apart
    X[::3, 4] = np.nan
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(11)))
    imputer = DistanceLikelihood(n_neighbors=10).fit(X, schema=schema)
    scores = imputer._score(X, np.isnan(X))[4].scores
    assert np.abs(scores[np.isfinite(scores)]).max() < 1e4
    assert DistanceLikelihood().fit(X, schema=schema)._models.variance.min() >= 0.01


def test_temperature_is_that_of_the_scores():
    rng = np.random.default_rng(2)
    scores = 10 * rng.standard_normal((4000, 3))
    scored = Scored(np.arange(4000), np.tile([1.0, 2.0, 3.0], (4000, 1)), scores)
    chosen = (scores / 5 + rng.gumbel(size=scores.shape)).argmax(axis=1)  # draws from the softmax at temperature 5
    assert best_temperature(scored, chosen[:, None] + 1.0, Kind.NOMINAL) == pytest.approx(5, rel=0.15)


def test_draws_follow_the_probabilities_of_the_candidates():
    schema, X = example_table()
    prediction = DistanceLikelihood(n_donors=3).fit(X, schema=schema).impute(X, n_draws=3000)
    party = schema.index("party")
    drawn = prediction.draws[:, np.nonzero(np.isnan(X))[1] == party]
    shares = (drawn[:, :, None] == schema.columns[party].levels).mean(axis=0)
    assert shares == pytest.approx(prediction.probabilities[party], abs=0.045)
    assert (prediction.probabilities[party][:, 3] == 0).all()  # never chosen
    assert ((prediction.probabilities[party] > 0).sum(axis=1) < 3).any()


def test_nearest_come_first():
    far = np.array([[0.3, 0.1, 0.9, 0.2]], dtype=np.float32)
    assert nearest(far, np.array([0, 2, 3]), 2).tolist() == [[3, 0]]


def test_restaurants_are_found_by_their_strings(shared):
    """63.4 ± 4 in another implementation of the method (six hold-outs of a tenth); the most frequent city has 27.1."""
    data = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    city, right = data.schema.index("city"), []
    for rows in np.array_split(np.random.default_rng(0).permutation(len(data.values)), 10)[:2]:
        X = data.values.copy()
        X[rows, city] = np.nan
        prediction = DistanceLikelihood().fit(X, schema=data.schema).impute(X, n_draws=1)
        own = np.nonzero(np.isnan(X))[1] == city
        right.append(point(prediction, X, data.schema)[own] == data.values[np.sort(rows), city])
    assert np.mean(np.concatenate(right)) > 0.634


def test_senseless_parameters_are_refused(table):
    with pytest.raises(InputError, match="n_largest.* must be an int"):
        DistanceLikelihood(n_largest=0).fit(table, schema=NUMBERS)
