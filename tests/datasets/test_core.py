"""The survey's core table and its twin have the same items, and no respondent of one is in the other."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.surveys.gss_targets import targets


@pytest.fixture(scope="module")
def tables(shared):
    path = shared / "data" / "2022_stata.zip"
    survey = DATASETS.resolve("gss2022-core(n=4)")(path)
    return path, survey, DATASETS.resolve("gss2022-core(n=4, respondents='twin')")(path)


def test_the_same_items_of_both(tables):
    _, survey, twin = tables
    assert survey.schema.names == twin.schema.names and survey.values.shape == twin.values.shape == (3544, 9)
    assert list(survey.schema.names[:5]) == targets() and "degree" in survey.schema.names[5:]
    assert [c.labels for c in survey.schema.columns] == [c.labels for c in twin.schema.columns]
    assert twin.synthetic and not survey.synthetic and twin.title != survey.title


def test_rows_are_those_of_the_whole_tables(tables):
    path, survey, twin = tables
    for part, whole in ((survey, DATASETS["gss2022"](path)), (twin, DATASETS["gss2022-twin"](None))):
        own = [whole.schema.names.index(name) for name in part.schema.names]
        assert np.array_equal(part.values, whole.values[:, own], equal_nan=True)
        assert np.array_equal(part.reasons, whole.reasons[:, own])


@pytest.mark.parametrize("request_", ["gss2022-core(n=0)", "gss2022-core(n=99)", "gss2022-core(respondents='me')"])
def test_what_there_is_not_is_named(tables, request_):
    with pytest.raises(InputError, match=r"1 to 19|survey, twin"):
        DATASETS.resolve(request_)(tables[0])
