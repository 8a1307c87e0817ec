"""The suites: named sets of cells and their pages, one small file each or a few that belong together."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.suite import Suite
from datasets.errors import InputError
from datasets.registry import Registry
from reports.write import CARDED

SUITES: Registry[Callable[..., Suite]] = Registry("suite", package="benchmarks.suites", variable="SUITES")


def suite_named(request: str, options: Mapping[str, Any] | None = None, added: Sequence[str] = ()) -> Suite:
    """Give the suite of a request, with options in place of its own choices; those that are None or empty are left.

    An option is handed to the suite's parameter of that name; the others are as in `narrowed`.

    Raises
    ------
    InputError
        If there is no such suite, or it has cells of its own and no such parameter.
    """
    entry, given = SUITES.resolve(request), _given(options or {})
    known = inspect.signature(entry).parameters
    suite = entry(**{name: value for name, value in given.items() if name in known})
    return narrowed(suite, {name: value for name, value in given.items() if name not in known}, added)


def narrowed(suite: Suite, options: Mapping[str, Any], added: Sequence[str] = ()) -> Suite:
    """A leaderboard with options in place of the fields of all its blocks; those that are None or empty are left.

    Parameters
    ----------
    options : by name of the field; ``model`` names language models, which run beside the other imputers.
    added : imputers of loaded files, which run beside the others unless some are asked for by name.

    Raises
    ------
    InputError
        If the suite's page is none of those whose cells anyone may choose, and there is any option.
    """
    given = _given(options)
    if suite.page not in CARDED:
        if given:
            unused = ", ".join(f"--{name.removeprefix('n_')}" for name in sorted(given))
            raise InputError(f"suite {suite.name!r} has tables, masks and imputers of its own; leave out {unused}")
        return suite
    beside = (*(() if "imputers" in given else added), *(f"llm(model={name!r})" for name in given.pop("model", ())))
    blocks = [replace(block, **given) for block in suite.blocks]
    blocks = [replace(block, imputers=tuple(dict.fromkeys((*block.imputers, *beside)))) for block in blocks]
    return replace(suite, blocks=tuple(blocks))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, ())}
