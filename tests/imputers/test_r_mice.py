"""The bridge to R, where R and its mice are installed; that it says so where they are not is always tested."""

import os

import numpy as np
import pytest

from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import check_prediction
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.statistical.r_mice import RMice, find_rscript, run_r


@pytest.fixture(scope="module")
def rscript():
    try:
        return find_rscript()
    except MethodUnavailableError as error:
        pytest.skip(str(error))


def test_without_r_it_says_how_to_get_it(monkeypatch, tmp_path):
    schema, X = example_table(40)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MethodUnavailableError, match="r-mice is unavailable: .*install r-base and the R package mice"):
        RMice().fit(X, schema=schema)


def test_without_the_package_it_says_how_to_get_it(monkeypatch, tmp_path):
    """A stand-in for an R that has no mice, and answers FALSE when asked for it."""
    program = tmp_path / "Rscript"
    program.write_text("#!/bin/sh\nprintf FALSE\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    schema, X = example_table(40)
    with pytest.raises(MethodUnavailableError, match="has no package mice; install r-base and the R package mice"):
        RMice().fit(X, schema=schema)


def test_iterations_are_checked():
    schema, X = example_table(40)
    with pytest.raises(InputError, match=r"'max_iter' parameter of RMice must be .* range \[1, inf\). Got 0"):
        RMice(max_iter=0).fit(X, schema=schema)


def test_versions_of_r_and_its_package_are_told(rscript):
    assert [name for name, version in RMice.versions().items() if version[0].isdigit()] == ["R", "mice of R"]


def test_what_r_says_reaches_the_message(rscript):
    with pytest.raises(RuntimeError, match="r-mice: R stopped with status 1: .*no such luck"):
        run_r(rscript, "stop('no such luck')", [], "")


def test_draws_have_the_mean_and_spread_of_a_bayesian_regression(rscript):
    """Given y = 2x + noise of 0.5 with x complete, donors scatter like the noise about the line."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=600)
    y = 2 * x + 0.5 * rng.normal(size=600)
    X = np.column_stack([x, np.where(np.arange(600) < 200, np.nan, y)])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    prediction = RMice().fit(X, schema=schema).impute(X, n_draws=20)
    inner = np.abs(x[:200]) < 1.5  # donors at the edge all stand on one side
    errors = prediction.draws[:, inner] - 2 * x[:200][inner]
    assert errors.mean() == pytest.approx(0, abs=0.05)
    assert errors.std() == pytest.approx(0.5, abs=0.05)
    assert np.abs(prediction.draws[0][:, None] - y[200:]).min(axis=1).max() < 1e-12  # answers that somebody gave


def test_awkward_tables_are_filled_and_nothing_is_left_on_disk(rscript, monkeypatch, tmp_path):
    """A column twice (R would leave its holes), a level given once, new rows, one with a level no fitted row gave."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    schema, X = example_table()
    schema = Schema((*schema.columns, Column("age again", Kind.NUMERIC, decimals=0)))
    X = np.column_stack([X, X[:, 1]])
    X[::3, 6] = np.nan
    party = X[:200, 3]
    party[party == 3.0] = 2.0
    party[np.flatnonzero(party == 2.0)[0]] = 3.0
    new = X[200:].copy()
    new[0] = [1.0, 40.0, np.nan, 4.0, np.nan, 1.0, np.nan]
    imputer = RMice(max_iter=1).fit(X[:200], schema=schema)
    prediction = imputer.impute(new, n_draws=2)
    check_prediction(prediction, new, schema)
    one = np.array([[1.0, 40.0, 2.0, 1.0, 30.0, np.nan, 40.0]])
    assert imputer.impute(one, n_draws=2).draws.shape == (2, 1)
    assert list(tmp_path.iterdir()) == []
