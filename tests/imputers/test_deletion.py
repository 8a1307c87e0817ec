"""Deletion against pandas and statsmodels."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Regression, Role, Schema
from imputers.deletion.listwise import Listwise
from imputers.deletion.pairwise import Pairwise

NAMES = ["y", "a", "b"]
SCHEMA = Schema(tuple(Column(name, Kind.NUMERIC) for name in NAMES))
MODEL = Schema(SCHEMA.columns, Regression("y", ("a", "b")))


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    a = rng.standard_normal(200)
    table = np.column_stack([1 + 2 * a + rng.standard_normal(200), a, a + rng.standard_normal(200)])
    table[rng.random((200, 3)) < 0.2] = np.nan
    return pd.DataFrame(table, columns=NAMES)


def moments(imputer, frame, **parameters):
    return imputer.fit(frame.to_numpy(), schema=SCHEMA, **parameters).impute(frame.to_numpy()).moments


def test_listwise_is_dropna_then_cov(frame):
    imputer = Listwise()
    found = moments(imputer, frame)
    assert found.covariance == pytest.approx(frame.dropna().cov().to_numpy())
    assert found.correlation == pytest.approx(frame.dropna().corr().to_numpy())
    assert found.mean == pytest.approx(frame.dropna().mean().to_numpy())
    assert imputer.rows_kept_.sum() == len(frame.dropna())
    assert imputer.share_lost_ == pytest.approx(1 - len(frame.dropna()) / 200)


def test_listwise_slopes_are_those_of_statsmodels(frame):
    import statsmodels.formula.api as smf

    S = moments(Listwise(), frame).covariance
    theirs = smf.ols("y ~ a + b", frame, missing="drop").fit().params[["a", "b"]]
    assert np.linalg.solve(S[1:, 1:], S[1:, 0]) == pytest.approx(theirs.to_numpy())


def test_listwise_on_named_variables(frame):
    found = moments(Listwise(variables=["y", "a"]), frame)
    assert found.covariance[:2, :2] == pytest.approx(frame[["y", "a"]].dropna().cov().to_numpy())
    assert np.isnan(found.covariance[2]).all()


def test_listwise_takes_the_targets(masked_gss):
    schema = masked_gss.schema
    imputer = Listwise().fit(masked_gss.values, schema=schema)
    targets = schema.having(Role.TARGET)
    complete = ~np.isnan(masked_gss.values[:, targets]).any(axis=1)
    assert (imputer.rows_kept_ == complete).all() and 200 < complete.sum() < 600


def test_listwise_without_complete_rows_says_so(masked_gss):
    with pytest.raises(InputError, match=r"finds \d complete rows of 3,544 in its 24 variables"):
        Listwise(variables=masked_gss.schema.names).fit(masked_gss.values, schema=masked_gss.schema)


def test_pairwise_is_the_cov_of_a_frame(frame):
    imputer = Pairwise()
    found = moments(imputer, frame)
    assert found.covariance == pytest.approx(frame.cov().to_numpy())
    assert found.correlation == pytest.approx(frame.corr().to_numpy())
    known = frame.notna().to_numpy().astype(int)
    counts = (known.T @ known)[np.triu_indices(3, 1)]
    assert imputer.pair_counts_["min"] == counts.min()
    assert imputer.pair_counts_["harmonic"] == pytest.approx(3 / (1 / counts).sum())
    assert not imputer.indefinite_


def test_an_indefinite_pairwise_matrix_is_flagged():
    """Three pairs on rows of their own: correlations 1, 1, -1, whose eigenvalues are 2, 2, -1."""
    hole = np.nan
    X = [[1, 1, hole], [2, 2, hole], [hole, 1, 1], [hole, 2, 2], [1, hole, 2], [2, hole, 1]]
    imputer = Pairwise().fit(np.array(X), schema=SCHEMA)
    assert imputer.indefinite_
    assert imputer.smallest_eigenvalue_ == pytest.approx(-1)


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_deletion_fills_nothing(make, frame):
    imputer = make().fit(frame.to_numpy(), schema=SCHEMA)
    assert imputer.impute(frame.to_numpy()).draws is None
    with pytest.raises(InputError, match="fills no holes"):
        imputer.transform(frame.to_numpy())


def estimates(imputer, table, schema=MODEL):
    return imputer.fit(table, schema=schema).impute(table).estimates


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_without_a_regression_there_are_no_estimates(make, frame):
    assert estimates(make(), frame.to_numpy(), SCHEMA) is None


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_a_fit_without_a_regression_forgets_the_estimates_of_the_last(make, frame):
    imputer = make()
    assert estimates(imputer, frame.to_numpy()) is not None
    assert estimates(imputer, frame.to_numpy(), SCHEMA) is None


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_without_holes_the_regression_is_least_squares(make, frame):
    import statsmodels.formula.api as smf

    whole = frame.dropna()
    found, theirs = estimates(make(), whole.to_numpy()), smf.ols("y ~ a + b", whole).fit()
    assert found.names == ("intercept", "a", "b")
    assert found.coefficients == pytest.approx(theirs.params.to_numpy())
    assert found.standard_errors == pytest.approx(theirs.bse.to_numpy())
    assert found.freedom == pytest.approx(theirs.df_resid)


def test_listwise_regression_is_that_of_statsmodels_on_the_survey(masked_gss):
    import statsmodels.formula.api as smf

    schema = masked_gss.schema
    found = estimates(Listwise(), masked_gss.values, schema)
    table = pd.DataFrame(masked_gss.values, columns=schema.names)
    theirs = smf.ols("income16 ~ educ + age + C(sex) + C(race)", table, missing="drop").fit()
    order = ["Intercept", "educ", "age", "C(sex)[T.2.0]", "C(race)[T.2.0]", "C(race)[T.3.0]"]
    assert found.names == ("intercept", "educ", "age", "sex: female", "race: black", "race: other")
    assert found.coefficients == pytest.approx(theirs.params[order].to_numpy())
    assert found.standard_errors == pytest.approx(theirs.bse[order].to_numpy())
    assert found.freedom == theirs.df_resid


def test_listwise_regression_needs_its_own_variables_only(frame):
    """A hole elsewhere costs the regression no row, and the analysis variables named for the moments none either."""
    found = estimates(Listwise(["y", "b"]), frame.to_numpy(), Schema(SCHEMA.columns, Regression("y", ("a",))))
    assert found.freedom == len(frame[["y", "a"]].dropna()) - 2


def test_pairwise_regression_is_that_of_the_covariances(frame):
    """The harmonic mean of the three pair counts stands for n."""
    found = estimates(Pairwise(), frame.to_numpy())
    S, known = frame.cov().to_numpy(), frame.notna().to_numpy().astype(float)
    slopes = np.linalg.solve(S[1:, 1:], S[1:, 0])
    n = 3 / (1 / (known.T @ known)[np.triu_indices(3, 1)]).sum()
    residual = (S[0, 0] - slopes @ S[1:, 0]) * (n - 1) / (n - 3)
    assert found.coefficients[1:] == pytest.approx(slopes)
    assert found.coefficients[0] == pytest.approx(frame["y"].mean() - slopes @ frame[["a", "b"]].mean())
    assert found.variances[1:] == pytest.approx(residual * np.diag(np.linalg.inv(S[1:, 1:])) / (n - 1))
    assert found.freedom == pytest.approx(n - 3)


def test_pairwise_standard_errors_are_too_small():
    """400 tables of 300 rows, 30 % missing completely at random, R² = 3.25/7.25: stated errors against those seen."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(400):
        a = rng.standard_normal(300)
        b = 0.5 * a + rng.standard_normal(300)
        table = np.column_stack([a + b + 2 * rng.standard_normal(300), a, b])
        table[rng.random(table.shape) < 0.3] = np.nan
        own = estimates(Pairwise(), table)
        found.append((own.coefficients, own.standard_errors))
    coefficients, errors = np.array(found).transpose(1, 0, 2)
    assert coefficients.mean(axis=0) == pytest.approx([0, 1, 1], abs=0.03)
    assert (errors.mean(axis=0) / coefficients.std(axis=0))[1:] == pytest.approx([0.82, 0.82], abs=0.05)


