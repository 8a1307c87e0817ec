"""Faults of the machine and of people: no namespaces, dead servers, two drivers, stops, full and read-only disks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.sealed import Seal
from benchmarks.wire import pack
from reports.results import read_record

HERE = Path(__file__).parent
TOY = "run --dataset toy --rows 80 --mechanisms mcar --seeds 1 --jobs 1"
NO_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces"


def command(words, out):
    return [sys.executable, "-m", "benchmarks", *words.split(), "--out", str(out)]


def go(words, out, setup=None):
    """Run a command to its end, in a namespace where a line of shell was run before; give status and output."""
    if setup and subprocess.run(["unshare", "-rm", "sh", "-c", NO_NAMESPACES], capture_output=True).returncode:
        pytest.skip("this system has no namespaces for plain users, in which faults are made")
    inside = ["unshare", "-rm", "sh", "-c", f'{setup} && exec "$@"', "sh"] if setup else []
    ended = subprocess.run([*inside, *command(words, out)], capture_output=True, text=True, timeout=300)
    told = ended.stdout + ended.stderr
    assert "Traceback" not in told
    return ended.returncode, told


def records(out):
    return {record.imputer: record for record in map(read_record, (out / "store" / "records").iterdir())}


def servers(process):
    return [child for child in psutil.Process(process.pid).children(True) if "benchmarks.seal" in child.cmdline()]


def wait_for(found, seconds=90):
    deadline = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert value
    return value


def test_without_namespaces_methods_run_apart_all_the_same_and_that_is_said(tmp_path):
    names = ["exits", "segfaults", "kills-parent", "closes-files", "leaves-children", "looks-at-frames"]
    names += ["looks-at-loaders", "too-many-draws"]
    words = f"{TOY} --load {HERE / 'hostile_imputers.py'} --imputers {','.join([*names, 'mean'])}"
    status, told = go(words, tmp_path, NO_NAMESPACES)
    assert status == 1 and "this system closes neither files nor processes to imputers" in told
    found = records(tmp_path)
    done = {name for name, record in found.items() if record.status == "done"}
    assert done - {"kills-parent"} == {"leaves-children", "looks-at-frames", "looks-at-loaders", "mean"}, told
    assert set(found) == {*names, "mean"} and "exit code 0" in found["exits"].message
    if found["kills-parent"].status == "failed":  # else it had sent its prediction just before it was ended as well
        assert "together with the server" in found["kills-parent"].message
    left = [process.cmdline() for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE]
    assert not [words for words in left if words[:1] == ["sleep"] and words[1:] in (["7741"], ["7742"])]


@pytest.mark.slow
def test_a_server_that_dies_is_started_again(tmp_path):
    words = f"{TOY} --load {HERE / 'bad_imputers.py'} --imputers hangs,mean,hot-deck --time-limit 20"
    process = subprocess.Popen(command(words, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: list(tmp_path.glob("store/logs/*")))
    for server in wait_for(lambda: servers(process)):
        server.kill()
    told, _ = process.communicate(timeout=200)
    assert process.returncode == 1 and "Traceback" not in told
    found = records(tmp_path)
    assert found["mean"].status == found["hot-deck"].status == "done"
    assert found["hangs"].message == "its process was ended together with the server that had started it"


def test_a_seal_opens_again(tmp_path):
    with Seal() as seal, (tmp_path / "log").open("wb") as log:
        seal.reopen()
        reply = seal.start(pack({"do": "load", "path": seal.path, "plugins": [], "methods": ["mean"]}), log.fileno())
        wait_for(lambda: reply.read(2**20) or reply.whole)
        assert b"substitution" in reply.message
        os.close(reply.file)


@pytest.mark.slow
def test_a_server_that_dies_as_it_starts_is_started_again(tmp_path):
    process = subprocess.Popen(
        command(f"{TOY} --imputers mean", tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for server in wait_for(lambda: servers(process)):
        server.kill()
    told, _ = process.communicate(timeout=200)
    assert process.returncode == 0 and "Traceback" not in told
    assert records(tmp_path)["mean"].status == "done"


def test_two_runs_in_one_folder_lose_nothing(tmp_path):
    words = "run --dataset toy --rows 80 --mechanisms mcar,mar --seeds 1,2 --jobs 1 --imputers mean,hot-deck,knn"
    runs = [
        subprocess.Popen(command(words, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    told = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    planned = {cell["record"] for cell in json.loads((tmp_path / "toy" / "manifest.json").read_text())["cells"]}
    found = {path.stem: read_record(path) for path in (tmp_path / "store" / "records").iterdir()}
    assert set(found) == planned and {record.status for record in found.values()} == {"done"}
    assert all(f"{len(planned)} of {len(planned)} cells done, 0 failed" in text for text in told)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".tmp", ".part"))]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_a_run_starts_is_one_line(tmp_path, number):
    """From the first line of ours on: before, it is the interpreter that is asked to stop."""
    for seconds in (0.0, 0.4, 1.0, 2.0):
        process = subprocess.Popen(
            [sys.executable, "-c", STARTS, *TOY.split(), "--imputers", "mean", "--out", tmp_path / f"{seconds}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout.readline() == "started\n"
        time.sleep(seconds)
        process.send_signal(number)
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 128 + number, told
        assert told.splitlines()[-1].startswith("stopped") and "Traceback" not in told


STARTS = """
import contextlib, runpy
from benchmarks import stopping
stoppable = stopping.stoppable
@contextlib.contextmanager
def told():
    with stoppable():
        print("started", flush=True)
        yield
stopping.stoppable = told
runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("kilobytes", [0, *(pytest.param(size, marks=pytest.mark.slow) for size in (40, 400))])
def test_a_full_disk_is_one_sentence(tmp_path, kilobytes):
    """The disk is full before the first cell, while cells are kept, or when the page is written."""
    out = tmp_path / "out"
    out.mkdir()
    fill = f"mount -t tmpfs -o size=512k none {out} && head -c {512 - kilobytes}k /dev/zero > {out}/filled"
    status, told = go(f"{TOY} --imputers mean,hot-deck,knn", out, fill)
    assert status == 2
    assert "No space left on device" in told and told.count("error: ") == 1


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    status, told = go(f"{TOY} --imputers mean", out, f"mount -t tmpfs -o ro none {out}")
    assert status == 2 and "cannot write there (Read-only file system); choose another folder" in told


@pytest.mark.slow
def test_a_folder_that_vanishes_is_one_sentence(tmp_path):
    out = tmp_path / "out"
    words = f"{TOY} --load {HERE / 'bad_imputers.py'} --imputers hangs --time-limit 3"
    process = subprocess.Popen(command(words, out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: list(out.glob("store/logs/*")))
    shutil.rmtree(out)
    told, _ = process.communicate(timeout=120)
    assert process.returncode in (1, 2) and "Traceback" not in told
