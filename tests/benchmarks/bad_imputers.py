"""Imputers that go wrong in every way a method can; loaded by the tests of the supervisor."""

import os
import signal
import time

import numpy as np

from datasets.errors import MethodUnavailableError
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("raises")
class Raises(Imputer):
    """Raises an error while fitting."""

    def _fit(self, X, rng):
        raise ZeroDivisionError("a bug in the method")


@IMPUTERS.register("returns-nan")
class ReturnsNaN(Imputer):
    """Leaves every hole open."""

    def _fit(self, X, rng):
        pass

    def _draw(self, X, rng):
        return X.copy()


@IMPUTERS.register("invalid-codes")
class InvalidCodes(ReturnsNaN):
    """Fills with codes that are on no scale."""

    def _draw(self, X, rng):
        return np.where(np.isnan(X), 12345.678, X)


@IMPUTERS.register("hangs")
class Hangs(ReturnsNaN):
    """Never comes back."""

    def _fit(self, X, rng):
        time.sleep(3600)


@IMPUTERS.register("eats-memory")
class EatsMemory(ReturnsNaN):
    """Takes a gigabyte and keeps it."""

    def _fit(self, X, rng):
        self.hoard_ = np.ones(2**30, dtype=np.uint8)
        time.sleep(3600)


@IMPUTERS.register("kills-itself")
class KillsItself(ReturnsNaN):
    """Takes its whole process down."""

    def _fit(self, X, rng):
        os.kill(os.getpid(), signal.SIGKILL)


@IMPUTERS.register("absent")
class Absent(ReturnsNaN):
    """Lacks its program on every machine."""

    def _fit(self, X, rng):
        raise MethodUnavailableError("absent is unavailable: install its program")
