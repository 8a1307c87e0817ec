"""A made-up table of 400 respondents, done in seconds."""

from benchmarks.suite import QUICK_IMPUTERS, Block, Suite
from benchmarks.suites import SUITES


@SUITES.register("toy")
def toy() -> Suite:
    """Quick methods on a made-up table."""
    return Suite("toy", (Block("toy", QUICK_IMPUTERS, seeds=(1, 2)),))
