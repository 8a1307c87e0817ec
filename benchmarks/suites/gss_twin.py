"""The twin of the General Social Survey 2022, where the oracle shows how far any method can get."""

from benchmarks.suite import AGAIN, DEFAULT_IMPUTERS, PUBLISHED_DRAWS, Block, Suite
from benchmarks.suites import SUITES
from imputers import IMPUTERS


@SUITES.register("gss-twin")
def gss_twin() -> Suite:
    """The usual methods that draw, beside the oracle that knows the population, on a synthetic twin of the survey."""
    drawing = tuple(name for name in DEFAULT_IMPUTERS if not IMPUTERS[name].deterministic)
    block = Block("gss2022-twin", ("oracle", *drawing, *AGAIN), ("mcar", "mar"), n_draws=PUBLISHED_DRAWS)
    return Suite("gss-twin", (block,))
