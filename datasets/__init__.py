"""The nouns: schema, tables, mechanisms, answers, and the registries that find everything by name."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.registry import Registry

if TYPE_CHECKING:
    from datasets.table import Dataset

DATASETS: Registry[Callable[[Path | None], "Dataset"]] = Registry(
    "dataset", package="datasets", variable="DATASETS", given=("path",)
)
