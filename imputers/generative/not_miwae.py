"""Not-MIWAE, the importance-weighted autoencoder that models why cells are missing."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.generative.miwae import MIWAE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.generative.networks.not_miwae import Holed, SelfMaskingNetwork
    from imputers.shared.training import Curve


@IMPUTERS.register("not-miwae")
class NotMIWAE(MIWAE):
    """Deep latent variable model that also models why cells are missing (not-MIWAE).

    Ipsen, Mattei & Frellsen (2021), not-MIWAE: deep generative modelling with missing not at random data, ICLR:
    MIWAE's model times p(s | x), here self-masking of unknown sign (section 3.2): each column with holes has a logistic
    curve in the item's own value, or in the level if nominal. Columns without holes have none.

    Departures from the authors' code: a missing cell is summed or integrated out inside the bound (all levels, all
    likely counts, Gauss and Hermite's quadrature for numbers) where they sample one value, so that the bound is
    tighter and levels need no relaxation; the first third of the steps is MIWAE's, since curves that learn from the
    start take a wrong sign as easily as the right one; slopes have a Gaussian prior with standard deviation 2.5.
    Network and training are those of ``miwae``, but numbers are Gaussian, as in the authors' script.

    Fills are what is likely given that the cell is missing, p(x | z, s); an expectation may so lie beyond all observed
    values, by the observed range at most. All rests on the curve's shape, which no data can check. Assumes rows
    exchangeable. A hole in a new row is taken to be missing for the same reasons. All parameters are held fixed, so
    that draws are not proper.

    Parameters
    ----------
    n_components, n_hidden, n_importance, max_examples, batch_size, learning_rate, weight_decay, n_samples :
        see ``miwae``.

    Attributes
    ----------
    network_ : the trained network; its ``curves`` have intercepts and slopes.
    curves_ : its learning, first without the curves and then with them; a score is the mean log predictive probability
        that a cell is missing, or is observed and has its value.
    """

    defaults: ClassVar[str] = "as miwae: chosen on the GSS 2022 core table"
    told: ClassVar[str] = (
        "missingness of each item depends on its own value through a logistic curve of unknown sign and slope"
    )

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        # what is missing may well lie beyond all that was observed, though not arbitrarily far
        low, high = self._range
        bounds = np.array([(column.low, column.high) for column in self.schema_], dtype=float).T
        self._range = np.fmax(2 * low - high, bounds[0]), np.fmin(2 * high - low, bounds[1])
        return super()._learn(X, rng, generator)

    def _validation_rows(self, X: Floats, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        # that a cell is missing is something to predict, too
        from imputers.generative.networks.encoding import VALIDATION_SHARE

        rows, cells = super()._validation_rows(X, rng)
        return rows, cells | (np.isnan(X[rows]) & (rng.random(cells.shape) < VALIDATION_SHARE))

    def _batch(self, X: Floats, hidden: NDArray[np.bool_]) -> "Holed":
        import torch

        from imputers.generative.networks.not_miwae import Holed

        batch = super()._batch(X, hidden)
        missing = torch.as_tensor(np.isnan(X) & ~hidden, dtype=torch.float32, device=self.device_)
        return Holed(batch.inputs, batch.values, batch.observed, missing)

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        drawn, means = super()._sample(X, n_draws, generator)
        numeric = self.schema_.where(Kind.NUMERIC)
        means[:, numeric, 0] = self.encoding_.codes(drawn)[..., numeric].mean(axis=0)  # within the column's limits
        return drawn, means

    def _network(self, X: Floats, n_inputs: int, generator: "Generator") -> "SelfMaskingNetwork":
        import torch

        from imputers.generative.networks.miwae import Sizes, by_width
        from imputers.generative.networks.not_miwae import SelfMaskingNetwork

        likelihoods = by_width(self.encoding_.likelihoods(X, self.device_))
        missing = torch.as_tensor(np.isnan(X).mean(axis=0), dtype=torch.float32, device=self.device_)
        sizes = Sizes(self.n_components, self.n_hidden)
        return SelfMaskingNetwork(likelihoods, n_inputs, sizes, generator, missing, len(X))
