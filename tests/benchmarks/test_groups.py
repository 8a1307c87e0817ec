"""Groups: whoever leaves session and parent stays in the group, counts, and ends with it."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.groups import new_group, own_folder
from benchmarks.processes import used_gb
from benchmarks.sealed import Seal
from benchmarks.wire import pack

DETACHED = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
held = b"x" * 200_000_000
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def group():
    found = new_group()
    if found is None:
        pytest.skip("this process may make no control groups of version 2")
    yield found
    found.end()


@pytest.fixture
def detached(group):
    """A process of the group that has left its session and its parent, and holds memory."""
    started = subprocess.Popen(
        [sys.executable, "-c", DETACHED], stdout=subprocess.PIPE, text=True, preexec_fn=group.join
    )
    number = int(started.stdout.readline())
    started.wait()
    yield number
    started.stdout.close()


def test_a_detached_process_is_in_the_group_and_counts(group, detached):
    assert group.members() == [detached]
    assert 0.18 < used_gb(os.getpid(), group) - used_gb(os.getpid(), None) < 0.4


def test_of_a_process_in_its_group_no_other_process_is_looked_at(group, detached, monkeypatch):
    monkeypatch.delattr(psutil.Process, "children")
    assert 0.18 < used_gb(detached, group) < 0.4


def test_all_ends_with_the_group(group, detached):
    group.end()
    assert not group.folder.exists() and group.members() == []
    assert not psutil.pid_exists(detached) or psutil.Process(detached).status() == psutil.STATUS_ZOMBIE


def test_a_group_is_below_that_of_this_process(group):
    assert group.folder.parent == own_folder()
    assert os.getpid() in map(int, (own_folder() / "cgroup.procs").read_text().split())


def test_a_sealed_process_is_in_a_group_that_goes_with_it(group, tmp_path):
    with Seal() as seal, (tmp_path / "log").open("wb") as log:
        request = pack({"do": "load", "path": seal.path, "plugins": [], "methods": ["mean"]})
        reply = seal.start(request, log.fileno())
        deadline = time.monotonic() + 60
        while reply.process_id is None and time.monotonic() < deadline:
            reply.read(2**20)
        assert reply.group.members() == [reply.process_id]
        seal.end(reply.number)
        assert seal.ended() == (1, -9)
        assert not reply.group.folder.exists()
        os.close(reply.file)
