"""``list`` answers at once: it names everything and imports no heavy library."""

import subprocess
import sys

HEAVY = {"numpy", "pandas", "scipy", "sklearn", "torch", "lightgbm", "matplotlib", "hyperimpute"}
LIST = """
import sys
sys.argv = ["benchmarks", "list"]
from benchmarks.__main__ import main
try:
    main()
finally:
    print("imported:", *sys.modules)
"""


def test_everything_is_named_and_nothing_heavy_is_imported():
    shown = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True).stdout
    listing, _, imported = shown.partition("imported:")
    for name in ("gss-smoke", "gss2022-twin", "mcar", "mice-cart", "hivae", "design-correlation-error"):
        assert name in listing
    assert not HEAVY & set(imported.split())
