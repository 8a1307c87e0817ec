"""Low-rank factors of a table with holes, by alternating ridge regressions on the cells that are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]
ROWS = 500  # solved at a time, to bound memory


@dataclass(frozen=True, eq=False)
class Factors:
    """A table as ``c_j + u_i · v_j``.

    Parameters
    ----------
    columns : v, shape (q, k).
    intercepts : c, shape (q,).
    ridge : λ on the entries of u and v.
    """

    columns: Float32s
    intercepts: Float32s
    ridge: float

    def rows(self, D: NDArray[np.floating]) -> Float32s:
        """Factors u of the rows of a table (n, q), NaN where unknown: shape (n, k); 0 where nothing is known."""
        known = ~np.isnan(D)
        return solve(self.columns, np.where(known, D - self.intercepts, 0), known, self.ridge)

    def completed(self, D: NDArray[np.floating]) -> Float32s:
        """What the factors make of every cell of a table (n, q), known ones included."""
        return self.rows(D) @ self.columns.T + self.intercepts

    def iterated(self, D: NDArray[np.floating], n_iter: int) -> "Factors":
        """Factors after further iterations: rows given columns, columns given rows, intercepts given both."""
        columns, intercepts = self.columns, self.intercepts
        known = ~np.isnan(D)
        values = np.where(known, D, 0).astype(np.float32)
        for _ in range(n_iter):
            U = solve(columns, np.where(known, values - intercepts, 0), known, self.ridge)
            columns = solve(U, np.where(known, values - intercepts, 0).T, known.T, self.ridge)
            left = np.where(known, values - U @ columns.T, 0).sum(axis=0)
            intercepts = (left / np.maximum(known.sum(axis=0), 1)).astype(np.float32)
        return Factors(columns, intercepts, self.ridge)


def starting_factors(q: int, n_components: int, ridge: float, rng: np.random.Generator) -> Factors:
    """Random factors of q columns, from which iterations start."""
    columns = rng.standard_normal((q, n_components), dtype=np.float32)
    return Factors(columns, np.zeros(q, dtype=np.float32), ridge)


def solve(
    F: NDArray[np.floating], values: NDArray[np.floating], known: NDArray[np.bool_], ridge: float
) -> NDArray[np.float32]:
    """Regress each row of values (n, q), 0 where unknown, on the factors F (q, k) of its known cells: (n, k).

    Row i solves ``(Σ_j f_j f_jᵀ + λ I) b = Σ_j y_ij f_j`` over its known cells j (Hu, Koren and Volinsky 2008,
    equation 4, with confidence 1 for known and 0 for unknown cells).
    """
    q, k = F.shape
    F = F.astype(np.float32)
    outer = (F[:, :, None] * F[:, None, :]).reshape(q, k * k)
    found = np.empty((len(values), k), dtype=np.float32)
    for start in range(0, len(values), ROWS):
        part = slice(start, start + ROWS)
        gram = (known[part].astype(np.float32) @ outer).reshape(-1, k, k)
        gram += np.float32(ridge) * np.eye(k, dtype=np.float32)
        found[part] = np.linalg.solve(gram, (values[part].astype(np.float32) @ F)[..., None])[..., 0]
    return found
