"""Distances between answers of any kind, and around each row a linear model of every distance given the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind, Schema
from imputers.shared.strings import edit_distances

Float32s = NDArray[np.float32]
Rows = NDArray[np.intp]

BLOCK = 64  # rows at a time: distances of a block to all donors stay in the processor's cache


class Distances:
    """Distances from 0 to 1 between two answers to one question, by its kind.

    Difference over range for numeric and ordinal columns, mismatch for nominal ones, edit distance for text
    (see `edit_distances`), of which all pairs of a column's strings are kept: 4 K² bytes.

    Parameters
    ----------
    schema : the columns.
    X : codes (n, p) whose ranges count; NaN where missing.
    """

    def __init__(self, schema: Schema, X: Floats) -> None:
        self._schema = schema
        self._low = np.nanmin(X, axis=0)
        self._span = np.nanmax(X, axis=0) - self._low
        texts = {int(j): list(schema.columns[j].labels.values()) for j in schema.where(Kind.TEXT)}
        self._edits = {j: edit_distances(strings, strings) for j, strings in texts.items()}

    def scaled(self, X: Floats) -> Float32s:
        """Answers (n, p) in the form that `between` takes: numbers over their range, the place of a string."""
        Z = ((X - self._low) / self._span).astype(np.float32)
        for j in self._schema.where(Kind.NOMINAL):
            Z[:, j] = X[:, j]
        for j in self._edits:
            Z[:, j] = np.where(np.isnan(X[:, j]), np.nan, np.searchsorted(self._schema.columns[j].levels, X[:, j]))
        return Z

    def between(self, j: int, first: Float32s, second: Float32s) -> Float32s:
        """Distances of scaled answers to question j, in the shape they broadcast to; NaN where one is missing."""
        if self._schema.columns[j].kind in (Kind.NUMERIC, Kind.ORDINAL):
            return np.abs(first - second)
        unknown = np.isnan(first) | np.isnan(second)
        if self._schema.columns[j].kind is Kind.NOMINAL:
            return np.where(unknown, np.float32(np.nan), (first != second).astype(np.float32))
        places = (np.nan_to_num(answers).astype(np.intp) for answers in (first, second))
        return np.where(unknown, np.float32(np.nan), self._edits[j][*places])

    def vectors(self, Z: Float32s, others: Float32s) -> Float32s:
        """Distances (b, r, p) of each of b rows to its own r others, which have shape (b, r, p)."""
        found = np.empty(others.shape, dtype=np.float32)
        for j in range(Z.shape[1]):
            found[:, :, j] = self.between(j, Z[:, None, j], others[:, :, j])
        return found

    def blocks(self, Z: Float32s, donors: Float32s) -> Iterator[tuple[slice, Float32s]]:
        """Distances (block, donors) of whole rows, a block at a time.

        The root of the mean square over the questions that both answered; 1 where there are none.
        """
        for start in range(0, len(Z), BLOCK):
            rows = slice(start, min(start + BLOCK, len(Z)))
            total = np.zeros((rows.stop - start, len(donors)), dtype=np.float32)
            shared = np.zeros_like(total)
            for j in range(Z.shape[1]):
                apart = self.between(j, Z[rows, None, j], donors[None, :, j])
                known = ~np.isnan(apart)
                np.add(total, apart * apart, out=total, where=known)
                shared += known
            yield rows, np.sqrt(np.divide(total, shared, out=np.ones_like(total), where=shared > 0))


@dataclass(frozen=True, eq=False)
class LocalModels:
    """For each of n rows, regressions of its distance in one column on its distances in the others.

    Parameters
    ----------
    centre : mean distance to the row's neighbours, shape (n, p).
    residual : matrix (n, p, p) that turns centred distances into the residuals of their p regressions: one on its
        diagonal, minus the slopes off it.
    variance : mean squared residual, shape (n, p).
    """

    centre: Float32s
    residual: Float32s
    variance: Float32s


def fit_models(distances: Distances, Z: Float32s, n_neighbors: int, ridge: float) -> LocalModels:
    """Learn the model of each row (n, p) from its nearest neighbours.

    A row's p ridge regressions all come from one inverse Ω of its p × p matrix of squares and products: the slopes
    of column j are -Ω_jk / Ω_jj (Lauritzen 1996, Graphical Models, section 5.1). A distance that is unknown,
    because one of the two did not answer, takes its mean there; a slope is then divided by the share of
    neighbours whose outcome is known, as the regression is to predict distances that are known.

    Parameters
    ----------
    ridge : added to the squares, in units of squared distance, and to the variances.
    """
    n, p = Z.shape
    models = LocalModels(*(np.empty(shape, dtype=np.float32) for shape in [(n, p), (n, p, p), (n, p)]))
    for rows, far in distances.blocks(Z, Z):
        far[np.arange(len(far)), np.arange(rows.start, rows.stop)] = np.inf  # a row is not its own neighbour
        near = np.argpartition(far, n_neighbors - 1, axis=1)[:, :n_neighbors]
        apart = distances.vectors(Z[rows], Z[near])  # (b, L, p)
        known = ~np.isnan(apart)
        count = np.maximum(known.sum(axis=1), 1)  # (b, p)
        centre = np.where(known, apart, 0).sum(axis=1) / count
        centred = np.where(known, apart - centre[:, None], 0)
        squares = centred.transpose(0, 2, 1) @ centred / n_neighbors
        inverse = np.linalg.inv(squares + ridge * np.eye(p))
        slopes = inverse / np.diagonal(inverse, axis1=1, axis2=2)[:, :, None] * (n_neighbors / count)[:, :, None]
        slopes[:, np.arange(p), np.arange(p)] = 1
        left = np.where(known, centred @ slopes.transpose(0, 2, 1).astype(np.float32), 0)
        models.centre[rows], models.residual[rows] = centre, slopes
        models.variance[rows] = (left**2).sum(axis=1) / count + ridge
    return models


def log_likelihoods(models: LocalModels, near: Rows, apart: Float32s, own: Float32s, j: int) -> Float32s:
    """Log-likelihood of a row's distances to each reference row, for each candidate in column j: (h, r, c).

    Parameters
    ----------
    near : reference rows (h, r).
    apart : distances to them (h, r, p), NaN where they are unknown, as in column j.
    own : what the distance in column j would be with each candidate, shape (h, r, c).
    """
    known = ~np.isnan(apart)
    centred = np.where(known, apart - models.centre[near], 0)
    known[:, :, j] = True
    weights = known / models.variance[near]
    residual = models.residual[near]  # (h, r, p, p)
    left = (residual @ centred[..., None])[..., 0]  # residuals, had the candidate the mean distance
    slope = residual[..., j]  # what they gain per unit of its distance
    log_weights = np.where(known, np.log(weights, out=np.zeros_like(weights), where=known), 0).sum(axis=2)
    flat = ((weights * left**2).sum(axis=2) - log_weights)[..., None]
    tilt, bend = ((weights * left * slope).sum(axis=2))[..., None], ((weights * slope**2).sum(axis=2))[..., None]
    step = own - models.centre[near, j][..., None]
    return -(flat + 2 * tilt * step + bend * step**2) / 2
