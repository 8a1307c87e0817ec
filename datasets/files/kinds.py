"""Kinds: what a column is, from its values, its labels and the level of measurement that its file states."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.files.design_columns import design_role
from datasets.files.frame import FEW_LEVELS, infer_column, is_short_scale
from datasets.files.labelled import unique_labels
from datasets.files.missing import without_code
from datasets.files.scales import names_its_ends, reads_like_scale
from datasets.schema import Column, Floats, Kind

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
    aside = why_aside(name, cells, bool(labels) or level in ("nominal", "ordinal"))
    if aside:
        return aside
    if not types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype):
        return replace(infer_column(name, cells), question=question)
    role = "" if labels else design_role(name, question, cells)
    if role:
        return f"looks like the survey's {role}"
    codes = cells.to_numpy(dtype=float, na_value=np.nan)
    words = {code: without_code(text, code) for code, text in labels.items()}  # "1. White" has no order
    column = labelled_column(name, codes, words, question)
    if column.kind is Kind.NUMERIC and is_short_scale(np.unique(codes[~np.isnan(codes)])):
        column = Column(name, Kind.ORDINAL, _levels(np.unique(codes[~np.isnan(codes)]), words), question)
    if column.kind is Kind.NOMINAL and names_its_ends(column.labels):
        column = replace(column, kind=Kind.ORDINAL)
    stated = STATED_KINDS.get(level)
    if stated is not None:
        column = _as_stated(column, codes, words, stated)
    if column.kind is not Kind.NUMERIC:
        return column
    seen = codes[np.isfinite(codes)]
    places = infer_column(name, cells).decimals if decimals is None else decimals
    return replace(column, decimals=places, low=float(seen.min()), high=float(seen.max())) if len(seen) else column


def labelled_column(name: str, codes: Floats, labels: Mapping[float, str], question: str = "") -> Column:
    """Infer a column from codes (n,) and their labels in the file.

    With at least half of the codes that occur labelled, the column is categorical: ordinal if it has
    three levels or more and they read like a scale (`scales.reads_like_scale`), else nominal. With
    fewer labels, they only mark ends ("8 or more"): the column is numeric, or ordinal if it holds at
    most ten different whole numbers.
    """
    seen = np.unique(codes[~np.isnan(codes)])
    whole = bool((seen == np.round(seen)).all())
    labelled = np.isin(seen, list(labels)).mean() if len(seen) else float(bool(labels))
    if labelled < 0.5 and not (whole and 0 < len(seen) <= FEW_LEVELS):
        return Column(name, Kind.NUMERIC, question=question, decimals=0 if whole else None)
    levels = _levels(seen, labels)
    scale = labelled < 0.5 or reads_like_scale(list(levels.values()))
    return Column(name, Kind.ORDINAL if scale and len(levels) > 2 else Kind.NOMINAL, levels, question)


def why_aside(name: str, cells: pd.Series, coded: bool) -> str:
    """Why a column is no question that could be imputed; "" if it is one.

    Parameters
    ----------
    name : of the column.
    cells : shape (n,), missing values missing.
    coded : True if its numbers are codes of answers, as labels or the file's level of measurement say.
    """
    known = cells.dropna()
    if known.empty:
        return "empty"
    if any(isinstance(value, list | dict | set | tuple | bytes | np.ndarray) for value in known.iloc[:100]):
        return "lists"
    if is_date(known):
        return "dates"
    different = known.nunique()
    if len(known) == 1:
        return "one observed value in all rows"
    if different == 1:
        blanks = len(known) < len(cells)
        return f"a box to tick: {_said(known.iloc[0])} or blank" if blanks else f"{_said(known.iloc[0])} in all rows"
    if isinstance(cells.dtype, pd.CategoricalDtype) or types.is_bool_dtype(cells.dtype):
        return ""
    if types.is_numeric_dtype(cells.dtype):
        return _why_no_measure(name, cells, known.astype(float), different, coded)
    if len(known) == len(cells) >= MANY_TEXTS and different == len(cells):
        return "an identifier: another text in every row"
    return f"free text: {different} different texts" if different > MANY_TEXTS else ""


def is_date(known: pd.Series) -> bool:
    """Tell whether observed values are all dates or times: as such, as texts, or as numbers like 20220531."""
    if types.infer_dtype(known, skipna=True) in DATES:
        return True
    if types.is_bool_dtype(known.dtype) or isinstance(known.dtype, pd.CategoricalDtype):
        return False
    if types.is_numeric_dtype(known.dtype):
        numbers = known.to_numpy(dtype=float)
        eight = len(numbers) > 1 and bool(((numbers >= 19000101) & (numbers <= 20991231)).all())
        return eight and all(NUMBERED_DATE.fullmatch(f"{number:.0f}") for number in np.unique(numbers))
    return all(isinstance(text, str) and DATE.fullmatch(text.strip()) for text in known.unique())


def _why_no_measure(name: str, cells: pd.Series, known: pd.Series, different: int, coded: bool) -> str:
    """Why whole numbers are identifiers: too long, all different, or a serial number; "" if they are not."""
    numbers = known.to_numpy()
    if not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        return ""
    if np.abs(numbers).max() > GREATEST_INTEGER:
        return "an identifier: whole numbers beyond 2^53"
    if len(known) < MANY_TEXTS:
        return ""
    if len(known) == len(cells) == different and _reads_like_identifier(name, known):
        return "an identifier: another number in every row"
    if coded:
        return ""
    if different > len(known) / 2 and IDENTIFIER.fullmatch(name):
        return f"an identifier: {different} different numbers in {len(known)} rows"
    rising = bool((np.diff(numbers) >= 0).all())
    if IDENTIFIER.fullmatch(name) and len(known) == len(cells) and different > FEW_LEVELS and rising:
        return "an identifier: a rising serial number"
    if different > MANY_TEXTS and len(known) == len(cells) and different > len(known) / 4 and rising:
        return "an identifier: a rising serial number"
    return ""


def _reads_like_identifier(name: str, known: pd.Series) -> bool:
    """Tell whether numbers that differ in all rows are names: by theirs, as serials, or as long and of one length."""
    lengths = known.map(lambda value: len(f"{value:.0f}"))
    dense = known.max() - known.min() < 1.5 * len(known)
    sorted_so = (known.diff().dropna() > 0).all() or (known.diff().dropna() < 0).all()
    return bool(IDENTIFIER.fullmatch(name) or dense or sorted_so or (lengths.nunique() == 1 and lengths.iloc[0] >= 5))


def _as_stated(column: Column, codes: Floats, labels: Mapping[float, str], stated: Kind) -> Column:
    """Follow the level of measurement of the file; but labels of all codes that have no order are no scale."""
    seen = np.unique(codes[~np.isnan(codes)])
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
