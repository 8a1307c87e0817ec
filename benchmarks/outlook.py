"""What a run on somebody's own file will take and hide, said before it starts."""

from collections.abc import Iterator, Mapping

from benchmarks.growth.forecast import published, warning
from benchmarks.processes import Limits
from benchmarks.suite import Block, Suite
from datasets.schema import Role
from datasets.table import Dataset

LARGE_ROWS, LARGE_COLUMNS, LARGE_CELLS = 20_000, 300, 1_000_000
ROWS = 5_000
SHOWN = 5


def outlook(suite: Suite, tables: Mapping[str, Dataset | str], limits: Limits, n_jobs: int) -> list[str]:
    """Sentences on the files of the user's in a suite: which columns drive missingness, and what a large one takes.

    Parameters
    ----------
    tables : by `Block.table`, see `run.load_tables`.
    limits : of one cell.
    n_jobs : cells at a time.
    """
    said: dict[str, None] = {}
    for block in suite.blocks:
        table = tables[block.table]
        if isinstance(table, Dataset) and block.is_own_file:
            said.update(dict.fromkeys([*_drivers(block, table), *_size(block, table, limits, n_jobs)]))
    return list(said)


def _drivers(block: Block, table: Dataset) -> Iterator[str]:
    if any(mechanism.partition("(")[0] == "mar" for mechanism in block.mechanisms):
        names = [table.schema.columns[j].name for j in table.schema.having(Role.DRIVER)]
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        yield (
            f"mar hides by {shown or 'no column'}, always left observed; to change it, write "
            'role = "driver" under [column] for each that is to drive, in the file of --schema (`describe` writes one)'
        )


def _size(block: Block, table: Dataset, limits: Limits, n_jobs: int) -> Iterator[str]:
    n, p = table.values.shape
    if n > LARGE_ROWS or p > LARGE_COLUMNS or n * p > LARGE_CELLS:
        most = block.n_cells * limits.seconds / n_jobs / 3600
        smaller = [f"--rows {ROWS}"] if n > ROWS else []
        ways = [*smaller, "fewer --imputers", "--mechanisms mcar", "--seeds 1"]
        yield (
            f"{table.title} is large: {n:,} rows × {p:,} columns; {len(block.masks)} masks × {len(block.imputers)} "
            f"imputers are {block.n_cells} cells, each of {limits.seconds:g} s and {limits.memory_gb:g} GB at most and "
            f"failed beyond (--time-limit, --memory-limit), {n_jobs} at a time: up to {most:,.1f} hours; less with "
            + " or ".join([", ".join(ways[:-1]), ways[-1]])
        )
        if told := warning(n, p, block.n_draws, block.imputers, published()):
            yield told
