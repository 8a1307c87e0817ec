"""From codes to what a network reads, and which likelihood each column gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln
from torch import Tensor

from datasets.schema import Column, Floats, Kind, Schema
from imputers.generative.networks.likelihoods import Count, Likelihood, Nominal, Ordinal, Positive, Real
from imputers.shared.validation import validation_cells

SMALLEST_SCALE = 0.05  # a level that one row in 400 has would otherwise outweigh all others as input
VALIDATION_ROWS, VALIDATION_SHARE = 1024, 0.15  # rows with validation cells at most, and their share of these cells


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows as a network reads them.

    Parameters
    ----------
    inputs : standardised encoder inputs (rows, q), 0 where missing.
    values : numbers and positions of levels (rows, p), 0 where missing.
    observed : 1 where observed, else 0, shape (rows, p).
    """

    inputs: Tensor
    values: Tensor
    observed: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, index: Tensor | slice) -> "Batch":
        """Some of the rows."""
        return Batch(self.inputs[index], self.values[index], self.observed[index])

    def mean(self, cells: Tensor) -> Tensor:
        """Mean of what is given for each cell (rows, p) over the observed ones."""
        return (cells * self.observed).sum() / self.observed.sum().clamp(min=1.0)


@dataclass(frozen=True, eq=False)
class Encoding:
    """Table of codes to encoder inputs, and back from level positions to codes.

    Inputs are standardised: dummies of nominal items, "above level r" dummies of ordinal ones, numbers, and
    log(1 + x) of counts and positive numbers. A missing cell gives zeros, the inputs' mean.

    Parameters
    ----------
    schema : meaning of the columns.
    sorts : likelihood class of each column.
    centre, scale : of the inputs, over the observed cells, shape (q,).
    """

    schema: Schema
    sorts: tuple[type[Likelihood], ...]
    centre: Floats
    scale: Floats

    @classmethod
    def fit(cls, X: Floats, schema: Schema) -> Self:
        """Choose likelihoods and learn means and scales from codes X (n, p)."""
        sorts = tuple(sort_of(column, X[:, j]) for j, column in enumerate(schema))
        D = _inputs(X, schema, sorts)
        return cls(schema, sorts, np.nanmean(D, axis=0), np.maximum(np.nanstd(D, axis=0), SMALLEST_SCALE))

    def batch(self, X: Floats, device: torch.device) -> Batch:
        """Codes X (n, p) as the network reads them."""
        D = (_inputs(X, self.schema, self.sorts) - self.centre) / self.scale
        categorical = np.array([column.kind is not Kind.NUMERIC for column in self.schema])
        values = np.where(categorical, self.schema.positions(X), X)
        known = ~np.isnan(X)
        return Batch(
            _tensor(np.nan_to_num(D), device),
            _tensor(np.where(known, values, 0.0), device),
            _tensor(known.astype(float), device),
        )

    @property
    def owners(self) -> NDArray[np.intp]:
        """Column that each input belongs to, shape (q,)."""
        fewer = {Nominal: 0, Ordinal: 1}  # inputs than levels
        widths = [
            len(column.levels) - fewer[sort] if sort in fewer else 1
            for column, sort in zip(self.schema, self.sorts, strict=True)
        ]
        return np.repeat(np.arange(len(widths)), widths)

    def split(self, X: Floats, device: torch.device, rng: np.random.Generator) -> tuple[Batch, Batch, Batch]:
        """Set validation cells aside.

        Returns
        -------
        learned : all rows without the validation cells.
        shown : of these the rows that have validation cells, at most 1,024.
        asked : the same rows and inputs with the values of all cells, ``observed`` marking the validation cells alone.
        """
        rows, cells = validation_rows(X, rng)
        seen = X.copy()
        seen[rows] = np.where(cells, np.nan, X[rows])
        learned, values = self.batch(seen, device), self.batch(X[rows], device).values
        shown = learned.rows(torch.as_tensor(rows))
        return learned, shown, Batch(shown.inputs, values, _tensor(cells, device))

    def likelihoods(self, X: Floats, device: torch.device) -> list[Likelihood]:
        """One likelihood for each sort of column, started at the margins of X (n, p)."""
        found: list[Likelihood] = []
        for sort in dict.fromkeys(self.sorts):
            owned = [j for j, other in enumerate(self.sorts) if other is sort]
            columns, inner = torch.tensor(owned, device=device), X[:, owned]
            if issubclass(sort, Nominal | Ordinal):
                found.append(sort(columns, _tensor(_margins(inner, [self.schema.columns[j] for j in owned]), device)))
            elif issubclass(sort, Count):
                found.append(sort(columns, _tensor(np.nanmean(inner, axis=0), device)))
            elif issubclass(sort, Real):
                numbers = np.log1p(inner) if sort is Positive else inner
                moments = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
                found.append(sort(columns, _tensor(moments[0], device), _tensor(moments[1], device)))
        return found

    def codes(self, values: Floats) -> Floats:
        """Numbers and level positions (..., p) as valid codes."""
        found = np.empty_like(values)
        for j, column in enumerate(self.schema):
            x = values[..., j]
            found[..., j] = column.snap(x) if column.kind is Kind.NUMERIC else column.levels[x.astype(int)]
        return found


