"""``verify``: equal when nobody touched the results, and told where a score was changed."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace

import pytest

from benchmarks.__main__ import main
from reports.results_file import from_parquet, to_parquet


def call(*words):
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told), redirect_stderr(told):
        patch.setattr(sys, "argv", ["benchmarks", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code or 0, told.getvalue()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run on 80 rows of toy, and of its results the file."""
    out = tmp_path_factory.mktemp("verify")
    chosen = ["--mechanisms", "mcar,ni", "--seeds", "1,2", "--imputers", "mean,hot-deck,knn#2"]
    assert call("run", "--dataset", "toy", "--rows", "80", *chosen, "--out", out)[0] == 0
    return out / "toy" / "results.parquet"


def test_a_tenth_is_computed_again_and_equal(results):
    status, told = call("verify", results.parent)
    assert status == 0 and told.endswith("2 cells computed again, 0 differ\n")


def test_every_changed_score_is_found(results, tmp_path):
    records, manifest = from_parquet(results)
    changed = []
    for record in records:
        if record.imputer == "hot-deck":
            place = next(i for i, score in enumerate(record.scores) if score[0] == "rmse")
            metric, column, value = record.scores[place]
            scores = (*record.scores[:place], (metric, column, value * 1.001), *record.scores[place + 1 :])
            record = replace(record, scores=scores)
        changed.append(record)
    file = tmp_path / "results.parquet"
    file.write_bytes(to_parquet(changed, manifest))
    status, told = call("verify", file, "--share", "1", "--imputers", "mean,hot-deck")
    assert status == 1 and told.endswith("8 cells computed again, 4 differ\n")
    lines = [line for line in told.splitlines() if line.startswith("differs hot-deck on toy")]
    assert len(lines) == 4 and all("rmse of " in line and "when computed again" in line for line in lines)


def test_a_metric_that_came_after_the_run_is_no_difference_and_one_that_went_is(results, tmp_path):
    records, manifest = from_parquet(results)
    older = [replace(r, scores=tuple(score for score in r.scores if score[0] != "rmse")) for r in records]
    known = {name: facts for name, facts in manifest["metrics"].items() if name != "rmse"}
    file = tmp_path / "results.parquet"
    for metrics, status in ((known, 0), (manifest["metrics"], 1)):
        file.write_bytes(to_parquet(older, manifest | {"metrics": metrics}))
        assert call("verify", file, "--imputers", "mean")[0] == status


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere is not there"),
        (["--imputers", "gbm"], "has no cell that is done by gbm"),
    ],
)
def test_mistakes_are_one_sentence(results, words, told):
    where = [] if words[0] == "nowhere" else [results]
    status, said = call("verify", *where, *words)
    assert status == 2 and told in said


def test_other_data_are_refused(results, tmp_path):
    records, manifest = from_parquet(results)
    other = json.loads(json.dumps(manifest))
    next(iter(other["tables"].values()))["data"]["sha256"] = "0" * 64
    file = tmp_path / "results.parquet"
    file.write_bytes(to_parquet(records, other))
    status, told = call("verify", file)
    assert status == 2 and "the data are not those of the run" in told
