"""What the READMEs show works as it is written there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from benchmarks.__main__ import main
from benchmarks.app import app
from benchmarks.suites import SUITES
from datasets.request import split_requests
from imputers import IMPUTERS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
ROOMS = ("benchmarks", "datasets", "imputers", "reports")
READMES = [README, *(path for room in ROOMS for path in sorted((ROOT / room).rglob("README.md")))]
COMMANDS = [
    (path.relative_to(ROOT).as_posix(), line)
    for path in READMES
    for line in re.findall(r"python -m benchmarks ([a-z][^`\n]*)", path.read_text(encoding="utf-8"))
]


def test_readme_can_be_read_in_one_go():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_commands_of_a_readme_are_understood(page, line):
    name, *words = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands[name]
    given = command.make_context(name, words).params  # an unknown option or a missing argument is an error
    suite = given.get("suite")
    if suite and not suite.endswith(".toml"):
        SUITES.resolve(suite)
    for request in split_requests(given.get("imputers") or ""):
        IMPUTERS.resolve(request.partition("#")[0])


@pytest.mark.parametrize("path", [*READMES, ROOT / "CONTRIBUTING.md"], ids=str)
def test_links_of_a_page_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for file, _, heading in (target.partition("#") for target in targets if not target.startswith("http")):
        place = path.parent / file if file else path
        assert place.exists(), file
        assert not heading or heading in _headings(place.read_text(encoding="utf-8"))


def test_ranking_of_the_readme_orders_a_table_of_scores(tmp_path, monkeypatch):
    values = {"mean": [1.01, 0.99, 1.02], "gbm": [0.78, 0.80, 0.83], "knn": [0.82, 0.79, 0.84]}
    rows = [(imputer, mask, value) for imputer, own in values.items() for mask, value in enumerate(own)]
    pd.DataFrame(rows, columns=["imputer", "mask", "value"]).to_csv(tmp_path / "scores.csv", index=False)
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(_block("rank("), found)
    assert found["places"]["place"].to_dict() == {"gbm": 1, "knn": 1, "mean": 3}


def test_tests_that_a_readme_names_are_there():
    written = {name for page in READMES for name in re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))}
    there = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert written
    assert [name for name in sorted(written) if f"def {name}(" not in there] == []


def messy_survey() -> str:
    """The file of the walk: semicolons, decimal commas, an open end, texts and a code for missing, remarks."""
    rng = np.random.default_rng(4)
    lines = ["hh_id;age;income;married;spouse_hours;age_first_child;trust;remark"]
    answers = ["strongly disagree", "disagree", "agree", "strongly agree", "don't know"]
    for i in range(400):
        years = int(rng.integers(18, 95))
        age, years = f"{years}" if years < 89 else "89 or older", min(years, 89)
        income = f"{1200 + 25 * years + rng.normal(0, 400):,.2f}".translate(str.maketrans(",.", ".,"))
        income = income if rng.random() > 0.12 else "n/a"
        married = "yes" if rng.random() < 0.3 + 0.004 * years else "no"
        hours = f"{int(rng.integers(0, 60))}" if married == "yes" and rng.random() > 0.15 else ""
        child = f"{max(15, min(years, int(rng.normal(27, 5))))}" if rng.random() > 0.3 and years > 20 else ""
        child = "-9" if rng.random() < 0.05 else child
        trust = rng.choice(answers, p=[0.1, 0.25, 0.35, 0.2, 0.1])
        remark = f"note {i}" if rng.random() < 0.3 else ""
        lines.append(f"{1000 + i // 2};{age};{income};{married};{hours};{child};{trust};{remark}")
    return "\n".join(lines) + "\n"


def test_the_walk_through_a_messy_file_goes_as_it_is_written(tmp_path, monkeypatch, capsys):
    page = README.read_text(encoding="utf-8")
    walk = page[page.index("## Your own file") : page.index("## Add an imputer")]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "survey.csv").write_text(messy_survey(), encoding="utf-8")
    (tmp_path / "rules.toml").write_text(re.findall(r"```toml\n(.*?)```", walk, flags=re.DOTALL)[0], encoding="utf-8")
    shown = re.findall(r"```\n\$ python -m (benchmarks [^\n]*)\n(.*?)```", walk, flags=re.DOTALL)
    assert len(shown) == 2
    for command, lines in shown:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as stop:
            main()
        told = capsys.readouterr().out
        assert stop.value.code == 0
        assert all(line in told for line in lines.splitlines()), told
    assert len(pd.read_csv("filled/draw_5.csv", sep=";", decimal=",", thousands=".")) == 400


def _headings(page: str) -> set[str]:
    """Anchors of a page, as they are made on GitHub."""
    titles = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def _block(holding: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    return next(block for block in blocks if holding in block)


def test_imputer_of_the_readme_passes_check(tmp_path):
    (tmp_path / "nearest.py").write_text(_block("@IMPUTERS.register"))
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
    found: dict = {}
    exec(_block("pool("), found)
    low, high = found["pooled"].interval()[:, 2]
    assert low < 3 < high < low + 0.5
