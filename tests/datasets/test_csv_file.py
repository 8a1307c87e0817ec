"""Csv files as programs write them: separators, encodings, compressed, and heads of more than one row."""

import gzip

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.files.writers import write_completed
from datasets.schema import Kind

PLAIN = "town,wage\nKöln,1.5\nBonn,\nKöln,2.5\nBonn,3.5\n"
QUALTRICS = (
    'StartDate,Q1,Q2\nStart Date,How old are you?,"Which party,\nif any?"\n'
    '"{""ImportId"":""startDate""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n'
    "2024-01-02 10:00:00,34,red\n2024-01-02 10:01:00,,blue\n2024-01-03 09:00:00,51,red\n2024-01-03 09:30:00,47,\n"
)
SURVEYMONKEY = (
    "Respondent ID,Which do you own?,,Your age\n,A car,A bike,Open-Ended Response\n"
    "101,A car,,34\n102,,A bike,\n103,A car,A bike,51\n104,,,62\n"
)


def read(tmp_path, content: bytes | str, name: str = "a.csv", schema: str = "") -> SurveyFile:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "s.toml").write_text(schema)
    return read_survey_file(tmp_path / name, tmp_path / "s.toml" if schema else None)


def completed(found: SurveyFile, tmp_path, name: str = "b.csv") -> str:
    X = found.dataset.values.copy()
    for j in range(X.shape[1]):
        X[np.isnan(X[:, j]), j] = X[~np.isnan(X[:, j]), j][0]
    write_completed(found, X, tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", PLAIN.encode("utf-8-sig"), ""),
        ("a.csv", PLAIN.encode("utf-16"), ""),
        ("a.csv", PLAIN.encode("cp1252"), "read as cp1252"),
        ("a.csv", PLAIN.replace(",", ";").encode(), ""),
        ("a.csv", PLAIN.replace(",", "|").encode(), ""),
        ("a.csv", ("sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n")).encode(), ""),
        ("a.tsv", PLAIN.replace(",", "\t").encode(), ""),
        ("a.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), ""),
        ("a.tsv.gz", gzip.compress(PLAIN.replace(",", "\t").encode(), mtime=0), ""),
    ],
)
def test_encodings_separators_and_packing(tmp_path, name, content, told):
    found = read(tmp_path, content, name)
    assert found.dataset.schema["town"].labels == {1: "Bonn", 2: "Köln"}
    assert found.dataset.schema["wage"].decimals == 1
    assert [told in note for note in found.notes] == [True] * bool(told)
    wanted = PLAIN.replace("Bonn,\n", "Bonn,1.5\n")
    separator = "\t" if ".tsv" in name else found.table.facts.separator
    assert completed(found, tmp_path, name.replace("a.", "b.")) == wanted.replace(",", separator)


def test_a_stated_encoding_and_separator(tmp_path):
    content = "a,b;x\nÄ,1;1\nÖ,2;2\nÄ,1;3\n".encode("mac-roman")
    found = read(tmp_path, content, schema='[file]\nencoding = "mac-roman"\nseparator = ";"\n')
    assert found.dataset.schema["a,b"].labels == {1: "Ä,1", 2: "Ö,2"}


def test_qualtrics_has_three_rows_of_head(tmp_path):
    found = read(tmp_path, QUALTRICS)
    assert found.dataset.values.shape == (4, 2)
    assert found.dataset.schema["Q2"].question == "Which party, if any?"
    assert found.ignored == {"StartDate": "dates"}
    assert "rows 2 to 3 belong to the head of Qualtrics; in [file], head_rows = 1 takes it for answers" in found.notes
    assert completed(found, tmp_path) == QUALTRICS.replace(",,blue", ",34,blue").replace("47,\n", "47,red\n")
    again = read(tmp_path, QUALTRICS, schema="[file]\nhead_rows = 1\n")
    assert len(again.dataset.values) == 6


def test_surveymonkey_has_two_rows_of_head_and_names_only_the_first_option(tmp_path):
    found = read(tmp_path, SURVEYMONKEY)
    assert len(found.table.cells) == 4
    assert found.table.questions["column 3"] == "Which do you own?: A bike"
    assert found.ignored["column 3"] == "a box to tick: 'A bike' or blank"
    assert found.dataset.schema["Your age"].question == "Your age"
    assert completed(found, tmp_path) == SURVEYMONKEY.replace("102,,A bike,\n", "102,,A bike,34\n")


def test_names_that_stand_more_than_once(tmp_path):
    text = "a,b,a,a_2\n1,2,x,5\n2,,y,6\n3,4,x,7\n"
    found = read(tmp_path, text)
    assert list(found.table.cells) == ["a", "b", "a_3", "a_2"]
    assert found.notes == ("column names stand more than once; the later ones are called 'a_3'",)
    assert completed(found, tmp_path) == text.replace("2,,y", "2,2,y")


