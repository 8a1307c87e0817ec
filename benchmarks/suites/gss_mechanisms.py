"""The core table of the General Social Survey 2022 under mechanisms of many kinds, directions and severities."""

from benchmarks.suite import Block, Suite
from benchmarks.suites import SUITES

METHODS = (
    "mean",
    "hot-deck",
    "regression",
    "knn",
    "latent-class",
    "gaussian-em",
    "mice-pmm",
    "mice-pmm#2",
    "gbm",
    "hivae",
    "miwae",
    "not-miwae",
)
BOTH = ("mar", "ni")
DIRECTIONS = ("ni-low", "ni-tails", "ni-middle", "ni-trait", "gss-undesirable")


@SUITES.register("gss-mechanisms")
def gss_mechanisms() -> Suite:
    """How conclusions move with the mechanism, and where a model of it helps and hurts."""
    dialled = [f"{name}(bias={bias}, drivers='educ')" for bias in (0.05, 0.1, 0.2) for name in BOTH]
    directed = [f"{name}(bias=0.1)" for name in DIRECTIONS]
    blocks = (
        _block(0.3, "mcar", *dialled, *directed, "ballot", "breakoff"),
        _block(0.05, "observed-patterns", "replay"),
        _block(0.1, "replay"),
        _block(0.5, *(f"{name}(bias=0.2, drivers='educ')" for name in BOTH)),
    )
    about = {"question": "do conclusions hold under other mechanisms?", "contrasts": [("not-miwae", "miwae")]}
    return Suite("gss-mechanisms", blocks, "conclusions", about)


def _block(rate: float, *mechanisms: str) -> Block:
    return Block("gss2022", METHODS, mechanisms, (rate,), (1, 2), 10)
