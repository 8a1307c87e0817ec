"""The registry finds what files register, binds parameters, takes files of the user's, and helps with misspellings."""

import sys

import pytest

from benchmarks.suites import SUITES
from datasets import DATASETS
from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS, replicates, setting
from datasets.registry import load_plugin
from imputers import IMPUTERS
from metrics import METRICS

PLUGIN = '''
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("made-up")
class MadeUp(Imputer):
    """A method for a test."""
'''
EVERYTHING = '''
from benchmarks.suite import Block, Suite
from benchmarks.suites import SUITES
from datasets import DATASETS
from datasets.mechanisms import MECHANISMS


@DATASETS.register("made-up-table")
def table(path=None):
    """A table for a test."""


@MECHANISMS.register("made-up-mechanism")
def hide(dataset, rate, rng):
    """A mechanism for a test."""


@SUITES.register("made-up-suite")
def suite():
    """A suite for a test."""
'''


@pytest.fixture
def forget():
    """Take what a test registers out again."""
    registries = (IMPUTERS, METRICS, MECHANISMS, DATASETS, SUITES)
    before = [set(registry) for registry in registries]
    yield
    for registry, names in zip(registries, before, strict=True):
        for name in set(registry) - names:
            del registry._entries[name], registry._origins[name]


def test_names_and_summaries():
    assert list(IMPUTERS) == sorted(IMPUTERS) and "mice" in IMPUTERS
    assert all(registry.summary(name) for registry in (IMPUTERS, METRICS, MECHANISMS, DATASETS) for name in registry)


def test_nearest_name_is_suggested():
    with pytest.raises(InputError, match="there is no imputer 'mise'; did you mean .*mice"):
        IMPUTERS.check("mise")


def test_unknown_name_without_neighbour_lists_all():
    with pytest.raises(InputError, match="there are: .*mean"):
        IMPUTERS["zzzzzzzz"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("mar(slope=0.2)", "mechanism 'mar' has no parameter 'slope'; its parameters are: auc, bias, drivers"),
        ("fold(1, 2)", "was given 2 values in 'fold\\(1, 2\\)'; its parameters are: number"),
        ("fold(1, number=2)", "was given 'number' twice"),
        ("mcar(1)", "its parameters are: none"),
    ],
)
def test_parameters_that_do_not_fit(request_, message):
    with pytest.raises(InputError, match=message):
        MECHANISMS.resolve(request_)


def test_loaded_file_registers(tmp_path, forget):
    path = tmp_path / "made_up.py"
    path.write_text(PLUGIN)
    assert load_plugin(path) == ["imputer made-up"]
    assert IMPUTERS.summary("made-up") == "A method for a test."


def test_a_file_registers_anything(tmp_path, forget):
    path = tmp_path / "everything.py"
    path.write_text(EVERYTHING)
    found = ["dataset made-up-table", "mechanism made-up-mechanism", "suite made-up-suite"]
    assert sorted(load_plugin(path)) == found
    assert SUITES.summary("made-up-suite") == "A suite for a test."


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1\n", "registers nothing"), (PLUGIN.replace("made-up", "mean"), "has the name of one in imputers")],
)
def test_useless_files_are_refused(tmp_path, text, message):
    path = tmp_path / "plugin.py"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_plugin(path)


@pytest.mark.parametrize("name", ["", "a,b", "a(b)", "my method", "../../evil", "<b>", "x" * 61, "rtl\u202e", 5])
def test_names_that_nobody_can_ask_for_are_refused(name):
    with pytest.raises(InputError, match="no such name can be asked for; take up to 60 letters"):
        IMPUTERS.register(name)


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_plugin(tmp_path / "none.py")


def test_two_files_with_one_name_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "twofold"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from datasets.registry import Registry\n\nTHINGS = Registry('thing', package='twofold', variable='THINGS')\n"
    )
    for name in ("one", "two"):
        text = 'from twofold import THINGS\n\n\n@THINGS.register("same")\ndef f():\n    """Do."""\n'
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    from datasets import registry

    monkeypatch.setattr(registry, "_REGISTRIES", [*registry._REGISTRIES])
    import twofold

    with pytest.raises(InputError, match=r"'same' of twofold\.two has the name of one in twofold\.one"):
        list(twofold.THINGS)
    for name in [name for name in sys.modules if name.startswith("twofold")]:
        del sys.modules[name]


def test_replicates_of_a_setting(forget):
    @MECHANISMS.register("made-up-waves")
    @replicates("wave")
    def waves(dataset, rate, rng, wave=1, length=2):
        """A mechanism for a test."""

    assert setting("made-up-waves(3)") == setting("made-up-waves") == "made-up-waves"
    assert setting("made-up-waves(3, 4)") == setting("made-up-waves(length=4)") == "made-up-waves(length=4)"
    assert setting("mcar") == "mcar"
