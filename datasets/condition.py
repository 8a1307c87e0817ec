"""Conditions on the answers of a respondent, such as ``marital == 1 and age >= 18``, read without running any code."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.errors import InputError

Truth = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # what surely holds, what surely does not, each shape (n,)
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda cells, wanted: cells.isin(wanted),
    ast.NotIn: lambda cells, wanted: ~cells.isin(wanted),
}
QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Condition:
    """A condition on columns: comparisons of a column with a value, a list or a column, joined by and, or, not.

    Parameters
    ----------
    text : e.g. ``marital in [1, 2] and `Solar.R` > 5``; names that are not plain words stand in backquotes.

    Raises
    ------
    InputError
        If it is anything else.
    """

    text: str

    def __post_init__(self) -> None:
        _check(self._tree(), self.text)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that it asks about."""
        found = [node.id for node in ast.walk(self._tree()) if isinstance(node, ast.Name)]
        return tuple(dict.fromkeys(self._name(word) for word in found))

    def decide(self, cells: pd.DataFrame) -> Truth:
        """Tell for each row whether the condition surely holds, and whether it surely does not.

        Where an answer that it asks about is missing, it may be neither.

        Parameters
        ----------
        cells : shape (n, p), numbers as numbers, missing values missing.

        Raises
        ------
        InputError
            If a column is not there, or texts are compared with numbers.
        """
        return self._decide(self._tree(), cells)

    def of_codes(self, labels: Mapping[str, Mapping[float, str]]) -> "Condition | None":
        """The same condition on codes, for columns of texts whose answers have these labels; None if there is none.

        Parameters
        ----------
        labels : name of a column of texts to the text of each code.
        """
        tree = self._tree()
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and not self._coded(node, labels):
                return None
        return Condition(ast.unparse(tree))

    def _coded(self, node: ast.Compare, labels: Mapping[str, Mapping[float, str]]) -> bool:
        """Put codes in place of texts in one comparison; False if that cannot be."""
        sides = [node.left, *node.comparators]
        texts = [
            labels[self._name(side.id)]
            for side in sides
            if isinstance(side, ast.Name) and self._name(side.id) in labels
        ]
        if not texts:
            return True
        if isinstance(node.comparators[0], ast.Name) or not isinstance(
            node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn
        ):
            return False
        code_of = {text: code for code, text in texts[0].items()}
        stated = ast.literal_eval(node.comparators[0])
        wanted = stated if isinstance(stated, list | tuple) else [stated]
        if not set(wanted) <= code_of.keys():
            return False
        codes = [code_of[text] for text in wanted]
        node.comparators = [ast.parse(repr(codes if isinstance(stated, list | tuple) else codes[0]), mode="eval").body]
        return True

    def _tree(self) -> ast.expr:
        words = QUOTED.sub(lambda found: f"_quoted_{found[1].encode().hex()}", self.text)
        try:
            return ast.parse(words.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise _unreadable(self.text) from None

    def _name(self, word: str) -> str:
        return bytes.fromhex(word.removeprefix("_quoted_")).decode() if word.startswith("_quoted_") else word

    def _decide(self, node: ast.expr, cells: pd.DataFrame) -> Truth:
        if isinstance(node, ast.BoolOp):
            parts = [self._decide(part, cells) for part in node.values]
            holds, fails = (np.stack(side) for side in zip(*parts, strict=True))
            conjunction = isinstance(node.op, ast.And)
            return (holds.all(0), fails.any(0)) if conjunction else (holds.any(0), fails.all(0))
        if isinstance(node, ast.UnaryOp):
            holds, fails = self._decide(node.operand, cells)
            return fails, holds
        return self._compare(node, cells)

    def _compare(self, node: ast.expr, cells: pd.DataFrame) -> Truth:
        if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Name):
            raise _unreadable(self.text)
        left = self._cells(node.left.id, cells)
        known, right = left.notna(), node.comparators[0]
        wanted: object = self._cells(right.id, cells) if isinstance(right, ast.Name) else ast.literal_eval(right)
        if isinstance(wanted, pd.Series):
            known &= wanted.notna()
        elif types.is_numeric_dtype(left.dtype) != _is_numeric(wanted):
            example = left.dropna().iloc[0] if known.any() else ""
            raise InputError(
                f"{self.text!r}: {left.name!r} holds answers such as {example!r}; compare it with one of them"
            )
        try:
            found = COMPARE[type(node.ops[0])](left, wanted).fillna(False).to_numpy(dtype=bool)
        except TypeError:
            raise InputError(f"{self.text!r}: {left.name!r} cannot be compared so; its answers have no order") from None
        return found & known.to_numpy(), ~found & known.to_numpy()

    def _cells(self, word: str, cells: pd.DataFrame) -> pd.Series:
        name = self._name(word)
        if name not in cells:
            raise InputError(f"{self.text!r} asks about the column {name!r}, which is not there")
        series = cells[name]
        return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series


def quoted(name: str) -> str:
    """A column's name as a condition writes it."""
    return name if name.isidentifier() and name not in ("and", "or", "not", "in") else f"`{name}`"


def _check(node: ast.expr, text: str) -> None:
    """Let pass what a condition may hold."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check(part, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text)
    elif (
        not isinstance(node, ast.Compare)
        or len(node.ops) != 1
        or type(node.ops[0]) not in COMPARE
        or not isinstance(node.left, ast.Name)
    ):
        raise _unreadable(text)
    elif not isinstance(node.comparators[0], ast.Name):
        _check_value(node.comparators[0], isinstance(node.ops[0], ast.In | ast.NotIn), text)


def _check_value(node: ast.expr, listed: bool, text: str) -> None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise _unreadable(text) from None
    values = list(value) if isinstance(value, list | tuple) else [value]
    if isinstance(value, list | tuple) != listed or not all(type(one) in (int, float, str) for one in values):
        raise _unreadable(text)


def _is_numeric(wanted: object) -> bool:
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return all(isinstance(value, int | float) for value in values)


def _unreadable(text: str) -> InputError:
    return InputError(
        f"{text!r} is no condition; write e.g. marital == 1 and age >= 18, or party in ['red', 'blue']; names with "
        "other signs stand in `backquotes`"
    )
