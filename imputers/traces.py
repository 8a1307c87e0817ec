"""Traces of chains: means and spreads of what each iteration fills, told to whoever listens; else nothing is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from datasets.schema import Floats

Visits = dict[int, list[tuple[float, float]]]
_VISITS: ContextVar[Visits | None] = ContextVar("traces", default=None)


@contextmanager
def tracing() -> Iterator[Visits]:
    """Collect what runs in the context: position of an item to mean and SD of its fills, visit by visit."""
    visits: Visits = {}
    token = _VISITS.set(visits)
    try:
        yield visits
    finally:
        _VISITS.reset(token)


def traced(j: int, codes: Floats) -> None:
    """Tell what an iteration of a chain filled into item j, codes (h,)."""
    visits = _VISITS.get()
    if visits is not None:
        visits.setdefault(j, []).append((float(np.mean(codes)), float(np.std(codes))))


def by_chain(visits: list[tuple[float, float]], n_chains: int) -> Floats:
    """Visits of one item as means and SDs, shape (2, n_chains, iterations); chains ran one after the other."""
    return np.asarray(visits, dtype=float).reshape(n_chains, -1, 2).transpose(2, 0, 1)
