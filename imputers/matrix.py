"""Methods that know only numbers: encoded through the schema on the way in, snapped to valid codes on the way out."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers.base import Imputer


class MatrixImputer(Imputer):
    """Base of methods on numeric matrices: a subclass writes ``_fit_matrix`` and ``_draw_matrix``.

    Both receive the standardised design D (n, q) (see `Schema.design`), NaN where unknown; ``_draw_matrix``
    returns it completed. Means and scales come from the observed cells of the fitted rows.
    """

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        D = self.schema_.design(X)
        self.centre_ = np.nanmean(D, axis=0)
        scale = np.nanstd(D, axis=0)
        self.scale_ = np.where(scale > 0, scale, 1.0)  # a dummy of a level never observed does not vary
        self._fit_matrix(self._encode(X), rng)

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        D = self._draw_matrix(self._encode(X), rng)
        return self._decode(X, D)

    def _encode(self, X: Floats) -> Floats:
        return (self.schema_.design(X) - self.centre_) / self.scale_

    def _decode(self, X: Floats, D: Floats) -> Floats:
        """Valid codes for a completed standardised design; what was observed in X stays to the last bit."""
        return np.where(np.isnan(X), self.schema_.undesign(D * self.scale_ + self.centre_), X)

    def _references(self) -> dict[int, int]:
        """Column of the design of each nominal item's most frequent level, by item."""
        blocks = {int(j): self.schema_.blocks[j] for j in self.schema_.where(Kind.NOMINAL)}
        return {j: block.start + int(self.centre_[block].argmax()) for j, block in blocks.items()}

    def _widened(self, D: NDArray[np.floating], kept: NDArray[np.intp]) -> Floats:
        """Standardised full design (n, q) of completed columns (n, kept) of it.

        Dummies that are left out are at their mean, and then the most frequent level of each nominal item gets what
        the others leave of 1.
        """
        full = np.tile(self.centre_, (len(D), 1))
        full[:, kept] += D * self.scale_[kept]
        for j, reference in self._references().items():
            full[:, reference] += 1 - full[:, self.schema_.blocks[j]].sum(axis=1)
        return (full - self.centre_) / self.scale_

    def _fit_matrix(self, D: Floats, rng: np.random.Generator) -> None:
        raise TypeError(f"{type(self).__name__} must write _fit_matrix(D, rng)")

    def _draw_matrix(self, D: Floats, rng: np.random.Generator) -> Floats:
        raise TypeError(f"{type(self).__name__} must write _draw_matrix(D, rng)")
