"""Namespaces of the Linux kernel: a process tree of its own, and a view of the files that holds what it needs alone."""

import ctypes
import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/sys")
DEVICES = ("null", "zero", "full", "random", "urandom")
GRAPHICS = ("nvidia*", "dri", "kfd")
TEMPORARY = ("tmp", "var/tmp", "dev/shm")
NEW_USER, NEW_PID, NEW_NET, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x20000, 0x8000000
BIND, RECURSIVE, PRIVATE, DETACH = 0x1000, 0x4000, 0x40000, 2
SET_DEATH_SIGNAL, SET_SUBREAPER, SET_NO_NEW_PRIVILEGES, DROP_BOUNDING, SET_DUMPABLE = 1, 36, 38, 24, 4
MOUNT_SETATTR, PIVOT_ROOT, CAPSET = 442, 155, 126  # system calls without a function in the C library, on x86-64
NO_FOLDER, ALSO_BELOW = -100, 0x8000
ON_ARM = {MOUNT_SETATTR: 442, PIVOT_ROOT: 41, CAPSET: 91}
_C = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class View:
    """What processes see of the files, beside the folders of the system.

    Parameters
    ----------
    root : where it is put together.
    readable : files and folders that are seen.
    closed : folders that look empty but for what is readable in them, also where the system's folders hold them.
    hidden : files and folders that look empty, also where they are in a readable folder.
    """

    root: Path
    readable: tuple[Path, ...]
    closed: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()

    def show(self, *, temporary: bool) -> None:
        """Show what is readable in folders for temporary files, or all else, and hide what is hidden there."""
        for path in self.readable:
            if _is_temporary(path) == temporary:
                _show(self.root, path)
        for path in self.hidden:
            if _is_temporary(path) == temporary:
                _hide(_below(self.root, path))


def enter() -> None:
    """Give this process, which must have one thread, users, mounts and (for its children) processes of its own.

    Raises
    ------
    OSError
        If the kernel does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    _check(_C.unshare(NEW_USER | NEW_MOUNTS | NEW_PID | NEW_IPC), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    _mount(None, "/", None, RECURSIVE | PRIVATE)


def open_processes() -> int:
    """The namespace of this process, for `leave_processes`."""
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def new_processes() -> None:
    """Let the next child be the first process of a namespace, at whose end all others in it end."""
    _check(_C.unshare(NEW_PID), "unshare")


def leave_processes(own: int) -> None:
    """Let the next child be in the namespace of this process again."""
    _check(_C.setns(own, NEW_PID), "setns")


def build_view(view: View) -> None:
    """Put the system's folders and what else may be read below a new root, read-only."""
    root = view.root
    root.mkdir(parents=True, exist_ok=True)
    _mount("none", root, "tmpfs", 0, "mode=755")
    for folder in SYSTEM:
        _show(root, Path(folder))
    for path in view.closed:
        _hide(_below(root, path))
    view.show(temporary=False)
    for folder in ("dev", "proc", *TEMPORARY):
        (root / folder).mkdir(parents=True, exist_ok=True)
    found = [path for pattern in GRAPHICS for path in Path("/dev").glob(pattern)]
    for device in [*(Path("/dev") / name for name in DEVICES), *found]:
        _show(root, device, writable=True)
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (root / "dev" / name).symlink_to(target)


def move_into_view(view: View, writable: Path | None, memory_gb: float) -> None:
    """Make a view that `build_view` built the whole of what this process, alone in its namespace, can see.

    There is no network. Folders for temporary files, each of which holds so much, start empty but for what is readable
    in them.

    Parameters
    ----------
    writable : folder of the true file system that the process may write to.
    """
    _check(_C.unshare(NEW_MOUNTS | NEW_NET), "unshare")
    for folder in TEMPORARY:
        _mount("none", view.root / folder, "tmpfs", 0, f"mode=1777,size={int(memory_gb * 2**20) + 1}k")
    view.show(temporary=True)
    _mount("proc", view.root / "proc", "proc", 0)
    if writable is not None:
        _show(view.root, writable, writable=True)
    os.chdir(view.root)
    _syscall(PIVOT_ROOT, b".", b".")
    _check(_C.umount2(b".", DETACH), "umount")
    _read_only(Path("/"), 0)
    os.chdir(tempfile.mkdtemp(dir="/tmp"))


def drop_privileges() -> None:
    """Give up, for good, all that this process may do in its namespaces beyond a plain process."""
    for capability in range(64):
        _C.prctl(DROP_BOUNDING, capability, 0, 0, 0)  # the kernel refuses the numbers that it does not know
    _check(_C.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    version, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    _syscall(CAPSET, version, nothing)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent has ended, where the system knows of such."""
    if hasattr(_C, "prctl"):
        _C.prctl(SET_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, where it can."""
    if hasattr(_C, "prctl"):
        _C.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def close_memory() -> None:
    """Keep other processes of the same user from reading the memory of this one, where the system can."""
    if hasattr(_C, "prctl"):
        _C.prctl(SET_DUMPABLE, 0, 0, 0, 0)


def _show(root: Path, path: Path, *, writable: bool = False) -> None:
    """Let what is at a path be seen at the same path below the root; links as links."""
    place = _below(root, path)
    if not path.exists() or place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        if not place.is_symlink():
            place.symlink_to(path.readlink())
        _show(root, Path(os.path.normpath(path.parent / path.readlink())), writable=writable)
        return
    if path.is_dir():
        place.mkdir()
    else:
        place.touch()
    _mount(path, place, None, BIND | RECURSIVE)
    if not writable:
        _read_only(place, ALSO_BELOW)


def _hide(place: Path) -> None:
    """Put nothing over a file or folder of the view, if it is there."""
    if place.is_dir():
        _mount("none", place, "tmpfs", 0, "size=4k,mode=755")
    elif place.is_file():
        _mount("/dev/null", place, None, BIND)


def _is_temporary(path: Path) -> bool:
    return any(each.is_relative_to(f"/{folder}") for each in (path, path.resolve()) for folder in TEMPORARY)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _read_only(place: Path, flags: int) -> None:
    wanted = (ctypes.c_uint64 * 4)(1, 0, 0, 0)
    _syscall(MOUNT_SETATTR, NO_FOLDER, os.fsencode(place), flags, ctypes.byref(wanted), ctypes.sizeof(wanted))


def _mount(source: str | Path | None, target: str | Path, kind: str | None, flags: int, data: str = "") -> None:
    raw = None if source is None else os.fsencode(source)
    found = _C.mount(raw, os.fsencode(target), kind and kind.encode(), ctypes.c_ulong(flags), data.encode() or None)
    _check(found, f"mount {target}")


def _syscall(number: int, *arguments: object) -> None:
    real = ON_ARM[number] if os.uname().machine == "aarch64" else number
    _check(_C.syscall(ctypes.c_long(real), *arguments), f"system call {real}")


def _check(found: int, what: str) -> None:
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
