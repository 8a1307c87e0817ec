"""The oracle: exact conditionals by enumeration, given weights, on masks of two populations, and refused elsewhere."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from datasets import DATASETS
from datasets.errors import MethodUnavailableError
from datasets.mechanisms import MECHANISMS
from datasets.populations import POPULATIONS
from datasets.populations.gaussian import law as gaussian_law
from datasets.populations.latent_class import LatentClasses, Levels
from datasets.populations.mixture import LatentClassPopulation
from datasets.prediction import check_prediction
from datasets.schema import Column, Kind, Schema
from datasets.surveys import gaussian, twin
from datasets.table import Masked
from imputers import make_imputer

NAN = np.nan


@pytest.fixture(scope="module")
def small() -> LatentClassPopulation:
    """Two classes, an item of two levels, an ordered one of three and a numeric one of two values."""
    schema = Schema(
        (
            Column("vote", Kind.NOMINAL, {1.0: "no", 2.0: "yes"}),
            Column("trust", Kind.ORDINAL, {1.0: "none", 2.0: "some", 3.0: "much"}),
            Column("children", Kind.NUMERIC, decimals=0),
        )
    )
    levels = Levels((np.array([1.0, 2]), np.array([1.0, 2, 3]), np.array([0.0, 4])), (False, True, True))
    profiles = np.array([[0.9, 0.1, 0.7, 0.2, 0.1, 0.8, 0.2], [0.2, 0.8, 0.1, 0.3, 0.6, 0.3, 0.7]])
    answers = LatentClasses(levels, np.array([0.6, 0.4]), profiles)
    return LatentClassPopulation(schema, answers, np.array([0.0, 0.5]), np.array([0.4, 0.3]))


def enumerated(law, row, weight=None):
    """Probability of every completion of a row, by the joint distribution of answers and weight; and completions."""
    known = ~np.isnan(row)
    cells = list(product(*law.answers.levels.values))
    cells = [np.array(cell) for cell in cells if np.array_equal(np.array(cell)[known], row[known])]
    found = []
    for cell in cells:
        total = 0.0
        for share, profile, mean, sd in zip(
            law.answers.shares, law.answers.profiles, law.weight_mean, law.weight_sd, strict=True
        ):
            if weight is not None:
                share = share * np.exp(-((np.log(weight) - mean) ** 2) / (2 * sd**2)) / sd
            for value, values, block in zip(cell, law.answers.levels.values, law.answers.levels.blocks, strict=True):
                share = share * profile[block][list(values).index(value)]
            total += share
        found.append(total)
    return np.array(found) / sum(found), np.array(cells)


@pytest.mark.parametrize("weight", [None, 0.5, 3.0])
@pytest.mark.parametrize("row", [(NAN, 3, NAN), (NAN, NAN, NAN), (2, NAN, 0), (1, 1, NAN)])
def test_conditionals_are_those_of_enumeration(small, row, weight):
    row, n_draws = np.array(row, dtype=float), 20_000
    holes = np.isnan(row)
    chance, cells = enumerated(small, row, weight)
    weights = None if weight is None else np.array([weight])
    found = small.predict(row[None], weights, n_draws, np.random.default_rng(0))
    for number, j in enumerate(np.flatnonzero(holes)):
        if j < 2:
            exact = [chance[cells[:, j] == value].sum() for value in small.answers.levels.values[j]]
            np.testing.assert_allclose(found.probabilities[int(j)], [exact], atol=1e-12)
        if j > 0:
            assert found.expected[number] == pytest.approx(chance @ cells[:, j], abs=1e-12)
        else:
            assert np.isnan(found.expected[number])
    assert set(found.probabilities) == {int(j) for j in np.flatnonzero(holes) if j < 2}
    for probability, cell in zip(chance, cells, strict=True):  # jointly, not item by item
        share = (found.draws == cell[holes]).all(axis=1).mean()
        assert abs(share - probability) < 4.5 * np.sqrt(probability * (1 - probability) / n_draws)


def test_part_of_a_law_is_its_marginal(small):
    part = small.take(["children", "vote"])
    assert part.schema.names == ["children", "vote"]
    found = part.predict(np.array([[4.0, NAN]]), None, 1, np.random.default_rng(0))
    whole = small.predict(np.array([[NAN, NAN, 4.0]]), None, 1, np.random.default_rng(0))
    np.testing.assert_allclose(found.probabilities[1], whole.probabilities[0])


def test_conditional_normal_is_that_of_a_large_sample():
    """Regression of two items on the six others in a sample: the mean, and the covariance of what is left open."""
    law, rng = gaussian_law(), np.random.default_rng(1)
    X = gaussian.sample(200_000, 5).values
    A = np.column_stack([np.ones(len(X)), X[:, [0, 1, 3, 5, 6, 7]]])
    slopes = np.linalg.lstsq(A, X[:, [2, 4]], rcond=None)[0]
    scatter = np.cov((X[:, [2, 4]] - A @ slopes).T)
    holed = X[:300].copy()
    holed[:, [2, 4]] = NAN
    found = law.predict(holed, None, 4000, rng)
    np.testing.assert_allclose(found.expected.reshape(-1, 2), A[:300] @ slopes, atol=0.03)
    left = (found.draws - found.expected).reshape(-1, 2)
    np.testing.assert_allclose(np.cov(left.T), scatter, atol=0.02)


def test_a_row_without_answers_is_drawn_from_the_population():
    law = gaussian_law()
    found = law.predict(np.full((1, 8), NAN), None, 50_000, np.random.default_rng(2))
    np.testing.assert_allclose(found.expected, law.mean)
    np.testing.assert_allclose(np.cov(found.draws.T), law.covariance, atol=0.2)


def oracle_of(dataset, mechanism="mcar", n_draws=20):
    masked = Masked(dataset, MECHANISMS[mechanism](dataset, 0.3, np.random.default_rng(3)))
    imputer = make_imputer("oracle").fit(masked.values, schema=masked.schema, weights=dataset.weights)
    return masked, imputer.impute(masked.values, n_draws)


@pytest.mark.parametrize("mechanism", ["mcar", "mar"])
def test_draws_are_exchangeable_with_the_truth(mechanism):
    """The truth is one more draw: its rank among m draws is uniform (Talts et al. 2018), cell by cell and in sums."""
    for dataset in (twin.sample(2000, 11), gaussian.sample(2000, 11)):
        masked, found = oracle_of(dataset, mechanism, 19)
        check_prediction(found, masked.values, masked.schema)
        hidden = masked.hidden[np.isnan(masked.values)]
        truth, draws = masked.truth.values[masked.hidden], found.draws[:, hidden]
        rows, columns = np.nonzero(masked.hidden)
        for j in np.unique(columns):
            own = columns == j
            spread = np.sqrt(draws[:, own].var(axis=0).mean() / own.sum())
            assert abs(truth[own].mean() - draws[:, own].mean()) < 4.5 * spread
        sd = np.nanstd(masked.truth.values, axis=0)
        z = np.vstack([truth, draws]) / sd[columns]
        sums = np.stack([np.bincount(rows, weights=line) for line in z])  # (1 + m, n): holes of a row together
        sums = sums[:, np.bincount(rows, minlength=sums.shape[1]) > 1]
        sums += 1e-9 * np.random.default_rng(0).random(sums.shape)  # ties are broken at random
        ranks = (sums[1:] < sums[0]).sum(axis=0)
        counts = np.bincount(ranks, minlength=20)
        chi2 = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        assert chi2 < 60  # 19 degrees of freedom: exceeded with a chance below 1e-5


def test_weights_sharpen_the_twins_posterior():
    """The log score of hidden answers is better with the weights than without."""
    dataset = twin.sample(3000, 4)
    _, with_weights = oracle_of(dataset)
    masked, without = oracle_of(replace(dataset, weights=None))

    def log_score(prediction):
        scores = []
        for j, table in prediction.probabilities.items():
            scored = masked.hidden[np.isnan(masked.values[:, j]), j]
            truth = masked.schema.positions(masked.truth.values)[masked.hidden[:, j], j]
            scores.append(np.log(table[scored][np.arange(len(truth)), truth]))
        return np.concatenate(scores).mean()

    assert log_score(with_weights) > log_score(without)


def test_other_rows_are_filled_without_weights():
    dataset = twin.sample(300, 4)
    masked, _ = oracle_of(dataset)
    imputer = make_imputer("oracle").fit(masked.values, schema=masked.schema, weights=dataset.weights)
    unweighted = make_imputer("oracle").fit(masked.values, schema=masked.schema)
    one, other = (each.impute(masked.values[:50], 2) for each in (imputer, unweighted))
    np.testing.assert_array_equal(one.draws, other.draws)


def test_some_items_of_a_population_are_enough():
    dataset = twin.sample(500, 4)
    at = [3, 0, 7]
    schema = dataset.schema.take(at)
    values = np.where(np.random.default_rng(0).random((500, 3)) < 0.2, NAN, dataset.values[:, at])
    found = make_imputer("oracle").fit(values, schema=schema).impute(values, 2)
    check_prediction(found, values, schema)


def test_any_other_table_is_refused(toy):
    with pytest.raises(MethodUnavailableError, match="law of this table's population is not known.*gss2022-twin"):
        make_imputer("oracle").fit(toy.values, schema=toy.schema)
    frame = pd.DataFrame({"a": [1.0, 2.5, None, 4.5], "b": ["x", "y", "x", None]})
    with pytest.raises(MethodUnavailableError, match="not known"):
        make_imputer("oracle").fit(frame)
    dataset = DATASETS["gaussian"](None)
    renamed = replace(dataset.schema.columns[3], name="faith")
    columns = (*dataset.schema.columns[:3], renamed, *dataset.schema.columns[4:])
    with pytest.raises(MethodUnavailableError, match=r"columns \['faith'\] are not as in the population 'gaussian'"):
        make_imputer("oracle").fit(dataset.values, schema=Schema(columns, population="gaussian"))


def test_registered_populations_are_those_of_datasets():
    assert list(POPULATIONS) == ["gaussian", "gss2022-twin", "gss2022-twin-clustered"]
    for name in ("gaussian", "gss2022-twin"):  # the clustered twin is sampled by `samples` alone
        dataset = DATASETS[name](None)
        assert dataset.schema.population == name
        assert dataset.schema.names == POPULATIONS[name]().schema.names
