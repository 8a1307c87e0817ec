"""Imputers that break the contract, one way each: a file for ``--load``."""
# ruff: noqa: NPY002, PTH123, T201, RUF012 - what a cheat does is what the rules of style forbid

import ctypes
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Kind
from imputers import IMPUTERS
from imputers.base import Imputer

COUNT = [0]


class Honest(Imputer):
    """Draw each hole from the observed values of its column (simple hot deck: Andridge and Little 2010)."""

    def _fit(self, X, rng):
        self.pool_ = [codes[~np.isnan(codes)] for codes in X.T]

    def _draw(self, X, rng):
        return _filled(X, self.pool_, rng)


def _filled(X, pool, rng):
    return np.column_stack(
        [np.where(np.isnan(codes), rng.choice(own, len(X)), codes) for codes, own in zip(X.T, pool, strict=True)]
    )


def cheat(made):
    """Register a cheat under its class's name."""
    return IMPUTERS.register(made.__name__)(made)


cheat(Honest)


def in_fit(name, act):
    """A cheat that does something while it is fitted."""

    def _fit(self, X, rng):
        act()
        Honest._fit(self, X, rng)

    globals()[name] = cheat(type(name, (Honest,), {"__doc__": name, "__module__": __name__, "_fit": _fit}))


def in_draw(name, act):
    """A cheat that does something with every draw."""

    def _draw(self, X, rng):
        act()
        return Honest._draw(self, X, rng)

    globals()[name] = cheat(type(name, (Honest,), {"__doc__": name, "__module__": __name__, "_draw": _draw}))


def _torch(act):
    def late():
        import torch

        act(torch)

    return late


