"""Coverage over replicates: against pooling by hand, known values, and methods whose worth is known."""

import numpy as np
import pytest

from benchmarks.cells import make_mask
from datasets import DATASETS
from datasets.errors import InputError
from datasets.populations import twin as twin_law
from datasets.prediction import Prediction
from datasets.table import Dataset, Masked, parts, replicate_rows
from imputers import make_imputer
from metrics.coverage import coverage, population_values
from metrics.pooling import pool

SIZE = 12


@pytest.fixture(scope="module")
def masked():
    return make_mask(DATASETS["samples"](population="gaussian", size=SIZE), "mcar", 0.3, 1)


def truth_as_fills(masked, m=3):
    return Prediction(np.tile(masked.truth.values[np.isnan(masked.values)], (m, 1)))


def filled(masked, name, m=5):
    tables = [masked.values[rows] for _, rows in replicate_rows(masked.truth.replicates)]
    made = [make_imputer(name).fit(X, schema=masked.schema, random_state=k).impute(X, n_draws=m).draws
            for k, X in enumerate(tables)]  # fmt: skip
    return Prediction(np.concatenate(made, axis=1))


def by_statistic(masked, prediction):
    found = {}
    for statistic, estimand, value in coverage(masked, prediction):
        found.setdefault(statistic, {})[estimand] = value
    return found


def test_the_truth_as_fills_is_the_complete_table(masked):
    found = by_statistic(masked, truth_as_fills(masked))
    assert set(found["replicates"].values()) == {float(SIZE)}
    assert found["coverage"] == found["law-coverage"] == found["complete-coverage"]
    assert found["variance"] == pytest.approx(found["complete-variance"])
    assert list(found["shift"].values()) == pytest.approx([0] * len(found["shift"]), abs=1e-12)
    assert set(found["sample-coverage"].values()) == {1.0}
    assert max(found["sample-width"].values()) < 1e-12


def test_one_mean_by_hand(masked):
    prediction = filled(masked, "hot-deck")
    j, holes = masked.schema.index("income"), np.isnan(masked.values)
    estimates, errors = [], []
    for fills in prediction.draws:
        table = masked.values.copy()
        table[holes] = fills
        y = table[:, j].reshape(SIZE, -1)
        estimates.append(y.mean(axis=1))
        errors.append(y.var(axis=1, ddof=1) / y.shape[1])
    pooled = pool(estimates, errors, 999)
    before = masked.truth.values[:, j].reshape(SIZE, -1).mean(axis=1)
    found = {name: values["mean: income"] for name, values in by_statistic(masked, prediction).items()}
    low, high = pooled.interval()
    assert found["shift"] == pytest.approx((pooled.estimate - before).mean())
    assert found["square"] == pytest.approx(((pooled.estimate - 2.0) ** 2).mean())
    assert found["variance"] == pytest.approx(pooled.total.mean())
    assert found["coverage"] == pytest.approx(((low <= 2.0) & (high >= 2.0)).mean())
    assert found["width"] == pytest.approx((high - low).mean())
    assert found["fmi"] == pytest.approx(pooled.fraction_missing.mean())
    reach = 2.776445 * np.sqrt(1.2 * pooled.between)  # t of 4 degrees of freedom
    assert found["sample-coverage"] == pytest.approx((np.abs(pooled.estimate - before) <= reach).mean())
    assert found["sample-width"] == pytest.approx(2 * reach.mean(), rel=1e-6)


def test_values_of_the_populations():
    found = population_values("gaussian", tuple(DATASETS["samples"](population="gaussian").schema.names))
    assert found["mean: income"] == pytest.approx([2.0])
    assert np.tanh(found["correlation: age and schooling"][0]) == pytest.approx(0.5 * 0.7 - 0.4 * 0.3)
    names = DATASETS["samples"](population="gss2022-twin").schema.names
    found = population_values("gss2022-twin", tuple(names))
    assert 1 / (1 + np.exp(-found["share: cappun = favor"][0])) == pytest.approx(twin_law.marginals()["cappun"][1.0])
    moments, design = twin_law.population_moments(), twin_law.population().schema
    a, b = (design.blocks[design.index(name)].start for name in ("income16", "educ"))
    assert np.tanh(found["correlation: income16 and educ"][0]) == pytest.approx(moments.correlation[a, b])


def test_normal_theory_covers_and_single_imputation_does_not(masked):
    kinds = {}
    for name in ("gaussian-em", "regression", "oracle"):
        found = by_statistic(masked, filled(masked, name))
        kinds[name] = {s: np.mean(list(found[s].values())) for s in ("coverage", "law-coverage", "complete-coverage")}
    assert kinds["gaussian-em"]["complete-coverage"] == pytest.approx(0.95, abs=0.04)
    assert kinds["gaussian-em"]["coverage"] == pytest.approx(0.95, abs=0.04)
    assert kinds["regression"]["coverage"] < 0.85
    assert kinds["oracle"]["coverage"] > 0.97  # Rubin's T is too wide for it (Meng 1994)
    assert kinds["oracle"]["law-coverage"] == pytest.approx(0.95, abs=0.04)


def test_natural_holes_stay_open_and_estimands_without_answers_are_left_out():
    table = DATASETS["samples"](population="gss2022-twin", size=2)
    X = table.values.copy()
    X[:1000, table.schema.index("cappun")] = np.nan
    X[::7, table.schema.index("marhomo")] = np.nan
    open_ = Dataset("open", table.schema, X, replicates=table.replicates)
    rng = np.random.default_rng(1)
    masked = Masked(open_, (rng.random(X.shape) < 0.2) & ~np.isnan(X))
    fills = np.tile(np.where(np.isnan(X), 1.0, X)[np.isnan(masked.values)], (2, 1))
    found = by_statistic(masked, Prediction(fills))
    assert found["replicates"]["share: cappun = favor"] == 1.0
    assert found["replicates"]["mean: marhomo"] == 2.0
    assert found["shift"]["mean: marhomo"] == pytest.approx(0, abs=1e-12)


def test_the_survey_given_has_no_value_but_its_own(masked):
    bare = next(parts(masked.truth))[2]
    schema = type(bare.schema)(bare.schema.columns, bare.schema.regression)
    again = Dataset("again", schema, np.tile(bare.values, (2, 1)), replicates=np.repeat([1.0, 2.0], 1000))
    found = by_statistic(m := make_mask(again, "mcar", 0.3, 1), truth_as_fills(m))
    assert "coverage" not in found
    assert set(found["sample-coverage"].values()) == {1.0}


def test_a_single_draw_has_no_intervals(masked):
    with pytest.raises(InputError, match="two draws"):
        coverage(masked, truth_as_fills(masked, 1))
