"""One notion of missing: words, labels, codes and texts, in every format, and what a schema file says of them."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from datasets.errors import InputError
from datasets.files.missing import missing_labels, missing_texts, reason_named, without_code, worded_reason
from datasets.files.schema_file import write_schema
from datasets.files.sentinels import find_sentinels
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.schema import Kind
from datasets.table import Reason

N = 60
INTEREST = {1: "1. Always", 2: "2. Mostly", 3: "3. Half", 4: "4. Some", 5: "5. Never"}


def read(tmp_path, text: str, schema: str = "", name: str = "a.csv") -> SurveyFile:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "s.toml").write_text(schema, encoding="utf-8")
    return read_survey_file(tmp_path / name, tmp_path / "s.toml" if schema else None)


def column(values) -> str:
    """A csv file with a column x of these texts, and a complete one."""
    return "x,z\n" + "".join(f'"{value}",{i % 7}.5\n' for i, value in enumerate(values))


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("-9. Refused", Reason.REFUSED),
        ("Refusal", Reason.REFUSED),
        ("Prefer not to say", Reason.REFUSED),
        ("-8. Don't know", Reason.DONT_KNOW),
        ("DON’T KNOW / CAN'T SAY", Reason.DONT_KNOW),
        ("-1. Inapplicable", Reason.NOT_ASKED),
        ("IAP", Reason.NOT_ASKED),
        ("-6. No post-election interview", Reason.NOT_ASKED),
        ("[99] no answer", Reason.NO_ANSWER),
        ("Not ascertained", Reason.NO_ANSWER),
        ("Skipped on web", Reason.SKIPPED),
        ("-4. Error", Reason.NOT_AVAILABLE),
        ("not available in this year", Reason.NOT_AVAILABLE),
        ("Unknown", Reason.UNKNOWN),
        ("Error in coding", Reason.NOT_AVAILABLE),
        ("99 Residue", Reason.NOT_AVAILABLE),
        ("Out of universe", Reason.NOT_ASKED),
        ("[-2] trifft nicht zu", Reason.NOT_ASKED),
        ("[-1] keine Angabe", Reason.NO_ANSWER),
        ("weiß nicht", Reason.DONT_KNOW),
        ("Refus", Reason.REFUSED),
        ("No contesta", Reason.NO_ANSWER),
        ("don't know, no answer", Reason.DONT_KNOW),
        ("Don't know, not sure", Reason.DONT_KNOW),
    ],
)
def test_labels_that_read_like_a_reason(label, reason):
    assert worded_reason(label) is reason


@pytest.mark.parametrize(
    "label",
    [
        *("1. White", "None", "Not at all", "Don't know him well", "other party", "never refused", "Not sure", "No"),
        *(
            "don't know, no way to find out",
            "Error of judgement",
            "Refused to pay",
            "Unknown caller",
            "Missing my family",
        ),
    ],
)
def test_labels_that_read_like_an_answer(label):
    assert worded_reason(label) is None


def test_only_its_own_code_is_taken_off_a_label():
    assert without_code("1. White", 1.0) == "White"
    assert without_code("2 rooms", 5.0) == "2 rooms"
    kept = ["18-24", "8 or more", "1.5 hours", "10:30", "3 rooms"]
    assert [without_code(text) for text in kept] == kept
    assert [without_code(text) for text in ["1 White", "(2) Black", "3 - Asian", "-9 refused"]] == [
        "White",
        "Black",
        "Asian",
        "refused",
    ]


def test_reasons_that_are_the_answers_stay():
    assert missing_labels({1: "Refused", 2: "No answer", 3: "Not available", 4: "took part"}) == {}
    assert missing_labels({1: "yes", 2: "no", 8: "don't know"}) == {8: Reason.DONT_KNOW}


def test_reasons_of_a_schema_file_are_named_or_worded():
    assert reason_named("not asked") is Reason.NOT_ASKED
    assert reason_named("Off scale") is Reason.OFF_SCALE
    assert reason_named("-9. Refused") is Reason.REFUSED
    assert reason_named("whatever") is Reason.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "n/a",
        "N/A",
        "#N/A",
        "NA",
        "NA ",
        " ",
        "",
        "None",
        "<NA>",
        "nan",
        "NaN",
        "null",
        ".",
        ".a",
        "#NULL!",
        "?",
        "-",
        "--",
    ],
)
def test_texts_for_missing_among_numbers(tmp_path, text):
    values = [text if i % 4 == 0 else str(20 + i) for i in range(N)]
    found = read(tmp_path, column(values))
    assert found.dataset.schema["x"].kind is Kind.NUMERIC
    assert np.isnan(found.dataset.values[:, 0]).sum() == N / 4
    told = [note for note in found.notes if note.startswith("x:")]
    assert bool(told) == bool(text.strip())
    if told:
        assert told == [f"x: {text.strip()!r} means missing; to change it, write missing = [] under [x]"]


def test_worded_reasons_among_numbers(tmp_path):
    found = read(tmp_path, column(["refused", "Don't know", *map(str, range(N))]))
    assert found.dataset.reasons[:3, 0].tolist() == [Reason.REFUSED, Reason.DONT_KNOW, Reason.OBSERVED]
    assert found.dataset.schema["x"].missing == {"refused": "refused", "Don't know": "don't know"}


def test_texts_for_missing_among_texts():
    assert list(missing_texts(["red", "blue", "NA", "n/a", "?"])) == ["n/a", "NA", "?"]
    assert missing_texts(["NA", "DE", "FR", "BW"]) == {}  # NA is Namibia
    assert missing_texts(["+", "-"]) == {}
    assert missing_texts(["None", "Some", "All"]) == {}
    assert missing_texts(["yes", "no", "Don't know"]) == {"Don't know": Reason.DONT_KNOW}


def test_na_is_namibia_in_a_file(tmp_path):
    found = read(tmp_path, column(["NA", "DE", "FR"] * 20))
    assert not np.isnan(found.dataset.values).any()
    assert set(found.dataset.schema["x"].labels.values()) == {"NA", "DE", "FR"}


def test_a_few_texts_among_numbers_are_reported_and_the_advice_works(tmp_path):
    text = column(["xyz" if i % 5 == 0 else str(i) for i in range(200)])
    found = read(tmp_path, text)
    assert "x" in found.ignored
    note = next(note for note in found.notes if "numbers" in note)
    assert (
        note
        == "x: 160 cells are numbers, 40 hold 'xyz': not numeric; to change it, write missing = [\"xyz\"] under [x]"
    )
    again = read(tmp_path, text, '[x]\nmissing = ["xyz"]\n')
    assert again.dataset.schema["x"].kind is Kind.NUMERIC
    assert np.isnan(again.dataset.values).sum() == 40


def test_stating_a_kind_shows_the_text_that_is_no_number(tmp_path):
    with pytest.raises(
        InputError, match=r"holds 40 texts such as 'xyz'.*missing = \{ \"xyz\" = \"unknown\" \} under \[x\]"
    ):
        read(tmp_path, column(["xyz" if i % 5 == 0 else str(i) for i in range(200)]), '[x]\nkind = "numeric"\n')


def labelled(tmp_path, ending: str, **facts):
    """A file of -9 refused, -8 don't know, 1 to 5, and a number with a labelled reserve code."""
    rng = np.random.default_rng(1)
    interest = rng.permutation(np.repeat([-9.0, -8, 1, 2, 3, 4, 5], [6, 6, 12, 12, 12, 6, 6]))
    age = np.where(np.arange(N) % 6 == 0, -9.0, 18 + rng.integers(0, 60, N))
    cells = pd.DataFrame({"interest": interest, "age": age, "w": np.arange(N) % 7 + 0.5})
    labels = {"interest": INTEREST | {-9: "-9. Refused", -8: "-8. Don't know"}, "age": {-9: "-9. Refused"}}
    write = pyreadstat.write_dta if ending == "dta" else pyreadstat.write_sav
    write(cells, tmp_path / f"a.{ending}", variable_value_labels=labels, **facts)
    return tmp_path / f"a.{ending}"


