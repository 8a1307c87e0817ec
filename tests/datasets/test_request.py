"""Requests: names with parameters, for every registry."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.request import parse_request, run_number, split_requests
from imputers import make_imputer


def test_parameters_are_given_by_name_or_by_place():
    assert make_imputer("knn(n_neighbors=5)").n_neighbors == make_imputer("knn(5)").n_neighbors == 5
    assert make_imputer("listwise(variables=['educ', 'age'])").variables == ["educ", "age"]
    assert parse_request("mice-pmm(n_donors=3)") == ("mice-pmm", (), {"n_donors": 3})


def test_parameters_of_a_mechanism_are_those_with_a_default(toy):
    rng = np.random.default_rng(0)
    mild, strong = (MECHANISMS.resolve(f"ni(auc={auc})")(toy, 0.3, rng) for auc in (0.5, 0.8))
    assert mild.sum() == strong.sum()
    assert DATASETS.resolve("toy")().name == "toy"
    with pytest.raises(InputError, match="mechanism 'ni' has no parameter 'rate'; its parameters are: auc"):
        MECHANISMS.resolve("ni(rate=0.2)")


def test_commas_in_brackets_do_not_part():
    asked = "mean, knn(n_neighbors=5,weights='uniform'),mean,,gbm"
    assert split_requests(asked) == ("mean", "knn(n_neighbors=5,weights='uniform')", "gbm")


def test_a_number_asks_for_another_run_of_the_same_method():
    again = make_imputer("knn(n_neighbors=5)#3")
    assert type(again) is type(make_imputer("knn")) and again.n_neighbors == 5
    assert parse_request("mice-pmm#2") == parse_request("mice-pmm") and parse_request("mice-pmm#2").name == "mice-pmm"
    assert [run_number(text) for text in ("mice-pmm", "mice-pmm#2", "knn(5) #12")] == [1, 2, 12]
    assert split_requests("mean#2,knn(5)#3,mean") == ("mean#2", "knn(5)#3", "mean")
    assert parse_request("llm(model='a#x')").named == {"model": "a#x"} and run_number("llm(model='a#x')") == 1


@pytest.mark.parametrize("number", ["", "0", "1", "-2", "x", "2.0", "02", "٣"])
def test_what_is_no_other_run_is_told(number):
    with pytest.raises(InputError, match=f"'mice-pmm#{number}': behind # .* a whole number from 2 on; .*mice-pmm#2"):
        make_imputer(f"mice-pmm#{number}")


def test_only_imputers_have_other_runs(toy):
    for registry, request_ in ((MECHANISMS, "mcar#2"), (MECHANISMS, "mar(auc=0.8)#2"), (DATASETS, "toy#2")):
        with pytest.raises(InputError, match=f"only an imputer has other runs; write the {registry.noun} without #2"):
            registry.resolve(request_)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("knnn", "no imputer 'knnn'; did you mean"),
        ("knn(neighbours=5)", "no parameter 'neighbours'; its parameters are: .*n_neighbors"),
        ("knn(5, n_neighbors=5)", "was given 'n_neighbors' twice"),
        ("listwise(1, 2)", "was given 2 values"),
        ("knn(n_neighbors=open('x'))", "plain Python values"),
        ("knn(n_neighbors=5", "cannot be read"),
        ("knn(n_neighbors==5)", "plain Python values"),
        ("knn(**{'n_neighbors': 5})", "plain Python values"),
        ("", "cannot be read"),
    ],
)
def test_what_cannot_be_understood_is_told(request_, told):
    with pytest.raises(InputError, match=told):
        make_imputer(request_)
