"""Several real surveys: what holds in one may not hold in another."""

from benchmarks.suite import AGAIN, Block, Suite
from benchmarks.suites import SUITES

METHODS = (
    "mean",
    "hot-deck",
    "regression",
    "knn",
    "latent-class",
    "gaussian-em",
    "mice-pmm",
    "mice",
    "mice-cart",
    "mice-rf",
    "gbm",
    "gbm-pmm",
    "hivae",
    "miwae",
    "masked-transformer",
    *AGAIN,
)
TABLES = {"gss2022": None, "anes96": None, "fair": 3000, "nhanes": 3000, "gss-year": None}  # rows that are kept


@SUITES.register("surveys")
def surveys() -> Suite:
    """A dozen methods on every real survey that is there, and which conclusions agree."""
    blocks = tuple(
        Block(name, METHODS, ("mcar", "mar"), seeds=(1, 2), n_draws=10, rows=rows) for name, rows in TABLES.items()
    )
    about = {"question": "which conclusions hold in every survey?", "contrasts": [("gbm", "mice-pmm")]}
    return Suite("surveys", blocks, "conclusions", about)