@pytest.mark.parametrize("ending", ["dta", "sav"])
def test_labelled_reserve_codes_are_missing_with_their_reason(tmp_path, ending):
    found = read_survey_file(labelled(tmp_path, ending))
    schema, reasons = found.dataset.schema, found.dataset.reasons
    assert list(schema["interest"].labels.values()) == ["Always", "Mostly", "Half", "Some", "Never"]
    assert schema["age"].low >= 18
    assert [(reasons[:, 0] == reason).sum() for reason in (Reason.REFUSED, Reason.DONT_KNOW)] == [6, 6]
    assert (reasons[:, 1] == Reason.REFUSED).sum() == 10
    said = "interest: -9 'Refused', -8 \"Don't know\" mean missing, as labelled"
    assert f"{said}; to change it, write missing = [] under [interest]" in found.notes


@pytest.mark.parametrize("ending", ["dta", "sav"])
def test_a_schema_file_keeps_labelled_codes_as_answers(tmp_path, ending):
    (tmp_path / "s.toml").write_text('[interest]\nmissing = []\n[age]\nmissing = { -9 = "not asked" }\n')
    found = read_survey_file(labelled(tmp_path, ending), tmp_path / "s.toml")
    assert len(found.dataset.schema["interest"].labels) == 7
    assert (found.dataset.reasons[:, 1] == Reason.NOT_ASKED).sum() == 10
    assert not [note for note in found.notes if "as labelled" in note]


