"""Registries: names to imputers, metrics, mechanisms, datasets and suites, given by decorators."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from datasets.errors import InputError
from datasets.request import parse_request, run_number

if TYPE_CHECKING:
    from importlib.metadata import SelectableGroups

NAME = re.compile(r"\w[-.\w]{0,59}")
T = TypeVar("T")
Entry = TypeVar("Entry")


class Registry(Generic[T]):
    """Names to registered things, in alphabetical order.

    What other files of the package register is found when a name is first asked for: every file of the package that
    mentions the registry is imported. Such files import heavy libraries inside their functions, so that this is quick.

    Parameters
    ----------
    noun : what an entry is called in messages, e.g. ``"imputer"``; the entry point group of other
        packages is ``imputation_benchmark.<noun>s``.
    package : import name of the package whose files are searched, with its sub-packages.
    variable : the name this registry goes by in those files, e.g. ``"IMPUTERS"``.
    given : parameters of entries that whoever calls them fills, so that a request cannot.
    repeats : whether requests may ask for another run of an entry under another seed, e.g. ``"mice-pmm#2"``.

    Examples
    --------
    >>> PLANETS = Registry("planet", package="datasets", variable="PLANETS")
    >>> @PLANETS.register("earth")
    ... def earth(moons=1):
    ...     "The third one."
    ...     return f"{moons} moons"
    >>> PLANETS["earth"](), PLANETS.resolve("earth(moons=2)")()
    ('1 moons', '2 moons')
    """

    def __init__(
        self, noun: str, *, package: str, variable: str, given: tuple[str, ...] = (), repeats: bool = False
    ) -> None:
        self.noun = noun
        self.package = package
        self.variable = variable
        self.given = given
        self.repeats = repeats
        self._entries: dict[str, T] = {}
        self._origins: dict[str, str] = {}
        self._plugins: dict[str, EntryPoint] = {}
        self._complete = self._searching = self._closed = False
        _REGISTRIES.append(self)

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Register what stands below the decorator under ``name``.

        Raises
        ------
        InputError
            If the name is none that can be asked for, or is taken by something defined elsewhere.
        """
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            raise InputError(
                f"{self.noun} {name!r}: no such name can be asked for; take up to 60 letters, digits, '-', '.', '_', a "
                "letter or digit first"
            )

        def add(entry: Entry) -> Entry:
            origin = str(getattr(_callable(entry), "__module__", ""))
            if self._origins.get(name, origin) != origin:
                raise InputError(
                    f"the {self.noun} {name!r} of {origin} has the name of one in {self._origins[name]}; choose another"
                )
            if not self._closed:
                self._entries[name] = entry  # type: ignore[assignment]
            self._origins[name] = origin
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        self._find_all()
        if name not in self._entries and name in self._plugins:
            self._entries[name] = self._plugins[name].load()
        return self._entries[self.check(name)]

    def __contains__(self, name: object) -> bool:
        self._find_all()
        return name in self._entries or name in self._plugins

    def __iter__(self) -> Iterator[str]:
        self._find_all()
        return iter(sorted({*self._entries, *self._plugins}))

    def __len__(self) -> int:
        return len(list(iter(self)))

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

    def resolve(self, request: str) -> T:
        """Give what a request asks for, its parameters bound: ``"mcar"``, ``"knn(n_neighbors=5)"``, ``"fold(3)"``.

        Parameters of an entry are those of its signature that have a default; values without a name are taken in
        their order.

        Raises
        ------
        InputError
            If nothing has this name, it has no such parameter, a value is not a plain Python value, or another run of
            it is asked for and it has but one.
        """
        name, positional, named = parse_request(request)
        entry, run = self[name], run_number(request)
        if run > 1 and not self.repeats:
            raise InputError(f"{request!r}: only an imputer has other runs; write the {self.noun} without #{run}")
        if not positional and not named:
            return entry
        settings = inspect.signature(_callable(entry)).parameters.values()
        optional = [setting.name for setting in settings if setting.default is not inspect.Parameter.empty]
        known = [name for name in optional if name not in self.given]
        told = f"its parameters are: {', '.join(known) or 'none'}"
        if len(positional) > len(known):
            raise InputError(f"{self.noun} {name!r} was given {len(positional)} values in {request!r}; {told}")
        given = dict(zip(known, positional, strict=False))
        unknown = sorted(set(named) - set(known))
        if unknown:
            raise InputError(f"{self.noun} {name!r} has no parameter {unknown[0]!r}; {told}")
        twice = sorted(set(named) & set(given))
        if twice:
            raise InputError(f"{self.noun} {name!r} was given {twice[0]!r} twice in {request!r}; give it once")
        return _bound(entry, given | named)

    def owns(self, name: str) -> bool:
        """Whether an entry of this name stands in the registry's own package, not in somebody else's file."""
        self._find_all()
        return self._origins.get(name, "").startswith(f"{self.package}.")

    @property
    def modules(self) -> frozenset[str]:
        """Names of the modules of the registry's own package that register something."""
        self._find_all()
        return frozenset(origin for origin in self._origins.values() if origin.startswith(f"{self.package}."))

    def summary(self, name: str) -> str:
        """First line of what an entry says of itself."""
        return (inspect.getdoc(_callable(self[name])) or "").split("\n")[0]

    def defined_in(self, module: str) -> list[str]:
        """Names of what a module registered."""
        return sorted(name for name, origin in self._origins.items() if origin == module)

    def close(self) -> None:
        """Forget every entry and take no more: for a process that must not have them."""
        self._entries.clear()
        self._plugins.clear()
        self._complete = self._closed = True

    def _find_all(self) -> None:
        """Import every file of the package that mentions this registry, and list the entry points."""
        if self._complete or self._searching:
            return
        self._searching = True  # a file may ask for names as it is imported; it finds those before it
        try:
            self._import_all()
        finally:
            self._searching = False
        self._complete = True

    def _import_all(self) -> None:
        spec = importlib.util.find_spec(self.package)
        for root in map(Path, (spec and spec.submodule_search_locations) or []):
            for path in sorted(root.rglob("*.py")):
                if path.name != "__init__.py" and self.variable in path.read_text(encoding="utf-8"):
                    importlib.import_module(".".join((self.package, *path.relative_to(root).with_suffix("").parts)))
        self._plugins = {
            entry.name: entry for entry in _entry_points().select(group=f"imputation_benchmark.{self.noun}s")
        }


