"""How far an imputation is and how long it has to go: a bar on a terminal, a line a minute elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from imputers.heartbeat import listening

EVERY = 60.0  # seconds between two lines


@contextmanager
def progress(console: Console, what: str) -> Iterator[None]:
    """Show how far the method is that runs in the context; nothing if it cannot say, or is done within a minute.

    On a terminal there is a bar from the first word of the method on. It goes with the context.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(what, total=1.0)
    begun = told = time.monotonic()

    def listen(share: float) -> None:
        nonlocal told
        bar.start()
        bar.update(task, completed=share)
        now = time.monotonic()
        if not console.is_terminal and now - told >= EVERY and share > 0:
            told = now
            left = (now - begun) * (1 - share) / share
            line = f"{what}: {share:.0%} done, about {left / 60:,.0f} minutes left" if share < 1 else f"{what}: done"
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    try:
        with listening(listen):
            yield
    finally:
        bar.stop()
