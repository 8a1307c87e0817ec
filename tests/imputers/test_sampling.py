"""The sampling design among the predictors: what it mends, how far it shrinks, and that it is nowhere else."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.cells import Cell
from benchmarks.completion import complete_survey
from benchmarks.judge import Job
from benchmarks.store import Store
from benchmarks.wire import unpack
from benchmarks.worker import WORK
from datasets.errors import InputError
from datasets.files.survey_file import read_survey_file
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from imputers import make_imputer
from imputers.conformance.tables import example_table
from imputers.shared.item import Item
from imputers.shared.linear import Sums, penalty
from imputers.shared.unit_effects import ROOTS, draw_correlation
from imputers.statistical.mice_design import MicePmmDesign, information
from imputers.statistical.mice_pmm import MicePmm

DESIGNS = ["mice-pmm-design", "mice-design"]
PAIR = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))


def clustered(n_units=40, size=10, spread=0.8, seed=3):
    """An answer that goes with the unit of the respondent and with little else; three in ten are silent."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), size)
    x, effects = rng.normal(size=n_units * size), rng.normal(0, spread, n_units)
    y = 0.2 * x + effects[unit] + 0.6 * rng.normal(size=len(x))
    gone = rng.random(len(x)) < 0.3
    return np.column_stack([x, np.where(gone, np.nan, y)]), y, gone, unit.astype(float)


def fills(imputer, X, **design):
    return imputer.fit(X, schema=PAIR, random_state=1, **design).impute(X, n_draws=5).draws


def test_a_posterior_is_that_of_the_normal_law_of_the_answers():
    """p(y | ρ) with y normal, its covariance built from rows; σ² is integrated out by quadrature."""
    rng = np.random.default_rng(1)
    n, units = 24, np.repeat(np.arange(6), 4)
    X, Z = np.column_stack([np.ones(n), rng.normal(size=n)]), np.equal.outer(units, np.arange(6)).astype(float)
    y = X @ [0.3, 1.0] + Z @ rng.normal(size=6) + rng.normal(size=n)
    free = np.linalg.qr(X[:, :1], mode="complete")[0][:, 1:]  # contrasts, which the flat intercept leaves
    logs = []
    for rho in ROOTS**2:
        V = np.eye(n) + np.outer(X[:, 1], X[:, 1]) / 2.0 + Z @ Z.T * rho / (1 - rho)
        V, contrasts = free.T @ V @ free, free.T @ y
        variances = np.exp(np.linspace(-6, 8, 4001))
        quadratic = contrasts @ np.linalg.solve(V, contrasts)
        density = -(n - 1) / 2 * np.log(variances) - quadratic / variances / 2
        logs.append(np.log(np.exp(density - density.max()).sum()) + density.max() - np.linalg.slogdet(V)[1] / 2)
    wanted = np.exp(np.array(logs) - max(logs))
    wanted /= wanted.sum()
    D = np.hstack([X, Z])
    sums, precision = Sums.of(D, y[:, None]), penalty(D.shape[1], 2.0)

    class Told:
        """A generator that only looks at the chances."""

        def choice(self, size, p):
            self.p = p
            return 0

    told = Told()
    draw_correlation(sums, slice(2, 8), precision, told)
    assert told.p == pytest.approx(wanted, abs=1e-6)


def test_many_units_tell_their_correlation():
    """The posterior mean over 40 draws lies within three standard errors (.035) of what 100 units have."""
    rng = np.random.default_rng(2)
    unit = np.repeat(np.arange(100), 20)
    for rho in (0.0, 0.3):
        y = np.sqrt(rho) * rng.normal(size=100)[unit] + np.sqrt(1 - rho) * rng.normal(size=2000)
        D = np.column_stack([np.ones(2000), np.equal.outer(unit, np.arange(100))])
        sums = Sums.of(D, y[:, None])
        found = [draw_correlation(sums, slice(1, 101), penalty(101, 1.0), rng) for _ in range(40)]
        assert np.mean(found) == pytest.approx(rho, abs=0.1 if rho else 0.02)


@pytest.mark.parametrize("name", DESIGNS)
def test_units_are_read_and_shrunken(name):
    """Silent respondents get their unit's mean, in so far as others of it tell it."""
    X, y, gone, unit = clustered()
    found = fills(make_imputer(f"{name}(max_iter=1)"), X, psu=unit).mean(axis=0)
    plain = fills(make_imputer(f"{name}(max_iter=1)"), X).mean(axis=0)
    assert np.corrcoef(found, y[gone])[0, 1] > 0.65 > 0.4 > np.corrcoef(plain, y[gone])[0, 1]


