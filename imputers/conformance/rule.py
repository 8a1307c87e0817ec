"""A rule of the contract: a function of an imputer's class that raises if the rule is broken."""

from collections.abc import Callable
from hashlib import sha256

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Floats, Schema
from imputers.base import Imputer

Check = Callable[[type[Imputer]], None]


class ConformanceError(Exception):
    """An imputer broke a rule of the contract."""


def require(kept: bool, rule: str) -> None:
    """Raise with the sentence that says how a rule was broken, unless it was kept.

    Raises
    ------
    ConformanceError
        If it was not.
    """
    if not kept:
        raise ConformanceError(rule)


def predict(make: type[Imputer], X: Floats, schema: Schema, seed: int = 1, n_draws: int = 3) -> Prediction:
    """Fit a new imputer on a table and impute it."""
    return make().fit(X, schema=schema, random_state=seed).impute(X, n_draws=n_draws)


def draws_of(prediction: Prediction) -> Floats:
    """Draws of a prediction (m, holes); none for a method that fills nothing."""
    return np.empty((3, 0)) if prediction.draws is None else prediction.draws


def same(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions are equal in all their parts, to the last bit."""
    return fingerprint(one) == fingerprint(other)


def fingerprint(prediction: Prediction) -> str:
    """All parts of a prediction as one string that is equal for equal predictions."""
    learned = [vars(part) for part in (prediction.moments, prediction.estimates) if part is not None]
    named = [
        *vars(prediction).items(),
        *prediction.probabilities.items(),
        *(item for part in learned for item in part.items()),
    ]
    digest = sha256()
    for name, value in named:
        if isinstance(value, np.ndarray):
            digest.update(f"{name} {value.shape} {value.dtype}".encode() + value.tobytes())
    return digest.hexdigest()
