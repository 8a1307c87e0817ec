"""Kinds: what a column is, from its values, its labels and the level of measurement that its file states."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.files.design_columns import design_role
from datasets.files.frame import FEW_LEVELS, infer_column, is_short_scale
from datasets.files.labelled import unique_labels
from datasets.files.missing import without_code
from datasets.files.numbers import decimals_of
from datasets.files.scales import names_its_ends, reads_like_scale
from datasets.schema import MOST_DECIMALS, Column, Floats, Kind

MANY_TEXTS = 50
DATES = {"date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period"}
GREATEST_INTEGER = 2.0**53  # beyond, floating-point numbers leave whole numbers out
IDENTIFIER = re.compile(
    r"(.*[\W_])?(id|ids|uuid|guid|caseid|case_?no|serial|seqn|respondent|resp_?(id|no|num)|pid|hhid|hh(_?(id|no|num|nr))?|fam(ily)?_?(id|no)|household|idno|key"
    r"|record|rownames?|rowid|unnamed.*|x1)\d*|(respondent|response|person|case|household|user|participant)[\W_]?(id|no|nr|number)",
    re.IGNORECASE,
)
DATE = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?"
    r"|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})( \d{1,2}:\d{2}(:\d{2})?)?( ?[AP]M)?|\d{1,2}:\d{2}(:\d{2})?( ?[AP]M)?"
)
NUMBERED_DATE = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
STATED_KINDS = {"nominal": Kind.NOMINAL, "ordinal": Kind.ORDINAL, "scale": Kind.NUMERIC}


def guess_column(
    name: str,
    cells: pd.Series,
    labels: Mapping[float, str],
    question: str = "",
    level: str = "",
    decimals: int | None = None,
) -> Column | str:
    """Guess what a column is; a string says why it is set aside.

    Parameters
    ----------
    name : of the column.
    cells : shape (n,), numbers as numbers, missing values missing.
    labels : code to the label of an answer, ascending.
    question : wording.
    level : "nominal", "ordinal" or "scale" as the file states it, or "".
    decimals : digits after the point that numbers are written with, if they are texts in the file.
    """
    if not types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype):
        return _why_no_question(cells) or replace(infer_column(name, cells), question=question)
    codes = cells.to_numpy(dtype=float, na_value=np.nan)
    seen = np.unique(codes[~np.isnan(codes)])
    aside = _why_no_measure(name, codes, seen, bool(labels) or level in ("nominal", "ordinal"))
    role = "" if aside or labels else design_role(name, question, codes)
    if aside or role:
        return aside or f"looks like the survey's {role}"
    words = {code: without_code(text, code) for code, text in labels.items()}  # "1. White" has no order
    column = _labelled(name, seen, words, question)
    if column.kind is Kind.NUMERIC and is_short_scale(seen):
        column = Column(name, Kind.ORDINAL, _levels(seen, words), question)
    if column.kind is Kind.NOMINAL and names_its_ends(column.labels):
        column = replace(column, kind=Kind.ORDINAL)
    stated = STATED_KINDS.get(level)
    if stated is not None:
        column = _as_stated(column, seen, words, stated)
    finite = seen[np.isfinite(seen)]
    if column.kind is not Kind.NUMERIC or not len(finite):
        return column
    places = decimals if decimals is not None and decimals <= MOST_DECIMALS else decimals_of(seen)
    return replace(column, decimals=places, low=float(finite[0]), high=float(finite[-1]))


def labelled_column(name: str, codes: Floats, labels: Mapping[float, str], question: str = "") -> Column:
    """Infer a column from codes (n,) and their labels in the file.

    With at least half of the codes that occur labelled, the column is categorical: ordinal if it has
    three levels or more and they read like a scale (`scales.reads_like_scale`), else nominal. With
    fewer labels, they only mark ends ("8 or more"): the column is numeric, or ordinal if it holds at
    most ten different whole numbers.
    """
    return _labelled(name, np.unique(codes[~np.isnan(codes)]), labels, question)


def _labelled(name: str, seen: Floats, labels: Mapping[float, str], question: str) -> Column:
    """Infer a column from the different codes that occur, ascending."""
    whole = bool((seen == np.round(seen)).all())
    labelled = np.isin(seen, list(labels)).mean() if len(seen) else float(bool(labels))
    if labelled < 0.5 and not (whole and 0 < len(seen) <= FEW_LEVELS):
        return Column(name, Kind.NUMERIC, question=question, decimals=0 if whole else None)
    levels = _levels(seen, labels)
    scale = labelled < 0.5 or reads_like_scale(list(levels.values()))
    return Column(name, Kind.ORDINAL if scale and len(levels) > 2 else Kind.NOMINAL, levels, question)


def _why_no_question(cells: pd.Series) -> str:
    """Why a column of texts, categories, truth values or objects is no question; "" if it is one."""
    known = cells.dropna()
    if known.empty:
        return "empty"
    if any(isinstance(value, list | dict | set | tuple | bytes | np.ndarray) for value in known.iloc[:100]):
        return "lists"
    different = known.unique()
    if _are_dates(known, different):
        return "dates"
    few = _why_too_few(different[0], len(different), len(known), len(cells))
    if few or isinstance(cells.dtype, pd.CategoricalDtype) or types.is_bool_dtype(cells.dtype):
        return few
    if len(known) == len(cells) == len(different) >= MANY_TEXTS:
        return "an identifier: another text in every row"
    return f"free text: {len(different)} different texts" if len(different) > MANY_TEXTS else ""


def _why_too_few(first: object, different: int, known: int, rows: int) -> str:
    """Why too few different values are no question."""
    if known == 1:
        return "one observed value in all rows"
    if different == 1:
        return f"a box to tick: {_said(first)} or blank" if known < rows else f"{_said(first)} in all rows"
    return ""


def _are_dates(known: pd.Series, different: Iterable[object]) -> bool:
    """Tell whether observed values are all dates or times: as such, or as texts."""
    if types.infer_dtype(known, skipna=True) in DATES:
        return True
    if types.is_bool_dtype(known.dtype) or isinstance(known.dtype, pd.CategoricalDtype):
        return False
    return all(isinstance(text, str) and DATE.fullmatch(text.strip()) for text in different)


def _are_numbered_dates(seen: Floats, known: int) -> bool:
    """Tell whether different numbers, ascending, are all dates like 20220531."""
    eight = known > 1 and seen[0] >= 19000101 and seen[-1] <= 20991231
    return bool(eight) and all(NUMBERED_DATE.fullmatch(f"{number:.0f}") for number in seen)


def _why_no_measure(name: str, codes: Floats, seen: Floats, coded: bool) -> str:
    """Why numbers are no question: none or one, dates, or identifiers; "" if they are one.

    Parameters
    ----------
    name : of the column.
    codes : shape (n,), NaN where missing.
    seen : the different ones that occur, ascending.
    coded : True if they are codes of answers, as labels or the file's level of measurement say.
    """
    known = codes[~np.isnan(codes)]
    if not len(known):
        return "empty"
    if _are_numbered_dates(seen, len(known)):
        return "dates"
    whole = bool(np.isfinite(seen).all() and (seen == np.round(seen)).all())
    if whole and np.abs(seen).max() > GREATEST_INTEGER:  # of which several are one code
        return "an identifier: whole numbers beyond 2^53"
    few = _why_too_few(float(seen[0]), len(seen), len(known), len(codes))
    if few or not whole:
        return few
    return _why_identifier(name, known, len(seen), len(known) == len(codes), coded)


def _why_identifier(name: str, known: Floats, different: int, complete: bool, coded: bool) -> str:
    """Why whole numbers are identifiers: all different, or a serial number; "" if they are not."""
    if len(known) < MANY_TEXTS:
        return ""
    if complete and len(known) == different and _reads_like_identifier(name, known):
        return "an identifier: another number in every row"
    if coded:
        return ""
    named = IDENTIFIER.fullmatch(name)
    if different > len(known) / 2 and named:
        return f"an identifier: {different} different numbers in {len(known)} rows"
    rising = complete and bool((np.diff(known) >= 0).all())
    if rising and ((named and different > FEW_LEVELS) or different > max(MANY_TEXTS, len(known) / 4)):
        return "an identifier: a rising serial number"
    return ""


def _reads_like_identifier(name: str, known: Floats) -> bool:
    """Tell whether numbers that differ in all rows are names: by theirs, as serials, or as long and of one length."""
    dense = known.max() - known.min() < 1.5 * len(known)
    steps = np.diff(known)
    if IDENTIFIER.fullmatch(name) or dense or (steps > 0).all() or (steps < 0).all():
        return True
    lengths = {len(f"{value:.0f}") for value in known.tolist()}
    return len(lengths) == 1 and min(lengths) >= 5


def _as_stated(column: Column, seen: Floats, labels: Mapping[float, str], stated: Kind) -> Column:
    """Follow the level of measurement of the file; but labels of all codes that have no order are no scale."""
    if stated is not Kind.NUMERIC:
        levels = column.labels or _levels(seen, labels)
        return replace(column, kind=stated, labels=levels, decimals=None)
    if column.kind is Kind.NOMINAL and labels and np.isin(seen, list(labels)).all():
        return column
    whole = bool((seen == np.round(seen)).all())
    return Column(column.name, Kind.NUMERIC, question=column.question, decimals=0 if whole else None)


def _levels(seen: Floats, labels: Mapping[float, str]) -> dict[float, str]:
    """Label of every code that is labelled or seen."""
    return unique_labels({float(code): labels.get(code, f"{code:.15g}") for code in sorted({*labels, *seen.tolist()})})


def _said(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else repr(value)