in_draw("SeedsNumpy", lambda: np.random.seed(1))
in_draw("UsesNumpy", lambda: np.random.rand(10))
in_draw("SeedsPython", lambda: random.seed(1))
in_draw("SeedsTorch", _torch(lambda torch: torch.manual_seed(1)))
in_fit("TorchThreads", _torch(lambda torch: torch.set_num_threads(7)))
in_fit("TorchType", _torch(lambda torch: torch.set_default_dtype(torch.float64)))
in_fit("Environment", lambda: os.environ.update(OMP_NUM_THREADS="64"))
in_fit("Folder", lambda: os.chdir("/"))
in_fit("Warnings", lambda: warnings.simplefilter("ignore"))
in_fit("NumpyErrors", lambda: np.seterr(all="ignore"))
in_fit("Recursion", lambda: sys.setrecursionlimit(12_345))
in_fit("Locale", lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if _locale() == "C" else "C"))
in_fit("Signals", lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
in_fit("RootLogger", lambda: logging.basicConfig(level=logging.ERROR, force=True))
in_fit("Mask", lambda: os.umask(0o017))
in_fit("Child", lambda: subprocess.Popen(["sleep", "30"]))
in_fit("DetachedChild", lambda: subprocess.Popen("setsid sleep 30 &", shell=True))
in_fit("Thread", lambda: threading.Thread(target=time.sleep, args=(30,), daemon=True).start())
in_fit("File", lambda: open("written", "w").close())
in_fit("TemporaryFile", lambda: tempfile.mkstemp())
in_fit("Prints", lambda: print("p" * 1_000_000))
in_fit("Sleeps", lambda: time.sleep(2))
in_fit("Hangs", lambda: time.sleep(10_000))
in_fit("Segfault", lambda: ctypes.string_at(0))
in_fit("HardExit", lambda: os._exit(0))
in_fit("Exit", lambda: sys.exit(0))
in_fit("KillsItself", lambda: os.kill(os.getpid(), signal.SIGKILL))
in_fit("KillsParent", lambda: os.kill(os.getppid(), signal.SIGKILL))
in_fit("ClosesFiles", lambda: os.closerange(0, 256))


def _locale():
    return locale.setlocale(locale.LC_ALL)


@cheat
class Interrupt(Honest):
    """Raises what Ctrl-C raises."""

    def _fit(self, X, rng):
        raise KeyboardInterrupt


class _NoMessage(Exception):
    def __str__(self):
        raise RuntimeError


@cheat
class NoMessage(Honest):
    """Raises an error that cannot be told."""

    def _fit(self, X, rng):
        raise _NoMessage


@cheat
class LoneSurrogate(Honest):
    """Raises an error whose message is no valid text."""

    def _fit(self, X, rng):
        raise ValueError("lone \udcff \x1b[31m" + "long " * 100_000)


@cheat
class IgnoresSeed(Honest):
    """Draws from a generator of its own."""

    def _draw(self, X, rng):
        return super()._draw(X, np.random.default_rng())


@cheat
class FixedSeed(Honest):
    """Draws the same whatever the seed."""

    def _impute(self, X, n_draws, rng):
        return super()._impute(X, n_draws, np.random.default_rng(0))


@cheat
class ReadsHash(Honest):
    """Draws as the hash seed has it."""

    def _draw(self, X, rng):
        return super()._draw(X, np.random.default_rng(abs(hash("x")) % 2**31 + int(rng.integers(1000))))


@cheat
class RestoresNumpy(Honest):
    """Draws from NumPy's global generator and puts its state back."""

    def _draw(self, X, rng):
        state = np.random.get_state()
        shift = np.random.randint(1000)
        np.random.set_state(state)
        return super()._draw(X, np.random.default_rng((shift, int(rng.integers(1000)))))


def _callers():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back


@cheat
class DetectsCheck(Honest):
    """Behaves while it is checked."""

    def _draw(self, X, rng):
        if "check" in sys.argv or any("conformance" in frame.f_code.co_filename for frame in _callers()):
            return super()._draw(X, rng)
        return X


@cheat
class Peeks(Honest):
    """Looks for the truth in its callers."""

    def _draw(self, X, rng):
        truths = [frame.f_locals["masked"].truth for frame in _callers() if "masked" in frame.f_locals]
        return truths[0].values if truths else super()._draw(X, rng)


@cheat
class WritesToFitted(Honest):
    """Changes the table that it was fitted on."""

    def fit(self, X, y=None, **settings):
        super().fit(X, y, **settings)
        if isinstance(X, np.ndarray):
            X[0, 0] = X[1, 0] % 3 + 1
        return self


@cheat
class WritesToFilled(Honest):
    """Changes the table that it was to fill."""

    def impute(self, X, n_draws=5, **settings):
        prediction = super().impute(X, n_draws, **settings)
        if isinstance(X, np.ndarray):
            X[1, 1] = X[2, 1] + 1
        return prediction


@cheat
class WritesToSchema(Honest):
    """Changes the wording of a question."""

    def _fit(self, X, rng):
        super()._fit(X, rng)
        object.__setattr__(self.full_schema_.columns[0], "question", "changed")


@cheat
class WritesToFrame(Honest):
    """Changes the DataFrame that it was fitted on."""

    def fit(self, X, y=None, **settings):
        super().fit(X, y, **settings)
        if not isinstance(X, np.ndarray):
            X.iloc[0, 1] = X.iloc[1, 1]
        return self


@cheat
class WritesToWeights(Honest):
    """Makes all respondents equal."""

    def fit(self, X, y=None, weights=None, **settings):
        if weights is not None:
            weights.flags.writeable = True
            weights[:] = 1
        return super().fit(X, y, weights=weights, **settings)


@cheat
class NoWeights(Honest):
    """Fails where there are weights."""

    def _fit(self, X, rng):
        if self.weights_ is not None:
            raise RuntimeError("no weights")
        super()._fit(X, rng)


@cheat
class ClaimsWeights(Honest):
    """Says that it uses weights."""

    uses_weights = True


@cheat
class SharedList(Honest):
    """Keeps on its class what it has seen."""

    seen: list = []

    def _fit(self, X, rng):
        super()._fit(X, rng)
        self.seen.append(X.copy())
        if len(self.seen) > 1:
            self.pool_ = [np.unique(own) for own in self.pool_]


@cheat
class CountsOnClass(Honest):
    """Counts its predictions and turns bad after a thousand."""

    calls = 0

    def impute(self, X, n_draws=5, **settings):
        CountsOnClass.calls += 1
        return super().impute(X, n_draws, random_state=CountsOnClass.calls // 1000)


@cheat
class CountsInModule(Honest):
    """Counts its predictions in a variable of its module."""

    def impute(self, X, n_draws=5, **settings):
        COUNT[0] += 1
        return super().impute(X, n_draws, **settings)


@cheat
class ReplacesCode(Honest):
    """Lets every prediction pass."""

    def _fit(self, X, rng):
        import datasets.prediction

        datasets.prediction.check_prediction = lambda prediction, values, schema: None
        super()._fit(X, rng)


@cheat
class CountsOnSelf(Honest):
    """Predicts otherwise at a second call, and shows it."""

    def _draw(self, X, rng):
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super()._draw(X, np.random.default_rng((self.calls_, int(rng.integers(1000)))))


@cheat
class CountsOutOfSight(Honest):
    """Predicts otherwise at a second call, by what an array of it holds."""

    def _fit(self, X, rng):
        super()._fit(X, rng)
        self.calls_ = np.zeros(1, dtype=int)

    def _draw(self, X, rng):
        self.calls_ += 1
        return super()._draw(X, np.random.default_rng((int(self.calls_[0]), int(rng.integers(1000)))))


@cheat
class LearnsOn(Honest):
    """Adds a second table to the first."""

    def _fit(self, X, rng):
        before = getattr(self, "pool_", [np.empty(0)] * X.shape[1])
        super()._fit(X, rng)
        self.pool_ = [np.concatenate(pair) for pair in zip(before, self.pool_, strict=True)]


@cheat
class RefitsSecretly(Honest):
    """Learns from the table to fill."""

    def _draw(self, X, rng):
        own = [codes[~np.isnan(codes)] for codes in X.T]
        return _filled(X, own if all(map(len, own)) else self.pool_, rng)


@cheat
class CopiesRowAbove(Honest):
    """Fills with the answer in the row above."""

    def _draw(self, X, rng):
        Y = super()._draw(X, rng)
        for j in range(X.shape[1]):
            for i in np.flatnonzero(np.isnan(X[1:, j])) + 1:
                Y[i, j] = Y[i - 1, j]
        return Y


@cheat
class ConstantFirstColumn(Honest):
    """Fills its first column with one value."""

    def _draw(self, X, rng):
        Y = super()._draw(X, rng)
        Y[np.isnan(X[:, 0]), 0] = self.pool_[0][0]
        return Y


@cheat
class ReadsNames(Honest):
    """Knows a column by its name."""

    def _draw(self, X, rng):
        return super()._draw(X, np.random.default_rng(int("income" in self.schema_.names) + int(rng.integers(1000))))


@cheat
class OneChangedCell(Honest):
    """Passes one changed cell off as draws."""

    def _impute(self, X, n_draws, rng):
        draws = np.tile(self._draw(X, rng)[np.isnan(X)], (n_draws, 1))
        draws[1:2, 0] = 3 - draws[0, 0]
        return Prediction(draws)


@cheat
class OneCellEach(Honest):
    """Changes one cell in each draw."""

    def _impute(self, X, n_draws, rng):
        draws = np.tile(self._draw(X, rng)[np.isnan(X)], (n_draws, 1))
        cell = np.flatnonzero(np.nonzero(np.isnan(X))[1] == 4)[0]
        draws[:, cell] = np.round(30 + rng.normal(size=n_draws), 1)
        return Prediction(draws)


@cheat
class FewerDraws(Honest):
    """Gives a draw less than asked for."""

    def _impute(self, X, n_draws, rng):
        return super()._impute(X, max(2, n_draws - 1), rng)


@cheat
class MoreDraws(Honest):
    """Gives fifty draws."""

    def _impute(self, X, n_draws, rng):
        return super()._impute(X, 50, rng)


@cheat
class WildExpectations(Honest):
    """Expects a million."""

    def _impute(self, X, n_draws, rng):
        return Prediction(super()._impute(X, n_draws, rng).draws, np.full(np.isnan(X).sum(), 1e6))


@cheat
class CertainProbabilities(Honest):
    """Is certain of the first level and draws otherwise."""

    def _impute(self, X, n_draws, rng):
        sizes = {int(j): len(self.schema_.columns[j].labels) for j in self.schema_.where(Kind.NOMINAL)}
        certain = {j: np.tile(np.eye(size)[0], (np.isnan(X[:, j]).sum(), 1)) for j, size in sizes.items()}
        return Prediction(super()._impute(X, n_draws, rng).draws, None, certain)


@cheat
class RefusesNewRows(Honest):
    """Has an excuse for new rows."""

    def _fit(self, X, rng):
        self.n_ = len(X)
        super()._fit(X, rng)

    def _draw(self, X, rng):
        if len(X) != self.n_:
            raise InputError("no new rows please")
        return super()._draw(X, rng)


@cheat
class NeedsRows(Honest):
    """Fails on a short table."""

    def _fit(self, X, rng):
        if len(X) < 50:
            raise RuntimeError("too short")
        super()._fit(X, rng)


@cheat
class OnlyNarrow(Honest):
    """Fails on a wide table."""

    def _fit(self, X, rng):
        if X.shape[1] > 10:
            raise RuntimeError("too wide")
        super()._fit(X, rng)


@cheat
class OnlyShort(Honest):
    """Fails on a long table."""

    def _fit(self, X, rng):
        if len(X) > 1000:
            raise RuntimeError("too long")
        super()._fit(X, rng)


@cheat
class OneSeed(Honest):
    """Draws by the seed of fit alone."""

    def impute(self, X, n_draws=5, *, random_state=None):
        return super().impute(X, n_draws, random_state=self.random_state_)


@cheat
class AnotherTransform(Honest):
    """Transforms otherwise than it predicts."""

    def transform(self, X):
        table = super().transform(X)
        return np.where(np.isnan(X), self.pool_[0][0], table) if isinstance(X, np.ndarray) else table


@cheat
class FormerHook(Honest):
    """States expectations where nobody asks for them."""

    def _expected(self, X):
        return np.zeros(int(np.isnan(X).sum()))


@cheat
class ReadsProcess(Honest):
    """Looks up who started it."""

    def _fit(self, X, rng):
        Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
        super()._fit(X, rng)


@cheat
class ReplacesNumpy(Honest):
    """Gives everybody another mean."""

    def _fit(self, X, rng):
        mean = np.mean
        np.mean = lambda *values, **named: mean(*values, **named)
        super()._fit(X, rng)
