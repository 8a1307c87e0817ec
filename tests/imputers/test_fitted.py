"""Fitted imputers on disk: they come back and fill as before, bit for bit; nothing else is made of what a file says."""

import json

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from imputers import IMPUTERS, make_imputer
from imputers.fitted import FACTS, load_fitted, save_fitted
from imputers.heartbeat import listening
from scripts.small_files import SCHEMA, table

SMALLER = {
    "gbm": "gbm(n_estimators=9, n_estimators_nominal=9)",
    "gbm-pmm": "gbm-pmm(n_estimators=9)",
    "latent-class": "latent-class(n_init=1)",
}
STORED = [name for name in IMPUTERS if IMPUTERS[name].nouns is not None]


def holed(n, seed):
    """Codes (n, 4) with holes, its numbers rounded."""
    return np.round(table(n, seed)[1], 1)


def test_the_methods_that_most_people_take_can_be_stored():
    assert {"mean", "subgroup-mean", "regression", "mice", "mice-pmm", "mice-cart", "gbm", "hot-deck"} <= set(STORED)


@pytest.mark.parametrize("name", STORED)
def test_a_stored_imputer_fills_new_rows_as_before(tmp_path, name):
    wanted = SMALLER.get(name, name)
    imputer = make_imputer(wanted).fit(holed(60, 0), schema=SCHEMA, random_state=3)
    save_fitted(imputer, wanted, tmp_path / "f")
    again, request = load_fitted(tmp_path / "f")
    assert request == wanted
    for X in (holed(60, 0), holed(20, 1)):
        before, after = imputer.impute(X, 2), again.impute(X, 2)
        assert np.array_equal(before.draws, after.draws)
        assert after.probabilities.keys() == before.probabilities.keys()
        assert all(np.array_equal(after.probabilities[j], shares) for j, shares in before.probabilities.items())


def test_parameters_and_data_frames_come_back(tmp_path):
    frame = pd.DataFrame(holed(60, 0), columns=["x", "number", "scale", "group"])
    frame["word"] = pd.Series(np.resize(["yes", "no", None], 60), dtype="string")
    imputer = make_imputer("mice(max_iter=2)").fit(frame, unseen="missing")
    save_fitted(imputer, "mice(max_iter=2)", tmp_path)
    again, _ = load_fitted(tmp_path)
    assert again.get_params()["max_iter"] == 2
    pd.testing.assert_frame_equal(again.transform(frame.head(9)), imputer.transform(frame.head(9)))
    assert list(again.get_feature_names_out()) == list(frame)
    new = frame.head(3).assign(word="perhaps")
    with pytest.warns(UserWarning, match="perhaps"):
        assert list(again.transform(new)["word"]) == ["perhaps"] * 3


def test_methods_that_learn_more_than_arrays_say_that_they_cannot_be_stored(tmp_path):
    imputer = make_imputer("missforest(n_estimators=2, max_iter=1)").fit(holed(60, 0), schema=SCHEMA)
    with pytest.raises(InputError, match="missforest: what it learns is more than arrays and cannot be stored"):
        save_fitted(imputer, "missforest", tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda facts: facts | {"format": 99}, "it has format 99"),
        (lambda facts: {**facts, "learned": {"pairs": [["impute", 1]]}}, "it would replace impute"),
        (lambda facts: {**facts, "learned": {"pairs": [["table_", {"noun": "Popen", "fields": {}}]]}}, "'Popen'"),
        (lambda facts: {**facts, "learned": {"pairs": [["table_", {"array": "99"}]]}}, "'99'"),
        (lambda facts: {"format": 1}, "'imputer'"),
    ],
)
def test_what_a_stored_imputer_cannot_hold_is_refused(tmp_path, damage, message):
    save_fitted(make_imputer("mice").fit(holed(60, 0), schema=SCHEMA), "mice", tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps(damage(facts)))
    with pytest.raises(InputError, match=f"is damaged, or stored by another version.*{message}"):
        load_fitted(tmp_path)


def test_a_folder_without_a_fitted_imputer(tmp_path):
    with pytest.raises(InputError, match="holds no fitted imputer"):
        load_fitted(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["mice", SMALLER["gbm"], "mice-cart"])
def test_methods_say_how_far_they_are(name):
    told = []
    imputer = make_imputer(name).fit(holed(60, 0), schema=SCHEMA)
    with listening(told.append):
        silent = imputer.impute(holed(60, 0), 3)
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert np.array_equal(silent.draws, imputer.impute(holed(60, 0), 3).draws)
