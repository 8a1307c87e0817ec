"""Keys and seeds: they change with what decides a result, and with nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import cells
from benchmarks.cells import Cell, code_version, make_mask, prediction_key

CELL = Cell("toy (synthetic)", "mcar", 0.3, 1, "mean", 5)


def test_a_mask_depends_on_dataset_mechanism_rate_and_seed_alone(toy):
    hidden = make_mask(toy, "mar", 0.3, 1).hidden
    assert np.array_equal(hidden, make_mask(toy, "mar", 0.3, 1).hidden)
    for other in (("mar", 0.3, 2), ("ni", 0.3, 1), ("mar", 0.2, 1)):
        assert not np.array_equal(hidden, make_mask(toy, *other).hidden)


@pytest.mark.parametrize("change", [{"imputer": "hot-deck"}, {"n_draws": 6}, {"seed": 2}, {"dataset": "gss2022"}])
def test_the_key_changes_with_the_cell(toy, change):
    masked = make_mask(toy, "mcar", 0.3, 1)
    assert prediction_key(CELL, masked) == prediction_key(CELL, masked)
    assert prediction_key(CELL, masked) != prediction_key(replace(CELL, **change), masked)


def test_the_key_changes_with_the_data_and_the_mask(toy):
    masked = make_mask(toy, "mcar", 0.3, 1)
    renamed = make_mask(replace(toy, name="other"), "mcar", 0.3, 1)
    assert prediction_key(CELL, masked) != prediction_key(CELL, renamed)
    assert prediction_key(CELL, masked) != prediction_key(CELL, make_mask(toy, "mcar", 0.3, 2))


def test_the_version_follows_imports_inside_functions(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "ROOT", tmp_path)
    package = tmp_path / "imputers"
    package.mkdir()
    method, part = package / "method.py", package / "part.py"
    method.write_text("import numpy\n\ndef fit():\n    from imputers.part import step\n    return step()\n")
    part.write_text("def step():\n    return 1\n")
    before = code_version(method)
    assert before == code_version(method)
    part.write_text("def step():\n    return 2\n")
    assert code_version(method) != before
