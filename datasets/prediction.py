"""Answers: what a method gives back for a table with holes, and how one value is read off a distribution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.moments import Moments
from datasets.regression import Estimates
from datasets.schema import LABELLED, UNORDERED, Floats, Kind, Schema


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method knows about the holes of a table, or about those of them that it was asked, in row-major order.

    Parameters
    ----------
    draws : m sets of valid codes, shape (m, holes); None for a method that fills nothing.
    expected : expectation on the scale of the codes, shape (holes,), NaN for nominal and text columns; None if
        the method has none of its own, and the mean of its draws serves.
    probabilities : column position to the probability of each level, shape (holes of the column, K),
        for columns with labels; columns may be left out.
    moments : of the design, for methods that estimate moments and fill nothing.
    estimates : of the schema's regression, for methods that analyse and fill nothing.
    """

    draws: Floats | None = None
    expected: Floats | None = None
    probabilities: Mapping[int, Floats] = field(default_factory=dict)
    moments: Moments | None = None
    estimates: Estimates | None = None


def complete(values: Floats, fills: Floats) -> Floats:
    """Put one set of fills (holes,) into a copy of a table (n, p)."""
    table = values.copy()
    table[np.isnan(values)] = fills
    return table


def widen(prediction: Prediction, values: Floats, asked: NDArray[np.bool_]) -> Prediction:
    """Turn a prediction for some holes of a table, those asked (n, p), into one for all, NaN in the others."""
    return _each(prediction, values, asked, _spread)


def narrow(prediction: Prediction, values: Floats, asked: NDArray[np.bool_]) -> Prediction:
    """Leave of a prediction for all holes of a table what it says of those asked (n, p)."""
    return _each(prediction, values, asked, lambda told, chosen: told[chosen])


def _each(
    prediction: Prediction,
    values: Floats,
    asked: NDArray[np.bool_],
    do: Callable[[Floats, NDArray[np.bool_]], Floats],
) -> Prediction:
    """A prediction with something done to all that it says of holes, given which of them are asked."""
    holes = np.isnan(values)
    chosen = asked[holes]
    if prediction.draws is None or chosen.all():  # a large one need not be there twice
        return prediction
    columns = np.nonzero(holes)[1]
    return replace(
        prediction,
        draws=do(prediction.draws.T, chosen).T,
        expected=None if prediction.expected is None else do(prediction.expected, chosen),
        probabilities={j: do(own, chosen[columns == j]) for j, own in prediction.probabilities.items()},
    )


def _spread(told: Floats, asked: NDArray[np.bool_]) -> Floats:
    whole = np.full((len(asked), *told.shape[1:]), np.nan)
    whole[asked] = told
    return whole


def check_prediction(
    prediction: Prediction,
    values: Floats,
    schema: Schema,
    n_draws: int | None = None,
    asked: NDArray[np.bool_] | None = None,
) -> None:
    """Validate a prediction for a table with holes (n, p).

    Parameters
    ----------
    n_draws : draws asked for; None if any number will do.
    asked : holes that the prediction is for (n, p); None for all.

    Raises
    ------
    InputError
        If a fill is missing or not a valid code, shapes or probabilities are wrong, or draws are more or fewer than
        were asked for.
    """
    if prediction.draws is None:
        if prediction.moments is None and prediction.estimates is None:
            raise InputError("the answer has neither draws nor moments nor estimates; return one of them")
        return
    columns = np.nonzero(np.isnan(values) if asked is None else asked)[1]
    if prediction.draws.ndim != 2 or prediction.draws.shape[1] != len(columns) or not len(prediction.draws):
        raise InputError(f"draws have shape {prediction.draws.shape}; wanted (draws, {len(columns)}), one fill a hole")
    if n_draws is not None and len(prediction.draws) != n_draws:
        raise InputError(f"the prediction has {len(prediction.draws)} draws; {n_draws} were asked for")
    if prediction.expected is not None and prediction.expected.shape != columns.shape:
        raise InputError(f"expected has shape {prediction.expected.shape}; wanted ({len(columns)},), one value a hole")
    strange = sorted(set(prediction.probabilities) - {int(j) for j in schema.where(*LABELLED)})
    if strange:
        raise InputError(f"probabilities are given for column {strange[0]}, which is none that has labels")
    for j, column in enumerate(schema):
        fills = prediction.draws[:, columns == j]
        wrong = fills[~column.valid(fills)]
        if len(wrong):
            found = np.unique(wrong)[:3].tolist()
            raise InputError(f"{len(wrong)} fills of column {column.name!r} are not valid answers, e.g. {found}")
        own = None if prediction.expected is None or column.kind in UNORDERED else prediction.expected[columns == j]
        if own is not None and not np.isfinite(own).all():
            raise InputError(f"expected is not finite in column {column.name!r} ({column.kind})")
        _check_probabilities(prediction.probabilities.get(j), fills.shape[1], len(column.labels), column.name)


def _check_probabilities(table: Floats | None, holes: int, levels: int, name: str) -> None:
    if table is None:
        return
    if table.shape != (holes, levels):
        raise InputError(f"probabilities of {name!r} have shape {table.shape}; wanted ({holes}, {levels})")
    if not (np.isfinite(table).all() and (table >= 0).all() and np.allclose(table.sum(axis=1), 1, atol=1e-6)):
        raise InputError(f"probabilities of {name!r} are not finite, non-negative and summing to one")


def distributions(prediction: Prediction, values: Floats, schema: Schema) -> dict[int, Floats]:
    """Give every column with labels and holes its level probabilities (holes of the column, K).

    They are the method's own, or the shares among its draws where it states none.
    """
    columns = np.nonzero(np.isnan(values))[1]
    found = {}
    for j in schema.where(*LABELLED):
        own = prediction.probabilities.get(int(j))
        if own is not None:
            found[int(j)] = own
        elif prediction.draws is not None and (columns == j).any():
            fills = prediction.draws[:, columns == j]  # (m, holes_j)
            found[int(j)] = (fills[:, :, None] == schema.columns[j].levels).mean(axis=0)
    return found


def expectation(prediction: Prediction, values: Floats, schema: Schema) -> Floats:
    """Expected value of each hole (holes,) on the scale of the codes; NaN for nominal and text columns.

    Raises
    ------
    InputError
        If the method fills nothing.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so no hole has an expected value")
    expected = prediction.draws.mean(axis=0) if prediction.expected is None else prediction.expected.copy()
    unordered = np.isin(np.nonzero(np.isnan(values))[1], schema.where(*UNORDERED))
    expected[unordered] = np.nan
    return expected


def median_level(probabilities: Floats) -> NDArray[np.intp]:
    """Position of the median level of each row of probabilities (h, K), shape (h,); the lower of two medians."""
    return (probabilities.cumsum(axis=1) >= 0.5 - 1e-9).argmax(axis=1)


def point(prediction: Prediction, values: Floats, schema: Schema) -> Floats:
    """Best single valid code of each hole (holes,): mode if nominal or text, median if ordinal, mean if numeric.

    Each minimises the expected loss of its kind: zero-one, absolute, squared. Ties go to the lower code.

    Raises
    ------
    InputError
        If the method fills nothing.
    """
    fills = expectation(prediction, values, schema)
    columns = np.nonzero(np.isnan(values))[1]
    for j, shares in distributions(prediction, values, schema).items():
        column = schema.columns[j]
        best = shares.argmax(axis=1) if column.kind in UNORDERED else median_level(shares)
        fills[columns == j] = column.levels[best]
    for j in schema.where(Kind.NUMERIC):
        fills[columns == j] = schema.columns[j].snap(fills[columns == j])
    return fills
