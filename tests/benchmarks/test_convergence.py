"""Convergence: R-hat against its formula, and chains that disagree are warned of, in report and figure."""

import numpy as np
import pytest

from benchmarks.cells import Cell
from benchmarks.convergence import Convergence
from benchmarks.judge import Job, judge
from benchmarks.processes import Limits
from benchmarks.sealed import Seal
from benchmarks.store import Store
from benchmarks.supervisor import Supervisor
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.traces import by_chain, tracing
from metrics.convergence import by_chance, r_hat
from reports.drawing import png
from reports.measures import OF_CHAINS
from reports.traces import trace_figure

SCHEMA = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))


def test_r_hat_by_hand():
    """Chains 1 2 3 and 3 4 5: W = 1, means 2 and 4 with variance 2, so √(2/3 + 2)."""
    assert r_hat(np.array([[1.0, 2, 3], [3, 4, 5]])) == pytest.approx(np.sqrt(2 / 3 + 2))


def test_r_hat_is_near_one_for_one_law_and_large_for_two():
    rng = np.random.default_rng(1)
    chains = rng.normal(size=(10, 200))
    assert r_hat(chains) == pytest.approx(1, abs=0.02)
    assert r_hat(chains + np.arange(10)[:, None]) > 2
    assert np.isnan(r_hat(chains[:1])) and r_hat(np.ones((2, 3))) == 1


def missing_pair(relation, n=400):
    """Two items of which either is missing for two fifths of the people, in part together."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=n)
    X = np.column_stack([z, relation * z + np.sqrt(1 - relation**2) * rng.normal(size=n), rng.normal(size=n)])
    X[rng.random(n) < 0.4, 0] = np.nan
    X[rng.random(n) < 0.4, 1] = np.nan
    return X


def test_every_visit_of_every_chain_is_traced_and_nothing_without_a_listener():
    X = missing_pair(0.5)
    method = make_imputer("mice-pmm(max_iter=4)").fit(X)
    with tracing() as visits:
        drawn = method.impute(X, n_draws=3).draws
    assert {j: len(own) for j, own in visits.items()} == {0: 12, 1: 12}
    own = np.nonzero(np.isnan(X))[1] == 0
    last = by_chain(visits[0], 3)[:, :, -1]
    assert last[0] == pytest.approx(drawn[:, own].mean(axis=1)) and last[1] == pytest.approx(drawn[:, own].std(axis=1))
    assert (method.impute(X, n_draws=3).draws == drawn).all()


def test_chains_that_disagree_are_named_worst_first():
    rng = np.random.default_rng(2)
    apart = [(float(chain + rng.normal()), 1.0 + rng.random()) for chain in (0, 9, 20) for _ in range(5)]
    found = Convergence.of({0: [(rng.normal(), 1.0 + rng.random()) for _ in range(15)], 1: apart}, SCHEMA, 3)
    assert "chains disagree on b (" in found.warning() and "max_iter" in found.warning()
    assert found.as_json()["b"]["mean"] > 3 > 1.5 > found.as_json()["b"]["sd"]
    assert png(trace_figure(found.traces, found.r_hats)).startswith(b"\x89PNG")


def test_chains_that_agree_are_not_warned_of_and_methods_without_chains_have_none():
    rng = np.random.default_rng(3)
    visits = {0: [(rng.normal(), 1.0 + rng.random()) for _ in range(40)]}
    assert Convergence.of(visits, SCHEMA, 2).warning() == ""
    assert Convergence.of({}, SCHEMA, 5).traces == {}
    one = Convergence.of({0: [(1.0, 1.0)] * 5}, SCHEMA, 1)
    assert one.as_json()["a"]["mean"] is None and one.warning() == ""


def test_impute_tells_of_it(tmp_path):
    import json

    import pandas as pd

    from benchmarks.completion import complete_survey, write_completion
    from datasets.files.survey_file import read_survey_file

    pd.DataFrame(missing_pair(0.5, 80).round(2), columns=["a", "b", "c"]).to_csv(tmp_path / "survey.csv", index=False)
    survey = read_survey_file(tmp_path / "survey.csv")
    written = write_completion(complete_survey(survey, "mice-pmm", 3, 1), survey, tmp_path / "out", "csv")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(report["convergence"]) == {"a", "b"} and report["convergence"]["a"]["mean"] > 0.5
    assert "traces.png" in {path.name for path in written}


def test_what_is_due_to_chance_is_as_often_beyond_as_is_stated():
    """400 sets of 10 numbers: at 1 % for a set, 4 are expected beyond the limit, 12 or more have a chance of .001."""
    rng = np.random.default_rng(4)
    largest = [max(r_hat(chains) for chains in rng.normal(size=(10, 5, 5))) for _ in range(400)]
    assert 0 < np.sum(np.array(largest) > by_chance(5, 5, 10)) < 12


def test_records_hold_the_worst_item_the_limit_and_the_share_beyond():
    rng = np.random.default_rng(2)
    calm = [(float(rng.normal()), 1.0 + rng.random()) for _ in range(15)]
    apart = [(float(chain + rng.normal()), 1.0 + rng.random()) for chain in (0, 9, 20) for _ in range(5)]
    found = Convergence.of({0: calm, 1: apart}, SCHEMA, 3)
    measures = found.measures()
    assert set(measures) == set(OF_CHAINS) and measures["r-hat-beyond"] == 0.5
    assert measures["r-hat"] == max(found.r_hats["b"]) > measures["r-hat-limit"] == by_chance(3, 5, 4)
    stuck = Convergence.of({0: [(1.0, 1.0)] * 5 + [(2.0, 1.0)] * 5}, SCHEMA, 2)
    assert np.isfinite(stuck.measures()["r-hat"]) and stuck.measures()["r-hat"] > 1000


def test_one_chain_and_methods_without_have_no_measures():
    assert Convergence.of({0: [(1.0, 1.0)] * 5}, SCHEMA, 1).measures() == {}
    assert Convergence.of({}, SCHEMA, 5).measures() == {}


def test_a_cell_records_it_for_methods_with_chains_alone(masked_toy, tmp_path):
    store, found = Store(tmp_path), {}
    names = ("mean", "mice-pmm(max_iter=3)")
    jobs = [Job(Cell("toy", "mcar", 0.3, 1, name, 3), "mcar", masked_toy, name, name, store) for name in names]
    with Seal() as seal:
        run = Supervisor(seal, 1, Limits(60, 8), (), print).run
        run(jobs, lambda job, record, seconds: found.update({job.record_key: record}) or True)
    measured = {
        name: {score[0]: score[2] for score in record.scores if score[0] in OF_CHAINS} for name, record in found.items()
    }
    assert measured["mean"] == {} and set(measured[names[1]]) == set(OF_CHAINS)
    assert 0.5 < measured[names[1]]["r-hat"] < 10
    assert judge(jobs[1], None, 0.0).scores[-1] == found[names[1]].scores[-1]  # from the store
