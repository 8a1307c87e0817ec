"""Threads and kernels of the numerical libraries, set in one place, so that a seed alone decides a result."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any

from threadpoolctl import LibController, ThreadpoolController

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD = {**dict.fromkeys(THREAD_VARIABLES, "1"), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""Variables that the libraries read as they load: one thread, and matrix products on GPUs in one order."""
_inside: ContextVar[bool] = ContextVar("one_thread", default=False)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries use one thread, and on GPUs kernels that sum in one order.

    It holds for libraries that are loaded, and for those that load inside the block. Sums in other orders differ in the
    last bit, and on small tables threads wait for each other more than they work. Afterwards all is as it was, but for
    what somebody else has set meanwhile.
    """
    if _inside.get():  # what calls others within is asked once
        yield
        return
    token = _inside.set(True)
    try:
        with ExitStack() as settings:
            for name, value in ONE_THREAD.items():
                settings.enter_context(_held(_read(name), _write(name), value))
            for library in libraries(len(sys.modules)):
                settings.enter_context(_held(library.get_num_threads, library.set_num_threads, 1))
            _hold_torch(settings)
            yield
    finally:
        _inside.reset(token)


@lru_cache(maxsize=1)
def libraries(n_modules: int) -> list[LibController]:
    """Libraries with threads that are loaded; they are looked up again when modules have been imported."""
    return ThreadpoolController().lib_controllers


def _hold_torch(settings: ExitStack) -> None:
    """PyTorch, if it is loaded, has a library of its own that `threadpoolctl` cannot see."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    kernels = torch.backends.cudnn
    settings.enter_context(_held(torch.get_num_threads, torch.set_num_threads, 1))
    for name, value in {"deterministic": True, "benchmark": False}.items():
        settings.enter_context(_held(partial(getattr, kernels, name), partial(setattr, kernels, name), value))


@contextmanager
def _held(read: Callable[[], Any], write: Callable[[Any], object], value: object) -> Iterator[None]:
    """A setting that has a value inside the block, and then, unless somebody has changed it, that of before."""
    before = read()
    write(value)
    try:
        yield
    finally:
        if read() == value:
            write(before)


def _read(variable: str) -> Callable[[], str | None]:
    return lambda: os.environ.get(variable)


def _write(variable: str) -> Callable[[str | None], object]:
    return lambda value: os.environ.pop(variable, None) if value is None else os.environ.update({variable: value})


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