def test_declarations_of_the_file_go_before_its_labels(tmp_path):
    found = read_survey_file(labelled(tmp_path, "sav", missing_ranges={"interest": [-9]}))
    assert -8.0 in found.dataset.schema["interest"].labels
    assert (found.dataset.reasons[:, 0] == Reason.REFUSED).sum() == 6
    assert (found.dataset.reasons[:, 1] == Reason.REFUSED).sum() == 10  # nothing is declared of age


@pytest.mark.parametrize("ending", ["dta", "sav", "csv", "parquet"])
def test_what_is_missing_is_written_to_the_schema_file_and_read_back(tmp_path, ending):
    if ending == "csv":
        path = tmp_path / "a.csv"
        path.write_text(column([["refused", "n/a", "3", "4", "15"][i % 5] for i in range(N)]))
    elif ending == "parquet":
        path = tmp_path / "a.parquet"
        texts = pd.Categorical(["yes", "no", "Don't know"] * 20)
        pd.DataFrame({"x": texts, "z": np.arange(N) % 7 + 0.5}).to_parquet(path)
    else:
        path = labelled(
            tmp_path, ending, **({"missing_ranges": {"interest": [{"lo": -9, "hi": -8}]}} if ending == "sav" else {})
        )
    first = read_survey_file(path)
    assert np.isnan(first.dataset.values).any()
    write_schema(first.dataset.schema, first.typed, first.ignored, tmp_path / "w.toml", first.table.facts)
    again = read_survey_file(path, tmp_path / "w.toml")
    assert again.dataset.schema == first.dataset.schema
    assert again.dataset.fingerprint == first.dataset.fingerprint
    assert "missing = { " in (tmp_path / "w.toml").read_text()


def test_categories_that_read_like_a_reason(tmp_path):
    cells = pd.DataFrame({"x": pd.Categorical(["yes", "no", "Refused", None] * 15), "z": np.arange(N) % 7 + 0.5})
    cells.to_parquet(tmp_path / "a.parquet")
    found = read_survey_file(tmp_path / "a.parquet")
    assert found.dataset.schema["x"].labels == {1: "no", 2: "yes"}
    assert found.dataset.reasons[:4, 0].tolist() == [0, 0, Reason.REFUSED, Reason.UNKNOWN]


def test_codes_of_a_csv_file_are_stated_by_column_or_for_the_file(tmp_path):
    text = column([-9 if i % 6 == 0 else 20 + i for i in range(N)])
    found = read(tmp_path, text, '[x]\nmissing = { -9 = "refused" }\n')
    assert (found.dataset.reasons[:, 0] == Reason.REFUSED).sum() == 10
    assert found.dataset.schema["x"].low == 21
    found = read(tmp_path, text, "[file]\nmissing_codes = [-9]\n")
    assert (found.dataset.reasons[:, 0] == Reason.UNKNOWN).sum() == 10


def test_unlabelled_sentinels_are_reported_never_assumed(tmp_path):
    text = column([999 if i % 6 == 0 else -8 if i % 6 == 1 else 20 + i for i in range(N)])
    found = read(tmp_path, text)
    assert not np.isnan(found.dataset.values).any()
    said = "x: -8 (10 cells), 999 (10 cells) far from all other values, taken as answers"
    note = f"{said}; to change it, write missing = [-8, 999] under [x]"
    assert found.notes == (note,)
    again = read(tmp_path, text, "[x]\nmissing = [-8, 999]\n")
    assert (again.dataset.schema["x"].low, again.dataset.schema["x"].high) == (22, 79)
    assert again.notes == ()


