"""A population of latent classes whose survey weights, too, depend on the class."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.populations import Sample
from datasets.populations.latent_class import (
    LatentClasses,
    Levels,
    Numbers,
    conditional_levels,
    draw_levels,
    draw_rows,
    posterior,
)
from datasets.prediction import Prediction
from datasets.schema import LABELLED, UNORDERED, Floats, Schema


@dataclass(frozen=True, eq=False)
class LatentClassPopulation:
    """Answers and the logarithm of the survey weight are independent given the class, and the latter is normal.

    The distribution of a row's holes given its observed cells x and its weight w is a mixture over classes k, whose
    shares are in proportion to s_k · p(x | k) · p(w | k) by Bayes' rule; within a class holes are independent.

    Parameters
    ----------
    schema : meaning of the p items.
    answers : latent classes of the answers.
    weight_mean, weight_sd : of the logarithm of the survey weight in each class, shape (K,); None if weights tell
        nothing about the class.
    """

    schema: Schema
    answers: LatentClasses
    weight_mean: Floats | None = None
    weight_sd: Floats | None = None

    def take(self, names: Sequence[str]) -> "LatentClassPopulation":
        """Law of some of its items: the others drop out of the product."""
        at = [self.schema.index(name) for name in names]
        levels = self.answers.levels
        part = Levels(tuple(levels.values[j] for j in at), tuple(levels.ordered[j] for j in at))
        profiles = np.hstack([self.answers.profiles[:, levels.blocks[j]] for j in at])
        answers = LatentClasses(part, self.answers.shares, profiles)
        return replace(self, schema=self.schema.take(at), answers=answers)

    def predict(self, X: Floats, weights: Floats | None, n_draws: int, rng: np.random.Generator) -> Prediction:
        """Exact conditional of the holes of X (n, p) given observed cells and weights; see `Population.predict`."""
        holes, shares = np.isnan(X), self.classes(X, weights)
        levels = conditional_levels(self.answers, X, shares)
        draws = [draw_levels(self.answers, draw_rows(shares, rng), rng, holes)[holes] for _ in range(n_draws)]
        expected = np.full(X.shape, np.nan)
        for j, found in levels.items():
            if self.schema.columns[j].kind not in UNORDERED:
                expected[holes[:, j], j] = found @ self.answers.levels.values[j]
        labelled = {j: found for j, found in levels.items() if self.schema.columns[j].kind in LABELLED}
        return Prediction(np.stack(draws), expected[holes], labelled)

    def classes(self, X: Floats, weights: Floats | None) -> Numbers:
        """Probability of each class (n, K) given the observed cells of X (n, p) and the weights (n,), if known."""
        evidence = np.zeros((len(X), 1))
        if weights is not None and self.weight_mean is not None and self.weight_sd is not None:
            z = (np.log(weights)[:, None] - self.weight_mean) / self.weight_sd
            evidence = -(z**2) / 2 - np.log(self.weight_sd)
        return posterior(self.answers, X, evidence)

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """Draw n rows, each with a chance in proportion to the law itself, and so without weights."""
        classes = draw_rows(np.broadcast_to(self.answers.shares, (n, len(self.answers.shares))), rng)
        return Sample(draw_levels(self.answers, classes, rng, np.ones((n, len(self.schema)), dtype=bool)))

    def support(self, names: Sequence[str]) -> tuple[Floats, Floats]:
        """Every combination of levels of the items, with its exact probability."""
        part = self.take(names).answers
        values = np.stack(np.meshgrid(*part.levels.values, indexing="ij"), axis=-1).reshape(-1, len(names))
        joint = part.shares[:, None]
        for block in part.levels.blocks:
            joint = (joint[:, :, None] * part.profiles[:, None, block]).reshape(len(part.shares), -1)
        chance = joint.sum(axis=0)
        return values[chance > 0], chance[chance > 0]
