import numpy as np
import pytest

from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def test_worked_by_hand(small, worked):
    # happy: expected 1 2 3 2 against 1 2 3 3; age: expected 32 45 against 30 50
    assert score("rmse", small, worked) == pytest.approx({"happy": 0.5, "age": np.sqrt(14.5)})
    # SD of the observed happy 1 2 3 3 2 and age 20 … 60
    sd = {"happy": np.sqrt(0.56), "age": np.sqrt(200)}
    assert score("nrmse", small, worked) == pytest.approx(
        {"happy": 0.5 / sd["happy"], "age": np.sqrt(14.5) / sd["age"]}
    )
    # happy: medians 1 1 3 2, the tie of row 1 going down
    assert score("mae", small, worked) == pytest.approx({"happy": 0.5, "age": 3.5})


def test_expectation_of_the_method_itself_is_what_counts(small, worked):
    expected = np.where(small.scored, 0.0, np.nan)
    expected[small.scored] = small.truth.values[small.hidden]
    found = score("rmse", small, Prediction(worked.draws, expected))
    assert found == {"happy": 0.0, "age": 0.0}


def test_the_column_mean_gets_the_sd_of_the_item(masked_gss, gss_guesses):
    found = score("rmse", masked_gss, gss_guesses["centre"])
    spread = dict(zip(masked_gss.schema.names, np.nanstd(masked_gss.truth.values, axis=0), strict=True))
    assert found == pytest.approx({name: spread[name] for name in found}, rel=0.04)
    assert len(found) == 15


def test_a_constant_column_has_no_nrmse():
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))
    masked = Masked(Dataset("flat", schema, np.array([[1.0, 2], [1, 3]])), np.array([[True, True], [False, False]]))
    prediction = Prediction(np.array([[1.0, 3.0]]))
    assert set(score("rmse", masked, prediction)) == {"a", "b"}
    assert set(score("nrmse", masked, prediction)) == set(score("wasserstein", masked, prediction)) == {"b"}
