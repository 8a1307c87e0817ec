"""Stopping: what happens when a command is interrupted or terminated, at whatever moment."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
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
    except BaseException:
        if not came:
            raise
    finally:
        if not came:
            for number, handler in before.items():
                signal.signal(number, handler)
    if came:
        print(_words[-1], flush=True)  # noqa: T201 - the console may be in any state
        os._exit(128 + came[0])


@contextmanager
def on_stop(words: str) -> Iterator[None]:
    """Say this instead when the command is stopped here."""
    _words.append(words)
    yield
    _words.pop()
