"""One thread for the numerical libraries, so that a seed alone decides a result."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries use one thread: those that are loaded, and those that read the environment as they load.

    Sums in other orders differ in the last bit, and on small tables threads wait for each other more than they work.
    """
    with variables(ONE_THREAD), threadpool_limits(limits=1), _torch_alone():
        yield


@contextmanager
def _torch_alone() -> Iterator[None]:
    """Let PyTorch, if it is loaded, use one thread: it holds a library of its own that `threadpoolctl` cannot see."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Environment variables that hold inside the block, and in processes started there."""
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
