"""Draws are what they say: as many as asked for, different where they claim to be, of one mind with the other parts."""

from itertools import combinations

import numpy as np

from datasets.prediction import Prediction, check_prediction, distributions, expectation, median_level
from datasets.schema import UNORDERED, Floats, Kind, Schema
from imputers.base import Imputer
from imputers.conformance.rule import draws_of, predict, require
from imputers.conformance.tables import example_table

VARYING = 0.05  # share of the holes that must differ between ten draws of a method with a distribution
MANY = 100  # draws, so that their mean says what the method expects
APART = 0.3  # standard deviations, or probability, by which parts may differ beyond twice the Monte-Carlo error


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
    """Expectations and probabilities are those of the draws, within Monte-Carlo error.

    It is asked of 80 of 1,000 rows: the donors of a method may be far from the holes of a shorter table.
    """
    schema, learned = example_table(1000)
    X = learned[-80:]
    prediction = make().fit(learned, schema=schema, random_state=1).impute(X, n_draws=MANY)
    if prediction.draws is None:
        return
    check_prediction(prediction, X, schema)
    if make.deterministic:
        faults = _fills_apart(prediction, X, schema)
    else:
        faults = [*_expectations_apart(prediction, X, schema), *_probabilities_apart(prediction, X, schema)]
    require(not faults, "; ".join(faults))


def _fills_apart(prediction: Prediction, X: Floats, schema: Schema) -> list[str]:
    """Columns whose single fills are not what a deterministic method states beside them, in sentences.

    A fill of a column with labels is the mode or the median of its probabilities in nine of ten holes, an ordinal one
    lies within a level of its expectation, a numeric one within a standard deviation.
    """
    columns = np.nonzero(np.isnan(X))[1]
    fills, faults = draws_of(prediction)[0], list[str]()
    for j, own in prediction.probabilities.items():
        given = np.searchsorted(schema.columns[j].levels, fills[columns == j])
        likely = own[np.arange(len(own)), given] >= own.max(axis=1) - 1e-6
        middle = given == median_level(own)
        if len(own) and (likely | middle).mean() < 0.9:
            faults.append(f"fills of {schema.names[j]!r} are neither mode nor median of their probabilities")
    if prediction.expected is None:
        return faults
    for j in schema.where(Kind.NUMERIC, Kind.ORDINAL):
        if (columns == j).any():
            levels = schema.columns[j].levels
            unit = np.diff(levels).max() if len(levels) > 1 else np.nanstd(X[:, j])
            distance = _rms(prediction.expected[columns == j] - fills[columns == j])
            if distance > unit:
                faults.append(f"expected of {schema.names[j]!r} lies {distance:.3g} off its fills")
    return faults


def _expectations_apart(prediction: Prediction, X: Floats, schema: Schema) -> list[str]:
    """Columns whose expectations are not the means of their draws, in sentences."""
    if prediction.expected is None:
        return []
    columns = np.nonzero(np.isnan(X))[1]
    own, drawn = expectation(prediction, X, schema), draws_of(prediction)
    faults = []
    for j, column in enumerate(schema):
        if column.kind in UNORDERED or not (columns == j).any():
            continue
        fills, sd = drawn[:, columns == j], np.nanstd(X[:, j])
        distance = _rms(own[columns == j] - fills.mean(axis=0)) / sd
        error = _rms(fills.std(axis=0)) / sd / np.sqrt(len(fills))
        if distance > APART + 2 * error:
            faults.append(f"expected of {column.name!r} lies {distance:.2f} standard deviations off its draws' means")
    return faults


def _probabilities_apart(prediction: Prediction, X: Floats, schema: Schema) -> list[str]:
    """Columns whose probabilities are not the shares among their draws, in sentences."""
    shares = distributions(Prediction(prediction.draws), X, schema)
    faults = []
    for j, own in prediction.probabilities.items():
        if not len(own):
            continue
        drawn = shares[j]
        distance = np.sqrt(((own - drawn) ** 2).sum(axis=1).mean())
        error = np.sqrt((drawn * (1 - drawn)).sum(axis=1).mean() / MANY)
        if distance > APART + 2 * error:
            faults.append(f"probabilities of {schema.names[j]!r} lie {distance:.2f} off the shares among its draws")
    return faults


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
