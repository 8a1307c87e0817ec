"""Tables that users have: weighted, short, wide and long."""

from dataclasses import replace

import numpy as np

from datasets.prediction import check_prediction
from datasets.schema import Floats, Regression
from imputers.base import Imputer
from imputers.conformance.rule import predict, require, same
from imputers.conformance.tables import example_table, wide_table


def takes_weights(make: type[Imputer]) -> None:
    """Survey weights are taken, left as they are, and matter if and only if the method says that it uses them."""
    schema, X = example_table()
    weights = np.where(np.nan_to_num(X[:, 1]) > 60, 20.0, 0.5)  # the old count forty times
    given = weights.copy()
    prediction = make().fit(X, schema=schema, weights=given, random_state=1).impute(X, n_draws=3)
    check_prediction(prediction, X, schema)
    require(np.array_equal(given, weights), "the weights handed in were written to")
    given.flags.writeable = False
    make().fit(X, schema=schema, weights=given, random_state=1)
    require(np.array_equal(given, weights), "read-only weights were made writable and written to")
    ignored = same(prediction, predict(make, X, schema))
    require(ignored or make.uses_weights, "weights changed the prediction, but uses_weights = False")
    require(not (ignored and make.uses_weights), "uses_weights = True, but very unequal weights changed nothing")


def fills_ten_rows(make: type[Imputer]) -> None:
    """Ten respondents are few, but no error."""
    schema, X = example_table()
    schema = replace(schema, regression=Regression("income", ("age",)))  # few rows bear few coefficients
    few = X[_rows_that_vary(X)]
    check_prediction(predict(make, few, schema), few, schema)


def fills_a_wide_table(make: type[Imputer]) -> None:
    """Eighteen columns and 120 rows."""
    schema, X = wide_table()
    check_prediction(predict(make, X, schema, n_draws=1), X, schema)


def fills_a_long_table(make: type[Imputer]) -> None:
    """Six columns and 5,000 rows, within the limits of time and memory."""
    schema, X = example_table(5000)
    check_prediction(predict(make, X, schema, n_draws=1), X, schema)


def _rows_that_vary(X: Floats) -> slice:
    """The first ten rows in a stretch in which each column has three observed values and two different ones."""
    for start in range(len(X) - 10):
        part = X[start : start + 10]
        if (np.isnan(part).sum(axis=0) <= 6).all() and (np.nanmin(part, axis=0) < np.nanmax(part, axis=0)).all():
            return slice(start, start + 10)
    return slice(0, 10)
