"""A registered thing as people ask for it: its name, in brackets its unusual parameters, and which run of it."""

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
    """Read a request; nothing is evaluated but literals. Which run of it is meant says `run_number`.

    Examples
    --------
    >>> parse_request("knn(5, weights='uniform')")
    Request(name='knn', positional=(5,), named={'weights': 'uniform'})

    Raises
    ------
    InputError
        If it is not a name, or a name with plain Python values in brackets; or # is followed by anything but a whole
        number from 2 on.
    """
    asked, _ = _split_run(text)
    written = re.fullmatch(r"\s*([^()\s]+)\s*(\(.*\))?\s*", asked, re.DOTALL)
    remedy = "write a name, or a name with parameters, e.g. knn(n_neighbors=5)"
    if written is None:
        raise InputError(f"{text!r} cannot be read; {remedy}")
    name, brackets = written.groups()
    try:
        call = ast.parse(f"request{brackets or '()'}", mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or any(
            entry.arg is None for entry in call.keywords
        ):
            raise ValueError("not the parameters of a name")
        positional = tuple(ast.literal_eval(value) for value in call.args)
        return Request(name, positional, {str(entry.arg): ast.literal_eval(entry.value) for entry in call.keywords})
    except (SyntaxError, ValueError):
        raise InputError(f"{text!r}: its parameters must be plain Python values; {remedy}") from None


def run_number(text: str) -> int:
    """Tell which run of a method a request means: 2 in ``"mice-pmm#2"``, which is mice-pmm under another seed, else 1.

    Raises
    ------
    InputError
        If # is followed by anything but a whole number from 2 on.
    """
    return _split_run(text)[1]


def _split_run(text: str) -> tuple[str, int]:
    """Split a request at the # behind its brackets, where the number of the run stands."""
    asked, mark, number = text.rpartition("#")
    if not mark or ")" in number:  # a # within the brackets
        return text, 1
    if not re.fullmatch(r"[2-9]|[1-9][0-9]+", number.strip()):
        raise InputError(
            f"{text!r}: behind # stands which run of the method under another seed is meant, a whole number from 2 on; "
            f"write e.g. {asked.strip() or 'mice-pmm'}#2, or leave # out for the first"
        )
    return asked, int(number)


def split_requests(text: str) -> tuple[str, ...]:
    """Split requests at the commas that stand in no brackets, each request once.

    Examples
    --------
    >>> split_requests("knn(n_neighbors=5, weights='uniform'), mice")
    ("knn(n_neighbors=5, weights='uniform')", 'mice')
    """
    parts = (part.strip() for part in re.split(r",(?![^()]*\))", text))
    return tuple(dict.fromkeys(part for part in parts if part))