class Fixed(MicePmmDesign):
    """Units as any nominal item, whose ridge of one row hardly holds their effects."""

    def _grouped(self, turn, information, rng):
        return turn, 0


def test_information_is_that_of_a_yes_or_no():
    """p(1 - p) of an ordinal item of two levels; twice that of a nominal one, where either level has coefficients."""
    labels, answers = {1.0: "no", 2.0: "yes"}, np.repeat([1.0, 2.0], [80, 20])
    kinds = (Kind.ORDINAL, Kind.NOMINAL)
    items = [Item.of(0, Column("y", kind, labels), np.arange(100), answers, np.arange(0)) for kind in kinds]
    assert [information(item) for item in items] == pytest.approx([0.16, 0.32])
    number = Item.of(0, PAIR.columns[0], np.arange(100), answers, np.arange(0))
    assert information(number) == 1.0


def test_units_that_are_all_alike_are_not_told_apart():
    """How fills go with the mean of what others of the unit answered, which is chance; fixed effects believe in it."""
    X, _, gone, unit = clustered(spread=0.0)
    sums, counts = (np.bincount(unit[~gone].astype(int), weights=w) for w in (X[~gone, 1], None))
    means = (sums / counts)[unit[gone].astype(int)]
    random, fixed = (
        np.corrcoef(fills(imputer, X, psu=unit).mean(axis=0), means)[0, 1]
        for imputer in (MicePmmDesign(max_iter=1), Fixed(max_iter=1))
    )
    assert abs(random) < 0.3 < 0.55 < fixed


@pytest.mark.parametrize("name", DESIGNS)
def test_who_is_silent_by_weight_is_no_bias_once_weights_are_read(name):
    """Large weights go with large answers and with silence: log weights mend the weighted mean."""
    rng = np.random.default_rng(5)
    v, x = rng.normal(size=(2, 1000))
    y = 0.7 * v + 0.7 * rng.normal(size=1000)
    weights, gone = np.exp(0.6 * v), rng.random(1000) < 1 / (1 + np.exp(1 - 1.5 * v))
    X = np.column_stack([x, np.where(gone, np.nan, y)])
    truth = np.average(y, weights=weights)

    def mean(draws):
        return np.mean([np.average(np.where(gone, fill(draw), y), weights=weights) for draw in draws])

    def fill(draw):
        whole = np.zeros(1000)
        whole[gone] = draw
        return whole

    read = mean(fills(make_imputer(f"{name}(max_iter=1)"), X, weights=weights))
    unread = mean(fills(make_imputer(f"{name.removesuffix('-design')}(max_iter=1)"), X, weights=weights))
    assert abs(read - truth) < 0.08 < 0.3 < truth - unread


def test_without_a_design_the_fills_are_those_of_the_method_itself():
    schema, X = example_table()
    plain = MicePmm().fit(X, schema=schema, random_state=1).impute(X, 3)
    bare = MicePmmDesign().fit(X, schema=schema, random_state=1)
    assert np.array_equal(bare.impute(X, 3).draws, plain.draws)
    assert bare.decided() == "predictors from the design: none, as the table states none."
    alike = MicePmmDesign().fit(X, schema=schema, random_state=1, weights=np.ones(240), psu=np.zeros(240))
    assert np.array_equal(alike.impute(X, 3).draws, plain.draws)


def test_donors_lie_where_they_are_predicted():
    """The slope of the fills on x less that of the answers; matched on shrunken estimates they would be .04 steeper."""
    apart = []
    for seed in range(16):
        X, y, gone, unit = clustered(60, 6, 0.5, seed)
        y += 0.6 * X[:, 0]
        X[~gone, 1] = y[~gone]
        found = fills(MicePmmDesign(max_iter=1), X, psu=unit)  # one item has holes
        told = np.polyfit(X[~gone, 0], y[~gone], 1)[0]
        apart.append(np.mean([np.polyfit(X[gone, 0], draw, 1)[0] for draw in found]) - told)
    assert -0.04 < np.mean(apart) < 0.01


def test_what_is_read_is_told_and_a_unit_for_each_respondent_is_not_read():
    X, _, _, unit = clustered()
    rng, strata = np.random.default_rng(1), unit // 10
    whole = MicePmmDesign().fit(X, schema=PAIR, weights=rng.gamma(2, size=400), strata=strata, psu=unit % 10)
    assert whole.decided() == "predictors from the design: weights, 4 strata, 40 primary sampling units."
    single = MicePmmDesign().fit(X, schema=PAIR, strata=strata, psu=np.arange(400.0))
    assert single.decided() == (
        "predictors from the design: 4 strata; not read: 400 primary sampling units, as at most 500 are, of two "
        "respondents or more."
    )


