"""``check`` tells honest imputers from cheats, and goes on whatever they do to their process."""

import ctypes
import os
import subprocess
import sys
import time
from functools import partial
from multiprocessing.forkserver import _forkserver
from pathlib import Path

import psutil
import pytest

from benchmarks.__main__ import main
from benchmarks.checking import ONE_THREAD, UNSEEN, _applied, _imputer, _judge, _unseen, preloaded
from benchmarks.groups import own_folder
from benchmarks.isolation import End, Outcome, apart, fork_server
from benchmarks.processes import Limits
from datasets.errors import MethodUnavailableError
from imputers import IMPUTERS
from imputers.conformance import CHECKS, ISOLATED, example_table

CHEATS = Path(__file__).with_name("cheats.py")
RULES = {rule.__name__: rule for rule in (*CHECKS, *ISOLATED)}
LIMITS = Limits(seconds=300, memory_gb=4)


BROKEN = {
    "another_seed_of_impute_gives_other_draws": ("OneSeed",),
    "a_frame_is_filled_as_its_codes": ("AnotherTransform",),
    "writes_hooks_that_are_called": ("FormerHook",),
    "leaves_all_generators_alone": ("SeedsNumpy", "UsesNumpy", "SeedsPython", "SeedsTorch"),
    "leaves_settings_of_the_process_alone": (
        "TorchThreads",
        "TorchType",
        "Environment",
        "Folder",
        "Warnings",
        "NumpyErrors",
        "Recursion",
        "Locale",
        "Signals",
        "RootLogger",
        "Mask",
    ),
    "leaves_no_process_or_thread": ("Child", "DetachedChild", "Thread"),
    "writes_no_file": ("File", "TemporaryFile"),
    "is_quiet": ("Prints",),
    "computes_without_waiting": ("Sleeps",),
    "fills_every_hole_with_a_valid_answer": (
        "Hangs",
        "Segfault",
        "HardExit",
        "Exit",
        "ClosesFiles",
        "Interrupt",
        "NoMessage",
        "LoneSurrogate",
        "KillsItself",
    ),
    "same_seed_same_prediction": ("IgnoresSeed",),
    "draws_are_what_they_say": ("FixedSeed",),
    UNSEEN: ("ReadsHash", "RestoresNumpy"),
    "minds_its_own_business": ("DetectsCheck", "Peeks", "ReadsProcess"),
    "leaves_its_input_alone": ("WritesToFitted", "WritesToFilled", "WritesToSchema"),
    "transforms_a_frame": ("WritesToFrame",),
    "takes_weights": ("WritesToWeights", "NoWeights", "ClaimsWeights"),
    "instances_share_nothing": ("SharedList",),
    "keeps_nothing_on_its_class_or_module": ("CountsOnClass", "CountsInModule"),
    "replaces_no_code_of_others": (
        "ReplacesCode",
        "ReplacesNumpy",
    ),
    "keeps_nothing_on_itself_after_fit": ("CountsOnSelf",),
    "a_second_prediction_is_the_first": ("CountsOutOfSight",),
    "a_second_fit_forgets_the_first": ("LearnsOn",),
    "the_table_to_fill_teaches_nothing": ("RefitsSecretly",),
    "order_of_rows_changes_nothing": ("CopiesRowAbove",),
    "order_of_columns_changes_nothing": ("ConstantFirstColumn",),
    "column_names_change_nothing": ("ReadsNames",),
    "draws_differ_in_more_than_a_cell": ("OneChangedCell", "OneCellEach"),
    "gives_as_many_draws_as_asked": ("FewerDraws", "MoreDraws"),
    "parts_agree": ("WildExpectations", "CertainProbabilities"),
    "fills_rows_it_was_not_fitted_on": ("RefusesNewRows",),
    "fills_ten_rows": ("NeedsRows",),
    "fills_a_wide_table": ("OnlyNarrow",),
    "fills_a_long_table": ("OnlyShort",),
}


@pytest.fixture(scope="module")
def forks():
    """A server with the imports of `check`; there is one for a process, and that of a test before has others."""
    _forkserver._stop()
    with fork_server(preloaded(), ONE_THREAD | {"PYTHONHASHSEED": "1"}) as context:
        yield context
    _forkserver._stop()


def judge(rule, name, forks, limits=LIMITS):
    find = partial(_imputer, name, (CHEATS,))
    if rule == UNSEEN:
        return _unseen(find, *example_table(), limits, forks)
    return _judge(RULES[rule], find, limits, forks)