def sort_of(column: Column, x: Floats) -> type[Likelihood]:
    """Likelihood of a column with cells x (n,), NaN missing.

    Nominal and ordinal columns have their own. A numeric column gets, of those whose support is its range,
    the one under which its observed cells are likelier at the best fit of the margin: Gaussian always;
    log-normal if it cannot be negative and is not confined to whole numbers; Poisson if whole from 0 up.
    """
    if column.kind is not Kind.NUMERIC:
        return Nominal if column.kind is Kind.NOMINAL else Ordinal
    x = x[~np.isnan(x)]
    gaussian = -0.5 * np.log(2 * np.pi * np.e * np.var(x))
    if column.low is None or column.low < 0:
        return Real
    if column.decimals == 0:
        rate = x.mean()
        return Count if np.mean(x * np.log(rate) - rate - gammaln(x + 1)) > gaussian else Real
    logs = np.log1p(x)
    return Positive if -0.5 * np.log(2 * np.pi * np.e * np.var(logs)) - logs.mean() > gaussian else Real


def validation_rows(X: Floats, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Some rows of X (n, p), and which of their observed cells are validation cells; shapes (r,) and (r, p)."""
    rows = rng.permutation(len(X))[:VALIDATION_ROWS]
    return rows, validation_cells(X[rows], VALIDATION_SHARE, rng)


def _inputs(X: Floats, schema: Schema, sorts: Sequence[type[Likelihood]]) -> Floats:
    """Encoder inputs (n, q) before standardising, NaN where missing."""
    blocks = []
    for j, (column, sort) in enumerate(zip(schema, sorts, strict=True)):
        x = X[:, [j]]
        if sort is Nominal:
            block = (x == column.levels).astype(float)
        elif sort is Ordinal:
            block = (x > column.levels[:-1]).astype(float)
        else:
            block = x if sort is Real else np.log1p(x)
        blocks.append(np.where(np.isnan(x), np.nan, block))
    return np.concatenate(blocks, axis=1)


def _margins(X: Floats, columns: Sequence[Column]) -> Floats:
    """Share of each level (c, K), NaN beyond a column's last level."""
    shares = np.full((len(columns), max(len(column.levels) for column in columns)), np.nan)
    for j, column in enumerate(columns):
        known = X[~np.isnan(X[:, j]), j]
        shares[j, : len(column.levels)] = (known[:, None] == column.levels).mean(axis=0)
    return shares


def _tensor(array: Floats | NDArray[np.bool_], device: torch.device) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32, device=device)
