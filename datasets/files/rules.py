"""Rules between the columns of a file: who was asked, and what holds in every row."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.condition import Condition
from datasets.schema import Schema
from datasets.table import Reason

Flags = NDArray[np.bool_]


def not_asked(conditions: Mapping[str, Condition], cells: pd.DataFrame, known: Mapping[str, Flags]) -> dict[str, Flags]:
    """Rows (n,) in which a question was not asked, by column.

    That is so where its condition surely does not hold, and where it is open only because what it asks about was not
    asked itself. Where an answer to a filter is missing for another reason, nothing is known.

    Parameters
    ----------
    conditions : column name to who was asked.
    cells : the columns that the conditions ask about, numbers as numbers, missing values missing.
    known : column name to rows where its question is known not to have been asked; names that are absent have none.
    """
    found = dict(known)
    while True:
        more = {name: _unasked(condition, cells, found) for name, condition in conditions.items()}
        grown = {name: rows | found[name] if name in found else rows for name, rows in more.items()}
        if all(name in found and (rows == found[name]).all() for name, rows in grown.items()):
            return found
        found |= grown


def _unasked(condition: Condition, cells: pd.DataFrame, found: Mapping[str, Flags]) -> Flags:
    holds, fails = condition.decide(cells)
    missing = np.column_stack([cells[name].isna() for name in condition.names])
    none = np.zeros(len(cells), dtype=bool)
    silent = np.column_stack([found.get(name, none) for name in condition.names])
    return fails | (~holds & missing.any(axis=1) & (~missing | silent).all(axis=1))


def mark_not_asked(
    reasons: NDArray[np.int8], schema: Schema, asked_if: Mapping[str, Condition], typed: pd.DataFrame
) -> list[str]:
    """Give holes of those who were not asked, as ``asked_if`` says, that reason; say where answers contradict it."""
    known = {name: reasons[:, j] == Reason.NOT_ASKED for j, name in enumerate(schema.names)}
    unasked, told = not_asked(asked_if, typed, known), []
    for name, condition in asked_if.items():
        j = schema.index(name)
        hole = reasons[:, j] != Reason.OBSERVED
        reasons[unasked[name] & hole, j] = Reason.NOT_ASKED
        answered = int((unasked[name] & ~hole).sum())
        if answered:
            told.append(f"{name}: {answered} rows hold an answer although asked_if = {condition.text!r} does not hold")
    return told


def broken_checks(checks: Mapping[str, Condition], typed: pd.DataFrame) -> list[str]:
    """Say how many rows of a file break what is to hold in every row."""
    counts = {name: int(check.decide(typed)[1].sum()) for name, check in checks.items()}
    return [f"{name}: {count} rows break check = {checks[name].text!r}" for name, count in counts.items() if count]


def coded_checks(checks: Iterable[Condition], schema: Schema, typed: pd.DataFrame) -> tuple[Condition, ...]:
    """Checks that ask about used columns alone, said of codes; those that cannot be said so are left out.

    A column of numbers is its codes. A column of texts may be compared with answers, by equality or in a list.
    """
    used = [check for check in checks if set(check.names) <= set(schema.names)]
    if not used:
        return ()
    texts = {column.name: column for column in schema if not types.is_numeric_dtype(typed[column.name].dtype)}
    said = (check.of_codes({name: column.labels for name, column in texts.items()}) for check in used)
    return tuple(check for check in said if check is not None)
