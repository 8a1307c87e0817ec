"""Requests: names with parameters, of which nothing but literals is evaluated."""

import pytest

from datasets.errors import InputError
from datasets.request import parse_request, split_requests
from imputers import make_imputer


def test_parameters_are_set_and_the_others_are_the_usual_ones():
    imputer = make_imputer("knn(k=7, weights='uniform')")
    assert imputer.get_params()["k"] == 7 and imputer.get_params()["weights"] == "uniform"
    assert imputer.get_params()["distance"] == make_imputer("knn").get_params()["distance"]
    assert make_imputer("listwise(variables=['educ', 'age'])").variables == ["educ", "age"]
    assert parse_request("mice-pmm(donors=3)").name == "mice-pmm"


def test_commas_in_brackets_do_not_part():
    assert split_requests("mean, knn(k=5,weights='uniform'),mean,,gbm") == ("mean", "knn(k=5,weights='uniform')", "gbm")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("knnn", "no imputer 'knnn'; did you mean"),
        ("knn(neighbours=5)", "no parameter 'neighbours'; its parameters are: .*k"),
        ("knn(5)", "parameters need names"),
        ("knn(k=open('x'))", "plain Python values"),
        ("knn(k=5", "cannot be read"),
        ("knn(k==5)", "parameters need names"),
        ("", "cannot be read"),
    ],
)
def test_what_cannot_be_understood_is_told(request_, told):
    with pytest.raises(InputError, match=told):
        make_imputer(request_)
