"""ReMasker, the masked autoencoder over columns."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, POSITIVE, SHARE_WITHOUT_ENDS

if TYPE_CHECKING:
    from torch import Generator

    from imputers.generative.networks.likelihoods import Heads
    from imputers.shared.training import Curve

FEWEST_STEPS = 300  # for small tables: with fewer, nothing is learned yet


@IMPUTERS.register("remasker")
class ReMasker(DeepImputer):
    """Transformer over columns that masks observed cells and predicts them (ReMasker).

    Du, Melis & Wang (2024), ReMasker: imputing tabular data with masked autoencoding, ICLR: every column is a
    token, at each step some observed cells are masked again, an encoder works on the kept ones, a decoder on
    these and on mask tokens, and the loss is the mean over the masked cells plus that over the kept ones.

    Departures from the authors' code, which is for numbers alone and takes 600 epochs of eight blocks or more:
    inputs are embedded and cells predicted by kind, with the likelihoods of `networks.likelihoods`, so that a draw is
    a sample and not a mean; columns have learned places, as their order means nothing; one block
    each in encoder and decoder, two attention heads, a perceptron twice as wide as a token, and 20 epochs at a high
    rate that stop by validation cells, so that one core is enough. A quarter of the observed cells are masked again,
    for half of them in the paper, as chosen on validation cells of GSS 2022; the authors' code keeps half of all
    columns, holes counted as masked, which on a table with a third missing masks a quarter of the observed cells as
    well.

    A row's holes fall into ``n_groups`` random groups; each is drawn given what is observed and the groups drawn
    before, so that draws keep associations between holes; within a group holes are independent. The paper
    gives one value a hole. Expectations come from observed cells alone.

    Assumes cells missing at random and rows exchangeable. New rows are imputed by the fitted network, whose weights are
    held fixed.

    Parameters
    ----------
    n_hidden, n_heads : numbers that make a token, a multiple of the attention heads.
    n_encoder_layers, n_decoder_layers : blocks.
    mask_ratio : share of the observed cells that a step masks again.
    max_epochs, batch_size, learning_rate : passes over the rows at most (300 steps at least), rows in a mini-batch (a
        quarter of a small table), AdamW's rate.
    n_groups : groups that a row's holes are drawn in, one after the other.

    Attributes
    ----------
    network_ : the trained network.
    curves_ : its learning; a score is the mean log probability of a validation cell.
    """

    least_rows: ClassVar[int] = 100
    defaults: ClassVar[str] = "chosen on the GSS 2022 core table, sizes cut for one core"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_hidden": COUNT,
        "n_heads": COUNT,
        "n_encoder_layers": COUNT,
        "n_decoder_layers": COUNT,
        "mask_ratio": SHARE_WITHOUT_ENDS,
        "max_epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "n_groups": COUNT,
    }

    def __init__(
        self,
        n_hidden: int = 32,
        n_heads: int = 2,
        n_encoder_layers: int = 1,
        n_decoder_layers: int = 1,
        mask_ratio: float = 0.25,
        max_epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 0.007,
        n_groups: int = 3,
    ) -> None:
        self.n_hidden = n_hidden
        self.n_heads = n_heads
        self.n_encoder_layers = n_encoder_layers
        self.n_decoder_layers = n_decoder_layers
        self.mask_ratio = mask_ratio
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_groups = n_groups

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.encoding import Encoding
        from imputers.generative.networks.remasker import Network, Sizes
        from imputers.shared.randomness import seed_from, seeded
        from imputers.shared.training import Plan, train

        if self.n_hidden % self.n_heads:
            raise InputError(
                f"remasker: n_hidden is {self.n_hidden} and n_heads {self.n_heads}; wanted a multiple of n_heads"
            )
        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, shown, asked = self.encoding_.split(X, self.device_, rng)
        sizes = Sizes(self.n_hidden, self.n_heads, self.n_encoder_layers, self.n_decoder_layers)
        with seeded(seed_from(generator), torch.device("cpu")):
            network = Network(self.encoding_.likelihoods(X, self.device_), self.encoding_.owners, sizes)
        self.network_ = network.to(self.device_)
        batch_size = min(self.batch_size, max(len(X) // 4, 32))
        curve = train(
            "remasker",
            network,
            torch.optim.AdamW(network.parameters(), lr=self.learning_rate, fused=True),
            lambda index, noise: network.loss(batch.rows(index), self.mask_ratio, noise),
            lambda noise: float(asked.mean(network.log_prob(asked.values, shown.inputs, shown.observed > 0))),
            len(X),
            Plan(max(self.max_epochs * len(X) // batch_size, FEWEST_STEPS), batch_size),
            generator,
        )
        return [curve]

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        import torch

        from imputers.shared.noise import uniform

        heads = self._heads(X)  # one look at what is observed serves the first group of all draws
        filled, drawn = np.tile(X, (n_draws, 1, 1)), self._cells(heads, n_draws, generator)
        means = np.tile(self._means(heads), (n_draws, 1, 1, 1))  # of the distribution that a cell is drawn from
        turn = np.floor(uniform(filled.shape, generator, torch.device("cpu")).numpy() * self.n_groups)
        for now in range(1, self.n_groups):
            earlier = np.isnan(filled) & (turn < now)
            filled[earlier] = self.encoding_.codes(drawn)[earlier]
            heads = self._heads(filled.reshape(-1, X.shape[1]))
            again = self._cells(heads, 1, generator).reshape(drawn.shape)
            drawn = np.where(turn < now, drawn, again)
            means = np.where((turn < now)[..., None], means, self._means(heads).reshape(means.shape))
        found, numeric = means.mean(axis=0), self.schema_.where(Kind.NUMERIC)
        found[:, numeric, 0] = self.encoding_.codes(drawn)[..., numeric].mean(axis=0)  # within the column's limits
        return drawn, found

    def _means(self, heads: "Heads") -> Floats:
        """Expected numbers and level probabilities of all cells, (rows, p, K) as in `DeepImputer._sample`."""
        rows = len(heads[0][1])
        means = np.full((rows, len(self.schema_), self._widest()), np.nan)
        for likelihood, location, shape in heads:
            mean = likelihood.mean(location, shape).cpu().numpy()
            means[:, likelihood.columns.cpu().numpy(), : mean.shape[-1]] = mean
        return means

    def _heads(self, X: Floats) -> "Heads":
        """Every likelihood with location and shape of all cells, given what is observed in X."""
        batch = self.encoding_.batch(X, self.device_)
        return self.network_.heads(batch.inputs, batch.observed > 0)

    def _cells(self, heads: "Heads", n_draws: int, generator: "Generator") -> Floats:
        """Numbers and positions of levels (n_draws, rows, p), drawn independently of each other."""
        parts, columns = [], []
        for likelihood, location, shape in heads:
            many = location.expand(n_draws, *location.shape), shape.expand(n_draws, *shape.shape)
            parts.append(likelihood.sample(*many, generator).cpu().numpy())
            columns.append(likelihood.columns.cpu().numpy())
        return np.concatenate(parts, axis=-1)[..., np.argsort(np.concatenate(columns))]
