"""Stata and SPSS files: codes, labels and the reasons of missing cells."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from datasets.errors import InputError
from datasets.files.kinds import labelled_column
from datasets.files.labelled import read_spss, read_stata, unique_labels
from datasets.schema import Kind
from datasets.table import Reason


def test_stata_letters_are_reasons(tmp_path):
    cells = pd.DataFrame({"q": [1.0, "i", "d", "n", "s", "r", "y", "q", np.nan, 2.0], "x": np.arange(10.0)})
    missing = {"q": list("idnsryq")}
    pyreadstat.write_dta(
        cells,
        tmp_path / "a.dta",
        missing_user_values=missing,
        variable_value_labels={"q": {1: "yes", 2: "no", "i": "iap"}},
    )
    found = read_stata(tmp_path / "a.dta")
    codes, reasons = found.split("q")
    assert np.array_equal(codes, [1, *[np.nan] * 8, 2], equal_nan=True)
    letters = [
        Reason.NOT_ASKED,
        Reason.DONT_KNOW,
        Reason.NO_ANSWER,
        Reason.SKIPPED,
        Reason.REFUSED,
        Reason.NOT_AVAILABLE,
    ]
    assert reasons.tolist() == [Reason.OBSERVED, *letters, Reason.UNKNOWN, Reason.UNKNOWN, Reason.OBSERVED]
    assert found.labels["q"] == {1: "yes", 2: "no"}


def test_some_rows_and_columns_of_a_stata_file(tmp_path):
    pyreadstat.write_dta(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [5.0, 6, 7, 8]}), tmp_path / "a.dta")
    found = read_stata(tmp_path / "a.dta", ["b"], range(1, 3))
    assert found.frame.to_dict("list") == {"b": [6.0, 7.0]}
    with pytest.raises(InputError, match=r"lacks the columns \['c'\]"):
        read_stata(tmp_path / "a.dta", ["b", "c"])


def test_spss_missing_values_are_reasons_by_their_labels(tmp_path):
    pyreadstat.write_sav(
        pd.DataFrame({"q": [1.0, 2, 7, 8, 9, 99, np.nan]}),
        tmp_path / "a.sav",
        variable_value_labels={"q": {1: "low", 2: "high", 7: "Not asked", 8: "Don't know", 9: "Refused"}},
        missing_ranges={"q": [{"lo": 7, "hi": 9}, 99]},
    )
    codes, reasons = read_spss(tmp_path / "a.sav").split("q")
    assert np.array_equal(codes, [1, 2, *[np.nan] * 5], equal_nan=True)
    wanted = [Reason.OBSERVED, Reason.OBSERVED, Reason.NOT_ASKED, Reason.DONT_KNOW, Reason.REFUSED]
    assert reasons.tolist() == [*wanted, Reason.UNKNOWN, Reason.UNKNOWN]


@pytest.mark.parametrize("reader", [read_stata, read_spss])
def test_another_kind_of_file_is_refused(tmp_path, reader):
    path = tmp_path / "a.dta"
    path.write_text("age,sex\n1,2\n")
    with pytest.raises(InputError, match="cannot be read as a"):
        reader(path)


CODES = np.array([1.0, 2, 3, 3, np.nan])


def test_kinds_are_inferred_from_labels():
    assert labelled_column("q", CODES, {1: "low", 2: "middle", 3: "high"}).kind is Kind.ORDINAL
    assert labelled_column("q", CODES, {1: "red", 2: "green", 3: "blue"}).kind is Kind.NOMINAL
    assert labelled_column("q", CODES[[0, 1, 4]], {1: "high", 2: "low"}).kind is Kind.NOMINAL
    assert labelled_column("q", CODES, {3: "3 or more"}).labels == {1: "1", 2: "2", 3: "3 or more"}
    assert labelled_column("q", np.arange(18.0, 90), {89: "89 or older"}).kind is Kind.NUMERIC
    assert labelled_column("q", CODES / 2, {}).kind is Kind.NUMERIC
    assert labelled_column("q", np.full(3, np.nan), {1: "yes", 2: "no"}).kind is Kind.NOMINAL


def test_labels_that_several_codes_share_are_told_apart():
    assert unique_labels({1.0: "a", 2.0: "b", 3.0: "a"}) == {1: "a (1)", 2: "b", 3: "a (3)"}
