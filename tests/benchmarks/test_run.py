"""From data to leaderboard: failures are kept apart, and a stopped run resumes to the same result."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.computing import Settings
from benchmarks.methods import describe_methods, trusted
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.run import check_suite, load_tables, run
from benchmarks.suite import Block, Suite
from benchmarks.suites import suite_named
from datasets.errors import InputError
from reports.results import read_record
from reports.write import rebuild

BAD = Path(__file__).parent / "bad_imputers.py"
BLOCK = Block("toy", ("mean", "hot-deck", "pairwise"), ("mcar", "mar"), (0.3,), (1, 2), 3, rows=80)
QUIET = Console(quiet=True)
SCORES = re.compile(r"\d+\.\d+")


def go(block, out, *, n_jobs=2, limits=None, plugins=(), fail_fast=False):
    """Run a suite of one block, or of several."""
    blocks = block if isinstance(block, tuple) else (block,)
    suite = check_suite(Suite("small", blocks))
    settings = Settings(
        out, n_jobs, limits or Limits(120, 8), "python -m benchmarks run", (), plugins, trusted(plugins), fail_fast
    )
    methods = describe_methods(suite, plugins)
    return run(suite, load_tables(suite, None, strict=True, console=QUIET), methods, settings, Progress(QUIET))


def scores(out):
    """Every record but for its costs, which no two runs share."""
    records = [read_record(path) for path in sorted((out / "store" / "records").glob("*.json"))]
    costs = {"fit-seconds", "draw-seconds", "peak-memory-mb"}
    return [replace(r, seconds=0.0, scores=tuple(s for s in r.scores if s[0] not in costs)) for r in records]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the results of `BLOCK`, computed one cell at a time."""
    out = tmp_path_factory.mktemp("finished") / "out"
    outcome = go(BLOCK, out, n_jobs=1)
    assert (outcome.planned, outcome.done, outcome.failed) == (12, 12, 0)
    return out


@pytest.fixture
def copied(finished, tmp_path):
    """The same in a folder that a test may change."""
    return shutil.copytree(finished, tmp_path / "copied")


def test_run_writes_every_artefact(copied):
    folder = copied / "small"
    for name in ("leaderboard.md", "leaderboard.html", "results.parquet", "manifest.json"):
        assert (folder / name).stat().st_size > 500
    assert list((folder / "masks").iterdir())
    assert list((folder / "figures").glob("*.png"))
    board = (folder / "leaderboard.md").read_text()
    before = (folder / "leaderboard.html").read_bytes()
    rebuild([folder / "results.parquet"], folder)
    assert (folder / "leaderboard.md").read_text() == board
    assert (folder / "leaderboard.html").read_bytes() == before


def test_stored_cells_are_not_computed_again(copied):
    written = {path: path.stat().st_mtime_ns for path in (copied / "store").rglob("*.*")}
    assert len(written) > 24
    go(BLOCK, copied)
    assert {path: path.stat().st_mtime_ns for path in (copied / "store").rglob("*.*")} == written


def test_scores_do_not_depend_on_jobs_or_on_a_stop(finished, tmp_path):
    go(replace(BLOCK, imputers=("hot-deck",), seeds=(2,)), tmp_path, n_jobs=2)
    go(BLOCK, tmp_path, n_jobs=3)
    assert scores(finished) == scores(tmp_path)


@pytest.fixture(scope="module")
def bad_imputers():
    return re.findall(r'@IMPUTERS.register\("(.+)"\)', BAD.read_text())


