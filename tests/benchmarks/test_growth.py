"""Growth is fitted as a power of rows and items, kept measurement by measurement, and told before a run."""

import io
import os
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from typer.testing import CliRunner

from benchmarks.app import app
from benchmarks.cells import Cell
from benchmarks.growth import forecast as forecasts
from benchmarks.growth import page, schedule
from benchmarks.growth.fit import fit_growth, fit_law
from benchmarks.growth.forecast import duration, forecast, growth_of, plan_table, usual_limits, warning
from benchmarks.growth.kept import PUBLISHED, Measurement, add, newest, read
from benchmarks.growth.measuring import SCORING, Costs, _costs, measure
from benchmarks.growth.sources import Survey, Twin, best_answered
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.suite import Block, Suite
from datasets.surveys.twin import sample
from reports.results import Record

SIZES = [(1000, 24), (4000, 24), (16000, 24), (1000, 100)]


def measured(imputer, n, p, seconds, megabytes=100.0, failure=""):
    costs = Costs(0.25 * seconds, 0.75 * seconds, 200.0, 200.0 + megabytes, failure)
    return Measurement(imputer, "the twin", n, p, "v1", "a machine", costs)


def grown(imputer, scale, a, b, sizes=SIZES):
    return [measured(imputer, n, p, scale * n**a * p**b, 1e-3 * n * p) for n, p in sizes]


def test_exponents_of_a_power_are_found_exactly():
    law = fit_law([(n, p, 3e-4 * n**1.5 * p**2) for n, p in SIZES])
    assert (law.rows.value, law.items.value) == pytest.approx((1.5, 2))
    assert law.at(10_000, 50) == pytest.approx(3e-4 * 10_000**1.5 * 50**2)


def test_an_interval_is_that_of_simple_regression_where_rows_alone_grow():
    n, seconds = np.array([1e3, 4e3, 16e3, 64e3]), np.array([1.1, 3.9, 18.0, 61.0])
    law = fit_law([(int(rows), 24, value) for rows, value in zip(n, seconds, strict=True)])
    simple = stats.linregress(np.log(n), np.log(seconds))
    reach = stats.t.ppf(0.975, 2) * simple.stderr
    assert (law.rows.low, law.rows.high) == pytest.approx((simple.slope - reach, simple.slope + reach))
    assert not law.items.measured and law.items.value == 1
    assert law.at(1000, 48) == pytest.approx(2 * law.at(1000, 24))


def test_one_measurement_is_scaled_in_proportion():
    law = fit_law([(1000, 24, 2.0)])
    assert law.at(3000, 12) == pytest.approx(3.0) and not law.rows.measured


def test_what_grows_slowly_is_foreseen_in_proportion_beyond_what_was_measured():
    law = fit_law([(n, p, n**0.5 * p) for n, p in SIZES])
    assert law.rows.value == pytest.approx(0.5)
    assert law.at(9000, 50) == pytest.approx(9000**0.5 * 50)
    assert law.at(32_000, 24) == pytest.approx(2 * 16_000**0.5 * 24)


def test_rows_and_items_that_grew_together_are_not_told_apart():
    law = fit_law([(1000, 10, 1.0), (2000, 20, 8.0)])
    assert law.rows.measured and not law.items.measured
    assert law.at(2000, 20) == pytest.approx(8.0)


def test_failures_and_what_start_up_hides_have_no_part_in_a_fit():
    own = [
        *grown("gmm", 1e-4, 1.2, 1),
        measured("gmm", 10, 24, 0.01, 1.0),
        measured("gmm", 64000, 24, np.nan, failure="x"),
    ]
    growth = fit_growth(own)
    assert growth.seconds.rows.value == pytest.approx(1.2) and growth.n == 4
    assert growth.time(1000, 24, 5) == pytest.approx(1e-4 * 1000**1.2 * 24)
    assert growth.time(1000, 24, 20) == pytest.approx((0.25 + 4 * 0.75) * growth.time(1000, 24, 5))
    assert growth.memory(100_000, 24) == pytest.approx((200 + 2400) / 1000)
    assert fit_growth([measured("gmm", 1, 1, np.nan, failure="x")]) is None


def test_measurements_are_kept_as_they_were_and_the_last_counts(tmp_path):
    first, second = measured("knn", 10, 24, 0.5), measured("knn", 10, 24, 2.0)
    late = replace(measured("knn", 20, 24, np.nan), costs=Costs(failure="took longer than 5 s"))
    for one in (first, late, second):
        add(tmp_path / "m.csv", one)
    found = newest(read(tmp_path / "m.csv"))
    assert found[0] == second and found[1].too_long and np.isnan(found[1].seconds)
    assert read(tmp_path / "none.csv") == []


