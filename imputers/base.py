"""The contract of an imputer, kept once: a new method writes ``_fit`` and ``_draw`` and inherits the rest."""

from collections.abc import Mapping
from typing import ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from datasets.answer import Answer, complete, point
from datasets.errors import InputError
from datasets.frame import infer_schema, to_codes, to_frame
from datasets.schema import Codes, Kind, Schema

Table = TypeVar("Table", pd.DataFrame, Codes)


class Imputer(TransformerMixin, BaseEstimator):
    """Base of every imputer: a scikit-learn estimator over tables of codes.

    A subclass stores its parameters in ``__init__`` and writes

    ``_fit(X, rng)``
        learn from codes X (n, p), NaN where a cell is a hole;
    ``_draw(X, rng)``
        return X completed once, with valid codes (``self.schema_.undesign`` and ``Column.snap`` help).

    and, where the method has them, ``_draws``, ``_expected`` and ``_probabilities``. X may hold rows that
    ``_fit`` did not see. Inside these methods ``self.schema_`` describes the columns of X and
    ``self.weights_`` are the survey weights of the fitted rows (n,), or None. Every column of X was
    seen in ``_fit`` with two different values at least: constant columns are filled here, with their
    constant, and never reach the method. All randomness comes from ``rng``; X is never written to.

    Attributes
    ----------
    deterministic : the method has no distribution to draw from, and its draws are equal rows.
    reads_text : the method makes use of text columns and fills them; any other refuses a table that has some.
    full_schema_ : schema of the table given to `fit`.
    schema_ : schema of its columns that vary.
    """

    deterministic: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False

    def fit(
        self,
        X: pd.DataFrame | Codes,
        y: None = None,
        *,
        schema: Schema | None = None,
        weights: NDArray[np.float64] | None = None,
        random_state: int = 0,
    ) -> Self:
        """Learn from a table with holes.

        Parameters
        ----------
        X : table (n, p); NaN (in a DataFrame also None and NA) is a hole.
        y : ignored, for scikit-learn.
        schema : meaning of the columns; needed for an array of codes, inferred from a DataFrame.
        weights : survey weights (n,).
        random_state : seed; the same seed gives the same answer.

        Raises
        ------
        InputError
            If an array comes without schema, a code is not on its scale, a column has fewer than two
            observed values, fewer than two columns vary, or the method does not read text and there is some.
        """
        if schema is None and not isinstance(X, pd.DataFrame):
            raise InputError(f"{type(self).__name__}.fit: an array of codes needs schema=…, or pass a DataFrame")
        self.full_schema_ = infer_schema(X) if schema is None else schema
        self._check_kinds()
        self.n_features_in_ = len(self.full_schema_)
        self.random_state_ = random_state
        self.weights_ = weights
        codes = self._codes(X)
        self._constants = _constants(codes, self.full_schema_)
        self._varying = np.flatnonzero(np.isnan(self._constants))
        if len(self._varying) < 2:
            raise InputError(
                f"{len(self._varying)} of {len(self.full_schema_)} columns vary; imputation learns from how "
                "columns vary together and needs two at least"
            )
        self.schema_ = self.full_schema_.take(self._varying)
        self._fit(codes[:, self._varying], np.random.default_rng((random_state, 0)))
        return self

    def answer(self, X: pd.DataFrame | Codes, n_draws: int = 5, *, random_state: int | None = None) -> Answer:
        """Say what the method knows about the holes of a table, fitted on or new.

        Parameters
        ----------
        X : table (n, p) with the columns of `fit`.
        n_draws : number of draws; a deterministic method returns equal rows.
        random_state : seed of the draws; by default that of `fit`.
        """
        codes = self._codes(X)
        rng = np.random.default_rng((self.random_state_ if random_state is None else random_state, 1))
        inner = codes[:, self._varying]
        if not np.isnan(inner).any():
            return self._widen(codes, np.empty((n_draws, 0)), None, {})
        draws = self._draws(inner, n_draws, rng)
        return self._widen(codes, draws, self._expected(inner), self._probabilities(inner))

    def transform(self, X: Table) -> Table:
        """Fill holes with the best single value: mode if nominal, median if ordinal, mean if numeric.

        A DataFrame comes back with index, columns and dtypes kept.
        """
        codes = self._codes(X)
        table = complete(codes, point(self.answer(X), codes, self.full_schema_))
        return to_frame(table, self.full_schema_, like=X) if isinstance(X, pd.DataFrame) else table

    def _fit(self, X: Codes, rng: np.random.Generator) -> None:
        raise TypeError(f"{type(self).__name__} must write _fit(X, rng)")

    def _draw(self, X: Codes, rng: np.random.Generator) -> Codes:
        raise TypeError(f"{type(self).__name__} must write _draw(X, rng)")

    def _draws(self, X: Codes, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Fills of n_draws draws, shape (n_draws, holes), holes in row-major order."""
        holes = np.isnan(X)
        if self.deterministic:
            return np.tile(self._draw(X, rng)[holes], (n_draws, 1))
        return np.stack([self._draw(X, rng)[holes] for _ in range(n_draws)])

    def _expected(self, X: Codes) -> NDArray[np.float64] | None:
        """Expected code of each hole (holes,), NaN for nominal and text columns; None if the draws' mean serves."""
        return None

    def _probabilities(self, X: Codes) -> Mapping[int, NDArray[np.float64]]:
        """Column position to level probabilities (holes of the column, K); columns may be left out."""
        return {}

    def _check_kinds(self) -> None:
        texts = [self.full_schema_.names[j] for j in self.full_schema_.where(Kind.TEXT)]
        if texts and not self.reads_text:
            raise InputError(
                f"{type(self).__name__} does not read text, and columns {texts} are text; make them nominal or leave "
                "them out (kind in the schema), or take a method that reads text, e.g. 'knn' or 'dlm'"
            )

    def _codes(self, X: pd.DataFrame | Codes) -> Codes:
        """Validate at the door: X as codes (n, p)."""
        codes = to_codes(X, self.full_schema_) if isinstance(X, pd.DataFrame) else np.asarray(X, dtype=float)
        self.full_schema_.check(codes)
        return codes

    def _widen(
        self,
        codes: Codes,
        draws: NDArray[np.float64],
        expected: NDArray[np.float64] | None,
        probabilities: Mapping[int, NDArray[np.float64]],
    ) -> Answer:
        """Put the constants of constant columns among the fills."""
        columns = np.nonzero(np.isnan(codes))[1]
        constant = self._constants[columns]  # NaN where the method filled
        inside = np.isnan(constant)
        fills = np.tile(constant, (len(draws), 1))
        fills[:, inside] = draws
        if expected is not None:
            expected, inner = constant.copy(), expected
            expected[inside] = inner
        return Answer(fills, expected, {int(self._varying[j]): table for j, table in probabilities.items()})


def _constants(codes: Codes, schema: Schema) -> NDArray[np.float64]:
    """Value of each constant column, NaN for columns that vary; shape (p,)."""
    observed = (~np.isnan(codes)).sum(axis=0)
    for column, count in zip(schema, observed, strict=True):
        if count < 2:
            raise InputError(
                f"column {column.name!r} has {count} observed values; an imputer needs two at least to learn "
                'from; leave the column out (kind = "ignore" in the schema)'
            )
    low, high = np.nanmin(codes, axis=0), np.nanmax(codes, axis=0)
    return np.where(low == high, low, np.nan)
