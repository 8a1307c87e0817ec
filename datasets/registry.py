"""Registries: a name in a decorator is found by reading source, and its file is imported only when asked for.

Importing scikit-learn alone takes seconds; reading twenty small files takes milliseconds. So listing
what exists is instant, and running one imputer imports the libraries of that imputer only.
"""

import ast
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar

from datasets.errors import InputError

T = TypeVar("T")
Entry = TypeVar("Entry")


class Registry(Generic[T]):
    """Names to registered things, in alphabetical order.

    Parameters
    ----------
    noun : what an entry is called in messages, e.g. ``"imputer"``; the entry point group of other
        packages is ``imputation_benchmark.<noun>s``.
    package : import name of the package whose files are searched.
    variable : the name this registry goes by in those files, e.g. ``"IMPUTERS"``.

    Examples
    --------
    >>> PLANETS = Registry("planet", package="datasets", variable="PLANETS")
    >>> @PLANETS.register("earth")
    ... class Earth:
    ...     "The third one."
    >>> PLANETS["earth"].__name__
    'Earth'
    """

    def __init__(self, noun: str, *, package: str, variable: str) -> None:
        self.noun = noun
        self.package = package
        self.variable = variable
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Register what stands below the decorator under ``name``."""

        def add(entry: Entry) -> Entry:
            self._entries[name] = entry  # type: ignore[assignment]
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            self._import(name)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._sources or name in self._plugins

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._entries, *self._sources, *self._plugins}))

    def check(self, name: str) -> str:
        """Return ``name`` if it is registered.

        Raises
        ------
        InputError
            If it is not; the message suggests the nearest names.
        """
        if name in self:
            return name
        near = difflib.get_close_matches(name, list(self), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(self)}"
        raise InputError(f"there is no {self.noun} {name!r}; {hint}")

    def summaries(self) -> dict[str, str]:
        """Give every name its one-sentence description, without importing its file."""
        return {
            name: self._sources[name][1] if name in self._sources else f"from {self._plugins[name].value}"
            for name in self
        }

    def load(self, path: Path) -> list[str]:
        """Import a file outside the package and return the names that it registered.

        Raises
        ------
        InputError
            If the file does not exist, registers nothing here, or a name that is taken.
        """
        if not path.is_file():
            raise InputError(f"--load {path}: no such file; give the path of a Python file")
        found = _decorated(path, self.variable)
        if not found:
            raise InputError(
                f"--load {path}: registers no {self.noun}; put @{self.variable}.register(name) above a class"
            )
        taken = [name for name in found if name in self]
        if taken:
            raise InputError(f"--load {path}: the name {taken[0]!r} is taken by another {self.noun}; choose another")
        spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise InputError(f"--load {path}: not a Python file; its name must end in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        self._sources |= {name: (spec.name, summary) for name, summary in found.items()}
        return list(found)

    def _import(self, name: str) -> None:
        self.check(name)
        if name in self._sources:
            importlib.import_module(self._sources[name][0])
        else:
            self._entries[name] = self._plugins[name].load()

    @cached_property
    def _sources(self) -> dict[str, tuple[str, str]]:
        """Name to (module, summary), read from the decorators in the package's files.

        Raises
        ------
        InputError
            If two files register the same name.
        """
        spec = importlib.util.find_spec(self.package)
        roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
        found: dict[str, tuple[str, str]] = {}
        for root in roots:
            for path in sorted(root.rglob("*.py")):
                module = ".".join((self.package, *path.relative_to(root).with_suffix("").parts))
                for name, summary in _decorated(path, self.variable).items():
                    if name in found:
                        raise InputError(
                            f"{self.noun} {name!r} is registered in {found[name][0]} and in {module}; rename one"
                        )
                    found[name] = (module, summary)
        return found

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=f"imputation_benchmark.{self.noun}s")}


def _decorated(path: Path, variable: str) -> dict[str, str]:
    """Names that ``@variable.register("…")`` gives in a file, with the first line of each docstring."""
    source = path.read_text(encoding="utf-8")
    if f"{variable}.register" not in source:
        return {}
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=owner), attr="register"),
                    args=[ast.Constant(value=str(name)), *_],
                ) if owner == variable:
                    found[name] = (ast.get_docstring(node) or "").split("\n")[0]
    return found
