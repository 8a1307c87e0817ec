"""What every prediction must be and what an imputer leaves as it was: the rules that need no process of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.base import clone

from datasets.errors import InputError, MethodUnavailableError
from datasets.files.frame import to_codes, to_frame
from datasets.prediction import Prediction, check_prediction
from datasets.schema import Column, Kind, Schema
from imputers.base import Imputer
from imputers.conformance.rule import draws_of, predict, require
from imputers.conformance.tables import example_table

FORMER = ("answer", "_draws", "_expected", "_probabilities")


@dataclass(frozen=True, eq=False)
class Trial:
    """The example table imputed once, and what was changed on the way.

    Parameters
    ----------
    prediction : of the example table.
    changed : attributes of the imputer that `impute` set, deleted or filled.
    wrote : what of the table, the schema and the weights handed in is not as it was.
    used_global : so is the state of NumPy's global generator.
    """

    prediction: Prediction
    changed: tuple[str, ...]
    wrote: tuple[str, ...]
    used_global: bool


def _trial(make: type[Imputer]) -> Trial:
    """Impute the example table; done once for the rules that only look at what came of it."""
    return _try(make)  # type: ignore[arg-type] # a class is hashable, whatever mypy thinks of its instances


@lru_cache(maxsize=1)
def _try(make: type[Imputer]) -> Trial:
    schema, X = example_table()
    given, asked, described, state = X.copy(), X.copy(), repr(schema), _global_state()
    imputer = make().fit(given, schema=schema, random_state=1)
    before = {name: (value, _size(value)) for name, value in vars(imputer).items()}
    prediction = imputer.impute(asked, n_draws=3)
    after = vars(imputer)
    same = {name for name, (value, size) in before.items() if after.get(name) is value and _size(value) == size}
    changed = tuple(sorted({*before, *after} - same))
    kept = {
        "the table that it was fitted on": np.array_equal(given, X, equal_nan=True),
        "the table to fill": np.array_equal(asked, X, equal_nan=True),
        "the schema": repr(schema) == described,
    }
    wrote = tuple(name for name, as_it_was in kept.items() if not as_it_was)
    return Trial(prediction, changed, wrote, state != _global_state())


def _size(value: object) -> int:
    return len(value) if isinstance(value, dict | list | set) else 0


def _global_state() -> str:
    return repr(np.random.get_state(legacy=False))  # noqa: NPY002 - the legacy state is what is guarded


def fills_every_hole_with_a_valid_answer(make: type[Imputer]) -> None:
    """Every hole gets a code on its column's scale, probabilities sum to one, shapes are right."""
    schema, X = example_table()
    check_prediction(_trial(make).prediction, X, schema)


def same_seed_same_prediction(make: type[Imputer]) -> None:
    """The seed decides the draws."""
    schema, X = example_table()
    again = draws_of(predict(make, X, schema))
    require(np.array_equal(draws_of(_trial(make).prediction), again), "two runs with one seed gave different draws")


def draws_are_what_they_say(make: type[Imputer]) -> None:
    """A deterministic method gives equal draws; any other gives draws that differ, also between seeds."""
    first = draws_of(_trial(make).prediction)
    if not first.size:
        return
    equal = bool((first == first[0]).all())
    if make.deterministic:
        require(equal, "deterministic = True, but the draws differ")
        return
    require(not equal, "all draws are equal; set deterministic = True if the method has no distribution")
    schema, X = example_table()
    require(not np.array_equal(first, draws_of(predict(make, X, schema, seed=2))), "another seed gave the same draws")


def leaves_its_input_alone(make: type[Imputer]) -> None:
    """Neither the tables nor the schema handed in are written to."""
    wrote = _trial(make).wrote
    require(not wrote, f"it wrote to {' and '.join(wrote)}")


def leaves_global_generators_alone(make: type[Imputer]) -> None:
    """All randomness comes from the generator handed in."""
    require(not _trial(make).used_global, "NumPy's global generator was used or seeded")


def keeps_nothing_on_itself_after_fit(make: type[Imputer]) -> None:
    """A prediction leaves the fitted imputer as it was, so that predictions do not depend on each other."""
    changed = _trial(make).changed
    require(not changed, f"impute changed the attributes {list(changed)}; they are for what fit learns")