def test_larger_tables_of_a_slow_method_are_left_out_and_nothing_is_measured_twice(tmp_path, monkeypatch):
    asked = []

    def fake(request, modules, source, n, p, limit):
        asked.append((request, n, p))
        slow = request == "knn" and n >= 200
        return Costs(failure="took longer than 5 s") if slow else Costs(1.0, 1.0, 100.0, 120.0)

    monkeypatch.setattr(schedule, "measure", fake)
    places = [("the twin", Twin(), n, 24) for n in (100, 200, 400)] + [("the survey", Twin(), 100, 48)]
    schedule.measure_all([SCORING, "knn"], places, 5, tmp_path / "m.csv", Console(quiet=True))
    assert asked[4:] == [("knn", 100, 24), ("knn", 200, 24), ("knn", 100, 48)]
    assert len(asked) == 7
    schedule.measure_all([SCORING, "knn"], places, 5, tmp_path / "m.csv", Console(quiet=True))
    assert len(asked) == 7


def test_the_page_has_exponents_and_says_what_was_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "IMPUTERS", ("gbm", "gmm", "mean"))
    late = replace(measured("mean", 4000, 24, np.nan), costs=Costs(failure="took longer than 5 s"))
    found = [*grown("gmm", 1e-6, 1.5, 2), measured("mean", 1000, 24, 1.0), late]
    text = page.write_page(tmp_path, found).read_text(encoding="utf-8")
    assert "1.50 (1.50 to 1.50) |" in text and "2.00 (2.00 to 2.00) |" in text
    assert "1; too long: 4,000 × 24" in text and "Not measured: gbm." in text
    assert (tmp_path / "growth.png").stat().st_size > 1000


def test_tables_have_the_rows_and_items_asked_for():
    table = Twin().take(50, 10)
    assert table.values.shape == (50, 10) == table.reasons.shape and len(table.schema) == 10
    survey = sample(60, 1)
    last = survey.schema.names[-1]
    wide = best_answered(survey, (last,))
    assert wide.schema.names[0] == last and sorted(wide.schema.names) == sorted(survey.schema.names)
    assert (np.diff(np.isnan(wide.values).mean(axis=0)[1:]) >= 0).all()
    more = Survey(wide).take(200, 5)
    assert more.values.shape == (200, 5) and len(more.weights) == 200


def test_a_measurement_has_seconds_and_memory():
    found = _costs("mean", frozenset(), Twin(), 60, 24)
    assert 0 <= found.fit < 5 and 0 < found.draw < 5 and 50 < found.base <= found.peak < 20_000


@pytest.mark.slow
def test_a_measurement_is_of_its_own_process_and_stops_at_the_limit():
    found = measure("hot-deck", frozenset({"scipy"}), Twin(), 500, 24, 120)
    assert found.failure == "" and found.fit + found.draw > 0
    assert measure("gmm", frozenset(), Twin(), 3000, 24, 1).failure == "took longer than 1 s"
    assert "there is no imputer 'nobody'" in measure("nobody", frozenset(), Twin(), 500, 24, 120).failure


KNOWN = growth_of([*grown("gmm", 4e-6, 1.5, 1.5), *grown("mean", 1e-6, 1, 1), *grown("gbm", 1e-4, 1, 1)])


def test_a_forecast_is_for_what_was_measured():
    found = forecast("gmm", 20_000, 24, 5, KNOWN)
    assert found.imputing == pytest.approx(4e-6 * (20_000 * 24) ** 1.5) and not found.far
    assert forecast("gmm#2", 20_000, 24, 5, KNOWN) == found
    assert forecast("gmm", 10**7, 24, 5, KNOWN).far
    assert forecast("gmm(n_components=3)", 1000, 24, 5, KNOWN) is None
    assert forecast("knn", 1000, 24, 5, KNOWN) is None
    scored = forecast("mean", 1000, 24, 10, KNOWN | growth_of(grown(SCORING, 1e-3, 1, 0)))
    assert scored.scoring == pytest.approx(1.75)


