"""Versions: the code and the libraries that decide a result, read from the source without running it."""

import ast
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = frozenset({"benchmarks", "imputers", "metrics", "reports", "datasets"})
ABSENT = "not installed"


@dataclass(frozen=True)
class CodeVersion:
    """What decides the result of some code.

    Parameters
    ----------
    code : hash of the syntax trees, without docstrings and comments.
    libraries : packages of others that the code imports, to their versions.
    modules : names of all modules that it imports; they follow from the code, and decide nothing more.
    """

    code: str
    libraries: Mapping[str, str]
    modules: frozenset[str] = frozenset()

    @property
    def decides(self) -> dict[str, Any]:
        """What another version would have otherwise, as JSON can hold it."""
        return {"code": self.code, "libraries": dict(self.libraries)}


def code_version(*paths: Path) -> CodeVersion:
    """Version of Python files together with all files of this project that they import, directly or not.

    Files of the user's count with what they import from beside them. Imports inside functions count, those for type
    checkers alone do not. An edit to code gives another version, an edit
    to a docstring or a comment does not; nor does a library that none of the files imports.
    """
    waiting, seen, foreign, modules = list(paths), set(paths), set[str](), set[str]()
    while waiting:
        path = waiting.pop()
        names = _parsed(path.read_bytes()).imports
        beside = set() if path.resolve().is_relative_to(ROOT) else _files(path.parent, names)
        for file in (_own_files(names) | beside) - seen:
            seen.add(file)
            waiting.append(file)
        modules |= names
        local = {file.parent.name if file.name == "__init__.py" else file.stem for file in beside}
        foreign |= {name.split(".")[0] for name in names} - PACKAGES - sys.stdlib_module_names - local
    digest = hashlib.sha256()
    for code in sorted(_parsed(file.read_bytes()).code for file in seen):
        digest.update(code.encode())
    libraries = {name: found for top in sorted(foreign) for name, found in installed(top)}
    return CodeVersion(digest.hexdigest()[:16], libraries, frozenset(modules))


def installed(module: str) -> list[tuple[str, str]]:
    """Distributions that a top-level module comes from, with their versions."""
    names = _distributions().get(module)
    return [(name, version(name)) for name in sorted(set(names))] if names else [(module, ABSENT)]


@cache
def commit() -> str:
    """Commit of the checkout, with a mark if files differ from it; "unknown" outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"


@cache
def machine() -> str:
    """Processor, cores and operating system of this machine."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    cores = psutil.cpu_count(logical=False) or os.cpu_count()
    return f"{processor}, {cores} cores, {platform.system()} {platform.release()}"


@dataclass(frozen=True)
class _Parsed:
    code: str
    imports: frozenset[str]


@cache
def _parsed(source: bytes) -> _Parsed:
    """Hash of a source without docstrings and comments, and the names it imports."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del node.body[0]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return _Parsed(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(_imports(tree)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _own_files(names: frozenset[str]) -> set[Path]:
    """Files of this project behind imported names; a name in a package may be a module or stand in its file."""
    return _files(ROOT, (name for name in names if name.split(".")[0] in PACKAGES))


def _files(folder: Path, names: Iterable[str]) -> set[Path]:
    """Files of the modules of these names below a folder."""
    bases = [folder.joinpath(*name.split(".")) for name in names]
    candidates = {file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")}
    return {file for file in candidates if file.is_file()}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
