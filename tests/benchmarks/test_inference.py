"""The suite of inference: replicates in blocks, imputed one by one in a sealed process, and their page."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.app import app
from benchmarks.cells import make_mask
from benchmarks.run import load_tables
from benchmarks.suite import Block, Suite
from benchmarks.suites import SUITES, suite_named
from benchmarks.suites.gss import LANGUAGE_MODELS
from benchmarks.wire import prediction_from_parts, schema_to_json, unpack
from benchmarks.worker import WORK
from datasets import DATASETS
from datasets.errors import InputError
from datasets.table import Masked
from imputers import IMPUTERS, make_imputer

LOADED = """
from benchmarks.suite import Block
from benchmarks.suites import SUITES
from benchmarks.suites.gss_inference import _suite

@SUITES.register("few")
def few():
    "Few replicates."
    tables = [f"samples(population='gaussian', first={first}, size=2)" for first in (1, 3)]
    return _suite("few", [Block(table, ("mean", "gaussian-em"), ("mcar",), seeds=(1,), n_draws=10) for table in tables])
"""


def test_every_method_of_gss_that_draws_is_there_and_what_shows_the_machinery():
    suite = SUITES["gss-inference"]()
    asked = {imputer for block in suite.blocks for imputer in block.imputers}
    drawing = {name for block in SUITES["gss"]().blocks for name in block.imputers if name in IMPUTERS}
    drawing = {name for name in drawing if not make_imputer(name).deterministic}
    assert drawing | {"oracle", "mean", "regression"} == asked | set(suite.about["untested"])
    assert not asked & set(LANGUAGE_MODELS)
    assert all(block.n_draws == 10 and block.seeds == (1,) for block in suite.blocks)


def test_fast_methods_have_a_thousand_replicates_and_others_two_hundred():
    counts = {}
    for block in SUITES["gss-inference"]().blocks:
        name, table = block.dataset.partition("(")[0], DATASETS.resolve(block.dataset)
        for imputer in block.imputers:
            counts.setdefault((name, imputer), []).append(table.keywords["size"])
    assert sum(counts["samples", "mice-pmm"]) == 3 * 1000
    assert sum(counts["samples", "gbm"]) == 3 * 200
    assert sum(counts["gss2022-again", "gbm"]) == 100


def test_the_quick_suite_takes_as_many_samples_as_are_asked_for():
    suite = suite_named("gss-inference-quick(samples=60)", {"imputers": ("mice-pmm",), "mechanisms": ("mcar",)})
    sizes = [(block.dataset.partition(",")[0], block.dataset.rpartition("first=")[2]) for block in suite.blocks]
    assert [after for _, after in sizes[:3]] == ["1, size=25)", "26, size=25)", "51, size=10)"]
    assert len({population for population, _ in sizes}) == 3 and len(sizes) == 9


def test_samples_are_as_large_as_is_asked_for_and_a_language_model_has_one_in_a_cell():
    wanted = {"imputers": ("mice-pmm", "llm(n_adapters=5)"), "mechanisms": ("mar",), "rows": 300}
    suite = suite_named("gss-inference-quick(samples=2)", wanted)
    own = [block for block in suite.blocks if "gaussian" in block.dataset]
    sizes = [(block.imputers[0], DATASETS.resolve(block.dataset).keywords["size"]) for block in own]
    assert sizes == [("mice-pmm", 2), ("llm(n_adapters=5)", 1), ("llm(n_adapters=5)", 1)]
    assert suite.about["rows"] == 300 and {block.rows for block in suite.blocks} == {300}
    few, console = Suite("few", tuple(own), "inference"), Console(quiet=True)
    tables = load_tables(few, None, strict=False, console=console)
    both, first, second = (tables[block.table] for block in own)
    assert both.replicates.tolist() == [1.0] * 300 + [2.0] * 300
    np.testing.assert_array_equal(both.values, np.concatenate([first.values, second.values]))
    assert set(suite.about["designs"]) >= set(tables)
    with pytest.raises(InputError, match="it has 1 to 1000"):
        load_tables(replace(few, blocks=(replace(own[0], rows=1001),)), None, strict=False, console=console)


def test_a_suite_is_narrowed_by_methods_and_mechanisms_and_refuses_what_completes_nothing():
    suite = suite_named("gss-inference", {"imputers": ("mice",), "mechanisms": ("mar",)})
    assert {(block.imputers, block.mechanisms) for block in suite.blocks} == {(("mice",), ("mar",))}
    alone = suite_named("gss-inference-quick(population='gaussian')", {"imputers": ("mice",)})
    assert all("'gaussian'" in block.dataset for block in alone.blocks)
    with pytest.raises(InputError, match="it has gss2022-twin, gaussian"):
        suite_named("gss-inference-quick(population='gss')")
    with pytest.raises(InputError, match="listwise completes none"):
        suite_named("gss-inference", {"imputers": ("listwise",)})


def impute(imputer, masked):
    """Content and arrays that a process sends back for a table of replicates."""
    request = {"plugins": [], "imputer": imputer, "n_draws": 2, "random_state": 1, "folder": ""}
    told = {"values": masked.values, "replicates": masked.truth.replicates}
    return unpack(WORK["impute"](request | {"schema": schema_to_json(masked.schema)}, told))


def test_replicates_are_imputed_one_by_one_with_seeds_of_their_own():
    table = DATASETS["samples"](population="gaussian", size=2)
    masked = make_mask(table, "mcar", 0.3, 1)
    content, arrays = impute("mean", masked)
    draws = prediction_from_parts(content["prediction"], arrays).draws
    own = [np.where(np.isnan(X), np.nanmean(X, axis=0), X) for X in (masked.values[:1000], masked.values[1000:])]
    assert draws[0] == pytest.approx(np.vstack(own)[np.isnan(masked.values)])
    twice = Masked(
        replace(table, values=np.tile(table.values[:1000], (2, 1))), np.tile(masked.hidden[:1000], (2, 1))
    )  # the same table and mask as both replicates
    content, arrays = impute("hot-deck", twice)
    first, second = np.split(prediction_from_parts(content["prediction"], arrays).draws, 2, axis=1)
    assert (first != second).mean() > 0.9


def test_a_method_that_fills_nothing_fails():
    masked = make_mask(DATASETS["samples"](population="gaussian", size=1), "mcar", 0.3, 1)
    with pytest.raises(InputError, match="fills nothing"):
        impute("listwise", masked)


def test_from_the_command_line_to_the_page_and_again(tmp_path):
    (tmp_path / "few.py").write_text(LOADED, encoding="utf-8")
    typed = ["run", "--suite", "few", "--load", str(tmp_path / "few.py"), "--out", str(tmp_path), "--jobs", "2"]
    first = CliRunner().invoke(app, typed)
    assert first.exit_code == 0, first.output
    page = (tmp_path / "few" / "few.md").read_text(encoding="utf-8")
    assert "| gaussian-em | untested" in page
    assert "4 replicates" in page
    again = CliRunner().invoke(app, typed)
    assert "4 already in the store, 0 to compute" in again.output
    assert (tmp_path / "few" / "few.md").read_text(encoding="utf-8") == page


def test_many_samples_are_no_board_and_that_is_said_before_a_run():
    block = Block("samples(population='gaussian')", ("mean",), ("mcar",), seeds=(1,))
    with pytest.raises(InputError, match="is many samples, .* run --suite gss-inference-quick"):
        load_tables(Suite("mine", (block,)), None, strict=True, console=Console(quiet=True))
