"""The twin of the General Social Survey 2022 as a clustered sample: strata, primary sampling units, and weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from datasets.errors import InputError
from datasets.populations import POPULATIONS, Sample
from datasets.populations.latent_class import draw_levels, draw_rows
from datasets.populations.mixture import LatentClassPopulation
from datasets.populations.twin import law as twin_law
from datasets.prediction import Prediction
from datasets.schema import Floats, Schema

NAME = "gss2022-twin-clustered"
STRATA, UNITS = 50, 2  # primary sampling units in each stratum
CONCENTRATION = 15.0  # of the class shares of units about those of their stratum: an intraclass correlation of 1/16
TILT = 0.6  # largest relative excess of a class in a stratum
SEED = 2022  # of the strata, which are fixed


@dataclass(frozen=True, eq=False)
class ClusteredPopulation:
    """Strata differ in their class shares, and so do the units within them; weights depend on the class.

    Shares of a unit of stratum h are Dirichlet with mean s_h, whose mean over strata is s, that of the `law`; given its
    class, a respondent's answers and weight are as there, independent of all else. Every stratum has as many
    units, and every unit as many respondents, so that a respondent taken at random has the `law`, and what weighted
    estimators estimate is the law with class shares in proportion to s_k E(w | k).

    Parameters
    ----------
    law : of the answers and weight of one respondent.
    strata : class shares of each stratum, shape (H, K).
    """

    law: LatentClassPopulation
    strata: Floats

    @property
    def schema(self) -> Schema:
        """Meaning of its p items."""
        return self.law.schema

    def take(self, names: Sequence[str]) -> "ClusteredPopulation":
        """Law of some of its items."""
        return replace(self, law=self.law.take(names))

    def predict(self, X: Floats, weights: Floats | None, n_draws: int, rng: np.random.Generator) -> Prediction:
        """Conditional of the holes given the row and its weight; the other rows of its unit are not used."""
        return self.law.predict(X, weights, n_draws, rng)

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """Draw n respondents, as many in each unit.

        Raises
        ------
        InputError
            If n is no multiple of the number of units.
        """
        units = STRATA * UNITS
        if n % units:
            raise InputError(f"a sample of {NAME!r} has as many rows in each of {units} units; {n} is no multiple")
        stratum = np.repeat(np.arange(STRATA), UNITS)
        shares = rng.gamma(CONCENTRATION * self.strata[stratum])  # (C, K)
        unit = np.repeat(np.arange(units), n // units)
        classes = draw_rows(shares[unit], rng)
        answers = draw_levels(self.law.answers, classes, rng, np.ones((n, len(self.schema)), dtype=bool))
        mean, sd = _weight_law(self.law)
        weights = np.exp(mean[classes] + sd[classes] * rng.standard_normal(n))
        return Sample(answers, weights, stratum[unit].astype(float), unit.astype(float))

    def support(self, names: Sequence[str]) -> tuple[Floats, Floats]:
        """Every combination of levels of the items with its probability in what weighted estimators estimate."""
        mean, sd = _weight_law(self.law)
        shares = self.law.answers.shares * np.exp(mean + sd**2 / 2)  # the expectation of a log-normal weight
        answers = replace(self.law.answers, shares=shares / shares.sum())
        return replace(self.law, answers=answers).support(names)


@POPULATIONS.register("gss2022-twin-clustered")
@cache
def law() -> ClusteredPopulation:
    """The twin's latent classes in 50 strata of two primary sampling units, with weights that depend on the class.

    Strata come in pairs that differ from the whole in opposite directions, so that their mean is the whole.
    """
    whole = twin_law()
    shares = whole.answers.shares
    lean = np.random.default_rng(SEED).uniform(-1, 1, (STRATA // 2, len(shares)))
    lean -= (lean @ shares)[:, None]
    lean *= TILT / np.abs(lean).max()
    return ClusteredPopulation(whole, shares * np.vstack([1 + lean, 1 - lean]))


def _weight_law(law: LatentClassPopulation) -> tuple[Floats, Floats]:
    """Mean and standard deviation (K,) of the logarithm of the weight in each class."""
    if law.weight_mean is None or law.weight_sd is None:
        raise InputError(f"the law of {NAME!r} needs weights that depend on the class; it states none")
    return law.weight_mean, law.weight_sd
