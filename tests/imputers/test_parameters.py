"""Parameters have declared ranges, and a value outside them is told in one sentence with name, value and range."""

from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sklearn.utils._param_validation import Interval

from datasets.errors import InputError
from imputers import IMPUTERS, make_imputer
from imputers.base import Imputer
from imputers.conformance import CHECKS, ConformanceError, declares_its_parameters, example_table
from imputers.conformance import keeps_nothing_on_itself_after_fit as keeps_nothing


def beyond(interval: Interval) -> float:
    """A number that an interval does not hold."""
    edge, step = (interval.right, 1) if interval.left is None else (interval.left, -1)
    return int(edge + step) if interval.type is Integral else float(edge + step)


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_a_number_out_of_range_is_told_in_one_sentence(name):
    constraints = IMPUTERS[name]._parameter_constraints
    for parameter in IMPUTERS[name]._get_param_names():
        for interval in (each for each in constraints[parameter] if isinstance(each, Interval)):
            for value in (beyond(interval), "five"):
                with pytest.raises(InputError) as told:
                    IMPUTERS[name]().set_params(**{parameter: value}).check_parameters()
                message = str(told.value)
                assert f"'{parameter}'" in message and f"Got {value!r} instead." in message, message
                assert str(interval) in message and "\n" not in message and message.count(". ") == 1, message


@pytest.mark.parametrize(
    ("request_", "parameter", "value"),
    [
        ("mice(max_iter=0)", "'max_iter' parameter of Mice", "0"),
        ("missforest(n_estimators=0)", "'n_estimators' parameter of MissForest", "0"),
        ("mice(n_donors=0)", "'n_donors' parameter of Mice", "0"),
        ("latent-class(n_init=0)", "'n_init' parameter of LatentClassImputer", "0"),
        ("knn(n_neighbors='five')", "'n_neighbors' parameter of NearestNeighbours", "'five'"),
    ],
)
def test_faulty_requests_say_what_is_wrong(request_, parameter, value):
    with pytest.raises(InputError) as told:
        make_imputer(request_)
    message = str(told.value)
    assert message.startswith(f"{request_}: The {parameter} must be an int in the range [1, inf)")
    assert message.endswith(f"Got {value} instead.")


class Constant(Imputer):
    """Fills with the first observed value of each column, a number of times over."""

    deterministic = True
    reads_text = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "folder": [str],
        "n_times": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, folder: str = "mine", n_times: float = 1.0) -> None:
        self.folder = folder
        self.n_times = n_times

    def _fit(self, X, rng):
        self.first_ = np.array([x[~np.isnan(x)][0] for x in X.T])

    def _draw(self, X, rng):
        return np.where(np.isnan(X), self.first_, X)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_a_plug_in_with_a_parameter_called_folder_keeps_every_rule(rule):
    rule(Constant)


def test_a_parameter_called_folder_is_not_overwritten(tmp_path: Path):
    schema, X = example_table()
    imputer = Constant(folder="yours").fit(X, schema=schema, folder=tmp_path)
    imputer.impute(X)
    assert imputer.folder == "yours" and imputer.folder_ == tmp_path


@pytest.mark.parametrize("name", ["fit", "family", "audit", "deterministic", "versions"])
def test_a_parameter_with_the_name_of_an_attribute_is_refused_where_it_is_defined(name):
    body = f"def __init__(self, {name}=1):\n    self.{name} = {name}"
    scope: dict[str, object] = {}
    exec(body, scope)
    with pytest.raises(InputError, match=f"Clashing has a parameter '{name}', an attribute of every imputer"):
        type("Clashing", (Imputer,), {"__init__": scope["__init__"]})


def test_a_parameter_without_a_range_breaks_a_rule():
    class Undeclared(Constant):
        _parameter_constraints: ClassVar[dict[str, list[object]]] = {"folder": [str]}

    with pytest.raises(ConformanceError, match=r"gives no range for \['n_times'\]"):
        declares_its_parameters(Undeclared)


@pytest.mark.parametrize("way", ["sets", "fills"])
def test_what_a_prediction_leaves_on_the_imputer_breaks_a_rule(way):
    class Leaves(Constant):
        def _fit(self, X, rng):
            super()._fit(X, rng)
            self.kept_ = {}

        def _draw(self, X, rng):
            if way == "sets":
                self.last_ = X
            self.kept_[X.shape] = X
            return super()._draw(X, rng)

    left = "'kept_', 'last_'" if way == "sets" else "'kept_'"
    with pytest.raises(ConformanceError, match=rf"changed the attributes \[{left}\]"):
        keeps_nothing(Leaves)
