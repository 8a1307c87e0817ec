"""Imputers that end their process, leave children behind, or look for the truth; loaded by the tests of the seal.

Those that look say so by a failure when they find something, so that all of them are done where nothing is found.
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from datasets.errors import InputError
from imputers import IMPUTERS
from imputers.base import Imputer


class Honest(Imputer):
    """Draws from the observed values of a column."""

    def _fit(self, X, rng):
        self.seen_ = X.copy()

    def _draw(self, X, rng):
        filled = X.copy()
        for j in range(X.shape[1]):
            holes = np.isnan(X[:, j])
            filled[holes, j] = rng.choice(self.seen_[~np.isnan(self.seen_[:, j]), j], holes.sum())
        return filled


@IMPUTERS.register("exits")
class Exits(Honest):
    """Ends its process as if all were well."""

    def _fit(self, X, rng):
        os._exit(0)


@IMPUTERS.register("sys-exits")
class SysExits(Honest):
    """Leaves by an exception that is no error."""

    def _fit(self, X, rng):
        sys.exit(0)


class NoText(Exception):
    """An error that cannot be told."""

    def __str__(self):
        raise RuntimeError("no")


@IMPUTERS.register("cannot-say")
class CannotSay(Honest):
    """Raises an error whose text raises one."""

    def _fit(self, X, rng):
        raise NoText


@IMPUTERS.register("shouts")
class Shouts(Honest):
    """Raises a text of ten megabytes with characters that no file or terminal wants."""

    def _fit(self, X, rng):
        raise ValueError("[red]\x1b[31m\udcff\u202e" + "0123456789" * 1_000_000)


@IMPUTERS.register("kills-parent")
class KillsParent(Honest):
    """Kills the process that started it."""

    def _fit(self, X, rng):
        os.kill(os.getppid(), 9)
        super()._fit(X, rng)


@IMPUTERS.register("segfaults")
class Segfaults(Honest):
    """Reads where nothing is."""

    def _fit(self, X, rng):
        ctypes.string_at(0)


@IMPUTERS.register("closes-files")
class ClosesFiles(Honest):
    """Closes every connection of its process."""

    def _fit(self, X, rng):
        os.closerange(0, 256)


@IMPUTERS.register("too-many-draws")
class TooManyDraws(Honest):
    """Gives 50 draws whatever is asked for."""

    def _impute(self, X, n_draws, rng):
        return super()._impute(X, 50, rng)


@IMPUTERS.register("leaves-children")
class LeavesChildren(Honest):
    """Starts a child, a detached one, and a thread that never ends, and goes on."""

    def _fit(self, X, rng):
        subprocess.Popen(["sleep", "7741"])
        subprocess.Popen("setsid sleep 7742 &", shell=True)
        threading.Thread(target=time.sleep, args=(7743,)).start()
        super()._fit(X, rng)


class Looks(Honest):
    """Looks for the truth before it learns."""

    def _fit(self, X, rng):
        super()._fit(X, rng)
        if self.look(int(np.isnan(X).sum())):
            raise AssertionError("found the truth")


@IMPUTERS.register("looks-at-frames")
class LooksAtFrames(Looks):
    """Walks up the frames of its callers and over all objects in memory."""

    def look(self, holes):
        frame, found = sys._getframe(), [*gc.get_objects()]
        while frame is not None:
            found += frame.f_locals.values()
            frame = frame.f_back
        return any(type(each).__name__ in ("Masked", "Dataset", "Job") for each in found)


@IMPUTERS.register("looks-at-loaders")
class LooksAtLoaders(Looks):
    """Loads the table again."""

    def look(self, holes):
        from datasets import DATASETS

        with suppress(InputError):
            return bool(list(DATASETS)) or DATASETS["toy"](None)
        return False


@IMPUTERS.register("looks-at-code")
class LooksAtCode(Looks):
    """Imports the code that makes or reads tables, also as it was compiled, and looks for data beside it."""

    def look(self, holes):
        from datasets import surveys

        with suppress(ImportError):
            from datasets.surveys import toy

            return hasattr(toy, "load")
        folder = Path(surveys.__file__).parent
        seen = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
        strange = [path for path in seen if path.name != "__init__.py"]
        beside = [path for path in folder.parents[1].iterdir() if path.name in ("shared", ".git")]
        return strange or beside


@IMPUTERS.register("looks-at-processes")
class LooksAtProcesses(Looks):
    """Reads arguments, environment and memory of other processes."""

    def look(self, holes):
        others = [path for path in Path("/proc").glob("[0-9]*") if path.name not in ("1", str(os.getpid()))]
        told = " ".join([*sys.argv, *os.environ.values()])
        return bool(others) or "secret-survey" in told or "hostile" in told


@IMPUTERS.register("looks-at-files")
class LooksAtFiles(Looks):
    """Searches for the user's file and for what other cells left in the store."""

    def look(self, holes):
        above = self.folder_.parents
        return list(Path.cwd().iterdir()) or any(list(folder.rglob("secret-survey.*")) for folder in above[:4])


@IMPUTERS.register("forges-a-record")
class ForgesARecord(Looks):
    """Writes a record with the best scores for every cell that it can find."""

    def look(self, holes):
        records = self.folder_.parents[1] / "records"
        with suppress(OSError):  # if it could write, the test finds the file in the true store
            records.mkdir(parents=True, exist_ok=True)
            (records / "forged.json").write_text(json.dumps({"status": "done"}))
        return (records / "done.json").exists()


@IMPUTERS.register("replaces-metrics")
class ReplacesMetrics(Looks):
    """Puts perfect metrics in place of the true ones, in memory and on the disk."""

    def look(self, holes):
        from metrics import METRICS

        for name in METRICS:
            object.__setattr__(METRICS[name], "score", lambda masked, prediction: {"(table)": 0.0})
        try:
            Path(sys.modules["metrics"].__file__).with_name("forged.py").write_text("")
        except OSError:
            return False
        return True


@IMPUTERS.register("gains-rights")
class GainsRights(Looks):
    """Tries to see what is below what it sees, and to reach the network."""

    def look(self, holes):
        if subprocess.run(["umount", "/proc"], capture_output=True).returncode == 0:
            return True
        return _connects()


def _connects():
    import socket

    try:
        socket.create_connection(("1.1.1.1", 53), timeout=1).close()
    except OSError:
        return False
    return True
