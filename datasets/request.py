"""A registered thing as people ask for it: its name, and in brackets the parameters that are not the usual ones."""

import ast
import re
from typing import Any, NamedTuple

from datasets.errors import InputError


class Request(NamedTuple):
    """A name, and the values given in brackets, by place and by name."""

    name: str
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}  # noqa: RUF012 - never written to


def parse_request(text: str) -> Request:
    """Read a request; nothing is evaluated but literals.

    Examples
    --------
    >>> parse_request("knn(5, weights='uniform')")
    Request(name='knn', positional=(5,), named={'weights': 'uniform'})

    Raises
    ------
    InputError
        If it is not a name, or a name with plain Python values in brackets.
    """
    written = re.fullmatch(r"\s*([^()\s]+)\s*(\(.*\))?\s*", text, re.DOTALL)
    remedy = "write a name, or a name with parameters, e.g. knn(n_neighbors=5)"
    if written is None:
        raise InputError(f"{text!r} cannot be read; {remedy}")
    name, brackets = written.groups()
    try:
        call = ast.parse(f"request{brackets or '()'}", mode="eval").body
        if not isinstance(call, ast.Call) or any(entry.arg is None for entry in call.keywords):
            raise ValueError("not the parameters of a name")
        positional = tuple(ast.literal_eval(value) for value in call.args)
        return Request(name, positional, {str(entry.arg): ast.literal_eval(entry.value) for entry in call.keywords})
    except (SyntaxError, ValueError):
        raise InputError(f"{text!r}: its parameters must be plain Python values; {remedy}") from None


def split_requests(text: str) -> tuple[str, ...]:
    """Split requests at the commas that stand in no brackets, each request once.

    Examples
    --------
    >>> split_requests("knn(n_neighbors=5, weights='uniform'), mice")
    ("knn(n_neighbors=5, weights='uniform')", 'mice')
    """
    parts = (part.strip() for part in re.split(r",(?![^()]*\))", text))
    return tuple(dict.fromkeys(part for part in parts if part))
