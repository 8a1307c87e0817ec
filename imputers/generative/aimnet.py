"""AimNet, attention between attributes."""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, POSITIVE, SHARE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.generative.networks.aimnet import Network
    from imputers.shared.training import Curve

FEWEST_STEPS = 120  # for small tables
FEW_STEPS = 200  # that are looked at every tenth: a small network knows few rows by heart before the hundredth


@IMPUTERS.register("aimnet")
class AimNet(DeepImputer):
    """Attention between attributes: each cell predicted from the others of its row (AimNet).

    Wu, Zhang, Ilyas & Rekatsinas (2020), Attention-based learning for missing data imputation in HoloClean, MLSys.
    A class is a vector, a number goes through Linear-ReLU-Linear; all have length one. A target's learned query meets
    learned keys of the attributes, not of their values; the softmax of these products over the attributes that are
    observed, without the target, weights their vectors. Their sum, the context, gives a class by
    dot products with the candidates' own vectors, and a number by Linear-ReLU-Linear. Every observed attribute of a
    row is predicted from the others, all at once: the attention mask comes before the softmax, so weights sum to one.

    Departures from the authors' code: dropout hides attributes of a row from the softmax as if they were missing,
    where theirs sets weights to zero afterwards; a number has the likelihood that `sort_of` of the encoding gives it,
    its spread decoded beside its mean, in place of squared error, so that it can be drawn; training stops early by
    validation cells. Adam's rate along a cosine is that of their code; size, dropout and epochs are the paper's, kept
    on the validation cells of GSS 2022. An ordinal item is a class.

    Assumes cells missing at random and rows exchangeable. New rows are imputed by the fitted network, a row without
    observed cells from the margins. Draws of a row's cells are independent given what is observed, and the network's
    weights are held fixed.

    Parameters
    ----------
    n_hidden : length of the vectors.
    dropout : share of a row's observed attributes hidden in each step.
    max_epochs, batch_size, learning_rate : passes over the rows at most, rows in a mini-batch (an eighth of a small
        table), Adam's rate.

    Attributes
    ----------
    attention_ : weight of each attribute (second axis) for each target (first) where all are observed, shape (p, p);
        rows sum to one, the diagonal is zero.
    network_ : the trained network.
    curves_ : its learning; a score is the mean log probability of a validation cell.
    """

    defaults: ClassVar[str] = "as published, kept on cells of the GSS 2022 core table"
    rows_at_once: ClassVar[int] = 128
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_hidden": COUNT,
        "dropout": SHARE,
        "max_epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
    }

    def __init__(
        self,
        n_hidden: int = 64,
        dropout: float = 0.25,
        max_epochs: int = 20,
        batch_size: int = 256,
        learning_rate: float = 0.05,
    ) -> None:
        self.n_hidden = n_hidden
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.encoding import Encoding
        from imputers.shared.training import Plan, train

        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, shown, asked = self.encoding_.split(X, self.device_, rng)
        network = self.network_ = self._network(X, generator)
        batch_size = min(self.batch_size, max(len(X) // 8, 32))
        n_steps = max(self.max_epochs * len(X) // batch_size, FEWEST_STEPS)
        curve = train(
            "aimnet",
            network,
            torch.optim.Adam(network.parameters(), lr=self.learning_rate, fused=True),
            lambda index, noise: network.loss(batch.rows(index), noise),
            lambda noise: float(asked.mean(network.log_prob(asked.values, shown.observed))),
            len(X),
            Plan(n_steps, batch_size, n_check=10 if n_steps < FEW_STEPS else Plan.n_check),
            generator,
        )
        self.attention_ = network.attention()
        return [curve]

    def _network(self, X: Floats, generator: "Generator") -> "Network":
        """The network before training; ordered items are classes."""
        import torch

        from imputers.generative.networks.aimnet import Network
        from imputers.generative.networks.likelihoods import Nominal, Ordinal

        sorts = tuple(Nominal if sort is Ordinal else sort for sort in self.encoding_.sorts)
        likelihoods = replace(self.encoding_, sorts=sorts).likelihoods(X, self.device_)
        centre, scale = (
            torch.as_tensor(each, dtype=torch.float32) for each in (np.nanmean(X, axis=0), np.nanstd(X, axis=0))
        )
        return Network(likelihoods, centre, scale, self.n_hidden, self.dropout, generator).to(self.device_)

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        from imputers.generative.networks.likelihoods import sampled

        batch = self.encoding_.batch(X, self.device_)
        heads = self.network_.heads(batch.values, batch.observed)
        one_view = [(likelihood, location[None], shape[None]) for likelihood, location, shape in heads]
        return sampled(one_view, n_draws, self.schema_, generator)
