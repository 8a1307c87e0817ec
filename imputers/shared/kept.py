"""What is made once on a machine, of files that are slow to read, and kept in the user's cache folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from datasets.errors import MethodUnavailableError

CONTENTS = "contents.json"  # written last, so that a folder without it is half made


def models_folder() -> Path:
    """Folder of this user for models that were made from other files; it may not exist yet."""
    from platformdirs import user_cache_path

    return user_cache_path("imputation-benchmark") / "models"


def find(name: str) -> Path | None:
    """The folder kept under a name; None if there is none, or files of it are absent or cut short."""
    folder = models_folder() / name
    try:
        sizes = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        whole = all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError):
        return None
    return folder if whole else None


def keep(name: str, make: Callable[[Path], None]) -> Path:
    """The folder kept under a name, made first if it is not there whole.

    It appears whole or not at all: it is made under another name and then renamed. Of several processes one makes it
    and the others wait.

    Parameters
    ----------
    make : writes the files into an empty folder.

    Raises
    ------
    MethodUnavailableError
        If the cache folder cannot be written.
    """
    found = find(name)
    if found is not None:
        return found
    from filelock import FileLock

    base = models_folder()
    try:
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base / f"{name}.lock"):
            return find(name) or _made(base, name, make)
    except OSError as refused:
        raise MethodUnavailableError(
            f"a model cannot be kept in {base} ({refused.strerror or refused}); make room there, or set XDG_CACHE_HOME "
            "to a folder that can be written, and give the same command again"
        ) from refused


def _made(base: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Make a folder in place of what a process that was killed, or somebody, left under its name."""
    part, folder = base / f"{name}.part", base / name
    for left in (part, folder):
        if left.exists():
            shutil.rmtree(left)
    try:
        part.mkdir()
        make(part)
        sizes = {file.name: file.stat().st_size for file in sorted(part.iterdir())}
        (part / CONTENTS).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
        return part.rename(folder)
    finally:
        if part.exists():
            shutil.rmtree(part)
