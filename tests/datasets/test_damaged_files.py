"""Damaged files of every format: a table or a sentence, in a moment and in little memory."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.files import child, limited
from datasets.files.file_table import FileFacts
from datasets.files.labelled import read_stata
from datasets.files.readers import read_table
from datasets.files.survey_file import read_survey_file
from datasets.surveys.fetch import stata_file
from scripts import fuzz_files


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return fuzz_files.originals(tmp_path_factory.mktemp("whole"))


def written(folder, ending, content):
    path = folder / f"a{ending}"
    path.write_bytes(content)
    return path


def test_mutated_files_of_all_formats_end_in_a_table_or_a_sentence():
    found = list(fuzz_files.ends(7, range(200)))
    assert len(found) == 200 and {name for _, name, _ in found} == {e[1:] for e in fuzz_files.WRITES}
    assert not [(number, end) for number, _, end in found if end.end not in ("read", "refused")]
    assert 20 < sum(end.end == "read" for _, _, end in found) < 180


def test_whole_files_are_read(whole, tmp_path):
    for ending, files in whole.items():
        assert [fuzz_files.read(written(tmp_path, ending, content)).end for content in files] == ["read", "read"]


def test_a_crash_of_a_library_is_a_sentence(tmp_path, whole, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import ctypes; ctypes.string_at(0)")
    monkeypatch.setattr(child, "__file__", str(crash))
    for ending in (".dta", ".sav", ".parquet", ".xlsx"):
        with pytest.raises(InputError, match="its reader ended with SIGSEGV"):
            read_survey_file(written(tmp_path, ending, whole[ending][0]))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("b'x' * 2**30", "takes more memory than its size explains"),
        ("[[0] * 10**6 for _ in range(10**6)]", "takes more memory than its size explains"),
        ("while True: pass", "takes longer to read than its size explains"),
        ("raise ValueError('wrong \\x1b[31m bytes')", r"cannot be read as a Stata file \(wrong  ?\[31m bytes\)"),
        ("pass", "cannot be read as a Stata file"),
    ],
)
def test_limits_hold_and_are_told(tmp_path, whole, monkeypatch, program, told):
    order = tmp_path / "order.py"
    limits = f"import runpy; allow = runpy.run_path({child.__file__!r})['allow']; allow(300 * 2**20, 1)\n"
    order.write_text(limits + program)
    monkeypatch.setattr(child, "__file__", str(order))
    with pytest.raises(InputError, match=told):
        read_stata(written(tmp_path, ".dta", whole[".dta"][0]))


def test_sheets_with_far_corners_take_no_memory(tmp_path, whole):
    """Two cells, one in the last row and one in the last column, are a table of 17 thousand million cells."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole[".xlsx"][0])) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if "sheet1" in name:
                corner = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", corner)
                assert corner in content
            new.writestr(name, content)
    with pytest.raises(InputError, match="cannot be read as an Excel file"):
        read_survey_file(written(tmp_path, ".xlsx", packed.getvalue()))


def test_files_that_unpack_to_much_more_are_refused_before(tmp_path):
    nothing = b"a,b\n" + b"1,2\n" * 60_000_000
    with pytest.raises(InputError, match="unpacks to more than"):
        read_survey_file(written(tmp_path, ".csv.gz", gzip.compress(nothing)))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GSS2022.dta", nothing + nothing)
    with (
        pytest.raises(InputError, match="unpacks to 4.. MB; it is not safe"),
        stata_file(tmp_path / "a.zip", "GSS2022.dta"),
    ):
        pass
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", nothing)
    with pytest.raises(InputError, match="it unpacks to 229 MB"):
        read_survey_file(tmp_path / "a.xlsx")


def test_the_cells_that_another_process_reads_are_those_of_the_library(tmp_path):
    """Types, blanks, categories and an index come through as `pandas.read_parquet` gives them."""
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int16"),
            "real": [1.5, np.nan, -0.0],
            "kind": pd.Categorical(["b", "a", None], categories=["b", "a"]),
            "text": ["x", None, "é"],
            "truth": [True, False, True],
            "day": pd.to_datetime(["2020-01-01", None, "2020-01-03"]),
        },
        index=pd.Index([7, 8, 9], name="person"),
    )
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(limited.read_arrow_file(path, ".parquet"), pd.read_parquet(path))
    path = tmp_path / "a.feather"
    frame.reset_index(drop=True).to_feather(path)
    pd.testing.assert_frame_equal(limited.read_arrow_file(path, ".feather"), pd.read_feather(path))
    assert list(read_table(path, FileFacts()).cells) == list(frame)
