"""Keys and seeds: they change with what decides a result, and with nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import versions
from benchmarks.cells import Cell, Method, make_mask, prediction_key
from benchmarks.judge import Job
from benchmarks.store import Store
from benchmarks.versions import code_version
from benchmarks.wire import unpack

CELL = Cell("toy (synthetic)", "mcar", 0.3, 1, "mean", 5)
SHARED = '"""Steps."""\n\n\ndef step():\n    """One step."""\n    return 1  # the first\n'


@pytest.fixture
def key():
    """The key of a cell on a masked table."""
    return lambda cell, masked: prediction_key(cell, masked, Method.of(cell.imputer))


def test_a_mask_depends_on_dataset_mechanism_rate_and_seed_alone(toy):
    hidden = make_mask(toy, "mar", 0.3, 1).hidden
    assert np.array_equal(hidden, make_mask(toy, "mar", 0.3, 1).hidden)
    for other in (("mar", 0.3, 2), ("ni", 0.3, 1), ("mar", 0.2, 1)):
        assert not np.array_equal(hidden, make_mask(toy, *other).hidden)


@pytest.mark.parametrize("change", [{"imputer": "hot-deck"}, {"n_draws": 6}, {"seed": 2}, {"dataset": "gss2022"}])
def test_the_key_changes_with_the_cell(toy, key, change):
    masked = make_mask(toy, "mcar", 0.3, 1)
    assert key(CELL, masked) == key(CELL, masked)
    assert key(CELL, masked) != key(replace(CELL, **change), masked)


def test_the_key_changes_with_the_data_and_the_mask(toy, key):
    masked = make_mask(toy, "mcar", 0.3, 1)
    renamed = make_mask(replace(toy, name="other"), "mcar", 0.3, 1)
    assert key(CELL, masked) != key(CELL, renamed)
    assert key(CELL, masked) != key(CELL, make_mask(toy, "mcar", 0.3, 2))


def test_another_run_is_the_same_method_under_another_seed(toy, key):
    masked, again = make_mask(toy, "mcar", 0.3, 1), replace(CELL, imputer="mean#2")
    assert Method.of("mean#2") == Method.of("mean")
    assert again.random_state != CELL.random_state and key(again, masked) != key(CELL, masked)


def test_the_key_changes_with_the_libraries_that_the_method_uses(toy, key, monkeypatch):
    masked = make_mask(toy, "mcar", 0.3, 1)
    before, known = key(CELL, masked), versions.version
    assert "numpy" in Method.of("mean").version.libraries
    assert not {"torch", "typer", "matplotlib"} & set(Method.of("mean").version.libraries)
    monkeypatch.setattr(versions, "version", lambda name: "9.9" if name == "typer" else known(name))
    assert key(CELL, masked) == before
    monkeypatch.setattr(versions, "version", lambda name: "9.9" if name == "numpy" else known(name))
    assert key(CELL, masked) != before


def test_the_key_changes_with_programs_outside_python(toy):
    masked, method = make_mask(toy, "mcar", 0.3, 1), Method.of("mean")
    assert prediction_key(CELL, masked, method) != prediction_key(CELL, masked, replace(method, programs={"R": "4.5"}))


@pytest.fixture
def method(tmp_path, monkeypatch):
    """A method of a small project that uses a shared module, imported inside a function."""
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    package = tmp_path / "imputers"
    package.mkdir()
    (package / "part.py").write_text(SHARED)
    path = package / "method.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n\nimport numpy\n\nif TYPE_CHECKING:\n    import torch\n\n\n"
        "def fit():\n    from imputers.part import step\n    import sklearn.svm\n    return step()\n"
    )
    return path


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("One step.", "A step, NRMSE .804.", True),
        ("Steps.", "All steps.", True),
        ("# the first", "# of many", True),
        ("\n\n\ndef", "\n\n\n\n\ndef", True),
        ("return 1", "return 2", False),
        ("def step()", "def step(x=0)", False),
    ],
)
def test_the_version_follows_the_code_of_shared_modules_and_no_words(method, before, after, same):
    version, part = code_version(method), method.with_name("part.py")
    assert before in SHARED
    part.write_text(SHARED.replace(before, after))
    assert (code_version(method) == version) is same


def test_libraries_are_those_that_are_imported_when_the_code_runs(method):
    assert set(code_version(method).libraries) == {"numpy", "scikit-learn"}
    method.write_text("import no_such_library\n")
    assert code_version(method).libraries == {"no_such_library": "not installed"}


def test_a_model_in_a_folder_here_is_told_by_its_full_path_and_its_cell_is_known_by_what_was_typed(
    tmp_path, monkeypatch, toy
):
    """The process that imputes stands in another folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    masked = make_mask(toy, "mcar", 0.3, 1)
    asked = {
        "llm(model='mine', rank=2)#2": f"llm(model={str(tmp_path / 'mine')!r}, rank=2)",
        "llm(model='../elsewhere')": "llm(model='../elsewhere')",
        "mice-pmm#2": "mice-pmm#2",
    }
    for request, told in asked.items():
        job = Job(Cell(toy.title, "mcar", 0.3, 1, request, 2), "mcar", masked, "key", "record", Store(tmp_path))
        content, _ = unpack(job.request([]))
        assert (content["imputer"], job.cell.imputer) == (told, request)
