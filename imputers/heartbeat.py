"""How far a method is, told to whoever listens while it fits or draws; where nobody listens nothing is done."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

Step = TypeVar("Step")


class _Span(NamedTuple):
    """Part of the work that is going on, as shares of all of it, and who is told."""

    listener: Callable[[float], None]
    start: float = 0.0
    width: float = 1.0


_SPAN: ContextVar[_Span | None] = ContextVar("heartbeat", default=None)


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Let a function be told the share of the work that is done, from 0 to 1, by what runs in the context."""
    token = _SPAN.set(_Span(listener))
    try:
        yield
    finally:
        _SPAN.reset(token)


def steps(work: Iterable[Step], total: int) -> Iterator[Step]:
    """Pass on the steps of some work, and tell after each how far it is.

    Within a step other work may be wrapped so, too: its steps divide that of the outer work. All steps of a loop are
    taken for equally long.

    Parameters
    ----------
    work : steps.
    total : their number, at most.

    Examples
    --------
    >>> told = []
    >>> with listening(told.append):
    ...     for _ in steps("ab", 2):
    ...         for _ in steps("cd", 2):
    ...             pass
    >>> told
    [0.25, 0.5, 0.5, 0.75, 1.0, 1.0]
    """
    span = _SPAN.get()
    if span is None:
        yield from work
        return
    for number, step in enumerate(work):
        own = _Span(span.listener, span.start + span.width * number / total, span.width / total)
        _SPAN.set(own)
        try:
            yield step
        finally:
            _SPAN.set(span)
        span.listener(own.start + own.width)
