"""Draws are what they say: as many as asked for, different where they claim to be, of one mind with the other parts."""

from itertools import combinations

import numpy as np

from datasets.coherence import disagreements
from datasets.prediction import check_prediction
from imputers.base import Imputer
from imputers.conformance.rule import draws_of, predict, require
from imputers.conformance.tables import example_table

VARYING = 0.05  # share of the holes that must differ between ten draws of a method with a distribution
MANY = 100  # draws, so that their mean says what the method expects


def gives_as_many_draws_as_asked(make: type[Imputer]) -> None:
    """One, three and seven draws are given when they are asked for."""
    schema, X = example_table()
    imputer = make().fit(X, schema=schema, random_state=1)
    for n_draws in (1, 3, 7):
        prediction = imputer.impute(X, n_draws=n_draws)
        if prediction.draws is not None:
            require(len(prediction.draws) == n_draws, f"{n_draws} draws asked for, {len(prediction.draws)} given")


def draws_differ_in_more_than_a_cell(make: type[Imputer]) -> None:
    """No two of ten draws are equal, and they differ in a fair share of the holes."""
    schema, X = example_table()
    draws = draws_of(predict(make, X, schema, n_draws=10))
    if make.deterministic or not draws.size:
        return
    for one, other in combinations(range(len(draws)), 2):
        require(not np.array_equal(draws[one], draws[other]), f"draws {one + 1} and {other + 1} of 10 are equal")
    vary = float((draws != draws[0]).any(axis=0).mean())
    require(vary >= VARYING, f"10 draws differ in {vary:.1%} of the holes; set deterministic = True, or draw each hole")


def parts_agree(make: type[Imputer]) -> None:
    """Expectations and probabilities are those of the draws, within Monte-Carlo error (`datasets.coherence`).

    It is asked of 80 of 1,000 rows: the donors of a method may be far from the holes of a shorter table.
    """
    schema, learned = example_table(1000)
    X = learned[-80:]
    prediction = make().fit(learned, schema=schema, random_state=1).impute(X, n_draws=MANY)
    if prediction.draws is None:
        return
    check_prediction(prediction, X, schema)
    found = [str(each) for each in disagreements(prediction, X, schema) if each.beyond]
    require(not found, "; ".join(found))
