"""Every registered imputer keeps every rule of the contract."""

import inspect
from functools import cache

import pytest

from datasets.errors import MethodUnavailableError
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.conformance import CHECKS

CARRIED = ("smollm2-135m", "smollm2-135m-zero-shot")  # test_prompted tries their classes with weights that take seconds


QUICK = {  # what methods learn with the settings of their defaults is tried in tests of their own
    "aimnet": {"n_hidden": 16, "max_epochs": 3},
    "datawig": {"max_epochs": 3, "n_features": 512},
    "gbm": {"n_estimators": 10, "n_estimators_nominal": 5},
    "gbm-pmm": {"max_iter": 2, "n_estimators": 10},
    "hivae": {"max_iter": 30},
    "hyperimpute": {"max_iter": 2, "classifiers": ("random_forest",), "regressors": ("linear_regression",)},
    "ipm-binary": {"max_epochs": 2.0, "n_negatives": 2},
    "ipm-multi": {"max_epochs": 2.0},
    "masked-transformer": {"n_hidden": 16, "max_iter": 50},
    "masked-transformer-per-target": {"n_hidden": 16, "max_iter": 20},
    "mice-rf": {"max_iter": 2, "n_estimators": 3},
    "midas": {"max_epochs": 3},
    "missforest": {"n_estimators": 10},
    "miwae": {"max_examples": 4000, "n_samples": 20},
    "miwae-hyperimpute": {"max_iter": 20},
    "not-miwae": {"max_examples": 4000, "n_samples": 20},
    "remasker": {"n_hidden": 8, "batch_size": 32, "max_epochs": 2},
    "stacked": {"estimators": ("hot-deck", "gaussian-em")},
    "tab-csdi": {"n_epochs": 5, "n_steps": 5},
}


@cache
def quick(name: str) -> type[Imputer]:
    """A method whose defaults are smaller, where those of its own take seconds for each rule."""
    method, smaller = IMPUTERS[name], QUICK.get(name)
    if smaller is None:
        return method

    def __init__(self, **given):
        method.__init__(self, **smaller | given)

    __init__.__signature__ = inspect.signature(method.__init__)
    return type(method.__name__, (method,), {"__doc__": method.__doc__, "__init__": __init__})


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name not in CARRIED])
def test_imputer_keeps_the_rule(name, rule):
    try:
        rule(quick(name))
    except MethodUnavailableError as lacking:
        pytest.skip(str(lacking))


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_imputer_is_described(name):
    imputer = IMPUTERS[name]
    assert 10 < len(IMPUTERS.summary(name)) <= 100
    assert any(f"{century}" in (imputer.__doc__ or "") for century in ("(19", "(20", " 19", " 20")), "no source"


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_imputer_says_its_family_and_what_its_draws_are(name):
    imputer = IMPUTERS[name]
    assert imputer.family != Imputer.family, "no family"
    assert not (imputer.proper and imputer.deterministic)


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_imputer_says_where_its_defaults_were_chosen(name):
    assert 10 < len(IMPUTERS[name].defaults) <= 61
