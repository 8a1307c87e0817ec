"""Progress: a live bar on a terminal, a plain line per cell elsewhere."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from benchmarks.cells import Cell
from benchmarks.claims import Owner
from reports.results import Record

MEMORY_SECONDS = 3600.0  # that the speed is taken over: long cells are few


class Progress:
    """Cells done, failed and the time left, by what the others will take, on the console handed in."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._done = self._failed = self._total = 0
        self._lacking: set[str] = set()
        self._waited: set[Owner | None] = set()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[cells]}"),
            TextColumn("{task.fields[failed]} failed ·"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            speed_estimate_period=MEMORY_SECONDS,
            disable=not console.is_terminal,
        )

    def start(self, total: int, already: int, seconds: float) -> None:
        """Begin: so many cells in all, so many of them in the store already, and seconds that the others will take."""
        self._total, self._done = total, already
        self.console.print(f"{total} cells, {already} already in the store, {total - already} to compute")
        self._bar.start()
        self._task = self._bar.add_task("cells", total=seconds, failed=0, cells=f"{already}/{total}")

    def finished(self, cell: Cell, record: Record, seconds: float, expected: float) -> None:
        """Count one cell; failures are shown at once, and an imputer that is unavailable once.

        Parameters
        ----------
        seconds, expected : that it took, and that it had of those of `start`.
        """
        self._done += 1
        what = f"{cell.imputer} on {cell.mechanism} {cell.rate:g} seed {cell.seed}"
        if record.status == "failed":
            self._failed += 1
            self.console.print(Text.assemble(("failed", "red"), f" {what}: {record.message}"), highlight=False)
        elif record.status == "unavailable":
            if cell.imputer not in self._lacking:
                self.say(f"unavailable {cell.imputer}: {record.message}")
            self._lacking.add(cell.imputer)
        elif not self.console.is_terminal:
            left = f"{self._done}/{self._total}, {self._failed} failed"
            self.say(f"{left} · {what} · {seconds:.1f} s")
        self._bar.update(
            self._task,
            advance=expected,
            failed=self._failed,
            cells=f"{self._done}/{self._total}",
            description=escape(cell.imputer),
        )

    def waiting(self, number: int, whose: Owner | None) -> None:
        """Say, once for each run, that so many cells are waited for which another run computes."""
        who = f" (process {whose.pid} on {whose.host})" if whose else ""
        if whose not in self._waited:
            self.say(f"waiting for {number} cells that another run computes{who}")
        self._waited.add(whose)

    def say(self, text: str) -> None:
        """Show a line as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def sealed(self, *, closed: bool) -> None:
        """Say how far the truth is sealed, where it could be sealed better."""
        if not closed:
            self.say("this system closes neither files nor processes to imputers: see benchmarks/README.md on the seal")

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()
