"""What a sealed process is shown: an environment, Python and code, and neither data nor loaders."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.versions import PACKAGES, ROOT
from imputers.shared.kept import models_folder
from imputers.threads import ONE_THREAD

NO_LOADERS = ("__init__.py",)
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "LD_LIBRARY_PATH",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
)
PASSED_FAMILIES = ("LC_", "CUDA_", "NVIDIA_", "HF_", "HUGGINGFACE_", "TRANSFORMERS_", "R_", "PYTORCH_", "XDG_CACHE")


def environment(folder: str) -> dict[str, str]:
    """What a sealed process needs of the environment: nothing that names the run or its data, and no way to the hub."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(PASSED_FAMILIES)}
    kept = {name: value for name, value in kept.items() if "TOKEN" not in name}
    own = {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": folder,
        "HF_HOME": str(_hub()),
        "HF_HUB_OFFLINE": "1",
    }
    return kept | own | ONE_THREAD


def _caches() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _hub() -> Path:
    return Path(os.environ.get("HF_HOME") or _caches() / "huggingface")


def readable(named: Iterable[Path]) -> list[Path]:
    """Python, this project's code, language models, those that were made of packages, R's packages, what is named."""
    own = [ROOT / package for package in sorted(PACKAGES)]
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()]
    installed = [Path(entry) for entry in sys.path if "site-packages" in entry]
    hub = [Path(os.environ.get(name, "")) for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "R_HOME")]
    programs = [Path(entry) for name in ("R_LIBS", "R_LIBS_USER", "LD_LIBRARY_PATH") for entry in _entries(name)]
    found = [*own, *python, *installed, _caches() / "huggingface", models_folder(), *hub, *programs, *named]
    return [path for path in dict.fromkeys(found) if path.is_absolute() and path.exists()]


def _entries(variable: str) -> list[str]:
    return os.environ.get(variable, "").split(":")


def beside(plugins: Iterable[Path]) -> list[Path]:
    """Python files beside files of the user's, which they may import."""
    return [path for plugin in plugins for path in sorted(plugin.parent.glob("*.py"))]


def hidden() -> list[Path]:
    """What lies where processes read and is not for them: what reads or makes tables, and keys to the hub."""
    loaders = [path for path in (ROOT / "datasets" / "surveys").iterdir() if path.name not in NO_LOADERS]
    return [*loaders, *((_hub() / name).resolve() for name in ("token", "stored_tokens"))]