def test_every_way_to_fail_is_recorded_and_the_others_go_on(tmp_path, bad_imputers):
    imputers = ("mean", *bad_imputers, "pairwise")
    block = replace(BLOCK, mechanisms=("mcar",), seeds=(1,), imputers=imputers, rows=None)
    outcome = go(block, tmp_path, limits=Limits(8, 0.8), plugins=(BAD,))
    assert (outcome.done, outcome.failed, outcome.unavailable) == (2, 7, 1)
    told = {record.imputer: record.message for record in scores(tmp_path) if record.status == "failed"}
    assert "ZeroDivisionError: a bug in the method" in told["raises"]
    assert "are not valid answers" in told["returns-nan"]
    assert "are not valid answers" in told["invalid-codes"]
    assert re.search(r"of column '\w+' lie 0\.\d\d.* off its draws", told["of-two-minds"])
    assert "longer than the limit of 8 s" in told["hangs"]
    assert "more than the limit of 0.8 GB" in told["eats-memory"]
    assert "exit code -9" in told["kills-itself"]
    board = (tmp_path / "small" / "leaderboard.md").read_text()
    assert "ZeroDivisionError" in board
    assert "1 imputer unavailable" in board
    assert (
        "Not available where this was run: `absent`." in board and "absent is unavailable: install its program" in board
    )
    assert "| absent |" not in board[board.index("## Failures") : board.index("## Verdict")].replace("  ", "")


def test_parameters_in_a_request_make_another_cell(tmp_path):
    requests = ("knn", "knn(n_neighbors=1)", "knn(n_neighbors=1, weights='uniform')")
    outcome = go(replace(BLOCK, mechanisms=("mcar",), seeds=(1,), imputers=requests, rows=None), tmp_path)
    assert (outcome.planned, outcome.done) == (3, 3)
    found = {record.imputer: dict((score[:2], score[2]) for score in record.scores) for record in scores(tmp_path)}
    assert set(found) == set(requests)
    nearest = [found[name]["rmse", "income"] for name in requests]
    assert nearest[0] < nearest[1] == pytest.approx(nearest[2], rel=0.03)  # ties go by chance
    assert "n_neighbors=1" in (tmp_path / "small" / "leaderboard.md").read_text()


def test_fail_fast_stops(tmp_path, bad_imputers):
    block = replace(BLOCK, imputers=("raises", "hangs"))
    outcome = go(block, tmp_path, plugins=(BAD,), fail_fast=True)
    assert outcome.report is None
    assert outcome.failed == 1


def test_who_is_unavailable_is_asked_once(tmp_path, bad_imputers):
    """Four cells leave one log, which a worker opens; the others are recorded with the same message."""
    outcome = go(replace(BLOCK, imputers=("mean", "absent")), tmp_path, plugins=(BAD,))
    assert (outcome.done, outcome.failed, outcome.unavailable) == (4, 0, 4)
    records = scores(tmp_path)
    assert {r.message for r in records if r.imputer == "absent"} == {"absent is unavailable: install its program"}
    assert len(list((tmp_path / "store" / "logs").iterdir())) == 5
    (line,) = [line for line in (tmp_path / "small" / "leaderboard.md").read_text().splitlines() if "absent" in line]
    assert line == "- Not available where this was run: `absent`. absent is unavailable: install its program."


def test_records_say_what_computed_them_and_the_manifest_collects_it(tmp_path):
    go(replace(BLOCK, mechanisms=("fold(2)",), rates=(0.2,), seeds=(1,), imputers=("mean",)), tmp_path)
    (path,) = (tmp_path / "store" / "records").iterdir()
    record = read_record(path)
    made = record.provenance
    assert record.setting == "fold" and record.seconds > 0
    assert {"python", "numpy", "scikit-learn"} <= set(made.versions) and "torch" not in made.versions
    assert "cores" in made.machine and made.commit
    manifest = json.loads((tmp_path / "small" / "manifest.json").read_text())
    assert manifest["provenance"]["versions"] == made.versions
    assert f"numpy {made.versions['numpy']}" in (tmp_path / "small" / "leaderboard.md").read_text()


