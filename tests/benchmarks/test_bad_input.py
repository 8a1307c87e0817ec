"""Bad input at the command line: one clear sentence, exit status 2, nothing half-written."""

import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.__main__ import main

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"
TABLE = "id_age,party,trust\n30,red,1\n40,blue,2\n50,,3\n60,red,\n35,blue,2\n45,red,1\n"


def told(monkeypatch, capsys, *arguments):
    """Exit status and what was told to the user."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    shown = capsys.readouterr()
    return stop.value.code, " ".join((shown.err + shown.out).split())


def zipped(path, *names, cut=None):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "no Stata file at all " * 50)
    path.write_bytes(path.read_bytes()[:cut])
    return path


def csv(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: csv(folder / "gss.dta", "not Stata"), "gss.dta"),
        (lambda folder: zipped(folder / "gss.zip", "GSS2022.dta", cut=400), "gss.zip"),
        (lambda folder: zipped(folder / "gss.zip", "../GSS2022.dta"), "gss.zip"),
        (lambda folder: zipped(folder / "gss.zip", "readme.txt"), "gss.zip"),
        (lambda folder: zipped(folder / "gss.zip", "GSS2022.dta"), "GSS2022.dta"),
        (lambda folder: folder / "absent.zip", "absent.zip"),
    ],
    ids=["not-stata", "truncated-zip", "zip-slip", "zip-without-stata", "zip-of-text", "absent"],
)
def test_useless_survey_files(monkeypatch, capsys, tmp_path, make, message):
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, text = told(monkeypatch, capsys, "run", "--suite", "gss", "--data", path, "--out", tmp_path / "results")
    assert code == 2
    assert message in text
    assert "Traceback" not in text
    assert [path for path in sorted(tmp_path.rglob("*")) if "results" not in path.parts] == before
    assert not list(tmp_path.glob("results/*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1.5,x\ninf,y\n2.5,x\n", "infinit"),
        ("a,b\n1,x\n", "observed"),
        ("", "empty"),
    ],
    ids=["infinity", "one-row", "empty-file"],
)
def test_useless_tables(monkeypatch, capsys, tmp_path, text, message):
    path = csv(tmp_path / "table.csv", text)
    out = tmp_path / "filled"
    code, shown = told(monkeypatch, capsys, "impute", path, "--imputer", "mean", "--out", out)
    assert code == 2
    assert message in shown
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE.replace("party", "trust"), "the later ones are called 'trust_2'"),
        (TABLE.replace("red", "").replace("blue", ""), "party: set aside, empty"),
        (TABLE.replace("red", ""), "party: set aside, a box to tick: 'blue' or blank"),
        (TABLE.replace("red", "", 1).replace("red", "").replace("blue", "", 1), "party: set aside, one observed value"),
    ],
    ids=["duplicate-columns", "column-all-missing", "one-answer", "one-observed-value"],
)
def test_columns_that_are_set_aside_or_renamed_are_named(monkeypatch, capsys, tmp_path, text, message):
    path = csv(tmp_path / "table.csv", text)
    code, shown = told(monkeypatch, capsys, "impute", path, "--imputer", "mean", "--out", tmp_path / "filled")
    assert code == 0
    assert message in shown
    written = (tmp_path / "filled" / "draw_1.csv").read_text().splitlines()
    assert written[0] == text.splitlines()[0]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ('[absent]\nkind = "nominal"\n', "absent"),
        ('[party]\nkind = "numeric"\n', "party"),
        ('[party]\nkind = "sideways"\n', "sideways"),
        ('[party]\nkind = "nominal"\nlevels = ["red"]\n', "blue"),
        ("kind = = 3", "schema.toml"),
    ],
    ids=["absent-column", "wrong-kind", "unknown-kind", "answer-outside-levels", "not-toml"],
)
def test_useless_schemas(monkeypatch, capsys, tmp_path, schema, message):
    path = csv(tmp_path / "table.csv", TABLE)
    stated = csv(tmp_path / "schema.toml", schema)
    out = tmp_path / "filled"
    code, shown = told(monkeypatch, capsys, "impute", path, "--imputer", "mean", "--schema", stated, "--out", out)
    assert code == 2
    assert message in shown
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--suite", "gsss"), "did you mean gss"),
        (("run", "--suite", "toy", "--imputers", "mise"), "did you mean mice"),
        (("run", "--suite", "toy", "--imputers", "knn(neighbours=5)"), "its parameters are: n_neighbors"),
        (("run", "--suite", "published", "--rates", "0.3"), "leave out --rates"),
        (("run", "--suite", "published", "--imputers", "mean"), "leave out --imputers"),
        (("run", "--suite", "toy", "--dataset", "toy"), "give one of them"),
        (("run", "--suite", "toy", "--schema", "schema.toml"), "belongs to a file of your own"),
        (("run", "--suite", "toy", "--seeds", "1.5"), "'1.5', which is no whole number"),
        (("run", "--suite", "toy", "--mechanisms", "mar(slope=0.2)"), "has no parameter 'slope'"),
        (("run", "--suite", "toy", "--imputers", "knn(n_neighbors=0)"), "n_neighbors"),
        (("run", "--suite", "absent.toml"), "cannot be read"),
        (("run", "--dataset", "toi"), "did you mean toy"),
        (("run", "--dataset", "toy(path='x')"), "dataset 'toy' has no parameter 'path'; its parameters are: none"),
        (("run", "--dataset", "absent.csv"), "absent.csv"),
        (("run", "--dataset", "gss2022-items(criterion='taste')", "--data", "absent.zip"), "no criterion 'taste'"),
        (("run", "--suite", "publish"), "did you mean published"),
        (("run", "--suite", "toy", "--mechanisms", "mcra"), "mcar"),
        (("run", "--suite", "toy", "--rates", "1.5"), "rate 1.5 is not between 0 and 1"),
        (("run", "--suite", "toy", "--rates", "much"), "'much', which is no number"),
        (("run",), "--suite NAME"),
        (("check", "mise"), "did you mean mice"),
        (("describe", "gss202"), "did you mean gss2022"),
        (("fetch", "gss202"), "did you mean gss2022"),
        (("report", "--suite", "toy", "--out", "no-such-folder"), "run the suite first"),
        (("report", *(str(PUBLISHED / name / "results.parquet") for name in ("gss", "text"))), "another suite than"),
        (("select", "--target", "income16", "--dataset", "gss202"), "did you mean gss2022"),
    ],
)
def test_unknown_names(monkeypatch, capsys, arguments, message):
    code, shown = told(monkeypatch, capsys, *arguments)
    assert code == 2
    assert message in shown


@pytest.mark.parametrize("command", ["run", "impute"])
def test_folder_that_cannot_be_written(monkeypatch, capsys, tmp_path, command):
    blocked = csv(tmp_path / "file", "in the way") / "results"
    path = csv(tmp_path / "table.csv", TABLE)
    arguments = ("run", "--suite", "toy") if command == "run" else ("impute", path, "--imputer", "mean")
    code, shown = told(monkeypatch, capsys, *arguments, "--out", blocked)
    assert code == 2
    assert "cannot" in shown
    assert Path(tmp_path / "file").read_text() == "in the way"
