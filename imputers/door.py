"""The door of an imputer: tables of people's Python to codes on the way in, and completed on the way out."""

import warnings
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.utils.validation import check_array

from datasets.errors import InputError
from datasets.files.frame import infer_schema, known_codes, set_aside, to_frame
from datasets.schema import Floats, Schema

Unseen = Literal["error", "missing"]
Table = TypeVar("Table", pd.DataFrame, Floats)


@dataclass(frozen=True, eq=False)
class Door:
    """What the table of `fit` looked like.

    Parameters
    ----------
    schema : of the columns that are imputed.
    inferred : the schema was guessed from the table, so that its limits of numbers are those of the rows seen.
    n_columns : of the table.
    columns : their names; None if it was an array.
    dtypes : their types; None if it was an array.
    aside : columns that are no questions, by name, and why.
    """

    schema: Schema
    inferred: bool
    n_columns: int
    columns: pd.Index | None = None
    dtypes: tuple[object, ...] = ()
    aside: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, X: pd.DataFrame | Floats, schema: Schema | None) -> "Door":
        """Look at the table of `fit`; without schema, infer one and warn of columns that are set aside."""
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(as_numbers(X))
        aside = set_aside(frame) if schema is None else {}
        if aside:
            told = "; ".join(f"{name} ({why})" for name, why in aside.items())
            warnings.warn(f"columns are set aside and left as they are: {told}", UserWarning, stacklevel=3)
        known = infer_schema(frame) if schema is None else schema
        if not isinstance(X, pd.DataFrame):
            return cls(known, schema is None, frame.shape[1], aside=aside)
        return cls(known, schema is None, frame.shape[1], X.columns, tuple(X.dtypes), aside)

    def codes(self, X: pd.DataFrame | Floats, unseen: Unseen) -> Floats:
        """Validated codes (n, p) of a table, NaN where missing.

        Raises
        ------
        InputError
            If columns are absent, or an answer is not on its scale and ``unseen`` is "error".
        """
        if isinstance(X, pd.DataFrame):
            codes, unknown = known_codes(X, self.schema)
        else:
            codes, unknown = self._taken(as_numbers(X)), {}
        if unknown and unseen == "error":
            name, texts = next(iter(unknown.items()))
            raise InputError(
                f"column {name!r} holds {texts[:5]}, none of its answers "
                f"{list(self.schema[name].labels.values())[:20]}; correct the data, or fit with unseen='missing'"
            )
        if self.inferred:
            codes = codes.copy()
            for j, column in enumerate(self.schema):
                codes[:, j] = column.bounded(codes[:, j])  # a number beyond those seen counts as the nearest of them
        if unseen == "missing":
            codes = self._without_unseen(codes, unknown)
        self.schema.check(codes)
        return codes

    def _taken(self, numbers: Floats) -> Floats:
        """Columns of an array that are in the schema."""
        if not self.inferred:
            return numbers
        if numbers.shape[1] != self.n_columns:
            raise InputError(
                f"X has {numbers.shape[1]} features, but fit is expecting {self.n_columns} features as input"
            )
        return numbers[:, self._places()]

    def _places(self) -> list[int]:
        """Places of the columns of an inferred schema in an array."""
        return [int(name) for name in self.schema.names]

    def _without_unseen(self, codes: Floats, unknown: dict[str, list[str]]) -> Floats:
        """Codes (n, p) with those off their scale made NaN; a warning tells of these and of unknown texts."""
        codes = codes.copy()
        for j, column in enumerate(self.schema):
            wrong = ~np.isnan(codes[:, j]) & ~column.valid(codes[:, j])
            if wrong.any():
                unknown[column.name] = [f"{code:g}" for code in np.unique(codes[wrong, j])]
                codes[wrong, j] = np.nan
        if unknown:
            told = "; ".join(f"{name}: {texts[:5]}" for name, texts in unknown.items())
            warnings.warn(f"answers that no column's scale has count as missing: {told}", UserWarning, stacklevel=4)
        return codes

    def check_columns(self, X: pd.DataFrame | Floats) -> None:
        """Refuse a DataFrame that has not the columns of `fit` in their order, which `get_feature_names_out` gives.

        Raises
        ------
        InputError
            If it has others.
        """
        if self.columns is not None and isinstance(X, pd.DataFrame) and not self.columns.equals(X.columns):
            raise InputError(
                "The feature names should match those that were passed during fit, in the same order: "
                f"wanted {list(self.columns)}, found {list(X.columns)}"
            )

    def completed(self, X: Table, table: Floats) -> Table:
        """Put a completed table of codes (n, p) into the holes of a DataFrame, or into an array.

        A column of a DataFrame without any answer gets the type that it had in `fit`, if that holds words, to be filled
        with words.
        """
        if not isinstance(X, pd.DataFrame):
            if not self.inferred:
                return table
            whole = np.array(X, dtype=float)
            whole[:, self._places()] = table
            return whole
        typed = X.copy(deep=False)
        for k, dtype in enumerate(self.dtypes if self.columns is not None else ()):
            if not types.is_numeric_dtype(dtype) and X.iloc[:, k].isna().all():
                typed.isetitem(k, X.iloc[:, k].astype(dtype))
        return to_frame(table, self.schema, like=typed)


def as_numbers(X: Floats) -> Floats:
    """Validate an array: numbers (n, p), NaN where missing.

    Raises
    ------
    InputError
        If it is not two-dimensional, or holds what is no finite number.
    """
    try:
        return check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=0, input_name="X")
    except ValueError as error:
        raise InputError(str(error)) from None
