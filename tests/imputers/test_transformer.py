"""An imputer as a scikit-learn transformer: names, dtypes, dates, unseen answers, and scikit-learn's own checks."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.statistical.mice_pmm import MicePmm
from imputers.substitution.mean import Mean

EXPECTED_FAILURES = {
    "check_transformer_n_iter": "max_iter is how long the chains of a prediction run, which fit does not know",
}


def numbers(n=50, names="abc"):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 3)), columns=list(names))
    X.iloc[:9, 0] = np.nan
    return X


@pytest.mark.parametrize(
    "request_", ["mean", *(pytest.param(name, marks=pytest.mark.slow) for name in ("knn", "mice-pmm", "hot-deck"))]
)
def test_passes_the_checks_of_scikit_learn(request_):
    """All of them but the expected failures; checks for classifiers, regressors and clusterers do not apply."""
    imputer = make_imputer(request_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their tables have constant and empty columns
        for one, check in estimator_checks_generator(imputer):
            if check.func.__name__ not in EXPECTED_FAILURES:
                check(one)


def test_column_names_may_be_integers_or_mixed():
    X = numbers()
    for names in ([0, 1, 2], ["a", 1, 2.5]):
        whole = Mean().fit_transform(X.set_axis(names, axis=1))
        assert list(whole.columns) == names
        assert not whole.isna().to_numpy().any()
    with pytest.raises(InputError, match="'1'.* more than once"):
        Mean().fit(X.set_axis([1, "1", 2], axis=1))


def test_dates_empty_columns_identifiers_lists_and_free_text_are_set_aside_named_and_returned():
    X = numbers(60)
    aside = pd.DataFrame(
        {
            "when": pd.date_range("2024", periods=60),
            "day": [pd.Timestamp("2024-02-03").date()] * 60,
            "zone": pd.date_range("2024", periods=60, tz="Europe/Vienna"),
            "length": pd.to_timedelta(np.arange(60), unit="h"),
            "month": pd.period_range("2020-01", periods=60, freq="M"),
            "empty": np.nan,
            "nothing": pd.Series([None] * 60, dtype=object),
            "once": [1.0] + [np.nan] * 59,
            "id": 2**60 + np.arange(60),
            "boxes": [[1, 2]] * 60,
            "name": [f"person {k}" for k in range(60)],
        }
    )
    table = pd.concat([X, aside], axis=1)
    table.loc[3, ["when", "name"]] = None
    imputer = Mean()
    with pytest.warns(UserWarning, match=r"set aside.*when \(dates or times\).*empty \(no observed value\).*free text"):
        imputer.fit(table)
    assert list(imputer.set_aside_) == list(aside)
    whole = imputer.transform(table)
    pd.testing.assert_frame_equal(whole[list(aside)], table[list(aside)])
    assert not whole[list("abc")].isna().to_numpy().any()
    assert list(imputer.get_feature_names_out()) == list(table.columns)


def test_set_output_and_names_in_pipelines():
    X = numbers()
    columns = ColumnTransformer([("i", MicePmm(), ["a", "b"])], remainder="passthrough").set_output(transform="pandas")
    whole = columns.fit_transform(X)
    assert list(whole.columns) == ["i__a", "i__b", "remainder__c"]
    assert not whole.isna().to_numpy().any()
    array = Mean().set_output(transform="pandas").fit_transform(X.to_numpy())
    assert list(array.columns) == ["x0", "x1", "x2"]
    scores = make_pipeline(Mean(), LinearRegression()).fit(X, X["b"]).predict(X)
    assert np.isfinite(scores).all()


def test_an_array_may_have_an_empty_column_without_a_schema():
    X = np.column_stack([numbers().to_numpy(), np.full(50, np.nan)])
    with pytest.warns(UserWarning, match="3 .no observed value"):
        whole = Mean().fit_transform(X)
    assert whole.shape == X.shape
    assert np.isnan(whole).sum(axis=0).tolist() == [0, 0, 0, 50]


def test_unfitted_is_said_so():
    for call in (Mean().impute, Mean().transform, make_imputer("listwise").impute):
        with pytest.raises(NotFittedError):
            call(numbers())
    with pytest.raises(NotFittedError):
        Mean().get_feature_names_out()


def parties():
    X = numbers(60)
    X["party"] = np.resize(["red", "blue", None], 60)
    X["level"] = np.resize([1.0, 2.0, 5.0, np.nan], 60)
    return X


def test_unseen_answers_are_an_error_or_missing():
    X, new = parties(), parties().head(8)
    new.loc[0, "party"], new.loc[1, "level"] = "green", 4.0
    with pytest.raises(InputError, match=r"'party' holds \['green'\], none of its answers \['blue', 'red'\].*unseen="):
        Mean().fit(X).transform(new)
    imputer = Mean().fit(X, unseen="missing")
    with pytest.warns(UserWarning, match=r"count as missing: party: \['green'\]; level: \['4'\]"):
        whole = imputer.transform(new)
    assert whole.loc[0, "party"] == "green" and whole.loc[1, "level"] == 4.0, "what was observed stays"
    assert not whole.isna().to_numpy().any()
    with pytest.warns(UserWarning, match="green"):
        assert imputer.impute(new).draws.shape[1] == int(new.isna().sum().sum()) + 2
    with pytest.raises(InputError, match="neither 'error' nor 'missing'"):
        Mean().fit(X, unseen="ignore")


def test_what_is_learned_from_must_be_on_the_scale_of_a_given_schema():
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NOMINAL, {1.0: "x", 2.0: "y"})))
    frame = pd.DataFrame({"a": np.arange(4.0), "b": ["x", "y", "z", None]})
    with pytest.raises(InputError, match="'b' holds"):
        Mean().fit(frame, schema=schema, unseen="missing")


def test_numbers_beyond_those_seen_are_no_error():
    X = numbers().abs()
    new = X.head(12) - 100.0
    whole = MicePmm().fit(X).transform(new)
    assert not whole.isna().to_numpy().any()
    assert np.array_equal(whole["b"], new["b"])


def test_other_columns_or_another_order_are_refused_by_transform():
    X = numbers()
    with pytest.raises(InputError, match=r"same order: wanted \['a', 'b', 'c'\], found \['b', 'c', 'a'\]"):
        Mean().fit(X).transform(X[["b", "c", "a"]])
    assert Mean().fit(X).impute(X[["b", "c", "a"]]).draws.shape == (5, 9)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2, None, 3], "Int64"),
        ([1, 2, None, 3], "int16[pyarrow]"),
        ([1.5, 2.5, None, 3.25], "Float32"),
        ([1.5, 2.5, None, 3.25], "double[pyarrow]"),
        ([True, False, None, True], "boolean"),
        ([True, False, None, True], "bool[pyarrow]"),
        ([True, False, None, True], object),
        ([1, 2, None, 3], object),
        ([1.5, 2.5, None, 3.25], object),
        (["u", "v", None, "u"], object),
        (["u", "v", None, "u"], "string"),
        (["u", "v", None, "u"], "string[pyarrow]"),
        (["u", "v", None, "u"], pd.ArrowDtype(__import__("pyarrow").string())),
        (["u", "v", None, "u"], "category"),
        ([1, 2, None, 3], "category"),
    ],
)
def test_dtypes_of_pandas_and_pyarrow_come_back(values, dtype):
    X = numbers(60)
    X["q"] = pd.Series(np.resize(np.array(values, dtype=object), 60)).astype(dtype)
    imputer = MicePmm().fit(X)
    whole = imputer.transform(X)
    assert whole["q"].dtype == X["q"].dtype
    assert not whole["q"].isna().any()
    assert set(map(type, whole["q"])) == set(map(type, X["q"].dropna()))
    if 1.5 not in values:  # numbers are filled with means
        assert set(whole["q"]) <= set(X["q"].dropna())


def test_a_column_without_any_answer_in_new_rows_is_filled_with_words():
    X = parties()
    new = X.head(5).assign(party=np.nan)
    assert set(Mean().fit(X).transform(new)["party"]) <= {"red", "blue"}


def test_constants_are_filled_with_their_constant():
    X = numbers().assign(country="Austria", year=2022.0)
    X.loc[4, ["country", "year"]] = None
    whole = MicePmm().fit(X).transform(X)
    assert (whole["country"] == "Austria").all() and (whole["year"] == 2022).all()


def test_duplicated_indices_are_kept():
    X = numbers().set_axis(np.repeat(np.arange(25), 2))
    whole = MicePmm().fit_transform(X)
    assert whole.index.equals(X.index) and not whole.isna().to_numpy().any()
