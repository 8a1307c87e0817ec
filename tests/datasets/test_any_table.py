"""What holds for every schema and every table: codes, words and numbers say the same, and methods fill what can be."""

import numpy as np
import pandas as pd
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from datasets.errors import InputError
from datasets.files.frame import to_codes, to_frame
from datasets.files.schema_file import read_schema
from datasets.mechanisms import MECHANISMS
from datasets.prediction import check_prediction
from datasets.schema import Kind
from datasets.table import Dataset, Masked
from imputers import make_imputer
from reports.results import Record, plain_message, read_record, write_record
from tests.schemas import schemas, tables

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
METHODS = st.sampled_from(["mean", "hot-deck", "regression", "stochastic-regression", "knn", "mice-pmm"])
SCORES = st.lists(
    st.tuples(st.text(max_size=9), st.text(max_size=9), st.floats(allow_nan=True)),
    max_size=5,
    unique_by=lambda s: s[:2],
)
TOML = st.recursive(
    st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4),
    max_leaves=6,
)
KEYS = st.sampled_from(["kind", "role", "labels", "levels", "missing", "decimals", "low", "high", "check", "asked_if"])


@QUICK
@given(table=tables())
def test_a_design_is_undone(table):
    schema, X = table
    D = schema.design(X)
    assert D.shape == (len(X), schema.blocks[-1].stop)
    back = schema.undesign(D)
    numeric = schema.where(Kind.NUMERIC)
    others = np.setdiff1d(np.arange(len(schema)), numeric)
    assert_array_equal(back[:, others], X[:, others])
    for j in numeric:
        assert_array_equal(back[:, j], schema.columns[j].snap(X[:, j]))
    schema.check(back)


@QUICK
@given(schema=schemas(), values=st.lists(st.floats(-1e12, 1e12) | st.just(np.nan), min_size=1, max_size=9))
def test_what_is_snapped_is_an_answer_and_stays(schema, values):
    for column in schema:
        snapped = column.snap(np.array(values))
        assert_array_equal(np.isnan(snapped), np.isnan(values))
        assert column.valid(snapped[~np.isnan(snapped)]).all()
        assert_array_equal(column.snap(snapped), snapped)


@QUICK
@given(table=tables())
def test_a_frame_says_what_the_codes_say(table):
    schema, X = table
    whole = np.column_stack(
        [column.snap(np.where(np.isnan(x), x[0], x)) for column, x in zip(schema, X.T, strict=True)]
    )
    types = {column.name: float if column.kind is Kind.NUMERIC else object for column in schema}
    empty = pd.DataFrame({name: pd.Series([np.nan] * len(X), dtype=kind) for name, kind in types.items()})
    assert_array_equal(to_codes(to_frame(whole, schema, like=empty), schema), whole)


@QUICK
@given(table=tables(), mechanism=st.sampled_from(["mcar", "mar", "ni"]), rate=st.sampled_from([0.1, 0.5]))
def test_what_is_hidden_was_known_and_the_seed_decides(table, mechanism, rate):
    schema, X = table
    dataset = Dataset("any", schema, X)
    try:
        first, second = (MECHANISMS.resolve(mechanism)(dataset, rate, np.random.default_rng(seed)) for seed in (1, 1))
    except InputError as refused:
        assert str(refused)
        return
    assert_array_equal(first, second)
    masked = Masked(dataset, first)
    assert not (np.isnan(X) & first).any()
    assert_array_equal(np.isnan(masked.values), np.isnan(X) | first)


@QUICK
@given(table=tables(), method=METHODS, seed=st.integers(0, 99))
def test_every_hole_of_every_table_is_filled_with_an_answer(table, method, seed):
    schema, X = table
    given_before = X.copy()
    prediction = make_imputer(method).fit(X, schema=schema, random_state=seed).impute(X, n_draws=2)
    check_prediction(prediction, X, schema, 2)
    assert_array_equal(X, given_before)


@QUICK
@given(scores=SCORES, message=st.text(), rate=st.floats(0, 1))
def test_any_record_is_read_as_it_was_written(tmp_path_factory, scores, message, rate):
    path = tmp_path_factory.mktemp("record") / "a.json"
    record = Record("d", "m", rate, 1, "i", "done", plain_message(message), tuple(scores))
    write_record(record, path)
    found = read_record(path)
    assert repr(found) == repr(record)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    column=st.dictionaries(KEYS, TOML, max_size=4),
    other=st.dictionaries(st.text(min_size=1, max_size=6), TOML, max_size=2),
)
def test_any_schema_file_is_read_or_refused_in_a_sentence(tmp_path_factory, column, other):
    path = tmp_path_factory.mktemp("schema") / "schema.toml"
    path.write_text(tomli_w.dumps(other | {"age": column}), encoding="utf-8")
    try:
        read_schema(path)
    except InputError as refused:
        assert str(path) in str(refused) and "Traceback" not in str(refused)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=st.text(max_size=80))
def test_any_text_is_no_schema_file_or_is_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("schema") / "schema.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read_schema(path)
    except InputError as refused:
        assert str(path) in str(refused)
