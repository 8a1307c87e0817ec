"""The description of a dataset adds up."""

import numpy as np

from datasets.files.describe import describe
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Reason


def test_description_by_hand():
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NOMINAL, {1: "x", 2: "y", 3: "z"})))
    values = np.array([[1.5, 1], [1.5, np.nan], [np.nan, np.nan]])
    reasons = np.array([[0, 0], [0, Reason.REFUSED], [Reason.DONT_KNOW, Reason.REFUSED]])
    found = describe(Dataset("d", schema, values, reasons))
    assert found.to_dict("records") == [
        dict(variable="a", kind="numeric", role="item", levels=1, observed=2) | {"don't know": 1, "refused": 0},
        dict(variable="b", kind="nominal", role="item", levels=3, observed=1) | {"don't know": 0, "refused": 2},
    ]


def test_every_cell_of_the_survey_is_counted_once(gss: Dataset):
    found = describe(gss)
    assert (found.drop(columns=["variable", "kind", "role", "levels"]).sum(axis=1) == 3544).all()
    assert found.set_index("variable").loc["marhomo", "not asked"] == 1203
