"""Suites: named sets of cells."""

import difflib
from dataclasses import dataclass

from benchmarks.studies import STUDIES
from datasets.errors import InputError
from imputers import IMPUTERS

NINETEEN = (
    "mean",
    "subgroup-mean",
    "hot-deck",
    "regression",
    "stochastic-regression",
    "knn",
    "gaussian-em",
    "latent-class",
    "mice-pmm",
    "mice",
    "mice-cart",
    "missforest",
    "gbm",
    "hyperimpute",
    "miwae",
    "hivae",
    "llama-scratch",
    "listwise",
    "pairwise",
)
LANGUAGE_MODELS = ("llama2-13b", "llama2-7b", "llama3.1-8b", "mistral-7b", "qwen2.5-7b")
APART = ("llm", "llm-zero-shot", "llm-few-shot", "llama-per-target")  # want a model that is named, or are for a study
TEXT_ENCODERS = ("ipm-multi(passes=8)", "ipm-binary(passes=8)")  # two minutes a fold; 40 passes take ten
TEXT = ("mean", "knn-1", "knn", "dlm", "holoclean", "ngram-logistic", "datawig", *TEXT_ENCODERS)
AISURVEY = ("mean", "matrix-factorisation", "gbm(sweeps=1,n_features=40)")  # feasible on hundreds of items
AISURVEY_QUICK = (*AISURVEY, "latent-class", "knn")  # seconds to a minute on a hundred items
AISURVEY_SLOW = (*AISURVEY_QUICK, "gbm", "mice-pmm", "llama-scratch")
SYSTEMATIC = ("mean", "knn", "mice-pmm", "mice-cart", "gbm", "llama-scratch", "datawig", "aimnet")
QUICK = ("mean", "subgroup-mean", "hot-deck", "knn", "gaussian-em", "mice-pmm", "listwise", "pairwise")
MECHANISMS = ("mcar", "mar", "ni")
PUBLISHED = "published"  # a suite of several tables; see benchmarks/published.py
FOLDS = tuple(f"fold({number})" for number in range(1, 11))


@dataclass(frozen=True)
class Suite:
    """What is run: the product of everything below.

    Parameters
    ----------
    name : also the name of the results folder.
    dataset : registered name.
    mechanisms, rates, seeds : how cells are hidden.
    imputers : registered names, with parameters in brackets where they are not the usual ones.
    n_draws : draws of each imputer.
    """

    name: str
    dataset: str
    mechanisms: tuple[str, ...]
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    imputers: tuple[str, ...]
    n_draws: int


def _seeds(count: int) -> tuple[int, ...]:
    return tuple(range(1, count + 1))


SUITES = {
    suite.name: suite
    for suite in (
        Suite("gss", "gss2022", MECHANISMS, (0.3,), _seeds(3), (*NINETEEN, *LANGUAGE_MODELS), 5),
        Suite("gss-smoke", "gss2022", ("mcar", "mar"), (0.3,), _seeds(1), QUICK, 5),
        Suite("gss-full", "gss2022", MECHANISMS, (0.1, 0.3, 0.5), _seeds(10), (*NINETEEN, *LANGUAGE_MODELS), 20),
        Suite(
            "gss-targets",
            "gss2022-targets",
            FOLDS[:5],
            (0.2,),
            _seeds(1),
            ("mean", "latent-class", "gbm"),
            5,
        ),
        Suite(
            "gss-llm",
            "gss2022-targets",
            FOLDS[:5],
            (0.2,),
            _seeds(1),
            ("mean", "latent-class", "gbm", "llama-scratch", *LANGUAGE_MODELS),
            5,
        ),
        Suite("gss-all", "gss2022", MECHANISMS, (0.3,), _seeds(3), tuple(n for n in IMPUTERS if n not in APART), 5),
        Suite("gss-systematic", "gss2022", ("systematic",), (0.3,), _seeds(3), SYSTEMATIC, 5),
        Suite("gss-aisurvey", "gss2022-binary", FOLDS, (0.1,), _seeds(1), AISURVEY, 2),
        Suite("gss-aisurvey-100", "gss2022-binary-100", FOLDS, (0.1,), _seeds(1), AISURVEY_QUICK, 2),
        Suite("gss-aisurvey-slow", "gss2022-binary-100", FOLDS[:2], (0.1,), _seeds(1), AISURVEY_SLOW, 2),
        Suite("text", "restaurant", FOLDS, (0.1,), _seeds(1), TEXT, 5),
        Suite("toy", "toy", MECHANISMS, (0.3,), _seeds(2), QUICK, 5),
    )
}


def suite_named(name: str) -> Suite:
    """Give the suite of a name.

    Raises
    ------
    InputError
        If there is none; the message suggests the nearest.
    """
    if name in SUITES:
        return SUITES[name]
    names = [*SUITES, PUBLISHED, *STUDIES]
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"
    raise InputError(f"there is no suite {name!r}; {hint}")
