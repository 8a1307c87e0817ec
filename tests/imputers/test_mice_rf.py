"""Chained random forests: who donates, by hand, and the same forests in R where its package is."""

import subprocess

import numpy as np
import pytest

from datasets.errors import MethodUnavailableError
from datasets.schema import Column, Kind, Schema
from imputers.shared.item import Item
from imputers.statistical.mice_rf import MiceRf, forest_donors
from imputers.statistical.r_mice import find_rscript, run_r


def item(kind, codes, holes):
    labels = {} if kind is Kind.NUMERIC else {float(code): f"{code}" for code in range(10)}
    return Item.of(0, Column("y", kind, labels), np.arange(len(codes)), np.array(codes, dtype=float), np.arange(holes))


def test_a_row_donates_as_often_as_it_shares_a_leaf_over_the_trees():
    """Tree one offers rows 0 and 2, tree two rows 2, 3 and 4: row 2 stands there twice among five."""
    known = [np.array([3, 1, 3, 1, 1]), np.array([2, 2, 4, 4, 4])]
    holes = [np.full(5000, 3), np.full(5000, 4)]
    fill = forest_donors(item(Kind.NUMERIC, [0, 10, 20, 30, 40], 5000), known, holes, np.random.default_rng(1))
    values, counts = np.unique(fill.codes, return_counts=True)
    assert values.tolist() == [0, 20, 30, 40]
    np.testing.assert_allclose(counts / 5000, [0.2, 0.4, 0.2, 0.2], atol=0.025)
    np.testing.assert_allclose(fill.forecast(), (0 + 20 + 20 + 30 + 40) / 5)


def test_forecast_of_a_category_is_its_share_of_all_donors():
    known = [np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2])]
    holes = [np.array([1, 2]), np.array([2, 1])]
    fill = forest_donors(item(Kind.NOMINAL, [7, 2, 2, 5], 2), known, holes, np.random.default_rng(1))
    np.testing.assert_allclose(fill.forecast(), [[3 / 5, 1 / 5, 1 / 5], [1 / 3, 1 / 3, 1 / 3]])  # levels 2, 5, 7


def two_numbers(n, gone):
    rng = np.random.default_rng(2)
    x = rng.normal(size=n)
    X = np.column_stack([x, x**2 + 0.5 * rng.normal(size=n)])
    X[:gone, 1] = np.nan
    return Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC))), X


def test_a_curve_is_found_that_linear_models_cannot_see():
    schema, X = two_numbers(900, 300)
    draws = MiceRf(max_iter=1).fit(X, schema=schema).impute(X, n_draws=4).draws
    inner = np.abs(X[:300, 0]) < 1.5
    errors = draws[:, inner] - X[:300, 0][inner] ** 2
    assert errors.mean() == pytest.approx(0, abs=0.06) and errors.std() == pytest.approx(0.5, abs=0.12)
    assert np.isin(draws, X[300:, 1]).all()  # answers that somebody gave


def test_few_answers_leave_one_node():
    """Five rows are not split: all donate, and as often over the trees."""
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    X = np.column_stack([np.arange(6.0), [0.0, 1.0, 2.0, 3.0, 9.0, np.nan]])
    prediction = MiceRf(max_iter=1).fit(X, schema=schema).impute(X, n_draws=200)
    np.testing.assert_allclose(prediction.expected, 3.0)
    assert set(np.unique(prediction.draws)) == {0, 1, 2, 3, 9}


IN_R = """
suppressMessages(library(mice))
table <- read.csv(file("stdin"), header = FALSE)
drawn <- mice(table, m = 20, maxit = 1, method = "rf", rfPackage = "randomForest", seed = 1, nodesize = 5,
              printFlag = FALSE)
write.table(t(sapply(1:20, function(k) complete(drawn, k)[is.na(table[[2]]), 2])), sep = ",", row.names = FALSE,
            col.names = FALSE)
"""


@pytest.mark.slow
def test_errors_of_draws_scatter_as_those_of_r():
    """One predictor, so that both packages try the same at a split; R's package randomForest may be absent."""
    try:
        program = find_rscript()
    except MethodUnavailableError as error:
        pytest.skip(str(error))
    asked = subprocess.run([program, "-e", 'cat(nzchar(system.file(package = "randomForest")))'], capture_output=True)
    if asked.stdout != b"TRUE":
        pytest.skip("R has no package randomForest")
    schema, X = two_numbers(900, 300)
    given = "\n".join(f"{x},{'NA' if np.isnan(y) else y}" for x, y in X)
    theirs = np.array([line.split(",") for line in run_r(program, IN_R, [], given).split()], dtype=float)
    ours = MiceRf(max_iter=1).fit(X, schema=schema).impute(X, n_draws=20).draws
    inner = np.abs(X[:300, 0]) < 1.5
    truth = X[:300, 0][inner] ** 2
    assert (ours[:, inner] - truth).std() == pytest.approx((theirs[:, inner] - truth).std(), rel=0.05)
    assert (ours[:, inner] - truth).mean() == pytest.approx((theirs[:, inner] - truth).mean(), abs=0.03)
    np.testing.assert_allclose(ours[:, inner].mean(axis=0), theirs[:, inner].mean(axis=0), atol=0.6)