def test_pairwise_refuses_a_regression_on_an_indefinite_matrix():
    """Correlations 1, 1, -1 on rows of their own, with some noise: no table has these moments."""
    hole, shift = np.nan, 0.01
    X = [[1, 1, hole], [2, 2, hole], [3, 3 + shift, hole], [hole, 1, 1], [hole, 2, 2], [hole, 3, 3 + shift]]
    X += [[1, hole, 3], [2, hole, 2], [3, hole, 1 + shift]]
    with pytest.raises(InputError, match=r"terms are indefinite or singular \(smallest eigenvalue -"):
        Pairwise().fit(np.array(X), schema=MODEL)


def test_pairwise_refuses_a_regression_on_pairs_never_seen():
    hole = np.nan
    X = [[1, 1, hole], [2, 3, hole], [3, 2, hole], [1, hole, 3], [2, hole, 2], [4, hole, 1]]
    with pytest.raises(InputError, match="outcome and terms are incomplete"):
        Pairwise().fit(np.array(X), schema=MODEL)


def test_few_complete_rows_give_no_listwise_regression():
    hole = np.nan
    X = [[1, 1, 2], [2, 3, 1], [3, 2, 2], [1, hole, 3], [2, hole, 2], [4, hole, 1]]
    with pytest.raises(InputError, match="more rows than terms; it has 3"):
        Listwise().fit(np.array(X), schema=MODEL)


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_constant_covariates_and_levels_nobody_gave_are_left_out(make, frame):
    group = Column("group", Kind.NOMINAL, {1: "one", 2: "two", 3: "three"})
    schema = Schema((*SCHEMA.columns, Column("c", Kind.NUMERIC), group), Regression("y", ("c", "a", "group")))
    table = frame.assign(c=1.0, group=np.where(np.arange(200) % 3, 1.0, 3.0)).to_numpy()
    table[:9, 3] = np.nan
    assert estimates(make(), table, schema).names == ("intercept", "a", "group: three")


def test_constant_columns_have_no_moments(frame):
    wide = frame.assign(c=1.0)
    schema = Schema((*SCHEMA.columns, Column("c", Kind.NUMERIC)))
    found = Pairwise().fit(wide.to_numpy(), schema=schema).moments_
    assert found.covariance[:3, :3] == pytest.approx(frame.cov().to_numpy())
    assert np.isnan(found.covariance[3]).all()