@pytest.mark.parametrize(("rule", "cheat"), [(rule, cheat) for rule, cheats in BROKEN.items() for cheat in cheats])
def test_cheat_breaks_its_rule(rule, cheat, forks):
    limits = Limits(seconds=3, memory_gb=4) if cheat == "Hangs" else LIMITS
    outcome = judge(rule, cheat, forks, limits)
    assert outcome.end not in (End.DONE, End.UNAVAILABLE), cheat
    assert outcome.message.isprintable()
    assert 10 < len(outcome.message) <= 2000


@pytest.mark.parametrize("rule", [*RULES, UNSEEN])
def test_honest_imputer_keeps_every_rule(rule, forks):
    outcome = judge(rule, "Honest", forks)
    assert outcome.end is End.DONE, outcome.message


def test_a_killed_server_is_started_again(forks):
    assert judge("fills_every_hole_with_a_valid_answer", "KillsParent", forks).end in (End.DONE, End.DIED)
    assert judge("fills_every_hole_with_a_valid_answer", "Honest", forks).end is End.DONE


def nap(seconds=300):
    """Leave a detached child that naps, and say its number."""
    quiet = "start_new_session=True, stdout=-3, stderr=-3"  # nowhere: whoever holds a pipe open is waited for
    code = f"import subprocess; print(subprocess.Popen(['sleep', '{seconds}'], {quiet}).pid)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def grow():
    """Take memory without end."""
    held = []
    while True:
        held.append(b"x" * 50_000_000)
        time.sleep(0.01)


def grow_out_of_sight():
    """Let a process take memory that has left its session and its parent, none of whose ancestors adopts orphans."""
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)
    code = "import time; held = b'x' * 1_500_000_000; time.sleep(60)"
    quiet = "start_new_session=True, stdout=-3, stderr=-3"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {code!r}], {quiet})"
    subprocess.run([sys.executable, "-c", start], check=True)
    time.sleep(60)


def lack():
    """Say that something is not on this machine."""
    raise MethodUnavailableError("no such program")


def die_with_child():
    """End without a word, a child still running."""
    print(nap(), file=(Path(os.environ["TMPDIR"]).parents[1] / "apart-nap").open("w"), flush=True)
    os._exit(0)


def test_how_work_ends(forks):
    assert apart(lack, LIMITS, forks).end is End.UNAVAILABLE
    assert apart(grow, Limits(seconds=300, memory_gb=1.5), forks).end is End.OVER_MEMORY


def test_memory_counts_wherever_it_is_held(forks):
    if not os.access((own_folder() or Path()) / "cgroup.procs", os.W_OK):
        pytest.skip("this process may make no control groups of version 2")
    assert apart(grow_out_of_sight, Limits(seconds=50, memory_gb=1.2), forks).end is End.OVER_MEMORY


@pytest.mark.parametrize("work", [nap, die_with_child])
def test_detached_children_end_with_their_work(work, forks, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = apart(work, LIMITS, forks)
    number = int(outcome.message if outcome.end is End.DONE else (tmp_path / "apart-nap").read_text())
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def told(forks, monkeypatch, capsys):
    """Status of a check by the command, which uses the same server, and what it printed."""

    def check(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmarks", "check", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, capsys.readouterr().out

    return check


def test_command_stops_at_a_hang_and_exits_with_status_1(told):
    status, shown = told("Hangs", "--load", str(CHEATS), "--time-limit", "3")
    assert status == 1
    assert "FAIL fills every hole" in shown
    assert "longer than the limit of 3 s" in shown
    assert shown.count("FAIL") == 1


def test_what_is_lacking_is_no_excuse_once_it_was_there():
    done, lacking = Outcome(End.DONE, ""), Outcome(End.UNAVAILABLE, "no such program")
    assert _applied(lambda *_: lacking, {"loaded": done}, LIMITS, None).end is End.UNAVAILABLE
    assert _applied(lambda *_: lacking, {"loaded": done, "fills": lacking}, LIMITS, None).end is End.UNAVAILABLE
    assert _applied(lambda *_: lacking, {"loaded": done, "fills": done}, LIMITS, None).end is End.FAILED


def test_after_a_hang_nothing_more_is_tried():
    late = Outcome(End.OVER_TIME, "took longer")
    assert _applied(None, {"loaded": Outcome(End.DONE, ""), "fills": late}, LIMITS, None).end is End.UNAVAILABLE


def test_file_that_ends_the_process_is_no_pass(told, tmp_path):
    (tmp_path / "ends.py").write_text("import os\nos._exit(0)\n")
    status, shown = told("mean", "--load", str(tmp_path / "ends.py"))
    assert status == 1
    assert "FAIL can be loaded" in shown


@pytest.mark.slow
@pytest.mark.parametrize("name", list(IMPUTERS))
def test_registered_imputer_keeps_every_rule(told, name):
    status, shown = told(name)
    assert status == 0, shown
