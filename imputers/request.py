"""An imputer as people ask for it: its name, and in brackets the parameters that are not the usual ones."""

import ast
import re
from typing import Any

from datasets.errors import InputError
from imputers import IMPUTERS
from imputers.base import Imputer


def make_imputer(request: str) -> Imputer:
    """Make the imputer that a request asks for, e.g. ``"mice"`` or ``"knn(k=5, distance='euclidean')"``.

    Raises
    ------
    InputError
        If there is no such imputer, it has no such parameter, or a value is not a plain Python value.
    """
    name, settings = _parse(request)
    imputer = IMPUTERS[IMPUTERS.check(name)]()
    unknown = sorted(set(settings) - set(imputer.get_params(deep=False)))
    if unknown:
        known = ", ".join(imputer.get_params(deep=False)) or "none"
        raise InputError(f"imputer {name!r} has no parameter {unknown[0]!r}; its parameters are: {known}")
    return imputer.set_params(**settings)


def registered_name(request: str) -> str:
    """Registered name in a request."""
    return _parse(request)[0]


def split_requests(text: str) -> tuple[str, ...]:
    """Split requests at the commas that stand in no brackets, each request once.

    Examples
    --------
    >>> split_requests("knn(k=5, weights='uniform'), mice")
    ("knn(k=5, weights='uniform')", 'mice')
    """
    parts = (part.strip() for part in re.split(r",(?![^()]*\))", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def _parse(request: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters of a request; nothing is evaluated but literals."""
    written = re.fullmatch(r"\s*([^()\s]+)\s*(\(.*\))?\s*", request)
    remedy = "write a name, or a name with parameters, e.g. knn(k=5)"
    if written is None:
        raise InputError(f"imputer {request!r} cannot be read; {remedy}")
    name, brackets = written.groups()
    try:
        call = ast.parse(f"imputer{brackets or '()'}", mode="eval").body
        positional = call.args if isinstance(call, ast.Call) else []
        settings = {str(entry.arg): ast.literal_eval(entry.value) for entry in getattr(call, "keywords", [])}
    except (SyntaxError, ValueError):
        raise InputError(f"imputer {request!r}: its parameters must be plain Python values; {remedy}") from None
    if positional:
        raise InputError(f"imputer {request!r}: parameters need names; {remedy}")
    return name, settings
