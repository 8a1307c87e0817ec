"""Progress: a live bar on a terminal, a plain line per cell elsewhere."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from benchmarks.cells import Cell
from reports.results import Record


class Progress:
    """Cells done, failed and the time left, on the console handed in."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._done = self._failed = self._total = 0
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed ·"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def start(self, total: int, already: int) -> None:
        """Begin: so many cells in all, so many of them in the store already."""
        self._total, self._done = total, already
        self.console.print(f"{total} cells, {already} already in the store, {total - already} to compute")
        self._bar.start()
        self._task = self._bar.add_task("cells", total=total - already, failed=0)

    def finished(self, cell: Cell, record: Record, seconds: float) -> None:
        """Count one cell; failures are shown at once."""
        self._done += 1
        what = f"{cell.imputer} on {cell.mechanism} {cell.rate:g} seed {cell.seed}"
        if record.status == "failed":
            self._failed += 1
            self.console.print(f"[red]failed[/red] {what}: ", end="")
            self.console.print(record.message, markup=False, highlight=False)
        elif record.status == "unavailable":
            self.console.print(f"unavailable {what}: {record.message}", markup=False, highlight=False)
        elif not self.console.is_terminal:
            left = f"{self._done}/{self._total}, {self._failed} failed"
            self.console.print(f"{left} · {what} · {seconds:.1f} s", highlight=False)
        self._bar.update(self._task, advance=1, failed=self._failed, description=cell.imputer)

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()