_REGISTRIES: list[Registry[Any]] = []


@cache
def _entry_points() -> "SelectableGroups":
    """Entry points of all packages, read once for all registries."""
    return entry_points()


def load_plugin(path: Path) -> list[str]:
    """Import a Python file of the user's, and say what it registered, e.g. ``["imputer nearest"]``.

    Raises
    ------
    InputError
        If the file does not exist, registers nothing, or a name that is taken.
    """
    if not path.is_file():
        raise InputError(f"--load {path}: no such file; give the path of a Python file")
    for registry in _REGISTRIES:
        len(registry)  # what the project registers comes first, so that the file is told if a name is taken
    name = (
        f"loaded_{path.stem}_{hashlib.sha256(bytes(path.resolve())).hexdigest()[:8]}"  # of this file, not its namesakes
    )
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"--load {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        raise InputError(f"--load {path}: {error}") from error
    found = [f"{registry.noun} {entry}" for registry in _REGISTRIES for entry in registry.defined_in(name)]
    if not found:
        nouns = ", ".join(sorted(registry.variable for registry in _REGISTRIES))
        raise InputError(f"--load {path}: registers nothing; put @REGISTRY.register(name) above it, one of {nouns}")
    return found


def _callable(entry: Any) -> Callable[..., Any]:  # noqa: ANN401 - an entry may be anything
    """What holds the signature and the docstring of an entry: itself, or the function that it wraps."""
    return getattr(entry, "__wrapped__", entry)


def _bound(entry: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401
    """An entry with parameters given; one that wraps a function says itself how (``with_parameters``)."""
    return entry.with_parameters(**given) if hasattr(entry, "with_parameters") else partial(entry, **given)