@pytest.mark.parametrize(
    ("rest", "codes", "wanted"),
    [
        (range(18, 81), [98, 99], [98, 99]),
        (range(18, 98), [98, 99], []),  # ages that go on
        (range(1, 6), [8, 9], [8, 9]),
        (range(1, 10), [9], []),
        (range(0, 60), [-1, -9], [-9, -1]),
        (range(-30, 30), [-9], []),
        (range(1000, 90000, 900), [999999999, 999999998], [999999998, 999999999]),
        (range(0, 40), [77, 88, 99], [77, 88, 99]),
    ],
)
def test_sentinels(rest, codes, wanted):
    values = np.array([*list(rest) * 3, *codes * 5], dtype=float)
    assert list(find_sentinels(values)) == wanted


def test_a_labelled_code_is_no_sentinel():
    assert find_sentinels(np.array([1.0, 2, 3, 9] * 10), {9: "lots"}) == {}


def test_spss_texts_that_are_declared_missing(tmp_path):
    cells = pd.DataFrame({"party": ["L", "R", "REF", ""] * 15, "z": np.arange(N) % 7 + 0.5})
    labels = {"party": {"L": "Left", "R": "Right", "REF": "Refused"}}
    pyreadstat.write_sav(cells, tmp_path / "a.sav", variable_value_labels=labels, missing_ranges={"party": ["REF"]})
    found = read_survey_file(tmp_path / "a.sav").dataset
    assert found.schema["party"].labels == {1: "L", 2: "R"}
    assert found.reasons[:4, 0].tolist() == [0, 0, Reason.REFUSED, Reason.UNKNOWN]


def test_stata_letters_mean_what_their_labels_say(tmp_path):
    cells = pd.DataFrame({"q": [1.0, 2.0, "d", "x"] * 15, "z": np.arange(N) % 7 + 0.5})
    labels = {"q": {1: "yes", 2: "no", "d": "question not asked"}}
    pyreadstat.write_dta(cells, tmp_path / "a.dta", variable_value_labels=labels, missing_user_values={"q": ["d", "x"]})
    assert read_survey_file(tmp_path / "a.dta").dataset.reasons[2:4, 0].tolist() == [
        Reason.NOT_ASKED,
        Reason.NOT_AVAILABLE,
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("[x]\nmissing = 9", "wrong type"),
        ('[file]\ndecimal = ";"', 'it is "." or ","'),
        ("[file]\ndecimals = 2", "has the key 'decimals'; there are missing_texts"),
        ('[file]\nmissing_codes = ["a"]', r"missing_codes holds \['a'\]; codes are numbers"),
        ('[file]\nseparator = "::"', "one sign"),
        ("[file]\nhead_rows = 0", "head_rows = 0"),
        ('[file]\nweight = "absent"', r"names columns \['absent'\]"),
        ('[file]\nencoding = "klingon"', "no encoding 'klingon'"),
        ('[x]\nkind = "numeric"\ndecimals = -1', "decimals = -1; give a number of digits"),
        ('[x]\nkind = "numeric"\nlow = 9\nhigh = 1', "low = 9 above high = 1"),
        ('[x]\nkind = "numeric"\nlow = inf', "no number that a computer holds"),
        ('[x]\nkind = "ordinal"\nlabels = {1 = "a", "1.0" = "b"}', "each once"),
        ('[z]\nkind = "ordinal"\nlevels = ["m", 1]', "answers are texts"),
        ("[x]\nlow = " + "[" * 3000, "not a TOML file"),
        ("[x]\ndecimals = " + "9" * 5000, "not a TOML file|no number that a computer holds"),
        ('[x]\nasked_if = "__import__(1)"', "is no condition"),
        ('[x]\nasked_if = "y == 1"', "asks about the column 'y', which is not there"),
    ],
)
def test_useless_statements_are_refused_in_a_sentence(tmp_path, schema, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, column([20 + i % 30 for i in range(N)]), schema)


def test_weights_and_ids_of_the_file_section_are_no_items(tmp_path):
    text = "id,w,s,x,z\n" + "".join(f"{i},{1 + i % 3},{'ab'[i % 2]},{i % 5},{i % 7}\n" for i in range(N))
    found = read(tmp_path, text, '[file]\nid = "id"\nweight = "w"\nstrata = "s"\n')
    assert found.dataset.schema.names == ["x", "z"]
    assert found.dataset.weights[:4].tolist() == [1, 2, 3, 1]
    assert found.dataset.strata[:3].tolist() == [0, 1, 0]
    assert found.ignored == {"id": "id in [file]", "w": "weight in [file]", "s": "strata in [file]"}


