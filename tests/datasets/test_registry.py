"""The registry finds names in source, imports on demand and helps with misspellings."""

import sys

import pytest

from datasets.errors import InputError
from datasets.registry import Registry, load_plugin

PLUGIN = '''
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("made-up")
class MadeUp(Imputer):
    """A method for a test."""
'''


@pytest.fixture
def imputers():
    return Registry("imputer", package="imputers", variable="IMPUTERS")


def test_names_and_summaries_come_without_import(imputers):
    assert "mice" in list(imputers)
    assert imputers.summaries()["mice"]
    assert "imputers.statistical.no_such" not in sys.modules


def test_nearest_name_is_suggested(imputers):
    with pytest.raises(InputError, match="there is no imputer 'mise'; did you mean .*mice"):
        imputers.check("mise")


def test_unknown_name_without_neighbour_lists_all(imputers):
    with pytest.raises(InputError, match="there are: .*mean"):
        imputers["zzzzzzzz"]


def test_loaded_file_registers(tmp_path):
    from imputers import IMPUTERS

    path = tmp_path / "made_up.py"
    path.write_text(PLUGIN.replace("made-up", "made-up-once"))
    assert load_plugin(path) == ["made-up-once"]
    assert IMPUTERS["made-up-once"].__doc__ == "A method for a test."
    assert IMPUTERS.summaries()["made-up-once"] == "A method for a test."


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1\n", "registers no imputer"), (PLUGIN.replace("made-up", "mean"), "the name .mean. is taken")],
)
def test_useless_files_are_refused(imputers, tmp_path, text, message):
    path = tmp_path / "plugin.py"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        imputers.load(path)


def test_absent_file_is_refused(imputers, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        imputers.load(tmp_path / "none.py")


def test_two_files_with_one_name_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "twofold"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("one", "two"):
        (package / f"{name}.py").write_text('@THINGS.register("same")\ndef f():\n    """Do."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"twofold\.one and in twofold\.two"):
        list(Registry("thing", package="twofold", variable="THINGS"))
