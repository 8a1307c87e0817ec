"""Suites: named sets of cells, and the page that they are for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from datasets.request import parse_request
from imputers import IMPUTERS

DEFAULT_MECHANISMS = ("mcar", "mar", "ni")
DEFAULT_IMPUTERS = (
    "mean",
    "subgroup-mean",
    "hot-deck",
    "regression",
    "stochastic-regression",
    "knn",
    "gaussian-em",
    "latent-class",
    "mice-pmm",
    "mice",
    "mice-cart",
    "mice-rf",
    "gbm",
    "gbm-pmm",
    "miwae",
    "hivae",
    "masked-transformer",
    "listwise",
    "pairwise",
)
QUICK_IMPUTERS = ("mean", "subgroup-mean", "hot-deck", "knn", "gaussian-em", "mice-pmm", "listwise", "pairwise")
AGAIN = ("mice-pmm#2", "gbm#2")  # runs under another seed, which a board needs to tell methods from seeds
PUBLISHED_DRAWS = 20
FOLDS = tuple(f"fold({number})" for number in range(1, 11))  # of ten, at a rate of 0.1


@dataclass(frozen=True)
class Block:
    """The product of everything below.

    Parameters
    ----------
    dataset : a request: registered name, with parameters in brackets where they are not the usual ones.
    imputers, mechanisms : requests.
    rates, seeds : with the mechanisms, how cells are hidden.
    n_draws : draws of each imputer.
    rows : how many rows of the dataset, evenly spaced; None takes all.
    """

    dataset: str
    imputers: tuple[str, ...] = DEFAULT_IMPUTERS
    mechanisms: tuple[str, ...] = DEFAULT_MECHANISMS
    rates: tuple[float, ...] = (0.3,)
    seeds: tuple[int, ...] = (1, 2, 3)
    n_draws: int = 5
    rows: int | None = None

    @property
    def table(self) -> str:
        """Name of the table in the suite's manifest."""
        return self.dataset if self.rows is None else f"{self.dataset}, {self.rows} rows"

    @property
    def is_own_file(self) -> bool:
        """Whether its dataset is a file of the user's, asked for by its path."""
        return self.dataset.partition("(")[0].strip() == "file"

    @property
    def masks(self) -> list[tuple[str, float, int]]:
        """Every mechanism, rate and seed."""
        return list(product(self.mechanisms, self.rates, self.seeds))

    @property
    def n_cells(self) -> int:
        """How many cells it has."""
        return len(self.masks) * len(self.imputers)


@dataclass(frozen=True)
class Suite:
    """Blocks of cells and the page that is made of them.

    Parameters
    ----------
    name : also the name of the results folder.
    blocks : what is run.
    page : name of the page, see `reports.write.PAGES`.
    about : what the page is told beside the records, as JSON can hold it.
    lacking : why the suite cannot be run as it is, and what to do; empty if it can.
    """

    name: str
    blocks: tuple[Block, ...]
    page: str = "leaderboard"
    about: Mapping[str, Any] = field(default_factory=dict)
    lacking: str = ""

    @property
    def n_cells(self) -> int:
        """How many cells it has."""
        return sum(block.n_cells for block in self.blocks)


def is_language_model(request: str) -> bool:
    """Whether a request asks for a language model of this project: minutes where other methods take seconds."""
    name = parse_request(request).name
    return name in IMPUTERS and IMPUTERS[name].family == "llm"
