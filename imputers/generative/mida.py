"""MIDA, multiple imputation with several overcomplete denoising autoencoders."""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from datasets.schema import Floats, Kind, Schema
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, NUMBER_OR_ZERO, POSITIVE, SHARE, SHARE_WITHOUT_ENDS

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.training import Curve


@IMPUTERS.register("mida")
class MIDA(DeepImputer):
    """Overcomplete denoising autoencoders, each draw from the next one (MIDA).

    Gondara & Wang (2018), MIDA: multiple imputation using denoising autoencoders, PAKDD, section 3. Holes start at the
    mean or the mode, half of the cells are set to that start at random, and layers wider than the q inputs predict
    the row: q + 7, q + 14, q + 21 tanh units, mirrored, under a squared error. Several models from first weights of
    their own give several imputations.

    The paper trains on complete rows, which a survey hardly has: here all rows are learned from, and the loss counts
    observed cells only. Outputs become probabilities by a softmax (nominal) or a cumulative logit with learned
    thresholds (ordinal), so that the squared error of dummies is the Brier score, that of cumulative dummies the
    ranked probability score; each column's error is a share of its margin's. Other departures: draw d comes from model
    d, in turn, and is a cell sampled from its level probabilities or its Gaussian, where the paper takes means; the
    Gaussian's spread is what the models' differences leave unexplained of the validation cells, by which training
    stops. Only training corrupts, and a cell goes with all its inputs, since its dummies depend on each other. The
    models learn side by side from the same mini-batches, corrupted for each anew. There are fewer epochs than the
    paper's 500, and Nesterov's descent follows a cosine.

    Assumes cells missing at random; new rows are imputed by the fitted models. Expectations and probabilities are means
    over models. Models differ by first weights and corruption, not by rows, so that draws are not proper.

    Parameters
    ----------
    n_estimators : autoencoders.
    n_wider : units that a layer of the encoder has more than the one before.
    corrupt_prob : share of the observed cells set to their start in training.
    max_epochs, batch_size, learning_rate, momentum : passes over the rows at most, but 100 mini-batches; rows in each
        (a quarter of a small table); first rate and momentum of Nesterov's gradient descent.

    Attributes
    ----------
    network_ : the trained models, side by side.
    curves_ : their learning; a score is minus the squared error of the validation cells, predicted by all models.
    """

    defaults: ClassVar[str] = "as published but 20 epochs for 500, and the rate"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_estimators": COUNT,
        "n_wider": NUMBER_OR_ZERO,
        "corrupt_prob": SHARE,
        "max_epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "momentum": SHARE_WITHOUT_ENDS,
    }

    def __init__(
        self,
        n_estimators: int = 5,
        n_wider: int = 7,
        corrupt_prob: float = 0.5,
        max_epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 0.05,
        momentum: float = 0.99,
    ) -> None:
        self.n_estimators = n_estimators
        self.n_wider = n_wider
        self.corrupt_prob = corrupt_prob
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.momentum = momentum

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.autoencoder import (
            Autoencoder,
            Course,
            Form,
            gaussian_numbers,
            learn,
            squared_loss,
        )
        from imputers.generative.networks.encoding import Encoding

        encoding = Encoding.fit(X, self.schema_)
        start = encoding.batch(start_of(X, self.schema_), torch.device("cpu")).inputs[0].double().numpy()
        # what is missing enters as zero, which is thereby the mean or mode
        self.encoding_ = replace(encoding, centre=encoding.centre + encoding.scale * start)
        batch, _, asked = self.encoding_.split(X, self.device_, rng)
        likelihoods = gaussian_numbers(encoding).likelihoods(X, self.device_)
        widths = [len(start) + i * self.n_wider for i in (1, 2, 3)]
        form = Form(widths, torch.tanh, self.corrupt_prob, 0.0, self.n_estimators)
        course = Course(squared_loss, self.n_estimators, self.max_epochs, self.batch_size)
        self.network_ = Autoencoder(self.encoding_, likelihoods, form, generator).to(self.device_)
        optimiser = torch.optim.SGD(
            self.network_.parameters(), lr=self.learning_rate, momentum=self.momentum, nesterov=True, fused=True
        )
        return [learn("mida", self.network_, optimiser, course, batch, asked, generator)]

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        from imputers.generative.networks.likelihoods import sampled

        inputs = self.encoding_.batch(X, self.device_).inputs
        heads = self.network_.heads(inputs.expand(self.n_estimators, *inputs.shape), generator)
        return sampled(heads, n_draws, self.schema_, generator)


def start_of(X: Floats, schema: Schema) -> Floats:
    """Mean of each number and mode of each other column of codes X (n, p), as one row (1, p)."""
    start = np.nanmean(X, axis=0)
    for j in schema.where(Kind.NOMINAL, Kind.ORDINAL):
        codes, counts = np.unique(X[~np.isnan(X[:, j]), j], return_counts=True)
        start[j] = codes[counts.argmax()]
    return start[None]
