"""Fit the twin to the General Social Survey 2022: ``python -m scripts.build_twin [GSS2022.dta or 2022_stata.zip]``.

The number of classes is the one with the highest held-out likelihood; the whole curve is written out. What is stored
are parameters of a model, never a row of the survey: every class stands for at least ``SMALLEST`` respondents, and
every profile is mixed with ``PSEUDO`` imaginary respondents who answer as the whole table does.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.populations.latent_class import LatentClasses, Levels, Numbers, classify, levels_of
from datasets.populations.twin import FILE, TwinPopulation, write
from datasets.schema import Floats
from datasets.surveys.gss import load
from datasets.table import Dataset, Reason
from imputers.statistical.latent_class import fit_classes

CANDIDATES = (1, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60)  # numbers of classes of the answers
SILENCE_CANDIDATES = (1, 2, 3, 4, 5, 6)
SPLIT = ("marhomo", "homosex")  # put to two of the three ballots
FOLDS, FOLD_STARTS, STARTS, SEED = 5, 4, 10, 2022  # one start alone decides by its luck
PSEUDO, SMALLEST = 2.0, 20.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write the parameters beside `datasets.populations.twin`."""
    parser = argparse.ArgumentParser(description="Fit the synthetic twin of the General Social Survey 2022.")
    parser.add_argument("path", type=Path, nargs="?", help="NORC's Stata file or its zip; by default as `fetch` finds")
    survey = load(parser.parse_args(arguments).path)
    answers, posterior = _choose(survey.values, levels_of(survey.values, survey.schema), CANDIDATES, "answers")
    split = np.isin(survey.schema.names, SPLIT)
    not_asked = (survey.reasons[:, split] == Reason.NOT_ASKED).all(axis=1)
    codes = np.where(not_asked[:, None] & split, np.nan, survey.reasons.astype(float))
    silence, _ = _choose(codes, _reason_levels(codes), SILENCE_CANDIDATES, "silence")
    mean, sd = _log_weights(survey, posterior)
    write(TwinPopulation(survey.schema, answers, silence, split, float(not_asked.mean()), mean, sd), FILE)
    sys.stdout.write(f"wrote {FILE.name}: {FILE.stat().st_size} bytes\n")


def _choose(
    X: Floats, levels: Levels, candidates: Sequence[int], name: str
) -> tuple[LatentClasses, NDArray[np.floating]]:
    """Best of several starts with the number of classes of the highest held-out likelihood, and its posterior."""
    Z = levels.indicate(X)
    curve = {n_classes: _held_out(Z, levels, n_classes) for n_classes in candidates}
    chosen = max(curve, key=lambda n_classes: curve[n_classes])
    sys.stdout.write(f"{name}: held-out log-likelihood per respondent, {FOLDS}-fold, {FOLD_STARTS} starts\n")
    sys.stdout.writelines(f"  {n:3d} classes {value:9.4f}{' *' * (n == chosen)}\n" for n, value in curve.items())
    fits = [_fit(Z, levels, chosen, (SEED, start)) for start in range(STARTS)]
    model, (posterior, likelihoods) = max(
        ((model, classify(model, Z)) for model in fits), key=lambda pair: pair[1][1].mean(dtype=float)
    )
    sys.stdout.write(
        f"  best of {STARTS} starts: {likelihoods.mean(dtype=float):.4f} within, {len(model.shares)} classes, "
        f"the smallest of {model.shares.min() * len(X):.0f} respondents\n"
    )
    return model, posterior


def _held_out(Z: Numbers, levels: Levels, n_classes: int) -> float:
    """Mean log-likelihood of respondents that the fit did not see, over folds and starts."""
    fold = np.random.default_rng(SEED).permutation(len(Z)) % FOLDS
    return float(
        np.mean(
            [
                classify(_fit(Z[fold != k], levels, n_classes, (SEED, k, start)), Z[fold == k])[1].mean(dtype=float)
                for k in range(FOLDS)
                for start in range(FOLD_STARTS)
            ]
        )
    )


def _fit(Z: Numbers, levels: Levels, n_classes: int, seed: tuple[int, ...]) -> LatentClasses:
    rng = np.random.default_rng(seed)
    return fit_classes(Z, levels, n_classes, rng, tol=5e-6, pseudo=PSEUDO, smallest=SMALLEST)


def _reason_levels(codes: Floats) -> Levels:
    """Reasons that occur in each item; others then stay impossible."""
    values = tuple(np.unique(column[~np.isnan(column)]) for column in codes.T)
    return Levels(values, (False,) * len(values))


def _log_weights(survey: Dataset, posterior: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the logarithm of the weights within each class (K,)."""
    logs = np.log(survey.weights)
    member = posterior / posterior.sum(axis=0)
    mean = logs @ member
    return mean, np.sqrt(((logs[:, None] - mean) ** 2 * member).sum(axis=0))


if __name__ == "__main__":
    main()
