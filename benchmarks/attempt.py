"""The boundary between the benchmark and code that anyone may write: whatever that raises is caught here, and told."""

import traceback
from collections.abc import Callable
from pathlib import Path

from reports.results import plain_message


def attempt(work: Callable[[], object]) -> BaseException | None:
    """Do the work; give what stopped it, exits included, or None."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - the one place where this is right
        return error
    return None


def reason(error: BaseException) -> str:
    """Kind, message and place of an error, as every page and console can show it; its `str` may fail."""
    shown = traceback.TracebackException(type(error), error, None)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (in {Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    message = str(shown)
    return plain_message(f"{type(error).__name__}: {message}" if message else type(error).__name__, place)
