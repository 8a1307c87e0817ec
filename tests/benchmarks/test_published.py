"""The suite of published figures: what is met, what is missed, and what cannot be run."""

from math import inf

import pytest
from rich.console import Console

from benchmarks import published
from benchmarks.progress import Progress
from benchmarks.published import TRIALS, Figure, Trial, run_published
from benchmarks.supervisor import Limits
from imputers import make_imputer
from metrics import METRICS
from reports.claims import Claim, claims_page
from reports.markdown import to_markdown

FILES = ("RESTAURANT_PATH", "WINE_RED_PATH", "WINE_WHITE_PATH")


def run(out):
    return run_published(out, n_jobs=2, limits=Limits(120, 4), progress=Progress(Console(quiet=True)))


def test_every_figure_can_be_asked_for():
    for trial in TRIALS:
        assert trial.metric in METRICS
        for figure in trial.figures:
            make_imputer(figure.imputer)
            assert figure.low <= figure.high and (figure.low, figure.high) != (-inf, inf)


def test_ours_stand_beside_the_published(monkeypatch, tmp_path):
    """The mean's 1.0275 on the demonstration's mask is met; a figure that nobody reaches is missed."""
    for variable in FILES:
        monkeypatch.delenv(variable, raising=False)
    demo = Trial(
        "wdbc",
        ("miwae-demo",),
        0.5,
        "pooled-mse",
        "(table)",
        (Figure("mean", "1.0275", 1.027, 1.028, "here"), Figure("hot-deck", ".001", -inf, 0.001, "nowhere")),
    )
    absent = Trial("restaurant", ("fold-1", "fold-2"), 0.1, "accuracy", "city", (Figure("mean", ".27", 0.2, 0.3, "x"),))
    monkeypatch.setattr(published, "TRIALS", (demo, absent))
    path = run(tmp_path)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in path.read_text().splitlines() if "|" in line]
    rows = {line[2]: line for line in lines if line[0] in ("wdbc", "restaurant")}
    assert rows["hot-deck"][7] == "**miss**" and rows["hot-deck"][6] == "at most 0.001"
    assert [line[4:8] for line in lines if line[2] == "mean"] == [
        ["1.0275", "1.0275", "1.027 to 1.028", "pass"],
        ["–", ".27", "0.2 to 0.3", "not run"],
    ]
    assert "1 pass, 1 miss, 1 not run" in path.read_text()
    assert "set RESTAURANT\\_PATH" in path.read_text() or "set RESTAURANT_PATH" in path.read_text()
    before = path.read_bytes()
    assert run(tmp_path).read_bytes() == before


@pytest.mark.parametrize(("ours", "verdict"), [(0.5, "pass"), (0.4, "pass"), (0.39, "miss"), (0.7, "miss")])
def test_the_range_decides(ours, verdict):
    claim = Claim("d", "m", "i", "accuracy", ".5", 0.4, 0.6, "s", ours)
    assert claim.verdict == verdict
    assert verdict in to_markdown(claims_page([claim], "none"))


def test_an_open_end_accepts_what_is_better():
    assert Claim("d", "m", "i", "mse", ".5", -inf, 0.6, "s", 0.001).verdict == "pass"
    assert Claim("d", "m", "i", "accuracy", ".5", 0.4, inf, "s", 0.9).verdict == "pass"
