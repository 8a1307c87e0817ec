"""What CONTRIBUTING shows works as it is written there, and its words are the words of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imputers import IMPUTERS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORDS = {
    word for row in re.findall(r"^\| (`.*?`) \| ", TEXT, flags=re.MULTILINE) for word in re.findall(r"`(\w+)`", row)
}
KINDS = ("imputer", "metric", "mechanism", "dataset", "suite")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the five examples, a file for each."""
    folder = tmp_path_factory.mktemp("examples")
    for block in re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL):
        kind = next(kind for kind in KINDS if f"@{kind.upper()}S.register" in block)
        (folder / f"{kind}.py").write_text(block, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> str:
    """What a command prints; it must succeed."""
    command = [sys.executable, "-m", "benchmarks", *words]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_there_are_five_examples(examples):
    assert sorted(path.stem for path in examples.glob("*.py")) == sorted(KINDS)
    assert all(len(path.read_text().splitlines()) <= 22 for path in examples.glob("*.py"))


def test_the_imputer_keeps_the_contract(examples):
    told = run(examples, "check", "random-answer", "--load", str(examples / "imputer.py"))
    kept, of = map(int, re.findall(r"(\d+) of (\d+) rules kept", told)[0])
    assert kept == of > 10


def test_the_suite_runs_the_imputer_on_the_dataset_under_the_mechanism_by_the_metric(examples, tmp_path):
    loads = [word for kind in KINDS for word in ("--load", str(examples / f"{kind}.py"))]
    run(examples, "run", "--suite", "first-look", "--out", str(tmp_path), *loads)
    board = (tmp_path / "first-look" / "leaderboard.md").read_text(encoding="utf-8")
    assert all(word in board for word in ("random-answer", "break-off", "two-traits"))
    import pandas as pd

    results = pd.read_parquet(tmp_path / "first-look" / "results.parquet")
    scores = results[results["metric"] == "share-exact"].groupby("imputer")["value"].mean()
    assert scores["knn(n_neighbors=5)"] > scores["random-answer"] > 0.2


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_parameters_bear_the_words_of_the_table(name):
    strange = sorted(set(IMPUTERS[name]().get_params()) - WORDS)
    assert not strange, f"{name} has parameters {strange} that the table of words in CONTRIBUTING.md lacks"


def test_the_table_has_no_word_that_nobody_uses():
    used = {parameter for name in IMPUTERS for parameter in IMPUTERS[name]().get_params()}
    assert used >= WORDS
