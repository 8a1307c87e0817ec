"""The suites of mechanisms and surveys ask for what there is."""

import numpy as np
import pytest

from benchmarks.suites import suite_named
from datasets import DATASETS
from datasets.mechanisms import MECHANISMS, setting
from imputers import IMPUTERS


@pytest.mark.parametrize("name", ["gss-mechanisms", "surveys"])
def test_every_dataset_mechanism_and_method_is_there(name):
    suite = suite_named(name)
    for block in suite.blocks:
        assert block.dataset in DATASETS
        assert all(callable(MECHANISMS.resolve(mechanism)) for mechanism in block.mechanisms)
        assert all(IMPUTERS.resolve(imputer) for imputer in block.imputers)
    assert {first for pair in suite.about["contrasts"] for first in pair} <= set(suite.blocks[0].imputers)


def test_every_mechanism_of_the_suite_hides_cells_of_the_survey(gss):
    """Each at its rate, on every sixth respondent; no two settings of a rate hide the same cells."""
    from datasets.surveys.thinning import thinned

    table = thinned(gss, 600)
    for block in suite_named("gss-mechanisms").blocks:
        masks = {m: MECHANISMS.resolve(m)(table, block.rates[0], np.random.default_rng(1)) for m in block.mechanisms}
        items = ~np.isnan(table.values)[:, 4:]
        for mask in masks.values():
            assert mask.sum() / items.sum() == pytest.approx(block.rates[0], abs=0.06)
        assert len({mask.tobytes() for mask in masks.values()}) == len(masks)
        assert len({setting(name) for name in masks}) == len(masks)
