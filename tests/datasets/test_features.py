"""Criteria by which items are chosen: each finds what it should, and no hidden cell has a say."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.mechanisms.folds import fold as hide_fold
from datasets.schema import Column, Kind, Schema
from datasets.selection.criteria import (
    by_chance,
    by_correlation,
    by_lasso,
    by_mutual_information,
    by_wording,
    character_grams,
    ordered,
)
from datasets.surveys.gss_features import CRITERIA, with_items
from datasets.surveys.thinning import thinned
from datasets.table import Dataset

CANDIDATES = ["echo", "other", "party", "bowl", "noise"]


@pytest.fixture(scope="module")
def table():
    """A target; a strong item, its echo, a weaker one of another source, a bowl, a nominal one, and noise."""
    rng = np.random.default_rng(5)
    n = 600
    strong, second, curve = rng.standard_normal((3, n))
    y = 1.0 * strong + 0.7 * second + 0.9 * (curve**2 - 1)
    numbers = {
        "income": y + 0.2 * rng.standard_normal(n),
        "strong": strong,
        "echo": strong + 0.5 * rng.standard_normal(n),
        "other": second,
        "bowl": curve,
        "noise": rng.standard_normal(n),
    }
    party = np.where(second > 0.8, 3.0, rng.integers(1, 3, n))
    questions = {"income": "family income last year", "echo": "family income when a child"}
    columns = [Column(name, Kind.NUMERIC, question=questions.get(name, f"about {name}")) for name in numbers]
    columns.append(Column("party", Kind.NOMINAL, {1: "left", 2: "centre", 3: "right"}, "party last voted for"))
    values = np.column_stack([*numbers.values(), party])
    values[rng.random(values.shape) < 0.05] = np.nan
    return Dataset("made up", Schema(tuple(columns)), values)


def test_correlation_is_that_of_the_rows_that_know_both(table):
    order = by_correlation(table, "income", ["strong", *CANDIDATES])
    y = table.values[:, 0]
    r = {}
    for name in ("strong", "echo", "other", "bowl", "noise"):
        x = table.values[:, table.schema.index(name)]
        known = ~np.isnan(x) & ~np.isnan(y)
        r[name] = abs(np.corrcoef(x[known], y[known])[0, 1])
    assert [name for name in order if name != "party"] == sorted(r, key=r.get, reverse=True)
    assert order.index("party") < order.index("noise")


def test_each_criterion_finds_what_the_others_miss(table):
    candidates = ["strong", *CANDIDATES]
    straight, lasso = by_correlation(table, "income", candidates), by_lasso(table, "income", candidates)
    informed = ordered(table, ["income"], by_mutual_information)
    assert straight[:2] == ["strong", "echo"]
    assert lasso.index("other") < lasso.index("echo")  # the echo says nothing new
    assert informed.index("bowl") < 3 <= straight.index("bowl")  # no straight line finds it
    assert {"bowl", "noise"} == set(straight[-2:])


def test_lasso_enters_by_correlation_where_columns_are_orthogonal():
    """On an orthogonal design a column enters when the penalty falls below its correlation with the target."""
    H = np.array([[1.0]])
    for _ in range(5):
        H = np.block([[H, H], [H, -H]])
    X = H[:, 1:6]
    y = X @ np.array([0.3, -0.9, 0.0, 0.5, -0.1])
    columns = [Column(name, Kind.NUMERIC) for name in ("y", "a", "b", "c", "d", "e")]
    made = Dataset("orthogonal", Schema(tuple(columns)), np.column_stack([y, X]))
    assert by_lasso(made, "y", ["a", "b", "c", "d", "e"]) == ["b", "d", "a", "e", "c"]


def test_chance_is_one_draw_and_knows_no_target(table):
    first = by_chance(table, "income", CANDIDATES)
    assert sorted(first) == sorted(CANDIDATES) and first != sorted(CANDIDATES)
    again = by_chance(table, "noise", [*CANDIDATES[::-1], "strong"])
    assert [name for name in again if name != "strong"] == first


def test_wording_reads_the_questions_alone(table):
    silent = Dataset("silent", table.schema, np.where(np.arange(7) == 0, table.values, np.nan))
    order = by_wording(character_grams)(silent, "income", CANDIDATES)
    assert order[0] == "echo"  # "family income when a child" beside "family income last year"

    def directions(texts):
        return np.array([{"f": [1, 0], "a": [2, 0.1]}.get(text[0], [0, 3]) for text in texts])

    assert by_wording(directions)(silent, "income", ["party", "noise", "echo"]) == ["echo", "noise", "party"]


def test_items_rank_by_the_target_that_they_serve_best(table):
    assert ordered(table, ["noise", "income"], by_correlation)[:2] != ordered(table, ["income"], by_correlation)[:2]
    assert not {"noise", "income"} & set(ordered(table, ["noise", "income"], by_correlation))


def test_recodings_are_left_out_whatever_the_criterion(table):
    doubled = Column("doubled", Kind.NUMERIC)
    own = Dataset(
        "with a recoding",
        Schema((*table.schema.columns, doubled)),
        np.column_stack([table.values, 2 * table.values[:, 0]]),
    )
    for criterion in (by_mutual_information, by_correlation, by_lasso, by_chance, by_wording(character_grams)):
        found = ordered(own, ["income"], criterion)
        assert "doubled" not in found and sorted(found) == sorted(["strong", *CANDIDATES])


def test_criteria_that_need_a_scale_say_so(table):
    for criterion in (by_correlation, by_lasso):
        with pytest.raises(InputError, match="'party' is nominal and has no scale"):
            criterion(table, "party", ["strong"])


def test_the_same_cells_are_hidden_whatever_the_items(shared):
    path = shared / "data" / "2022_stata.zip"
    few = with_items(path, 5, "mutual information", CRITERIA["mutual information"])
    other = with_items(path, 12, "chance", CRITERIA["chance"])
    assert few.title != other.title and few.schema.names[:5] == other.schema.names[:5]
    assert (few.values.shape, other.values.shape) == ((3544, 10), (3544, 17))
    assert not set(few.schema.names[5:]) & set(other.schema.names[5:])
    for fold in (1, 5):
        hidden, own = (hide_fold(table, 0.2, np.random.default_rng(0), number=fold) for table in (few, other))
        assert (hidden[:, :5] == own[:, :5]).all() and hidden[:, :5].sum() > 2500
        assert not hidden[:, 5:].any() and not own[:, 5:].any()
    with pytest.raises(InputError, match="1 to 7"):
        with_items(path, 10_000, "chance", CRITERIA["chance"])


def test_rows_are_thinned_evenly_with_all_that_belongs_to_them(toy):
    few = thinned(toy, 100)
    assert few.title == "toy, 100 rows (synthetic)" and few.schema == toy.schema
    np.testing.assert_array_equal(few.values, toy.values[::4])
    np.testing.assert_array_equal(few.reasons, toy.reasons[::4])
    np.testing.assert_array_equal(few.weights, toy.weights[::4])
    assert few.strata is None
    for rows in (0, 401):
        with pytest.raises(InputError, match="1 to 400"):
            thinned(toy, rows)
