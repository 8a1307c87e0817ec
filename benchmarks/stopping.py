"""Stopping: what happens when a command is interrupted or terminated, at whatever moment."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_words = ["stopped"]


class Stopped(BaseException):
    """The user, or a scheduler, wants the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """End with one line and status 130 or 143 when a signal comes, once everything that was started is ended."""
    came: list[int] = []
    _words[1:] = []

    def stop(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:  # what is under way ends once, in peace
            signal.signal(each, signal.SIG_IGN)
        came.append(number)
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        if came:
            with suppress(OSError, ValueError):  # the signal may have come while the stream was being set up
                sys.stdout.flush()
            with suppress(OSError):  # nobody reads any more
                os.write(1, f"{_words[-1]}\n".encode())
            os._exit(128 + came[0])
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def unstopped() -> Iterator[None]:
    """Keep the signals that stop a command, until the end of the block, and for good from processes started in it.

    A terminal sends them to all processes of a command; those that it started are ended by it.
    """
    resource_tracker.ensure_running()  # which lets all signals through as it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def on_stop(words: str) -> Iterator[None]:
    """Say this instead when the command is stopped here."""
    _words.append(words)
    yield
    _words.pop()