def test_a_column_may_be_called_file(tmp_path):
    found = read(tmp_path, "file,z\n" + "".join(f"{i % 5},{i % 7}\n" for i in range(N)), '[file]\nkind = "nominal"\n')
    assert found.dataset.schema["file"].kind is Kind.NOMINAL


def test_the_file_name_of_a_schema_is_read_and_written(tmp_path):
    survey = read(tmp_path, column(range(N)), '[file]\nname = "a.csv"')
    write_schema(survey.dataset.schema, survey.typed, survey.ignored, tmp_path / "t.toml", survey.table.facts)
    assert read_survey_file(tmp_path / "a.csv", tmp_path / "t.toml").table.facts.name == "a.csv"


def test_labels_of_spss_texts_that_read_like_a_reason(tmp_path):
    frame = pd.DataFrame({"s": np.resize(["M", "F", "X"], N), "z": np.arange(N) % 7 + 0.5})
    labels = {"s": {"M": "Male", "F": "Female", "X": "Refused"}}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=labels)
    survey = read_survey_file(tmp_path / "a.sav")
    assert list(survey.dataset.schema["s"].labels.values()) == ["F", "M"]
    assert (survey.dataset.reasons[:, 0] == Reason.REFUSED).sum() == N / 3
    pyreadstat.write_sav(frame, tmp_path / "b.sav", variable_value_labels=labels, missing_ranges={"s": ["F"]})
    assert list(read_survey_file(tmp_path / "b.sav").dataset.schema["s"].labels.values()) == ["M", "X"]


def test_labelled_stata_letters_do_not_make_answers_of_labelled_codes(tmp_path):
    q: list[object] = [*np.resize([1.0, 2.0, 3.0, -9.0], N - 6).tolist(), *"aaaaaa"]
    frame = pd.DataFrame({"q": pd.Series(q, dtype=object), "z": np.arange(N) % 7 + 0.5})
    labels = {"q": {1: "Red", 2: "Green", 3: "Blue", -9: "Refused", "a": "Legitimate skip"}}
    pyreadstat.write_dta(frame, tmp_path / "a.dta", variable_value_labels=labels, missing_user_values={"q": list("a")})
    survey = read_survey_file(tmp_path / "a.dta")
    assert list(survey.dataset.schema["q"].labels) == [1, 2, 3]
    assert (survey.dataset.reasons[:, 0] == Reason.NOT_ASKED).sum() == 6


def test_what_a_file_declares_beside_a_label_of_the_same_sort_is_told(tmp_path):
    frame = pd.DataFrame({"q": np.resize([1.0, 2.0, 8.0, 9.0], N), "z": np.arange(N) % 7 + 0.5})
    labels = {"q": {1: "A", 2: "B", 8: "Don't know", 9: "Refused"}}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=labels, missing_ranges={"q": [9]})
    survey = read_survey_file(tmp_path / "a.sav")
    assert list(survey.dataset.schema["q"].labels) == [1, 2, 8]
    assert any('8 "Don\'t know" is an answer' in note and "missing = [8, 9]" in note for note in survey.notes)
    (tmp_path / "s.toml").write_text("[q]\nmissing = [8, 9]")
    assert list(read_survey_file(tmp_path / "a.sav", tmp_path / "s.toml").dataset.schema["q"].labels) == [1, 2]


@pytest.mark.parametrize("text", ["#DIV/0!", "#VALUE!", "\\N", "1.#QNAN", "UNK", "nil"])
def test_more_texts_for_missing_among_numbers(tmp_path, text):
    survey = read(tmp_path, column([*np.arange(N) % 29 + 0.5, text, text]))
    assert survey.dataset.schema["x"].kind is Kind.NUMERIC
    assert np.isnan(survey.dataset.values[:, 0]).sum() == 2


def test_a_minus_sign_of_typesetters(tmp_path):
    survey = read(tmp_path, column([f"−{value}" if value % 2 else f"{value}" for value in range(N)]))
    assert survey.dataset.values[:4, 0].tolist() == [0, -1, 2, -3]
