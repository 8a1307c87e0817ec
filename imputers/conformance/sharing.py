"""What all instances of an imputer, and all code of a process, share: class, module, and the code of others."""

import sys
import types
from collections.abc import Mapping

import numpy as np

from imputers.base import Imputer
from imputers.conformance.rule import predict, require
from imputers.conformance.tables import example_table

OURS = ("benchmarks", "datasets", "imputers", "metrics", "reports")
LIBRARIES = (
    "builtins",
    "json",
    "math",
    "numpy",
    "numpy.random",
    "os",
    "pandas",
    "random",
    "scipy.stats",
    "sklearn",
    "time",
)


def keeps_nothing_on_its_class_or_module(make: type[Imputer]) -> None:
    """Attributes of the class and variables of its module stay as they are once the method has warmed up."""
    schema, X = example_table()
    predict(make, X, schema)
    classes = [part for part in make.__mro__ if part not in Imputer.__mro__]
    modules = {part.__module__: sys.modules[part.__module__] for part in classes}
    owners = {**{part.__name__: part for part in classes}, **modules}
    before = {name: _contents(vars(owner)) for name, owner in owners.items()}
    predict(make, X, schema)
    changed = [
        f"{name}.{key}"
        for name, owner in owners.items()
        for key, value in _contents(vars(owner)).items()
        if before[name].get(key) != value
    ]
    require(not changed, f"fit or impute changed {', '.join(changed)}, which all instances share")


def replaces_no_code_of_others(make: type[Imputer]) -> None:
    """Functions and classes of the project, their attributes, and functions of libraries are those that they were."""
    schema, X = example_table()
    before = _definitions(make.__module__)
    predict(make, X, schema)
    after = _definitions(make.__module__)
    replaced = sorted(name for name in before if after.get(name) != before[name])
    require(not replaced, f"it replaced {', '.join(replaced[:3])}")


def _contents(owner: Mapping[str, object]) -> dict[str, str]:
    """What each name stands for: the object, and what it holds if it is one of Python's or NumPy's containers."""
    held = (dict, list, set, bytearray, np.ndarray)
    return {
        name: f"{id(value)} {repr(value)[:10_000] if isinstance(value, held) else ''}"
        for name, value in owner.items()
        if not name.startswith("__")
    }


def _definitions(plugin: str) -> dict[str, int]:
    """Identity of functions, classes and their attributes in the project's modules, the imputer's own left out.

    Of some libraries, too, what stands in their modules.
    """
    found: dict[str, int] = {}
    for name, module in list(sys.modules.items()):
        if name == plugin or not (name in LIBRARIES or name.split(".")[0] in OURS):
            continue
        for key, value in list(vars(module).items()):
            own = getattr(type(value), "__module__", "").split(".")[0] in OURS
            if not (own or callable(value)):
                continue
            found[f"{name}.{key}"] = id(value)
            if own or isinstance(value, type):
                found |= {f"{name}.{key}.{part}": id(held) for part, held in _attributes(value).items()}
    return found


def _attributes(value: object) -> dict[str, object]:
    """Functions among the attributes of a class or of an object of ours."""
    return {
        name: held
        for name, held in getattr(value, "__dict__", {}).items()
        if isinstance(held, types.FunctionType | type)
    }
