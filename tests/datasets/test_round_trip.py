"""Read, write, read: a file that is written as it is reads as it did, in its own format and in every other."""

import string
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datasets.errors import InputError
from datasets.files.file_table import FORMATS
from datasets.files.missing import worded_reason
from datasets.files.names import check_writable
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.files.writers import write_completed, write_stacked
from datasets.schema import Kind

ROWS = 24
WORDS = st.text(string.ascii_letters + "äöéß,;'\" ", min_size=1, max_size=8).map(str.strip).filter(bool)
MISSING = {"NA", "na", "nan", "NaN", "Nan", "None", "null", "NULL", "inf", "Inf", "INF"}


def is_answer(word: str) -> bool:
    """Not a text that means missing, with a reason that other formats have no place for."""
    return word not in MISSING and worded_reason(word) is None


@st.composite
def columns(draw) -> pd.Series:
    """A column of whole numbers, decimals or words, some of them missing, none of it constant."""
    kind = draw(st.sampled_from(["whole", "decimal", "word"]))
    if kind == "word":
        levels = draw(st.lists(WORDS.filter(is_answer), min_size=2, max_size=5, unique_by=str.strip))
    elif kind == "whole":
        levels = draw(st.lists(st.integers(-300, 70000), min_size=2, max_size=14, unique=True))
    else:
        levels = [value / 4 for value in draw(st.lists(st.integers(-4000, 4000), min_size=2, max_size=20, unique=True))]
    cells = [
        *levels,
        *draw(st.lists(st.sampled_from([*levels, None]), min_size=ROWS - len(levels), max_size=ROWS - len(levels))),
    ]
    return pd.Series(cells, dtype=object if kind == "word" else float)


@st.composite
def tables(draw) -> pd.DataFrame:
    found = draw(st.lists(columns(), min_size=4, max_size=8))
    return pd.DataFrame({f"q{j}": series for j, series in enumerate(found)})


def same(one: SurveyFile, other: SurveyFile) -> None:
    """The same answers, kinds and holes, whatever code a text was given."""
    a, b = one.dataset, other.dataset
    assert a.schema.names == b.schema.names
    assert [column.kind for column in a.schema] == [column.kind for column in b.schema]
    np.testing.assert_allclose(a.values, b.values, rtol=1e-12)
    assert (a.reasons == b.reasons).all()
    assert [list(column.labels.values()) for column in a.schema] == [
        list(column.labels.values()) for column in b.schema
    ]


@pytest.mark.parametrize("ending", FORMATS)
@settings(max_examples=4, deadline=None, derandomize=True)  # wide tables: each file is read by a process of its own
@given(table=tables())
def test_every_format_reads_back_what_it_was_given(tmp_path_factory, ending, table):
    assume(ending != ".xlsx" or table.iloc[-1].notna().any())  # in a sheet, blank rows at the end do not exist
    folder = tmp_path_factory.mktemp("trip")
    table.to_csv(folder / "a.csv", index=False)
    first = read_survey_file(folder / "a.csv")
    write_completed(first, first.dataset.values, folder / f"b{ending}")
    second = read_survey_file(folder / f"b{ending}")
    same(first, second)
    write_completed(second, second.dataset.values, folder / f"c{ending}")
    third = read_survey_file(folder / f"c{ending}")
    same(second, third)
    assert third.dataset.schema == second.dataset.schema
    if ending in (".csv", ".tsv", ".parquet", ".dta"):
        assert (folder / f"c{ending}").stat().st_size == (folder / f"b{ending}").stat().st_size
    write_completed(second, second.dataset.values, folder / "d.csv")
    same(first, read_survey_file(folder / "d.csv"))


def test_parquet_keeps_types_index_and_names(tmp_path):
    cells = pd.DataFrame(
        {
            "age": pd.array([30, None, 50, 60, 35], dtype="Int64"),
            "class": pd.Categorical(["low", None, "high", "low", "low"], ["low", "middle", "high"], ordered=True),
            "votes": pd.array([True, None, False, True, True], dtype="boolean"),
            "wage": [1.5, 2.5, np.nan, 4.5, 5.5],
            "chosen": [["a"], ["a", "b"], None, [], ["b"]],
            "day": pd.date_range("2024-01-01", periods=5, tz="Europe/Berlin"),
            "money": pd.array([None, 2, 3, 4, 5], dtype="Float64"),
        },
        index=pd.Index([5, 6, 7, 9, 11], name="person"),
    )
    cells.to_parquet(tmp_path / "a.parquet")
    found = read_survey_file(tmp_path / "a.parquet")
    assert found.ignored == {"chosen": "lists", "day": "dates"}
    assert [str(column.kind) for column in found.dataset.schema][1:3] == ["ordinal", "nominal"]
    X = found.dataset.values.copy()
    X[np.isnan(X)] = 1
    X[1, 0] = 44.25  # an expectation
    for ending in ("parquet", "csv", "xlsx", "dta", "sav"):
        write_completed(found, X, tmp_path / f"b.{ending}")
    after = pd.read_parquet(tmp_path / "b.parquet")
    assert after["age"].tolist() == [30, 44.25, 50, 60, 35] and str(after["age"].dtype) == "Float64"
    assert after["class"].tolist() == ["low", "low", "high", "low", "low"] and after["class"].dtype.ordered
    assert after["votes"].dtype == "boolean"
    assert after["day"].equals(cells["day"])
    assert [None if value is None else list(value) for value in after["chosen"]] == [["a"], ["a", "b"], None, [], ["b"]]
    assert after.index.equals(cells.index)
    assert pd.read_csv(tmp_path / "b.csv")["chosen"].tolist()[:2] == ['["a"]', '["a", "b"]']
    X[1, 0] = 44
    write_completed(found, X, tmp_path / "c.parquet")
    assert str(pd.read_parquet(tmp_path / "c.parquet")["age"].dtype) == "Int64"


