"""What the README shows works as it is written there."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_imputer_of_the_readme_passes_check(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    source = next(block for block in blocks if "@IMPUTERS.register" in block)
    (tmp_path / "nearest.py").write_text(source)
    command = [sys.executable, "-m", "benchmarks", "check", "nearest", "--load", str(tmp_path / "nearest.py")]
    told = subprocess.run(command, capture_output=True, text=True, cwd=README.parent, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "12 of 12 rules kept" in told.stdout
