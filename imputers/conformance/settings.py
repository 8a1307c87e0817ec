"""What an imputer shares with all other code of its process, and must leave as it finds it."""

import gc
import locale
import logging
import operator
import os
import random
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import threadpoolctl

from imputers.base import Imputer
from imputers.conformance.rule import predict, require
from imputers.conformance.tables import example_table

PANDAS = ("mode.copy_on_write", "mode.chained_assignment", "display.max_rows", "display.precision")


@dataclass(frozen=True)
class Setting:
    """One thing that a whole process shares: its name, how to read it, to put it back, and to compare it."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    same: Callable[[Any, Any], bool] = operator.eq


def _write_environment(wanted: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(wanted)


def _write_filters(wanted: list[Any]) -> None:
    warnings.filters[:] = wanted  # type: ignore[index] # a list, whatever the stub says


def _write_handlers(wanted: Mapping[int, Any]) -> None:
    for number, handler in wanted.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _write_logger(wanted: tuple[int, int, list[logging.Handler]]) -> None:
    logging.root.setLevel(wanted[0])
    logging.disable(wanted[1])
    logging.root.handlers[:] = wanted[2]


def _hooks() -> tuple[object, ...]:
    """What Python calls when something is raised, shown, traced, warned of or opened."""
    shown = (sys.excepthook, sys.displayhook, threading.excepthook, warnings.showwarning)
    return (*shown, sys.gettrace(), sys.getprofile(), *sys.meta_path)


def _limits() -> tuple[object, ...]:
    """Resources that the system grants; the mask of new files is read by setting it twice."""
    mask = os.umask(0o077)
    os.umask(mask)
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_STACK)
    return (mask, os.nice(0), *(resource.getrlimit(kind) for kind in kinds))


def _pools() -> dict[str, int]:
    """Threads of the numerical libraries, by the file of the library."""
    return {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def _none_changed(now: Mapping[str, int], before: Mapping[str, int]) -> bool:
    """Whether all libraries that were there have the threads that they had; others may have been loaded."""
    return all(now.get(name) == threads for name, threads in before.items())


GENERATORS = (
    Setting("Python's global generator", random.getstate, random.setstate),
    Setting("NumPy's global generator", lambda: repr(np.random.get_state(legacy=False)), lambda _: None),  # noqa: NPY002
)
SETTINGS = (
    Setting("the environment", lambda: dict(os.environ), _write_environment),
    Setting("the working directory", os.getcwd, os.chdir),
    Setting("the warning filters", lambda: list(warnings.filters), _write_filters),
    Setting("NumPy's error handling", np.geterr, lambda wanted: np.seterr(**wanted)),
    Setting("NumPy's print options", lambda: repr(np.get_printoptions()), lambda _: None),
    Setting(
        "the locale", lambda: locale.setlocale(locale.LC_ALL), lambda wanted: locale.setlocale(locale.LC_ALL, wanted)
    ),
    Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting(
        "the search path of modules", lambda: list(sys.path), lambda wanted: sys.path.__setitem__(slice(None), wanted)
    ),
    Setting(
        "pandas' options",
        lambda: {name: pd.get_option(name) for name in PANDAS},
        lambda wanted: [pd.set_option(name, value) for name, value in wanted.items()],
    ),
    Setting("scikit-learn's configuration", sklearn.get_config, lambda wanted: sklearn.set_config(**wanted)),
    Setting(
        "the signal handlers",
        lambda: {number: signal.getsignal(number) for number in signal.valid_signals()},
        _write_handlers,
    ),
    Setting(
        "garbage collection",
        lambda: (gc.isenabled(), gc.get_threshold()),
        lambda wanted: gc.enable() if wanted[0] else gc.disable(),
    ),
    Setting(
        "the root logger",
        lambda: (logging.root.level, logging.root.manager.disable, list(logging.root.handlers)),
        _write_logger,
    ),
    Setting("the hooks of the interpreter", _hooks, lambda _: None),
    Setting("the limits and the priority of the process", _limits, lambda _: None),
    Setting("the standard streams", lambda: (sys.stdout, sys.stderr, sys.stdin), lambda _: None),
    Setting("the threads of a numerical library", _pools, lambda _: None, _none_changed),
)


def _torch_settings() -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
    """PyTorch's generator, and its other settings; loaded here so that methods which use it find it loaded."""
    try:
        import torch
    except ImportError:
        return (), ()
    generators = (Setting("PyTorch's global generator", lambda: torch.get_rng_state().tolist(), lambda _: None),)
    settings = (
        Setting("PyTorch's threads", torch.get_num_threads, torch.set_num_threads),
        Setting("PyTorch's default type", torch.get_default_dtype, torch.set_default_dtype),
        Setting("PyTorch's gradients", torch.is_grad_enabled, torch.set_grad_enabled),
        Setting(
            "PyTorch's deterministic algorithms",
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
    )
    return generators, settings


def leaves_all_generators_alone(make: type[Imputer]) -> None:
    """Python's, NumPy's and PyTorch's global generators are neither used nor seeded."""
    torch_generators, _ = _torch_settings()
    _require_unchanged(make, (*GENERATORS, *torch_generators), "all randomness comes from rng")


def leaves_settings_of_the_process_alone(make: type[Imputer]) -> None:
    """Environment, folder, threads, warnings, locale and the like stay; what an import changes is no fault."""
    _, torch_settings = _torch_settings()
    _require_unchanged(make, (*SETTINGS, *torch_settings), "they belong to the process")


def _require_unchanged(make: type[Imputer], settings: tuple[Setting, ...], why: str) -> None:
    """Predict and compare; after an import of a library once more, from the settings as they were."""
    schema, X = example_table()
    loaded = len(sys.modules)
    before = [setting.read() for setting in settings]
    predict(make, X, schema)
    changed = _changed(settings, before)
    if changed and len(sys.modules) > loaded:
        for setting, value in zip(settings, before, strict=True):
            setting.write(value)
        before = [setting.read() for setting in settings]
        predict(make, X, schema)
        changed = _changed(settings, before)
    require(not changed, f"it changed {', '.join(changed)}; {why}")


def _changed(settings: tuple[Setting, ...], before: list[Any]) -> list[str]:
    return [
        setting.name for setting, value in zip(settings, before, strict=True) if not setting.same(setting.read(), value)
    ]
