"""Numbers as people write them, in files and back again."""

import numpy as np
import pytest

from datasets.files.numbers import Notation, find_notation, open_ends
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.files.writers import write_completed
from datasets.schema import Kind


@pytest.mark.parametrize(
    ("texts", "decimal", "numbers"),
    [
        (["1", "-2.5", ".5", "1e3"], ".", [1, -2.5, 0.5, 1000]),
        (["9545,96", "12,5", "7"], ".", [9545.96, 12.5, 7]),
        (["1,234", "1,234,567", "5"], ".", [1234, 1234567, 5]),
        (["1.234,56", "2,1"], ",", [1234.56, 2.1]),
        (["1 234,5", "2,1"], ",", [1234.5, 2.1]),
        (["$1,200", "$5", "-$3.50"], ".", [1200, 5, -3.5]),
        (["12 %", "3.5 %"], ".", [12, 3.5]),
        (["1.234", "2.000"], ",", [1234, 2000]),
    ],
)
def test_notations(texts, decimal, numbers):
    notation = find_notation(texts, decimal)
    assert [notation.value(text) for text in texts] == notation.values(texts) == numbers
    assert all(map(notation.matches, texts))
    again = [notation.value(notation.write(f"{number:.15g}")) for number in numbers]
    assert again == numbers


def test_texts_are_looked_at_together_as_they_would_be_one_by_one():
    texts = ["1", "-2", "1,5", "1.5", "1,234", "1,2345", "1e5", "inf", "$3", "4 %", "−7", "05", "", "1\n2", ".", "5."]
    for notation in (Notation(), Notation(","), Notation(".", ","), Notation(before="$"), Notation(after=" %")):
        for first in texts:
            for second in texts:
                apart = notation.matches(first) and notation.matches(second)
                assert notation.matches_all([first, second]) is apart, (notation, first, second)
    assert Notation(",", ".").most_decimals(["1.234,50", "7", "0,125"]) == 3


@pytest.mark.parametrize(
    ("rows", "mark"),
    [
        (["1,234;0.5", "2,000;0.25"], "."),  # the second column needs a point
        (["1,234;5", "2,000;6"], ","),  # between semicolons
        (["1,23;0.5", "2,0;0.25"], ","),  # the first column needs a comma
    ],
)
def test_decimal_mark_of_a_file(tmp_path, rows, mark):
    assert survey(tmp_path, "a;b\n" + "\n".join([*rows, "3,111;7"]) + "\n").table.facts.decimal == mark


@pytest.mark.parametrize("texts", [["007", "010"], ["1-2"], ["12,34,5"], ["red"], ["1.2.3"], ["$5", "6"]])
def test_texts_that_are_no_numbers(texts):
    assert find_notation(texts) is None


def test_numbers_are_written_in_the_notation_of_their_column():
    assert Notation(",", ".", "", " €").write("-1234567.50") == "-1.234.567,50 €"
    assert Notation(".", ",", "$").write("1200") == "$1,200"


@pytest.mark.parametrize(
    ("texts", "ends"),
    [
        (["18", "19", "89 or older"], {"89 or older": 89.0}),
        (["1", "2", "8+"], {"8+": 8.0}),
        (["under 18", "18", "19", "90 years or over"], {"under 18": 18.0, "90 years or over": 90.0}),
        (["1", "2", "1 or more"], None),
        (["1", "2", "red"], None),
        (["18-24", "25-34", "35 or older"], None),
    ],
)
def test_open_ends(texts, ends):
    assert open_ends(texts) == ends


def survey(tmp_path, text: str) -> SurveyFile:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return read_survey_file(tmp_path / "a.csv")


def filled(found: SurveyFile, tmp_path, value: float) -> list[str]:
    X = found.dataset.values.copy()
    X[np.isnan(X)] = value
    write_completed(found, X, tmp_path / "b.csv")
    return (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()


def test_decimal_commas_are_read_told_and_written_back(tmp_path):
    rows = [f"{20 + i};{1000 + i * 17},{i % 90 + 10};{i % 7},5" for i in range(60)]
    rows[3] = "23;;1,5"
    found = survey(tmp_path, "alter;einkommen;z\n" + "\n".join(rows) + "\n")
    assert found.dataset.schema["einkommen"].kind is Kind.NUMERIC
    assert found.dataset.values[0, found.dataset.schema.index("einkommen")] == 1000.10
    assert 'numbers have a decimal comma; in [file], decimal = "." reads them otherwise' in found.notes
    lines = filled(found, tmp_path, 1234.5)
    assert lines[4] == "23;1234,50;1,5"
    assert lines[:4] == ["alter;einkommen;z", *rows[:3]]


def test_currencies_and_thousands_are_read_told_and_written_back(tmp_path):
    rows = [f'"${1000 + 37 * i:,}",{i % 7}.5' for i in range(60)]
    rows[2] = ",1.5"
    found = survey(tmp_path, "income,z\n" + "\n".join(rows) + "\n")
    assert found.dataset.values[1, 0] == 1037
    assert (
        "income: texts are read as numbers: '$1,000' is 1000; to change it, write kind = \"ignore\" under [income]"
        in found.notes
    )
    assert filled(found, tmp_path, 2500)[3] == '"$2,500",1.5'


def test_top_codes_are_read_told_and_written_back(tmp_path):
    rows = [f"{18 + i},{i % 7}.5" for i in range(60)]
    rows[5], rows[6] = "89 or older,1.5", ",2.5"
    found = survey(tmp_path, "age,z\n" + "\n".join(rows) + "\n")
    column = found.dataset.schema["age"]
    assert (column.kind, column.high) == (Kind.NUMERIC, 89)
    assert "age: '89 or older' is read as 89; to change it, write kind = \"nominal\" under [age]" in found.notes
    assert filled(found, tmp_path, 89)[6:8] == ["89 or older,1.5", "89 or older,2.5"]


def test_few_levels_with_an_open_end_are_ordinal(tmp_path):
    found = survey(
        tmp_path, "children,z\n" + "".join(f"{['0', '1', '2', '3 or more'][i % 4]},{i % 7}.5\n" for i in range(60))
    )
    assert found.dataset.schema["children"].kind is Kind.ORDINAL
    assert found.dataset.schema["children"].labels == {0: "0", 1: "1", 2: "2", 3: "3 or more"}


def test_numbers_of_every_digit_that_a_computer_writes_are_read_and_written_back(tmp_path):
    """R and Python write a computed number with up to seventeen digits behind the point."""
    logs = np.log(np.arange(1, 41) / 100.0)
    logs[3], logs[7] = np.nan, 0.18232155679395463
    cells = ["" if np.isnan(x) else repr(float(x)) for x in logs]
    path = tmp_path / "logs.csv"
    path.write_text("\n".join(["log,group", *(f"{cell},{k % 3}" for k, cell in enumerate(cells))]) + "\n")
    survey = read_survey_file(path)
    column = survey.dataset.schema["log"]
    assert column.kind is Kind.NUMERIC and column.decimals is None
    np.testing.assert_array_equal(survey.dataset.values[:, 0], logs)
    filled = survey.dataset.values.copy()
    filled[3, 0] = -1.25
    write_completed(survey, filled, tmp_path / "out.csv")
    back = [line.split(",")[0] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert back == [*cells[:3], "-1.25", *cells[4:]]
