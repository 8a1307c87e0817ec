"""Control groups of the Linux kernel (version 2): all processes of a piece of work, wherever they have gone.

A process cannot leave its group by another session, parent or namespace. Groups can be made where the folder of the
runner's own group can be written to: by root, by systemd for a user (``Delegate=yes``), in some containers.
"""

import itertools
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

END_SECONDS = 2.0  # that the kernel may take to be rid of killed processes
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Group:
    """A group in its folder."""

    folder: Path

    def join(self) -> None:
        """Put this process into the group, with all that it will start; nothing if the kernel refuses it."""
        with suppress(OSError):
            (self.folder / "cgroup.procs").write_text("0", encoding="ascii")

    def members(self) -> list[int]:
        """Process ids of all in the group."""
        try:
            return [int(line) for line in (self.folder / "cgroup.procs").read_text(encoding="ascii").split()]
        except OSError:  # it has ended
            return []

    def end(self) -> None:
        """Kill all in the group, and remove it."""
        deadline = time.monotonic() + END_SECONDS
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1", encoding="ascii")
        while self.folder.is_dir() and time.monotonic() < deadline:
            with suppress(OSError):  # some are not gone yet, or somebody else has removed it
                self.folder.rmdir()
                return
            time.sleep(0.005)


def new_group() -> Group | None:
    """An empty group below that of this process; None where there are no groups, or none can be made."""
    own = own_folder()
    if own is None or not os.access(own / "cgroup.procs", os.W_OK):
        return None
    group = Group(own / f"imputation-benchmark-{os.getpid()}-{next(_numbers)}")
    try:
        group.folder.mkdir()
    except OSError:
        return None
    if not (group.folder / "cgroup.kill").exists():  # a kernel before 5.14
        group.folder.rmdir()
        return None
    return group


def own_folder() -> Path | None:
    """Folder of the group that this process is in; None where there are no groups of version 2."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    own = next((line.removeprefix("0::") for line in groups if line.startswith("0::")), None)
    for line in mounts:
        told, _, kind = line.partition(" - ")
        root, place = told.split()[3:5]
        if kind.split()[0] == "cgroup2" and own is not None and Path(own).is_relative_to(root):
            return Path(place) / Path(own).relative_to(root)
    return None