def test_the_time_left_counts_cells_by_what_they_will_take():
    cells = [("gmm", 20_000, 24, 5), ("knn", 20_000, 24, 5), ("mean", 20_000, 24, 5), ("gbm", 20_000, 24, 5)]
    found = forecasts.expected_seconds(cells, KNOWN)
    own = [forecast(*cells[i], KNOWN).seconds for i in (0, 2, 3)]
    assert found == pytest.approx([own[0], sorted(own)[1], own[1], own[2]])
    assert forecasts.expected_seconds(cells, {}) == [1.0] * 4
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    progress = Progress(console)
    progress.start(3, 1, 100.0)
    one = Cell("toy", "mcar", 0.3, 1, "mean", 2)
    progress.finished(one, Record("toy", "mcar", 0.3, 1, "mean", "done"), 9.0, 75.0)
    (task,) = progress._bar.tasks
    progress.stop()
    assert task.percentage == pytest.approx(75) and task.fields["cells"] == "2/3"


def test_a_plan_sums_cells_and_says_what_breaks_a_limit():
    block = Block("toy", ("gmm", "mean", "knn"), ("mcar",), seeds=(1, 2))
    table = sample(3000, 1)
    lines, seconds = plan_table(Suite("s", (block,)), {block.table: table}, Limits(60, 0.25), KNOWN)
    each = [forecast(name, 3000, 24, 5, KNOWN).seconds for name in ("gmm", "mean")]
    assert seconds == pytest.approx(2 * sum(each))
    assert [line[1] for line in lines] == ["gmm", "mean", "knn"]
    assert lines[0][3] == duration(each[0])
    assert lines[0][6] == "beyond --time-limit 60; beyond --memory-limit 0.25"
    assert lines[2][3] == "not measured"


def test_limits_that_nobody_states_leave_room_beyond_the_forecast():
    def limits(*imputers):
        block = Block("toy", imputers, ("mcar",))
        return usual_limits(Suite("s", (block,)), {block.table: sample(8000, 1)}, KNOWN, 2)

    assert limits("mean", "knn") == (Limits(600, 4), "")
    wide, told = limits("mean", "gmm", "knn")
    found = forecast("gmm", 8000, 24, 5, KNOWN)
    assert 600 < 3 * found.imputing <= wide.seconds < 3 * found.imputing + 1 and wide.memory_gb == 4
    assert told == f"a cell may take, by what is predicted, {duration(wide.seconds)}, for gmm (--time-limit)"
    none = Block("none", ("mean",), ("mcar",))
    assert usual_limits(Suite("s", (none,)), {none.table: "it is not there"}, KNOWN, 2) == (Limits(600, 4), "")


def test_memory_ends_where_all_cells_at_a_time_would_take_the_machines():
    block = Block("toy", ("hungry",), ("mcar",))
    hungry = growth_of([measured("hungry", n, p, 1e-6 * n * p, 10.0 * n) for n, p in SIZES])
    suite, tables = Suite("s", (block,)), {block.table: sample(8000, 1)}
    alone, together = (usual_limits(suite, tables, hungry, n_jobs)[0].memory_gb for n_jobs in (1, 10_000))
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    assert 4 < alone <= whole + 1 and together == 4


def test_a_large_file_names_what_takes_long_and_what_would_not():
    told = warning(200_000, 24, 5, ("gmm", "mean", "knn"), KNOWN)
    assert told.startswith("predicted for each cell: gmm 11.7 h; within ten minutes: gbm")
    assert warning(200_000, 24, 5, ("mean",), KNOWN) == ""


@pytest.mark.parametrize(("seconds", "told"), [(0.034, "0.034 s"), (42.3, "42 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_are_said_as_people_say_them(seconds, told):
    assert duration(seconds) == told


def test_run_with_plan_tells_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(forecasts, "published", lambda: KNOWN)
    out = tmp_path / "results"
    words = ["run", "--dataset", "toy", "--imputers", "mean,gmm,knn,smollm2-135m", "--plan", "--out", str(out)]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert "not measured" in found.output and "The cells of imputers that were measured take" in found.output
    assert found.output.rstrip().endswith("python -m benchmarks plan: smollm2-135m.")
    assert not (out / "store").exists()


def test_published_growth_gives_its_own_measurements_within_a_factor_of_two():
    for name, growth in growth_of(newest(read(PUBLISHED))).items():
        own = [one for one in newest(read(PUBLISHED)) if one.imputer == name and not one.costs.failure]
        ratios = [growth.seconds.at(one.rows, one.items) / one.seconds for one in own if one.seconds > 0.5]
        assert all(0.5 < ratio < 2 for ratio in ratios), (name, ratios)
