"""Timings of every imputer, on the core table and as rows grow; run them with ``pytest -m benchmark tests/speed``."""

import numpy as np
import pytest

from imputers import IMPUTERS

pytestmark = pytest.mark.benchmark
GROWTH = (1, 4, 16)


def answer(name, values, schema, weights):
    IMPUTERS[name]().fit(values, schema=schema, weights=weights, random_state=1).impute(values, n_draws=5)


@pytest.mark.parametrize("name", list(IMPUTERS))
def test_core_table(benchmark, masked_gss, name):
    benchmark.group = "fit and 5 draws, 3,544 × 24"
    arguments = (name, masked_gss.values, masked_gss.schema, masked_gss.truth.weights)
    benchmark.pedantic(answer, arguments, rounds=1, warmup_rounds=0)


@pytest.mark.slow
@pytest.mark.parametrize("times", GROWTH)
@pytest.mark.parametrize("name", list(IMPUTERS))
def test_growth_with_rows(benchmark, masked_gss, name, times):
    """Rows are drawn with replacement from the core table, so that 16 × means 56,704 respondents."""
    benchmark.group = f"growth of {name}"
    n = len(masked_gss.values)
    rows = np.random.default_rng(1).integers(0, n, n * times)
    arguments = (name, masked_gss.values[rows], masked_gss.schema, masked_gss.truth.weights[rows])
    benchmark.pedantic(answer, arguments, rounds=1, warmup_rounds=0)
