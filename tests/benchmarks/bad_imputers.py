"""Imputers that go wrong in every way a method can; loaded by the tests of the supervisor."""

import os
import signal
import time

import numpy as np

from datasets.errors import MethodUnavailableError
from datasets.prediction import Prediction
from imputers import IMPUTERS, make_imputer
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


@IMPUTERS.register("of-two-minds")
class OfTwoMinds(Imputer):
    """States the distributions of one method and draws from those of another."""

    def _fit(self, X, rng):
        seeds = rng.integers(2**31, size=2)
        self.stated_, self.drawn_ = (
            make_imputer(name).fit(X, schema=self.schema_, random_state=int(seed))
            for name, seed in zip(("knn", "hot-deck"), seeds, strict=True)
        )

    def _impute(self, X, n_draws, rng):
        stated, drawn = (each.impute(X, n_draws=n_draws) for each in (self.stated_, self.drawn_))
        return Prediction(drawn.draws, stated.expected, stated.probabilities)


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
