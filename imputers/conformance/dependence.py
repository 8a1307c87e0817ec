"""What a prediction may depend on: the table, the schema, the weights and the seed; and on nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd

from datasets.prediction import Prediction, complete, distributions
from datasets.schema import Floats, Kind, Schema
from imputers.base import Imputer
from imputers.conformance.rule import draws_of, predict, require, same
from imputers.conformance.tables import example_table, other_table, table_with_holes_everywhere

MANY = 40  # draws, whose means are compared where seeds cannot be made equal
APART = 0.3  # standard deviations, or probability, beyond what another seed changes


def a_second_prediction_is_the_first(make: type[Imputer]) -> None:
    """A fitted imputer predicts a table as before after it predicted it, and another one."""
    schema, X = example_table()
    imputer = make().fit(X, schema=schema, random_state=1)
    first = imputer.impute(X, n_draws=3)
    require(same(first, imputer.impute(X, n_draws=3)), "a second call of impute gave another prediction")
    imputer.impute(other_table()[1], n_draws=2)
    again = imputer.impute(X, n_draws=3)
    require(same(first, again), "impute gave another prediction after another table had been imputed")


def a_second_fit_forgets_the_first(make: type[Imputer]) -> None:
    """An imputer that is fitted again predicts as a new one does."""
    schema, X = example_table()
    imputer = make().fit(other_table()[1], schema=schema, random_state=2)
    again = imputer.fit(X, schema=schema, random_state=1).impute(X, n_draws=3)
    require(
        same(predict(make, X, schema), again), "an imputer that was fitted before predicts otherwise than a new one"
    )


def instances_share_nothing(make: type[Imputer]) -> None:
    """What one imputer was fitted on changes nothing for the next one."""
    schema, X = example_table()
    first = predict(make, X, schema)
    predict(make, other_table()[1], schema, seed=2)
    require(same(first, predict(make, X, schema)), "an imputer predicts otherwise after another one was fitted")


def another_seed_of_impute_gives_other_draws(make: type[Imputer]) -> None:
    """Draws follow the seed that impute is given, whatever that of fit was."""
    schema, X = example_table()
    imputer = make().fit(X, schema=schema, random_state=1)
    one, two = (imputer.impute(X, n_draws=3, random_state=seed) for seed in (5, 6))
    if not make.deterministic and draws_of(one).size:
        require(not np.array_equal(draws_of(one), draws_of(two)), "impute gave the same draws for two seeds")
    require(same(one, imputer.impute(X, n_draws=3, random_state=5)), "impute gave two predictions for one seed")


def a_frame_is_filled_as_its_codes(make: type[Imputer]) -> None:
    """A DataFrame and its codes get the same prediction, and transform gives the best of it."""
    schema, X = example_table()
    imputer = make().fit(X, schema=schema, random_state=1)
    prediction = imputer.impute(X)
    if prediction.draws is None:
        return
    table = complete(X, imputer.best(prediction, X))
    require(np.array_equal(imputer.transform(X), table), "transform gave other values than the best of the prediction")
    frame = pd.DataFrame(X, columns=schema.names)
    other = make().fit(frame, schema=schema, random_state=1)
    require(same(prediction, other.impute(frame)), "a DataFrame and its codes got two predictions")


def column_names_change_nothing(make: type[Imputer]) -> None:
    """Columns of other names give the same prediction, unless the method reads text and may read names as well."""
    if make.reads_text:
        return
    schema, X = example_table()
    names = dict(zip(schema.names, ("zz", "k1", "a_b", "Q9", "m", "b"), strict=True))
    regression = schema.regression and replace(
        schema.regression,
        outcome=names[schema.regression.outcome],
        covariates=tuple(names[name] for name in schema.regression.covariates),
    )
    other = Schema(tuple(replace(column, name=names[column.name]) for column in schema), regression)
    one, two = predict(make, X, schema), predict(make, X, other)
    require(same(Prediction(one.draws), Prediction(two.draws)), "columns of other names gave other draws")


def order_of_rows_changes_nothing(make: type[Imputer]) -> None:
    """Rows in another order get the same distributions, up to what another seed changes."""
    schema, X = table_with_holes_everywhere()
    base, noise = _profiles(make, X, schema, 1), _profiles(make, X, schema, 2)
    order = np.random.default_rng(3).permutation(len(X))
    moved = _profiles(make, X[order], schema, 1)
    place = np.argsort(order)
    _compare(base, noise, [profile[place] for profile in moved], schema, "rows in another order")


def order_of_columns_changes_nothing(make: type[Imputer]) -> None:
    """Columns in another order get the same distributions, up to what another seed changes."""
    schema, X = table_with_holes_everywhere()
    base, noise = _profiles(make, X, schema, 1), _profiles(make, X, schema, 2)
    order = np.arange(len(schema))[::-1]
    moved = _profiles(make, X[:, order], schema.take(order), 1)
    _compare(base, noise, moved[::-1], schema, "columns in another order")


def the_table_to_fill_teaches_nothing(make: type[Imputer]) -> None:
    """New rows get the same distributions beside typical and beside odd rows: it learns in fit."""
    schema, X = table_with_holes_everywhere()
    imputer = make().fit(X, schema=schema, random_state=1)
    rows = table_with_holes_everywhere(300)[1][-40:]
    mixed = np.vstack([rows, np.tile([1.0, 85.0, 3.0, 1.0, 55.0, 1.0], (60, 1))])
    base, noise = (_profile(imputer.impute(rows, MANY, random_state=seed), rows, schema) for seed in (1, 2))
    beside = [profile[: len(rows)] for profile in _profile(imputer.impute(mixed, MANY, random_state=1), mixed, schema)]
    # the single best level of a hole may flip at a breath, in methods that run again with new rows stacked below
    judged = [j for j, column in enumerate(schema) if column.kind is Kind.NUMERIC or not make.deterministic]
    base, noise, beside = ([found[j] for j in judged if found] for found in (base, noise, beside))
    _compare(base, noise, beside, schema.take(np.array(judged)), "new rows beside 60 equal ones")


def _profiles(make: type[Imputer], X: Floats, schema: Schema, seed: int) -> list[Floats]:
    return _profile(predict(make, X, schema, seed=seed, n_draws=MANY), X, schema)


def _profile(prediction: Prediction, X: Floats, schema: Schema) -> list[Floats]:
    """Of each column, what the draws of each row say, shape (n, q): the mean in standard deviations, or the shares.

    NaN where a cell is no hole; nothing at all of a method that fills nothing.
    """
    if prediction.draws is None:
        return []
    row, of = np.nonzero(np.isnan(X))
    shares = distributions(Prediction(prediction.draws), X, schema)
    found = []
    for j, column in enumerate(schema):
        fills = prediction.draws[:, of == j]
        told = (fills.mean(axis=0) / _spread(column.name))[:, None] if column.kind is Kind.NUMERIC else shares[j]
        profile = np.full((len(X), told.shape[1]), np.nan)
        profile[row[of == j]] = told
        found.append(profile)
    return found


def _spread(name: str) -> float:
    """Standard deviation of a numeric column of the example table."""
    schema, X = example_table()
    return float(np.nanstd(X[:, schema.names.index(name)]))


def _compare(base: list[Floats], noise: list[Floats], other: list[Floats], schema: Schema, what: str) -> None:
    for column, one, seeded, two in zip(schema, base, noise, other, strict=bool(base)):
        distance, allowed = _distance(one, two), APART + 2 * _distance(one, seeded)
        unit = "standard deviations" if column.kind is Kind.NUMERIC else "in probability"
        require(
            distance <= allowed,
            f"{what}: fills of {column.name!r} moved by {distance:.2f} {unit}; allowed are {allowed:.2f}",
        )


def _distance(one: Floats, two: Floats) -> float:
    """Root mean squared distance over rows that both have."""
    return float(np.sqrt(np.nanmean(np.square(one - two).sum(axis=1))))
