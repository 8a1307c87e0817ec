"""Waiting for a cluster, never without an end: what does not answer is told in a sentence."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from benchmarks.attempt import attempt
from datasets.errors import InputError

T = TypeVar("T")


class UnansweredError(InputError):
    """Something in a cluster did not answer in its time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(
            f"--dask: {what} took longer than {seconds:g} s; see that scheduler and workers run and have processors of "
            "their own, and give the same command again: finished cells are stored"
        )


def within(seconds: float, what: str, ask: Callable[[], T]) -> T:
    """Do what may never end, in a thread that is left to itself when its time is over.

    Parameters
    ----------
    what : is done, for the message, as "starting 4 workers".

    Raises
    ------
    UnansweredError
        If it takes longer.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    found: list[T] = []
    threading.Thread(target=lambda: ended.put(attempt(lambda: found.append(ask()))), daemon=True).start()
    try:
        error = ended.get(timeout=seconds)
    except Empty:
        raise UnansweredError(what, seconds) from None
    if error is not None:
        raise error
    return found[0]
