"""The store: damage is found and set aside, what is done stays done, and leftovers of killed runs go."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.own_suite import name_of
from benchmarks.store import Cost, Store, Stored
from benchmarks.versions import code_version
from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.request import parse_request
from reports.results import Record, plain_message

DONE = Record("toy", "mcar", 0.3, 1, "mean", scores=(("rmse", "age", 1.25),))
FAILED = replace(DONE, status="failed", message="too slow", scores=())


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_a_cell_that_is_done_stays_done(store):
    assert store.write("a", FAILED) == FAILED
    assert store.write("a", DONE) == DONE
    assert store.write("a", FAILED) == DONE
    assert store.read("a", print) == DONE


@pytest.mark.parametrize(
    "damage", [lambda b: b.replace(b"1.25", b"0.25"), lambda b: b[:-9], lambda b: b"", lambda b: b"\xff\x00" * 9]
)
def test_a_damaged_record_is_set_aside_and_that_is_said(store, damage):
    store.write("a", DONE)
    path, told = store.record_path("a"), []
    path.write_bytes(damage(path.read_bytes()))
    assert store.read("a", told.append) is None
    assert "is not the record of a cell" in told[0] and "computed again" in told[0]
    assert not path.exists() and len(list((store.folder / "damaged").iterdir())) == 1


def test_a_damaged_prediction_is_refused(store):
    stored = Stored(Prediction(np.array([[1.0, 2.0]])), Cost(0.1, 0.2, 3.0))
    store.save_prediction("a", stored)
    assert np.array_equal(store.load_prediction("a").prediction.draws, stored.prediction.draws)
    path = store.prediction_path("a")
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-30], b"PK" + b"\x00" * 50):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="is not the prediction of a cell"):
            store.load_prediction("a")
    _change(path, whole)
    with pytest.raises(InputError, match="checksum"):
        store.load_prediction("a")


def _change(path, whole):
    """The same file with another draw and the old checksum."""
    path.write_bytes(whole)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays | {"draws": arrays["draws"] + 1})


def test_leftovers_go_when_nobody_else_is_there(store):
    (store.folder / "records").mkdir(parents=True)
    left = [store.folder / "records" / name for name in (".a.json.4711.tmp", "tmpx.part")]
    with store.in_use():
        for path in left:
            path.touch()
        with store.in_use():
            assert all(path.exists() for path in left)
    with store.in_use():
        assert not any(path.exists() for path in left)


def test_messages():
    assert plain_message("a\nb\tc") == "a\nb\tc"
    assert plain_message("\x00\udcff\u202e") == "\ufffd" * 3
    told = plain_message("x" * 5000, " (in m.py, line 3)")
    assert len(told) == 2000 and told.endswith("… (in m.py, line 3)") and plain_message(told) == told


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("...csv", "survey"),
        ("store.csv", "store-file"),
        ("GSS.csv", "GSS-file"),
        ("a b/c.csv", "c"),
        ("é[1].csv", "é-1"),
    ],
)
def test_a_file_gives_a_name_that_a_folder_can_have(file, name):
    assert name_of(Path(file)) == name


def test_the_version_of_a_file_covers_what_it_imports_from_beside_it(tmp_path):
    (tmp_path / "mine.py").write_text("import steps\n")
    (tmp_path / "steps.py").write_text("A = 1\n")
    before = code_version(tmp_path / "mine.py")
    assert "steps" not in before.libraries
    (tmp_path / "steps.py").write_text("A = 2\n")
    assert code_version(tmp_path / "mine.py") != before


def test_doubled_brackets_are_refused():
    with pytest.raises(InputError, match="plain Python values"):
        parse_request("knn(n_neighbors=5)(weights='uniform')")
