"""The suite of the twin: methods that draw, beside the oracle, each of which can be had for its table."""

from benchmarks.run import check_suite
from benchmarks.suites import SUITES
from datasets import DATASETS
from datasets.populations import POPULATIONS
from imputers import make_imputer


def test_the_twins_suite_asks_for_methods_that_draw_and_the_oracle():
    (block,) = check_suite(SUITES["gss-twin"]()).blocks
    assert {"oracle", "mice-pmm", "latent-class"} <= set(block.imputers)
    assert not any(make_imputer(request).deterministic for request in block.imputers)
    assert DATASETS[block.dataset](None).schema.population in POPULATIONS
