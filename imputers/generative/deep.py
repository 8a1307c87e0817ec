"""Base of the deep generative methods: a device, learning curves in the folder of the cell, rows sampled in blocks."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers.base import Imputer

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.training import Curve


class DeepImputer(Imputer):
    """Base of methods that train a network on codes and sample cells from it.

    A subclass writes ``_learn``, which sets ``encoding_`` and returns the learning curves, and ``_sample``. Training
    and sampling run on the GPU if there is one; random numbers are drawn on the processor, so that predictions differ
    between devices by rounding alone. Settings and learning curves are kept as ``folder_/curve.json``.

    Attributes
    ----------
    rows_at_once : rows whose samples are held in memory at a time.
    device_ : of torch.
    encoding_ : columns as the network reads them (`imputers.generative.networks.encoding.Encoding`).
    curves_ : of each network trained.
    """

    family: ClassVar[str] = "generative"
    rows_at_once: ClassVar[int] = 64

    @abstractmethod
    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        """Learn from codes X (n, p), NaN where a cell is a hole."""

    @abstractmethod
    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        """Sample the cells of some rows X (rows, p) from the model, given what is observed in them.

        Returns
        -------
        drawn : numbers and positions of levels (n_draws, rows, p).
        means : expected numbers at [..., 0], or level probabilities, NaN beyond; shape (rows, p, K), K the levels of
            the widest column. What is said of observed cells is not read.
        """

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        import torch

        from imputers.shared.training import write_curves

        self.device_ = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._range = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
        self.curves_ = self._learn(X, rng, torch.Generator().manual_seed(int(rng.integers(2**62))))
        if self.folder_:
            write_curves(self.folder_, self.get_params(), self.curves_)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        import torch

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        drawn = np.empty((n_draws, len(rows), X.shape[1]))
        means = np.empty((len(rows), X.shape[1], self._widest()), dtype=np.float32)
        for start in range(0, len(rows), self.rows_at_once):
            block = slice(start, start + self.rows_at_once)
            with torch.no_grad():
                drawn[:, block], means[block] = self._sample(X[rows[block]], n_draws, generator)
        asked = X[rows]
        probabilities = self._probabilities(asked, means)
        return Prediction(
            self.encoding_.codes(drawn)[:, np.isnan(asked)],
            self._expected(asked, means, probabilities),
            probabilities,
        )

    def _probabilities(self, X: Floats, means: NDArray[np.float32]) -> dict[int, Floats]:
        """Level probabilities of the holes of each labelled column, each row of them summing to one."""
        tables = {}
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            table = means[np.isnan(X[:, j]), j, : len(self.schema_.columns[j].levels)].astype(float)
            tables[int(j)] = table / table.sum(axis=1, keepdims=True)
        return tables

    def _expected(self, X: Floats, means: NDArray[np.float32], probabilities: Mapping[int, Floats]) -> Floats | None:
        """Expectation of each hole (holes,), NaN for nominal columns; None states nothing."""
        fills = np.full(X.shape, np.nan)
        for j, column in enumerate(self.schema_):
            hole = np.isnan(X[:, j])
            if column.kind is Kind.ORDINAL:
                fills[hole, j] = probabilities[j] @ column.levels
            elif column.kind is Kind.NUMERIC:
                # an expectation beyond all that was observed is a heavy tail running off
                fills[hole, j] = np.clip(means[hole, j, 0], self._range[0][j], self._range[1][j])
        return fills[np.isnan(X)]

    def _widest(self) -> int:
        return max(1, *(len(column.levels) for column in self.schema_))
