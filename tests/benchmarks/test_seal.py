"""The seal: no way to the truth or to the scores from where methods run, and no exit, child or fault that escapes."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.sealed import Seal
from benchmarks.wire import pack, schema_from_json, schema_to_json, unpack
from datasets import DATASETS
from datasets.condition import Condition
from datasets.errors import InputError
from reports.results import read_record

HOSTILE = Path(__file__).parent / "hostile_imputers.py"
NAMES = re.findall(r'@IMPUTERS.register\("(.+)"\)', HOSTILE.read_text())
OF_THE_SYSTEM = ("/usr/local/src", "/usr/src", "/opt", "/usr/local/games")
TOLD = {"capture_output": True, "text": True}
TABLE = "".join(f"{20 + row % 50},{'red' if row % 3 else 'blue'},{1 + row % 5}\n" for row in range(120))


def closes():
    """Whether the kernel gives namespaces to plain users here."""
    with Seal() as seal:
        return seal.closed


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """What became of every hostile imputer on a file of the user's."""
    folder = tmp_path_factory.mktemp("seal")
    (folder / "secret-survey.csv").write_text("age,party,trust\n" + TABLE)
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "run",
        "--data",
        folder / "secret-survey.csv",
        "--mechanisms",
        "mcar",
    ]
    command += ["--seeds", "1", "--load", HOSTILE, "--imputers", ",".join(["mean", *NAMES]), "--out", folder / "out"]
    ended = subprocess.run([str(word) for word in command], **TOLD)
    assert ended.returncode == 1 and "Traceback" not in ended.stdout + ended.stderr, ended.stdout + ended.stderr
    assert (folder / "out" / "secret-survey" / "leaderboard.md").exists()
    paths = sorted((folder / "out" / "store" / "records").iterdir())
    assert len(paths) == 1 + len(NAMES) and not list(folder.rglob("forged*"))
    return {r.imputer: r for r in map(read_record, paths)}


def test_every_exit_is_recorded_and_the_others_go_on(records):
    assert set(records) == {"mean", *NAMES} and records["mean"].status == "done"
    told = {name: record.message for name, record in records.items() if record.status == "failed"}
    assert "exit code 0 before it gave a prediction" in told["exits"]
    assert "SystemExit: 0 (in hostile_imputers.py, line" in told["sys-exits"]
    assert told["cannot-say"].startswith("NoText: <exception str() failed> (in hostile_imputers.py, line")
    assert "exit code -11" in told["segfaults"]
    assert {"closes-files", "kills-parent"} <= set(told)
    assert "has 50 draws; 5 were asked for" in told["too-many-draws"]


def test_messages_are_short_and_plain(records):
    told = records["shouts"].message
    assert len(told) <= 2000 and told.startswith("ValueError: [red]\ufffd[31m\ufffd\ufffd0123")
    assert told.endswith(f" (in hostile_imputers.py, line {_line('raise ValueError')})")


def _line(text):
    return 1 + next(number for number, line in enumerate(HOSTILE.read_text().splitlines()) if text in line)


def test_nothing_that_a_method_starts_outlives_it(records):
    assert records["leaves-children"].status == "done"
    left = [process.cmdline() for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE]
    assert not [words for words in left if words[:1] == ["sleep"] and words[1:] in (["7741"], ["7742"])]


@pytest.mark.parametrize("name", ["looks-at-frames", "looks-at-loaders"])
def test_no_truth_is_in_the_process_of_a_method(records, name):
    assert records[name].status == "done", records[name].message


@pytest.mark.parametrize(
    "name",
    ["looks-at-code", "looks-at-processes", "looks-at-files", "forges-a-record", "replaces-metrics", "gains-rights"],
)
def test_the_kernel_keeps_methods_from_files_processes_and_network(records, name):
    if not closes():
        pytest.skip("this system has no namespaces for plain users")
    assert records[name].status == "done", records[name].message


@pytest.mark.parametrize(
    "where",
    ["below the folder for temporary files", pytest.param("below a folder of the system", marks=pytest.mark.slow)],
)
def test_the_kernel_keeps_methods_from_the_truth_wherever_the_project_lies(where):
    """Methods get a temporary folder of their own, and may read the folders of the system."""
    if not closes():
        pytest.skip("this system has no namespaces for plain users")
    command, place = [], "/tmp"
    if "system" in where:
        place = next(name for name in OF_THE_SYSTEM if Path(name).is_dir() and not list(Path(name).iterdir()))
        command = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs none {place} && exec "$@"', "sh"]
    ended = subprocess.run([*command, sys.executable, HOSTILE.with_name("run_elsewhere.py"), place], **TOLD)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted(ended.stdout.splitlines()) == [f"looks-at-{what} done" for what in ("code", "files", "loaders")]


def test_forged_metrics_change_no_score(records):
    scores = {score[:2]: score[2] for score in records["replaces-metrics"].scores}
    assert len(scores) > 20 and scores["accuracy", "party"] not in (0.0, 1.0)


def test_a_message_comes_through_whole_or_not_at_all():
    arrays = {"a": np.array([[1.5, np.nan]]), "b": np.arange(3, dtype=np.float32), "c": np.empty((0, 4))}
    message = pack({"text": "\udcff"}, arrays)
    content, found = unpack(message)
    assert content == {"text": "\udcff"}
    assert all(np.array_equal(found[name], arrays[name], equal_nan=True) for name in arrays)
    assert found["b"].dtype == np.float32
    for broken in (b"", message[:9], message[:-1], message + b"x", b"\xff" * 40, message.replace(b"<f8", b"|O8")):
        with pytest.raises(InputError, match="no message that can be read"):
            unpack(broken)


@pytest.mark.parametrize("name", ["toy", "gss2022-twin"])
def test_a_schema_comes_through_equal(name):
    schema = DATASETS[name](None).schema
    ruled = replace(schema, checks=(Condition(f"{schema.names[0]} >= 0"),))
    for written in (schema, ruled):
        assert schema_from_json(schema_to_json(written)) == written