def test_excel_files_are_read_and_written(tmp_path):
    cells = pd.DataFrame(
        {
            "age": [30, None, 50, 60] * 5,
            "town": ["Bath", "n/a", "York", None] * 5,
            "pay": ["$5", "$6.5", "n/a", "$7"] * 5,
        }
    )
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        cells.to_excel(book, sheet_name="answers", index=False)
        cells.to_excel(book, sheet_name="notes", index=False)
    found = read_survey_file(tmp_path / "a.xlsx")
    assert np.isnan(found.dataset.values).sum(axis=0).tolist() == [5, 10, 5]
    assert found.notes[0].startswith("of 2 sheets the first, 'answers', is read")
    X = np.where(np.isnan(found.dataset.values), [40, 1, 5], found.dataset.values)
    write_completed(found, X, tmp_path / "b.xlsx")
    after = pd.read_excel(tmp_path / "b.xlsx")
    assert after.iloc[:4].to_dict("list") == {
        "age": [30, 40, 50, 60],
        "town": ["Bath", "Bath", "York", "Bath"],
        "pay": ["$5", "$6.5", "$5.0", "$7"],
    }


@pytest.mark.parametrize("source", [".csv", ".sav", ".dta", ".parquet"])
@pytest.mark.parametrize("ending", FORMATS)
def test_stacked_draws_are_the_draws_below_each_other(tmp_path, source, ending):
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"Draw": rng.integers(0, 40, ROWS) / 4, "party": rng.choice(["red", "blue"], ROWS)})
    table.loc[::5, "Draw"] = np.nan
    table.loc[1::6, "party"] = None
    csv = tmp_path / "one.csv"
    table.to_csv(csv, index=False)
    first = read_survey_file(csv)
    given = tmp_path / f"given{source}"
    write_completed(first, first.dataset.values, given)
    survey = read_survey_file(given)
    X = survey.dataset.values
    draws = [np.where(np.isnan(X), code, X) for code in (survey.dataset.schema["party"].levels)]
    write_stacked(survey, draws, tmp_path / f"draws{ending}")
    back = read_survey_file(tmp_path / f"draws{ending}").typed
    assert list(back) == ["draw_2", "Draw", "party"]
    assert back["draw_2"].astype(float).tolist() == [1.0] * ROWS + [2.0] * ROWS
    for number, codes in enumerate(draws):
        write_completed(survey, codes, tmp_path / f"alone{ending}")
        alone = read_survey_file(tmp_path / f"alone{ending}").typed
        part = back.iloc[number * ROWS : (number + 1) * ROWS, 1:]
        assert part.astype(str).to_numpy().tolist() == alone.astype(str).to_numpy().tolist()


def test_too_many_stacked_rows_for_a_sheet_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "1,x\n2,y\n" * 30)
    survey = read_survey_file(tmp_path / "a.csv")
    check_writable(survey, "xlsx", 100)
    with pytest.raises(InputError, match="1,048,575 rows"):
        check_writable(survey, "xlsx", 20_000)


def test_long_whole_numbers_and_decimals_of_parquet_stay_exact(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    long = [2**60 + i if i % 4 else None for i in range(60)]
    money = [Decimal(f"{i % 13}.25") if i % 5 else None for i in range(60)]
    table = pa.table({"id": pa.array(long), "money": pa.array(money), "z": [i % 7 + 0.5 for i in range(60)]})
    parquet.write_table(table, tmp_path / "a.parquet")
    survey = read_survey_file(tmp_path / "a.parquet")
    assert survey.ignored["id"] == "an identifier: whole numbers beyond 2^53"
    assert survey.dataset.schema["money"].kind is Kind.NUMERIC
    write_completed(
        survey, np.where(np.isnan(survey.dataset.values), 1.25, survey.dataset.values), tmp_path / "b.parquet"
    )
    back = parquet.read_table(tmp_path / "b.parquet")
    assert back["id"].to_pylist() == long
    assert back["money"].to_pylist() == [Decimal("1.25") if value is None else value for value in money]