def test_an_empty_last_column_is_left_out(tmp_path):
    found = read(tmp_path, "a,b,\n1,2,\n2,,\n3,4,\n")
    assert found.dataset.schema.names == ["a", "b"]
    assert found.notes == ("an empty column without a name is left out",)


def test_rows_of_other_lengths_are_named(tmp_path):
    with pytest.raises(InputError, match="row 4 has 1 cells, the head has 2"):
        read(tmp_path, "a,b\n1,2\n\n2,3\n4\n".replace("\n\n", "\n"))


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08damaged", b"no gzip at all"])
def test_damaged_packing(tmp_path, content):
    with pytest.raises(InputError, match="cannot be unpacked"):
        read(tmp_path, content, "a.csv.gz")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"2024-03-{i % 28 + 1:02d}" for i in range(60)], "dates"),
        ([f"{i % 28 + 1}.3.2024 10:{i % 60:02d}" for i in range(60)], "dates"),
        ([f"202403{i % 28 + 1:02d}" for i in range(60)], "dates"),
        ([str(9007199254740993 + 7 * (i % 40)) for i in range(60)], "an identifier: whole numbers beyond 2^53"),
        ([f"a{i}" for i in range(60)], "an identifier: another text in every row"),
        ([f"remark {i}" if i % 9 else "" for i in range(70)], "free text: 62 different texts"),
        ([str(100 + 3 * i) for i in range(60)], "an identifier: another number in every row"),
        ([str(100 + i // 2) for i in range(200)], "an identifier: a rising serial number"),
        (["x" if i % 3 else "" for i in range(60)], "a box to tick: 'x' or blank"),
        (["1"] * 60, "1 in all rows"),
        ([""] * 60, "empty"),
        (["7", *[""] * 59], "one observed value in all rows"),
    ],
)
def test_what_is_no_question_is_set_aside_named_and_left_as_it_is(tmp_path, values, why):
    text = "x,y,z\n" + "".join(f"{value},{i % 7}.5,{i % 3 or ''}\n" for i, value in enumerate(values))
    found = read(tmp_path, text)
    assert found.ignored == {"x": why}
    assert found.notes[0].startswith(f"x: set aside, {why}")
    before, after = text.splitlines(), completed(found, tmp_path).splitlines()
    assert [line.split(",")[0] for line in after] == [line.split(",")[0] for line in before]


def test_incomes_that_all_differ_are_no_identifier(tmp_path):
    rng = np.random.default_rng(0)
    incomes = np.round(np.exp(rng.normal(9.5, 1, size=80))).astype(int)
    found = read(tmp_path, "income,z\n" + "".join(f"{income},{i % 7}.5\n" for i, income in enumerate(incomes)))
    assert found.dataset.schema["income"].kind is Kind.NUMERIC


def test_the_line_that_takes_a_column_in_works(tmp_path):
    text = "x,y,z\n" + "".join(f"{'x' if i % 3 else ''},{i % 7}.5,{i % 3 or ''}\n" for i in range(60))
    assert read(tmp_path, text, schema='[x]\nkind = "nominal"\n').dataset.schema["x"].labels == {1: "x"}


def test_numeric_columns_have_the_bounds_of_what_was_observed(tmp_path):
    text = "wage,z\n" + "".join(f"{i * 0.5 - 3},{i % 7}.5\n" for i in range(60))
    column = read(tmp_path, text).dataset.schema["wage"]
    assert (column.low, column.high, column.decimals) == (-3, 26.5, 1)
    column = read(tmp_path, text, schema="[wage]\nlow = -10\n").dataset.schema["wage"]
    assert (column.low, column.high) == (-10, 26.5)


def test_a_scale_from_0_to_10_is_ordinal(tmp_path):
    found = read(tmp_path, "trust,z\n" + "".join(f"{i % 11},{i % 13}.5\n" for i in range(143)))
    assert found.dataset.schema["trust"].kind is Kind.ORDINAL


def test_numbered_texts_are_no_scale_unless_their_words_are(tmp_path):
    race, often = (
        ["1. White", "2. Black", "3. Asian", "4. Other"],
        ["1. Never", "2. Sometimes", "3. Often", "4. Always"],
    )
    text = "race,often\n" + "".join(f"{race[i % 4]},{often[i % 4]}\n" for i in range(60))
    schema = read(tmp_path, text).dataset.schema
    assert (schema["race"].kind, schema["often"].kind) == (Kind.NOMINAL, Kind.ORDINAL)
    assert list(schema["often"].labels.values()) == often
