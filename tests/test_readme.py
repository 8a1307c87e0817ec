"""What the README shows works as it is written there."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

README = Path(__file__).resolve().parents[1] / "README.md"


def test_imputer_of_the_readme_passes_check(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    source = next(block for block in blocks if "@IMPUTERS.register" in block)
    (tmp_path / "nearest.py").write_text(source)
    command = [sys.executable, "-m", "benchmarks", "check", "nearest", "--load", str(tmp_path / "nearest.py")]
    told = subprocess.run(command, capture_output=True, text=True, cwd=README.parent, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.search(r"(\d+) of \1 rules kept", told.stdout)


def test_pooling_of_the_readme_gives_an_interval(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    (tmp_path / "filled").mkdir()
    for number in range(1, 6):
        age, educ = rng.normal(50, 15, 200), rng.normal(13, 3, 200)
        draw = pd.DataFrame({"age": age, "educ": educ, "income": 3 * educ + rng.normal(size=200)})
        draw.to_csv(tmp_path / "filled" / f"draw_{number}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    found: dict = {}
    exec(next(block for block in blocks if "pool(" in block), found)
    low, high = found["pooled"].interval()[:, 2]
    assert low < 3 < high < low + 0.5
