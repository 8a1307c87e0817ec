"""Fixtures that many rooms share: the real survey where it is there, and masked tables."""

import os
from pathlib import Path

import numpy as np
import pytest

from datasets import DATASETS
from datasets.mechanisms import MECHANISMS
from datasets.table import Dataset, Masked

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real files; in continuous integration its absence is a failure, elsewhere a skip."""
    if not SHARED.is_dir():
        reason = f"needs the real data files in {SHARED.name}/ beside the checkout"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def gss(shared: Path) -> Dataset:
    """The core table of the real General Social Survey 2022, 3,544 × 24."""
    return DATASETS["gss2022"](shared / "data" / "2022_stata.zip")


@pytest.fixture(scope="session")
def masked_gss(gss: Dataset) -> Masked:
    """The core table with 30 % of its items hidden completely at random."""
    return Masked(gss, MECHANISMS["mcar"](gss, 0.3, np.random.default_rng(1)))


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """The small table with known moments."""
    return DATASETS["toy"](None)


@pytest.fixture(scope="session")
def masked_toy(toy: Dataset) -> Masked:
    """The small table with 30 % of its items hidden completely at random."""
    return Masked(toy, MECHANISMS["mcar"](toy, 0.3, np.random.default_rng(1)))
