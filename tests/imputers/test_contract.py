"""Every registered imputer keeps every rule of the contract."""

import pytest

from datasets.errors import MethodUnavailableError
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.conformance import CHECKS

CARRIED = ("smollm2-135m", "smollm2-135m-zero-shot")  # test_prompted tries their classes with weights that take seconds


class QuickSearch(IMPUTERS["hyperimpute"]):
    """The search over fewer learners and sweeps; that of its defaults takes minutes over all rules."""

    def __init__(self, max_iter=2, classifiers=("random_forest",), regressors=("linear_regression",)):
        super().__init__(max_iter, classifiers, regressors)


class QuickNetworks(IMPUTERS["masked-transformer-per-target"]):
    """Narrower networks and fewer steps; what they learn is tried elsewhere."""

    def __init__(self, n_hidden=16, max_iter=50):
        super().__init__(n_hidden=n_hidden, max_iter=max_iter)


class QuickForest(IMPUTERS["missforest"]):
    """Fewer trees."""

    def __init__(self, n_estimators=10):
        super().__init__(n_estimators)


class QuickForests(IMPUTERS["mice-rf"]):
    """Fewer iterations and trees."""

    def __init__(self, max_iter=2, n_estimators=3):
        super().__init__(max_iter, n_estimators)


class QuickMatching(IMPUTERS["gbm-pmm"]):
    """Fewer iterations and trees."""

    def __init__(self, max_iter=2, n_estimators=10):
        super().__init__(max_iter, n_estimators=n_estimators)


class QuickPool(IMPUTERS["stacked"]):
    """Members that take no time."""

    def __init__(self, estimators=("hot-deck", "gaussian-em")):
        super().__init__(estimators)


QUICK = {
    "gbm-pmm": QuickMatching,
    "hyperimpute": QuickSearch,
    "masked-transformer-per-target": QuickNetworks,
    "mice-rf": QuickForests,
    "missforest": QuickForest,
    "stacked": QuickPool,
}


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name not in CARRIED])
def test_imputer_keeps_the_rule(name, rule):
    try:
        rule(QUICK.get(name, IMPUTERS[name]))
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