def test_predictions_are_scored_anew_without_being_made_again(copied):
    before = scores(copied)
    made = {path: path.stat().st_mtime_ns for path in (copied / "store" / "predictions").iterdir()}
    for path in (copied / "store" / "records").iterdir():
        path.unlink()
    go(BLOCK, copied)
    assert {path: path.stat().st_mtime_ns for path in (copied / "store" / "predictions").iterdir()} == made
    assert scores(copied) == before


def test_several_blocks_on_one_dataset_are_one_board_and_on_two_are_two(tmp_path):
    one = replace(BLOCK, mechanisms=("mcar",), seeds=(1,), imputers=("mean", "hot-deck"))
    outcome = go((one, replace(one, mechanisms=("mar",)), one), tmp_path)
    assert (outcome.planned, outcome.done) == (4, 4)
    outcome = go((one, replace(one, rows=60)), tmp_path)
    assert outcome.planned == 4
    for title in ("toy-80-rows-synthetic", "toy-60-rows-synthetic"):
        assert (tmp_path / "small" / title / "leaderboard.md").exists()


def test_failed_cells_are_tried_again(tmp_path, bad_imputers):
    block = replace(BLOCK, mechanisms=("mcar",), seeds=(1,), imputers=("raises",))
    first = go(block, tmp_path, plugins=(BAD,))
    again = go(block, tmp_path, plugins=(BAD,))
    assert first.failed == again.failed == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imputers": ("meen",)}, "there is no imputer 'meen'; did you mean mean"),
        ({"mechanisms": ("mcra",)}, "there is no mechanism 'mcra'; did you mean .*mcar"),
        ({"rates": (1.0,)}, "rate 1 is not between 0 and 1"),
        ({"rates": (0.0,)}, "rate 0 is not between 0 and 1"),
        ({"seeds": ()}, "plans no cells"),
        ({"dataset": "toi"}, "there is no dataset 'toi'; did you mean toy"),
        ({"imputers": ("knn(n_neighbors=0)",)}, "n_neighbors"),
        ({"n_draws": 0}, "asks for 0 draws"),
    ],
)
def test_names_are_resolved_before_any_work(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        go(replace(BLOCK, **change), tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_suite_is_suggested():
    with pytest.raises(InputError, match="no suite 'gs'; did you mean .*gss"):
        suite_named("gs")


def test_killed_run_resumes_to_the_same_scores(finished, tmp_path):
    """The cells are those of `finished`, which was never stopped."""
    command = [sys.executable, "-m", "benchmarks", "run", "--dataset", "toy", "--rows", "80", "--draws", "3"]
    command += ["--mechanisms", "mcar,mar", "--rates", "0.3", "--seeds", "1,2"]
    command += ["--imputers", "mean,hot-deck,pairwise", "--jobs", "2", "--out"]
    killed = tmp_path / "killed"
    process = subprocess.Popen([*command, str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(killed.glob("store/records/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "toy" / "leaderboard.md").exists()
    at_kill = len(list(killed.glob("store/records/*.json")))
    subprocess.run([*command, str(killed)], check=True, capture_output=True)
    assert 3 <= at_kill < 12
    assert scores(killed) == scores(finished)
    boards = [SCORES.findall(_board(folder)) for folder in (killed / "toy", finished / "small")]
    assert len(boards[0]) == len(boards[1]) > 100


def _board(folder):
    """A page without the command that made it."""
    lines = (folder / "leaderboard.md").read_text().splitlines()
    return "\n".join(line for line in lines if "python -m benchmarks" not in line)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_how_to_go_on(tmp_path, number, status):
    """A terminal sends the signal to all processes of a command: here also to a judge that has judged and waits."""
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "run",
        "--dataset",
        "toy",
        "--rows",
        "80",
        "--imputers",
        "mean,gbm(n_estimators=1000000)",
    ]
    command += ["--mechanisms", "mcar", "--seeds", "1", "--jobs", "1", "--out", tmp_path]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("store/records/*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == status
    assert told.splitlines()[-1] == "stopped; finished cells are stored: give the same command again to go on"
    assert "Traceback" not in told
