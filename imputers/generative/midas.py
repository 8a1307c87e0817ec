"""MIDAS, multiple imputation with a denoising autoencoder."""

from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, POSITIVE, SHARE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.training import Curve

VALIDATION_MASKS = 8  # dropout masks that predict the validation cells


@IMPUTERS.register("midas")
class MIDAS(DeepImputer):
    """Denoising autoencoder, dropout kept on to draw from it (MIDAS).

    Lall & Robinson (2022), The MIDAS touch: accurate and scalable missing-data imputation with deep learning,
    Political Analysis 30(2), sections 2 and 3. What is missing enters as zero, more cells are set to zero at random,
    and an autoencoder predicts the row. Its loss is taken over observed cells only, by kind: root mean squared error
    of each standardised number, softmax cross-entropy of each nominal item. Training stops by over-imputation, that is
    by the loss of validation cells. Each draw has its own dropout mask of the hidden units, and expectations and
    probabilities are means over masks (Gal & Ghahramani 2016, ICML).

    The manual of MIDASpy calls ``input_drop = 0.8`` the probability of corruption, but its code keeps that share of
    the inputs: ``corrupt_prob = 0.2`` here is the share set to zero.

    Departures from the authors' code. An ordinal item has a cumulative logit: the network gives its place, and its
    thresholds are learned with the weights (there it is a number, or nominal). A draw is a cell sampled from the level
    probabilities or the Gaussian of a mask, where the code returns means; the Gaussian's spread is what masks leave
    unexplained of the validation cells. A cell is corrupted with all its inputs, as its dummies depend on each other,
    and in training only: holes are predicted from all that is observed. Inputs are standardised, so that zero is the
    mean (0 is the lowest number there). Batches are larger and Adam's rate higher, along a cosine.

    Assumes cells missing at random; new rows are imputed by the fitted network. The masks stand for the uncertainty of
    the weights, though draws are not shown to be proper. Copying what is observed shrinks what is learned of a hidden
    cell: of two items with correlation .8 a linear network would predict one with slope .27 on the other, with .48 at
    corrupt_prob 0.5.

    Parameters
    ----------
    hidden_layer_sizes : units of the encoder's layers; the decoder mirrors them.
    corrupt_prob : share of the observed cells set to zero in training.
    dropout : share of the hidden units set to zero, in training and in imputation.
    max_epochs, batch_size, learning_rate : passes over the rows at most, but 100 mini-batches; rows in each (a quarter
        of a small table); first rate of AdamW.
    n_samples : dropout masks behind expectations and probabilities.

    Attributes
    ----------
    network_ : the trained network.
    curves_ : its learning; a score is minus the loss of the validation cells.
    """

    defaults: ClassVar[str] = "authors' code's, but batches, rate and epochs ours"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "hidden_layer_sizes": ["array-like"],
        "corrupt_prob": SHARE,
        "dropout": SHARE,
        "max_epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "n_samples": COUNT,
    }

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (256, 256, 256),
        corrupt_prob: float = 0.2,
        dropout: float = 0.5,
        max_epochs: int = 25,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        n_samples: int = 30,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.corrupt_prob = corrupt_prob
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_samples = n_samples

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch
        from torch.nn.functional import elu

        from imputers.generative.networks.autoencoder import (
            Autoencoder,
            Course,
            Form,
            gaussian_numbers,
            learn,
            loss_by_kind,
        )
        from imputers.generative.networks.encoding import Encoding

        if not len(self.hidden_layer_sizes) or not all(
            isinstance(n, Integral) and n >= 1 for n in self.hidden_layer_sizes
        ):
            raise InputError(
                f"midas: hidden_layer_sizes is {self.hidden_layer_sizes}; give one layer at least, of 1 or more units"
            )
        form = Form(self.hidden_layer_sizes, elu, self.corrupt_prob, self.dropout)
        course = Course(loss_by_kind, VALIDATION_MASKS, self.max_epochs, self.batch_size)
        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, _, asked = self.encoding_.split(X, self.device_, rng)
        likelihoods = gaussian_numbers(self.encoding_).likelihoods(X, self.device_)
        self.network_ = Autoencoder(self.encoding_, likelihoods, form, generator).to(self.device_)
        optimiser = torch.optim.AdamW(
            self.network_.parameters(), lr=self.learning_rate, weight_decay=1 / len(X), fused=True
        )
        return [learn("midas", self.network_, optimiser, course, batch, asked, generator)]

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        from imputers.generative.networks.likelihoods import sampled

        inputs = self.encoding_.batch(X, self.device_).inputs
        heads = self.network_.heads(inputs.expand(max(self.n_samples, n_draws), *inputs.shape), generator)
        return sampled(heads, n_draws, self.schema_, generator)
