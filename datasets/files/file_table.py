"""A file as it was found, before anybody says what its columns mean, and what a schema file may say of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from datasets.files.labelled import Labelled

CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
STATA = (".dta",)
SPSS = (".sav", ".zsav")
ARROW = (".parquet", ".feather")
EXCEL = (".xlsx",)
FORMATS = (*CSV, *ARROW, *EXCEL, *STATA, *SPSS)


@dataclass(frozen=True)
class FileFacts:
    """What the ``[file]`` section of a schema file says; None and "" are found out.

    Parameters
    ----------
    name : of the data file that the schema file was written for.
    missing_texts : texts that mean missing, in place of those that are recognised.
    missing_codes : numbers that mean missing in every column of numbers, and why.
    decimal, thousands : marks of numbers in texts.
    encoding, separator : of a csv file; the encoding also of Stata and SPSS files.
    head_rows : rows before the first respondent.
    id, weight, strata, psu : names of columns of the design.
    others : what becomes of columns that the schema file does not name: "ignore", or "", which infers them.
    """

    name: str = ""
    missing_texts: tuple[str, ...] | None = None
    missing_codes: Mapping[float, str] = field(default_factory=dict)
    decimal: str = ""
    thousands: str | None = None
    encoding: str = ""
    separator: str = ""
    head_rows: int | None = None
    id: tuple[str, ...] = ()
    weight: str = ""
    strata: str = ""
    psu: str = ""
    others: str = ""


@dataclass(frozen=True, eq=False)
class FileTable:
    """A table as it was found.

    Parameters
    ----------
    cells : shape (n, p), as they stand: texts for csv, codes and missing letters for Stata. Names are unique texts.
    format : ending of its name, one of `FORMATS`.
    names : the columns' names in the file, which need be neither unique nor texts.
    head : rows of a csv file's head below its names.
    questions : column name to wording.
    labelled : labels and missing values of a Stata or SPSS file, else None.
    facts : how its texts are to be read, as stated or found.
    told : what was decided about the whole file, a sentence each.
    """

    cells: pd.DataFrame
    format: str
    names: tuple[object, ...]
    head: tuple[tuple[str, ...], ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    labelled: Labelled | None = None
    facts: FileFacts = FileFacts()
    told: tuple[str, ...] = ()


def unique_names(names: list[str]) -> list[str]:
    """Names with a number behind those that stand there already: a, b, a_2; a column without a name is "column 3".

    Examples
    --------
    >>> unique_names(["a", "b", "a", ""])
    ['a', 'b', 'a_2', 'column 4']
    """
    found: dict[str, None] = {}
    stated_so = set(names)
    for place, stated in enumerate(names, start=1):
        name = base = stated if stated.strip() else f"column {place}"
        number = 1
        while name in found or (number > 1 and name in stated_so):
            number += 1
            name = f"{base}_{number}"
        found[name] = None
    return list(found)