def test_new_rows_are_those_of_no_unit():
    X, _, gone, unit = clustered(spread=2.0)
    imputer = MicePmmDesign().fit(X, schema=PAIR, psu=unit, weights=1 + unit, random_state=1)
    new = np.column_stack([np.zeros(200), np.full(200, np.nan)])
    assert abs(imputer.impute(new, 5).draws.mean() - np.nanmean(X[:, 1])) < 0.7
    assert imputer.impute(X, 5).draws.shape == (5, gone.sum())


@pytest.mark.parametrize(
    ("design", "said"),
    [
        ({"weights": np.r_[0.0, np.ones(399)]}, "1 weights are not positive, and have no logarithm; leave those rows"),
        ({"strata": np.ones(3)}, "strata must be 400 finite numbers, one a row"),
        ({"psu": np.full(400, np.nan)}, "psu must be 400 finite numbers, one a row"),
    ],
)
def test_a_design_that_cannot_be_read_is_refused(design, said):
    with pytest.raises(InputError, match=said):
        MicePmmDesign().fit(clustered()[0], schema=PAIR, **design)


def test_wide_tables_read_the_design_beside_the_chosen_items():
    X, y, gone, unit = clustered()
    noise = np.random.default_rng(8).normal(size=(400, 4))
    schema = Schema((*PAIR.columns, *(Column(f"z{k}", Kind.NUMERIC) for k in range(4))))
    imputer = MicePmmDesign(max_iter=1, n_features=2).fit(
        np.hstack([X, noise]), schema=schema, psu=unit, random_state=1
    )
    found = imputer.impute(np.hstack([X, noise]), 5).draws.mean(axis=0)
    assert np.corrcoef(found, y[gone])[0, 1] > 0.65


@pytest.mark.parametrize("replicates", [False, True])
def test_a_sealed_process_tells_strata_and_units_to_who_reads_them(tmp_path, replicates):
    X, y, _, unit = clustered()
    own = {"weights": 1 + unit, "strata": unit // 10, "psu": unit}
    table = Dataset("t", PAIR, np.column_stack([X[:, 0], y]), **own, replicates=np.ones(400) if replicates else None)
    seed, found = 4, {}
    for name in ("mice-pmm-design", "mice-pmm"):
        cell = Cell("t", "mcar", 0.3, 1, name, 2)
        job = Job(cell, "mcar", Masked(table, np.isnan(X)), "prediction", "record", Store(tmp_path))
        request, arrays = unpack(job.request([]))
        content, parts = unpack(WORK["impute"](request | {"random_state": seed}, arrays))
        assert content["status"] == "done"
        found[name] = parts["draws"]
    seed = int(np.random.SeedSequence((seed, 1)).generate_state(1)[0]) if replicates else seed
    alone = MicePmmDesign().fit(X, schema=PAIR, random_state=seed, **own).impute(X, 2).draws
    assert np.array_equal(found["mice-pmm-design"], alone)
    assert np.array_equal(found["mice-pmm"], MicePmm().fit(X, schema=PAIR, random_state=seed).impute(X, 2).draws)


def test_roles_of_a_schema_file_are_read_and_stand_in_no_completed_table(tmp_path):
    X, _, _, unit = clustered()
    file = pd.DataFrame({"x": X[:, 0], "y": X[:, 1], "w": 1 + unit, "area": unit // 10, "point": unit})
    file.to_csv(tmp_path / "survey.csv", index=False)
    roles = {"w": "weight", "area": "stratum", "point": "psu"}
    schema = tmp_path / "schema.toml"
    schema.write_text("".join(f'[{name}]\nrole = "{role}"\n' for name, role in roles.items()), encoding="utf-8")
    survey = read_survey_file(tmp_path / "survey.csv", schema)
    done = complete_survey(survey, "mice-pmm-design", 2, 1)
    assert done.decided == "predictors from the design: weights, 4 strata, 40 primary sampling units."
    assert done.tables["draw_1"].shape == (400, 2)
    alone = MicePmmDesign().fit(X, schema=survey.dataset.schema, weights=1 + unit, strata=unit // 10, psu=unit)
    draws = alone.impute(survey.dataset.values, 2, random_state=1).draws
    assert done.tables["draw_2"][np.isnan(X[:, 1]), 1] == pytest.approx(draws[1])
