"""Judges hear nothing of Ctrl-C, which a terminal sends to every process of a command: who started them ends them."""

import os
import signal

import pytest

from benchmarks.judges import Judge, judge_server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_judge_goes_on_when_the_command_is_stopped(number):
    with judge_server() as context:
        judge = Judge(context, ())
        try:
            os.kill(judge.process.pid, number)
            judge.process.join(1)
            assert judge.process.is_alive()
        finally:
            judge.process.kill()
            judge.process.join()


def test_the_command_itself_hears_signals():
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM}
