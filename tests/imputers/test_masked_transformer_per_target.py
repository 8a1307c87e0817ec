"""Models of some items only: masked-transformer with targets, and one model for each target."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import check_prediction, complete
from datasets.schema import Role, Schema
from imputers import IMPUTERS

pytest.importorskip("torch")


def test_only_targets_are_learned_and_the_others_get_their_shares(twins):
    schema, X = twins
    imputer = IMPUTERS["masked-transformer"](("second", "age"), n_hidden=32, n_layers=1, n_heads=2, n_estimators=1).fit(
        X, schema=schema, random_state=3
    )
    prediction = imputer.impute(X, n_draws=40)
    check_prediction(prediction, X, schema)
    shares = [np.mean(X[~np.isnan(X[:, 2]), 2] == level) for level in range(1, 6)]
    np.testing.assert_allclose(prediction.probabilities[2], np.tile(shares, (60, 1)))
    drawn = prediction.draws[:, np.nonzero(np.isnan(X))[1] == 2]
    assert [np.mean(drawn == level) for level in range(1, 6)] == pytest.approx(shares, abs=0.03)
    known = np.array([[0.0, np.nan, 2.0, 40.0], [1.0, np.nan, 2.0, 40.0]])
    assert imputer.impute(known).probabilities[1][:, 1] == pytest.approx([0.05, 0.95], abs=0.1)


def test_per_target_predictions_come_from_the_model_of_each(twins):
    schema, X = twins
    imputer = IMPUTERS["masked-transformer-per-target"](("second",), n_hidden=32, max_iter=60).fit(
        X, schema=schema, random_state=3
    )
    prediction = imputer.impute(X, n_draws=20)
    check_prediction(prediction, X, schema)
    assert set(imputer.parts_) == {(1,), (0, 2, 3)}
    single = np.where(np.eye(4, dtype=bool), np.nan, [1.0, 1.0, 2.0, 50.0])  # a hole a row: no other draw tells of it
    found = imputer.impute(single, n_draws=4)
    for own, part in imputer.parts_.items():
        alone = part.impute(single, n_draws=1)
        for j in set(own) & set(found.probabilities):
            np.testing.assert_allclose(found.probabilities[j], alone.probabilities[j], atol=1e-12)
        numbers = np.isin([0, 1, 2, 3], own) & np.isin([0, 1, 2, 3], [2, 3])
        np.testing.assert_allclose(found.expected[numbers], alone.expected[numbers], atol=1e-9)
    tables = [complete(X, fills)[:200] for fills in prediction.draws]  # the twins are drawn without each other
    assert np.mean([table[:, 0] == table[:, 1] for table in tables]) == pytest.approx(0.5, abs=0.08)


def test_per_target_asks_the_schema_for_its_targets(twins):
    schema, X = twins
    columns = [replace(column, role=Role.TARGET if column.name == "age" else Role.ITEM) for column in schema]
    few = {"n_hidden": 8, "max_iter": 2}
    imputer = IMPUTERS["masked-transformer-per-target"](**few).fit(X, schema=Schema(tuple(columns)))
    assert set(imputer.parts_) == {(3,), (0, 1, 2)}
    imputer = IMPUTERS["masked-transformer-per-target"](**few).fit(X, schema=schema)
    assert set(imputer.parts_) == {(0,), (1,), (2,), (3,)}


@pytest.mark.parametrize("name", ["masked-transformer", "masked-transformer-per-target"])
def test_unknown_target_is_named(twins, name):
    schema, X = twins
    with pytest.raises(InputError, match="'third'"):
        IMPUTERS[name](targets=("first", "third")).fit(X, schema=schema)
