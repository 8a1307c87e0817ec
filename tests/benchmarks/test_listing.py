"""``list`` names everything, and answers at once: the listing is kept, and no heavy library imported."""

import os
import subprocess
import sys

import pytest

HEAVY = {"numpy", "pandas", "scipy", "sklearn", "torch", "lightgbm", "matplotlib", "hyperimpute"}
LIST = """
import sys
sys.argv = ["benchmarks", "list", *sys.argv[1:]]
from benchmarks.__main__ import main
try:
    main()
finally:
    print("imported:", *sys.modules)
"""
SUITE = '''
from benchmarks.suite import Block, Suite
from benchmarks.suites import SUITES


@SUITES.register("mine")
def mine():
    """My own cells."""
    return Suite("mine", (Block("toy", ("mean",), ("mcar",), seeds=(1, 2)),))
'''


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """What is shown, and which modules were imported."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}

    def run(*arguments):
        command = [sys.executable, "-c", LIST, *map(str, arguments)]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        listing, _, imported = shown.partition("imported:")
        return listing, set(imported.split())

    return run


def test_everything_is_named_and_nothing_heavy_is_imported(listed):
    first, _ = listed()
    for name in ("gss-smoke", "study-joint", "gss2022-twin", "mcar", "mice-cart", "hivae", "design-correlation-error"):
        assert name in first
    assert "Quick methods on a made-up table. 48 cells." in " ".join(first.split())
    again, imported = listed()
    assert again == first and not HEAVY & imported


def test_what_a_file_registers_is_listed(listed, tmp_path):
    (tmp_path / "mine.py").write_text(SUITE)
    listing, _ = listed("--load", tmp_path / "mine.py")
    assert "My own cells. 2 cells." in " ".join(listing.split())
    assert "My own cells" not in listed()[0]