def writes_hooks_that_are_called(make: type[Imputer]) -> None:
    """No method bears the name of a former hook, unless the method itself calls it: it would say nothing."""
    schema, X = example_table()
    called: set[str] = set()

    def counted(name: str) -> Callable[..., object]:
        def method(self: Imputer, *values: object, **named: object) -> object:
            called.add(name)
            return getattr(super(watched, self), name)(*values, **named)

        return method

    written = {name for name in FORMER for part in make.__mro__ if part is not Imputer and name in vars(part)}
    watched = type(make.__name__, (make,), {name: counted(name) for name in written})
    predict(watched, X, schema)
    idle = sorted(written - called)
    require(not idle, f"nothing calls its {', '.join(idle)}; the hooks are _fit, _draw and _impute")


def declares_its_parameters(make: type[Imputer]) -> None:
    """Every parameter of the constructor has a declared range, and its default lies within."""
    imputer = make()
    undeclared = sorted(set(imputer.get_params(deep=False)) - set(imputer._parameter_constraints))
    require(not undeclared, f"_parameter_constraints gives no range for {undeclared}")
    imputer.check_parameters()


def fills_rows_it_was_not_fitted_on(make: type[Imputer]) -> None:
    """New rows are filled, too."""
    schema, X = example_table()
    imputer = make().fit(X[:200], schema=schema, random_state=1)
    check_prediction(imputer.impute(X[200:], n_draws=2), X[200:], schema)


def fills_a_row_without_any_answer(make: type[Imputer]) -> None:
    """A respondent who answered nothing is filled from what is known of the others."""
    schema, X = example_table()
    X[7] = np.nan
    check_prediction(predict(make, X, schema), X, schema)


def fills_a_constant_column_with_its_constant(make: type[Imputer]) -> None:
    """A column with one value gets that value."""
    schema, X = example_table()
    X[~np.isnan(X[:, 3]), 3] = 2.0
    draws = draws_of(predict(make, X, schema))
    if draws.size:
        require(bool((draws[:, np.nonzero(np.isnan(X))[1] == 3] == 2.0).all()), "a constant column got other values")


def takes_a_table_without_holes(make: type[Imputer]) -> None:
    """A complete table is no error; there is nothing to fill."""
    schema, X = example_table()
    whole = X[~np.isnan(X).any(axis=1)]
    require(draws_of(predict(make, whole, schema)).shape == (3, 0), "a table without holes got fills")


def transforms_a_frame(make: type[Imputer]) -> None:
    """A DataFrame comes back complete, with index, columns, dtypes and observed cells as they were."""
    schema, X = example_table()
    table = pd.DataFrame(X, columns=schema.names)
    words = [
        pd.Series([np.nan if np.isnan(code) else column.text(code) for code in X[:, j]], dtype=object)
        if column.labels
        else table[column.name]
        for j, column in enumerate(schema)
    ]
    frame = pd.concat(words, axis=1, keys=schema.names).set_index(pd.RangeIndex(5, 5 + len(X)))
    given = frame.copy()
    imputer = make().fit(frame, schema=schema, random_state=1)
    if imputer.impute(frame, n_draws=1).draws is None:
        return
    whole = imputer.transform(frame)
    require(frame.equals(given), "the DataFrame handed in was written to")
    kept = whole.index.equals(frame.index) and list(whole.columns) == list(frame.columns)
    require(kept and whole.dtypes.equals(frame.dtypes), "transform changed index, columns or dtypes")
    require(not whole.isna().to_numpy().any(), "transform left holes")
    require(whole.where(frame.notna()).equals(frame), "transform changed an observed cell")
    require(to_frame(to_codes(whole, schema), schema, like=frame).equals(whole), "transform gave unknown answers")


def reads_text_or_says_that_it_does_not(make: type[Imputer]) -> None:
    """A method that reads text fills it with strings of the column; any other refuses and names the column."""
    schema, X = example_table()
    names = Column("name", Kind.TEXT, {float(k): f"{'abcdef'[k % 6] * 3} {k // 6}" for k in range(24)})
    strings = np.where(np.arange(len(X)) % 7 == 0, np.nan, (X[:, 1] + np.arange(len(X)) % 3) % 24)
    schema, X = Schema((*schema.columns, names), schema.regression), np.column_stack([X, strings])
    try:
        check_prediction(predict(make, X, schema), X, schema)
    except MethodUnavailableError:
        raise  # what is lacking on this machine says nothing about text
    except InputError as error:
        require(not make.reads_text, f"reads_text = True, but it refused a table with text: {error}")
        require("'name'" in str(error), f"a text column was refused without being named: {error}")
    else:
        require(make.reads_text, "a table with text was taken though reads_text = False")


def is_a_scikit_learn_estimator(make: type[Imputer]) -> None:
    """Parameters are stored as given, so that a clone equals its original."""
    imputer = make()
    require(clone(imputer).get_params() == imputer.get_params(), "a clone has other parameters")
