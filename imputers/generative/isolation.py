"""Isolation of the hyperimpute package: what it changes in the process is put back.

Importing hyperimpute 0.1.17 sets thread variables of the environment and removes all sinks of loguru;
constructing or fitting any of its plugins seeds the global generators of Python, numpy and torch; its loops
write into DataFrames by chained assignment, which copy-on-write turns into no assignment at all, so that
column means come back; and its forests ask joblib for other processes. All of it is undone or prevented
here, except for loguru's sinks, which cannot be read back: who logs with loguru adds sinks after this import.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

THREADS = tuple(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"))


@contextmanager
def isolated() -> Iterator[None]:
    """Run the body on one thread and restore environment and global random states after it."""
    import joblib
    import pandas as pd
    import torch

    environment = {name: os.environ.get(name) for name in THREADS}
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - hyperimpute seeds it, we put it back
    chained = ("mode.copy_on_write", False, "mode.chained_assignment", None)
    try:
        with torch.random.fork_rng(), pd.option_context(*chained), joblib.parallel_config(backend="sequential"):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
