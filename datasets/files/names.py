"""What a format can hold: names of columns and sizes, checked before anything is imputed."""

import re

from datasets.errors import InputError
from datasets.files.file_table import EXCEL, FORMATS, SPSS, STATA
from datasets.files.survey_file import SurveyFile

STATA_NAME = re.compile(r"[^\W\d]\w*")
STATA_WORDS = set(
    [
        "_all",
        "_b",
        "byte",
        "_coef",
        "_cons",
        "double",
        "float",
        "if",
        "in",
        "int",
        "long",
        "_n",
        "_N",
        "_pi",
        "_pred",
        "_rc",
        "_skip",
        "strL",
        "using",
        "with",
    ]
)
SPSS_NAME = re.compile(r"[^\W\d_][\w.$#@]*(?<![._])|[^\W\d_]")
SPSS_WORDS = set(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])
ROWS, COLUMNS = 1_048_575, 16_384  # of a sheet of Excel, without the head


def check_writable(survey: SurveyFile, suffix: str, stacked: int = 1) -> None:
    """Validate that a format can hold a file's completed tables, some of them stacked in one.

    Parameters
    ----------
    survey : the file.
    suffix : ending of the tables to be written, e.g. "dta".
    stacked : tables in one file, beside a column that counts them.

    Raises
    ------
    InputError
        If the format is unknown, or cannot hold the names or the size of the table.
    """
    ending = f".{suffix.lower().removeprefix('.')}"
    if ending not in FORMATS:
        raise InputError(f"unknown format {suffix!r}; there are {', '.join(known[1:] for known in FORMATS)}")
    names, n = [str(name) for name in survey.table.cells], len(survey.table.cells) * stacked
    if ending in STATA:
        wrong = [name for name in names if _wrong(name, STATA_NAME, 32, STATA_WORDS)]
        wrong += [name for name in names if re.fullmatch(r"str\d+", name)]
        _refuse(wrong, "Stata", "letters, digits and _, 32 at most, none of its own words")
    if ending in SPSS:
        wrong = [name for name in names if _wrong(name, SPSS_NAME, 64, SPSS_WORDS)]
        lower = [name.lower() for name in names]
        wrong += [name for name in names if lower.count(name.lower()) > 1]
        _refuse(
            wrong,
            "SPSS",
            "letters, digits and . _ $ # @, 64 bytes at most, a letter first, none of its own words, "
            "no two alike but for case",
        )
    if ending in EXCEL and (n > ROWS or len(names) + (stacked > 1) > COLUMNS):
        raise InputError(f"an Excel sheet holds {ROWS:,} rows and {COLUMNS:,} columns; choose csv or parquet")
    if ending in (*STATA, *SPSS) and not n:
        raise InputError("a table without rows cannot be written so; choose csv")


def _wrong(name: str, pattern: re.Pattern[str], longest: int, words: set[str]) -> bool:
    size = len(name) if pattern is STATA_NAME else len(name.encode())
    reserved = name in words or (pattern is SPSS_NAME and name.upper() in words)
    return pattern.fullmatch(name) is None or size > longest or reserved


def _refuse(wrong: list[str], program: str, rule: str) -> None:
    if wrong:
        found = ", ".join(repr(name) for name in dict.fromkeys(wrong[:5]))
        raise InputError(
            f"{program} cannot hold the column names {found} ({rule}); rename them or choose csv or parquet"
        )
