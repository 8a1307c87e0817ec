"""Somebody's own file: what is inferred, what a schema file changes, and what is refused."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from datasets.errors import InputError
from datasets.files.survey_file import read_survey_file
from datasets.schema import Kind, Role
from datasets.table import Reason

CSV = """\
mood,town,age,height,children,smokes,code
never,Bath,34,1.50,0,1,007
often,York,NA,1.75,2,0,010
sometimes,,51,,1,1,007
,Bath,78,1.8,2,,020
often,"Ely, old",29,1.62,3,0,010
"""


def written(tmp_path, text: str, name: str = "a.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_of_a_csv_file_are_inferred(tmp_path):
    found = read_survey_file(written(tmp_path, CSV)).dataset
    kinds = {column.name: str(column.kind) for column in found.schema}
    assert kinds == {
        "mood": "ordinal",  # its words are a known scale
        "town": "nominal",
        "age": "ordinal",  # whole numbers, few of them
        "height": "numeric",
        "children": "ordinal",
        "smokes": "nominal",
        "code": "nominal",  # 007 is a name
    }
    assert list(found.schema["mood"].labels.values()) == ["never", "sometimes", "often"]
    assert found.schema["height"].decimals == 2
    assert np.array_equal(found.values[:, 3], [1.5, 1.75, np.nan, 1.8, 1.62], equal_nan=True)
    assert (found.reasons[np.isnan(found.values)] == Reason.UNKNOWN).all()
    assert np.isnan(found.values).sum() == 5


def drivers(found):
    return [column.name for column in found.dataset.schema if column.role is Role.DRIVER]


def test_complete_columns_drive(tmp_path):
    assert drivers(read_survey_file(written(tmp_path, CSV))) == ["children", "code"]


def test_columns_with_the_fewest_holes_drive_where_none_is_complete(tmp_path):
    text = CSV.replace(",0,010", ",,").replace("1,1,007", ",1,007")
    assert drivers(read_survey_file(written(tmp_path, text))) == ["mood", "town", "age"]


def test_columns_of_many_levels_and_of_nearly_one_answer_do_not_drive(tmp_path):
    streets = [f"{first}{last} street" for first in "bcdlm" for last in ("ell", "ore", "uke", "ane", "ira", "ota")]
    frame = pd.DataFrame({"street": [streets[row % 30] for row in range(200)], "same": ["yes"] * 195 + ["no"] * 5})
    frame["sex"] = ["m", "f"] * 100
    for item in range(5):
        frame[f"q{item}"] = [str(row * (item + 1) % 7) for row in range(200)]
    found = read_survey_file(written(tmp_path, frame.to_csv(index=False)))
    assert len(found.dataset.schema["street"].labels) == 30
    assert drivers(found) == ["sex", "q0", "q1", "q2"]
    few = read_survey_file(written(tmp_path, frame[["street", "same"]].to_csv(index=False)))
    assert drivers(few) == ["street"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_a_byte_order_mark(tmp_path, separator):
    found = read_survey_file(written(tmp_path, "\ufeffa,b\nx,1.5\ny,2.5\n".replace(",", separator)))
    assert found.dataset.schema.names == ["a", "b"]


def test_identifiers_dates_and_free_text_are_ignored(tmp_path):
    n = 60
    frame = pd.DataFrame(
        {
            "id": np.arange(n) + 1000,
            "day": pd.date_range("2022-01-01", periods=n).where(np.arange(n) > 3),
            "words": [f"remark {i}" if i else None for i in range(n)],
            "income": np.random.default_rng(0).normal(size=n),
            "sex": pd.Categorical(["f", "m", None] * 20),
            "class": pd.Categorical(["low", "high", None] * 20, categories=["low", "middle", "high"], ordered=True),
            "votes": pd.array([True, False, None] * 20, dtype="boolean"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_survey_file(tmp_path / "a.parquet")
    assert list(found.ignored) == ["id", "day", "words"]
    assert [str(column.kind) for column in found.dataset.schema] == ["numeric", "nominal", "ordinal", "nominal"]
    assert found.dataset.schema["class"].labels == {1: "low", 2: "middle", 3: "high"}


def test_labelled_files_keep_labels_questions_and_reasons(tmp_path):
    cells = pd.DataFrame(
        {"happy": [1.0, 2, 3, 9, 1], "name": ["a", "b", "", "a", "b"], "wage": [1.5, 2.5, 3, 4, np.nan]}
    )
    labels = {"happy": {1: "very happy", 2: "pretty happy", 3: "not happy", 9: "refused"}}
    questions = {"happy": "general happiness"}
    pyreadstat.write_sav(
        cells, tmp_path / "a.sav", column_labels=questions, variable_value_labels=labels, missing_ranges={"happy": [9]}
    )
    found = read_survey_file(tmp_path / "a.sav").dataset
    assert found.schema["happy"].kind is Kind.ORDINAL
    assert found.schema["happy"].question == "general happiness"
    assert found.reasons[:, 0].tolist() == [0, 0, 0, Reason.REFUSED, 0]
    assert found.schema["name"].labels == {1: "a", 2: "b"}
    assert np.isnan(found.values[2, 1])


def test_the_origin_is_the_file_and_its_hash(tmp_path):
    origin = read_survey_file(written(tmp_path, CSV)).dataset.origin
    assert origin["file"] == "a.csv"
    assert len(origin["sha256"]) == 64


SCHEMA = """
[mood]
kind = "nominal"
[age]
kind = "numeric"
low = 0
role = "driver"
[children]
labels = {0 = "none", 1 = "one", 2 = "two", 3 = "three or more"}
[town]
kind = "ignore"
"""


def test_a_schema_file_has_the_last_word_and_may_be_partial(tmp_path):
    found = read_survey_file(written(tmp_path, CSV), written(tmp_path, SCHEMA, "schema.toml"))
    schema = found.dataset.schema
    assert schema["mood"].kind is Kind.NOMINAL
    assert (schema["age"].kind, schema["age"].low) == (Kind.NUMERIC, 0)
    assert schema["children"].text(3) == "three or more"
    assert list(found.ignored) == ["town"]
    assert schema["height"].kind is Kind.NUMERIC
    assert [column.name for column in schema if column.role is Role.DRIVER] == ["age"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,inf\n2,1.5\n3,-inf\n", "'b' holds 2 infinite values"),
        ("a,b\n1,2\n", "all of its 2 columns are ignored .a: one observed value"),
        ("", "the file is empty"),
        ("a,b\n", "0 rows"),
        ("a,b\n1,2\n3\n", "row 3 has 1 cells, the head has 2"),
        ("a,b\n1,2\n3,4,5\n", "row 3 has 3 cells"),
        ('a,b\n1,"2\n3,4\n', "cannot be read as csv"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_survey_file(written(tmp_path, text))


@pytest.mark.parametrize("name", ["a.dta", "a.sav", "a.parquet"])
def test_a_file_of_another_kind_than_its_name_says(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read as"):
        read_survey_file(written(tmp_path, CSV, name))


def test_an_unknown_ending_and_an_absent_file(tmp_path):
    with pytest.raises(InputError, match=r"unknown kind of file '\.ods'"):
        read_survey_file(written(tmp_path, CSV, "a.ods"))
    with pytest.raises(InputError, match="no such file"):
        read_survey_file(tmp_path / "absent.csv")


def test_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("town\nKöln\nBonn\n".encode("latin-1"))
    found = read_survey_file(path)
    assert list(found.dataset.schema["town"].labels.values()) == ["Bonn", "Köln"]
    assert found.notes == ('it is not in UTF-8 and is read as cp1252; in [file], encoding = "…" names another',)
    with pytest.raises(InputError, match=r"is not in ascii .* state another encoding"):
        read_survey_file(path, written(tmp_path, '[file]\nencoding = "ascii"', "schema.toml"))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ('[agee]\nkind = "numeric"', r"names columns \['agee'\] that the data lack"),
        ('[age]\nkind = "interval"', "kind = 'interval'; there are nominal, ordinal, numeric, text, ignore"),
        ('[age]\nkind = "numeric"\nrole = "boss"', "role = 'boss'"),
        ('[age]\nsort = "numeric"', "the key 'sort'"),
        ("[age]\nkind = 3", "wrong type"),
        ('[town]\nkind = "numeric"', "'town' is to be numeric, but holds 4 texts such as 'Bath'"),
        ('[mood]\nlevels = ["never", "often"]', "'sometimes' is none of its answers"),
        ("[children]\nlabels = {0 = 'none', 1 = 'one'}", r"'children' .* holds \[2.0, 3.0\], not on its scale"),
        ("[children]\nlabels = {none = '0'}", "codes must be numbers"),
        ("age = 3", "write \\[column\\] on a line"),
        ("[age", "not a TOML file"),
        ("".join(f'[{name}]\nkind = "ignore"\n' for name in CSV.split("\n")[0].split(",")), "all of its 7 columns"),
    ],
)
def test_bad_schema_files_are_refused(tmp_path, schema, message):
    with pytest.raises(InputError, match=message):
        read_survey_file(written(tmp_path, CSV), written(tmp_path, schema, "schema.toml"))


def test_an_absent_schema_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_survey_file(written(tmp_path, CSV), tmp_path / "schema.toml")


def test_a_rising_number_of_households_is_an_identifier(tmp_path):
    rows = "".join(f"{1000 + i // 4},{(i * 7) % 40}.5\n" for i in range(120))
    (tmp_path / "a.csv").write_text("hh_id,x\n" + rows)
    assert read_survey_file(tmp_path / "a.csv").ignored["hh_id"] == "an identifier: a rising serial number"
