import numpy as np
import pandas as pd
import pytest

from datasets.moments import Moments, pairwise_moments
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE

MOMENTS = ["covariance-error", "correlation-error", "design-correlation-error", "largest-correlation-change"]


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


@pytest.fixture
def square():
    """Forty rows of four points (±1, ±2), uncorrelated but for two hidden cells, both of the second column."""
    points = np.tile([[1.0, 2], [1, -2], [-1, 2], [-1, -2]], (10, 1))
    points[[1, 2], 1] *= -1  # truth: r = 4/40
    schema = Schema((Column("a", Kind.NUMERIC, role=Role.TARGET), Column("b", Kind.NUMERIC, role=Role.TARGET)))
    hidden = np.zeros(points.shape, dtype=bool)
    hidden[[1, 2], 1] = True
    return Masked(Dataset("square", schema, points), hidden)


def test_worked_by_hand(square):
    uncorrelated = Prediction(np.array([[-2.0, 2.0]]))  # r = 0 instead of 0.1
    both = Prediction(np.array([[-2.0, 2.0], [2.0, -2.0]]))  # the second draw is the truth
    assert score("correlation-error", square, uncorrelated)[TABLE] == pytest.approx(1)
    assert score("correlation-error", square, both)[TABLE] == pytest.approx(0.5)
    assert score("largest-correlation-change", square, both)[TABLE] == pytest.approx(0.05)
    # in units of the SDs: off-diagonal 0.1 against 0, diagonal 1; ‖C₀‖ = √(2 + 2·0.01)
    assert score("covariance-error", square, uncorrelated)[TABLE] == pytest.approx(np.sqrt(0.02 / 2.02))
    assert score("sign-flips", square, both) == {}  # 0.1 in 40 rows is not distinguishable from zero
    assert score("target-covariance", square, both) == pytest.approx({"a~a": 1, "a~b": 0.05, "b~b": 1})
    assert score("target-covariance-true", square, both) == pytest.approx({"a~a": 1, "a~b": 0.1, "b~b": 1})


def test_equal_pandas_on_the_survey(masked_gss, gss_guesses):
    prediction = gss_guesses["hot deck"]
    schema, truth = masked_gss.schema, masked_gss.truth.values
    columns = [  # of the design, for each item; the first dummy of a nominal one follows from the others
        np.arange(block.start + (column.kind is Kind.NOMINAL), block.stop)
        for column, block in zip(schema, schema.blocks, strict=True)
    ]
    for name, at in (
        ("correlation-error", schema.where(Kind.ORDINAL, Kind.NUMERIC)),
        ("design-correlation-error", np.arange(len(schema))),
    ):
        # NaN: levels that nobody chose in the truth, or that the fills lost
        true, *found = (
            np.nan_to_num(
                pd.DataFrame(schema.design(table)[:, np.concatenate([columns[j] for j in at])]).corr().to_numpy()
            )
            for table in (truth, *completed_tables(masked_gss, prediction))
        )
        norm = np.linalg.norm(true - np.diag(np.diag(true)))
        off = ~np.eye(len(true), dtype=bool)
        errors = [np.linalg.norm((one - true)[off]) / norm for one in found]
        assert score(name, masked_gss, prediction)[TABLE] == pytest.approx(np.mean(errors), rel=1e-9)


def test_the_scale_of_an_item_does_not_matter(masked_toy, toy_guesses):
    schema, at = masked_toy.schema, masked_toy.schema.where(Kind.ORDINAL, Kind.NUMERIC)
    sd = np.nanstd(masked_toy.truth.values[:, at], axis=0, ddof=1)
    true = pd.DataFrame(masked_toy.truth.values[:, at] / sd).cov()
    prediction = toy_guesses["hot deck"]
    found = [
        np.linalg.norm(pd.DataFrame(table[:, at] / sd).cov() - true) / np.linalg.norm(true)
        for table in completed_tables(masked_toy, prediction)
    ]
    assert len(schema) > len(at)
    assert score("covariance-error", masked_toy, prediction)[TABLE] == pytest.approx(np.mean(found), rel=1e-9)


def test_nothing_but_zero_correlation_gets_one(masked_toy):
    D = masked_toy.schema.design(masked_toy.truth.values)
    truth, q = pairwise_moments(D), D.shape[1]
    prediction = Prediction(moments=Moments(truth.mean, np.zeros((q, q)), np.eye(q), truth.pairs))
    assert score("correlation-error", masked_toy, prediction)[TABLE] == pytest.approx(1)
    assert score("design-correlation-error", masked_toy, prediction)[TABLE] == pytest.approx(1)
    assert score("covariance-error", masked_toy, prediction)[TABLE] == pytest.approx(1)


def test_reversed_signs_are_counted(masked_toy):
    truth = pairwise_moments(masked_toy.schema.design(masked_toy.truth.values))
    mirrored = Prediction(moments=Moments(truth.mean, truth.covariance, -truth.correlation, truth.pairs))
    assert score("sign-flips", masked_toy, mirrored)[TABLE] == 1
    assert score("correlation-error", masked_toy, mirrored)[TABLE] == pytest.approx(2)


def test_a_method_without_draws_is_judged_by_the_pairs_it_gives(masked_toy):
    truth = pairwise_moments(masked_toy.schema.design(masked_toy.truth.values))
    blocks = [masked_toy.schema.blocks[j].start for j in masked_toy.schema.having(Role.TARGET)]
    gone = np.full(truth.correlation.shape, np.nan)
    part = Moments(truth.mean, gone.copy(), gone.copy(), truth.pairs)
    part.covariance[np.ix_(blocks, blocks)] = truth.covariance[np.ix_(blocks, blocks)]
    part.correlation[np.ix_(blocks, blocks)] = np.array([[1.0, 0.0], [0.0, 1.0]])
    prediction = Prediction(moments=part)
    assert score("correlation-error", masked_toy, prediction)[TABLE] == pytest.approx(1)  # over its one pair
    assert score("covariance-error", masked_toy, prediction)[TABLE] == pytest.approx(0)
    scale = len(masked_toy.schema.where(Kind.ORDINAL, Kind.NUMERIC))
    assert score("pairs-scored", masked_toy, prediction)[TABLE] == pytest.approx(1 / (scale * (scale - 1) / 2))
    nothing = Prediction(moments=Moments(truth.mean, gone, gone, truth.pairs))
    assert all(score(name, masked_toy, nothing) == {} for name in [*MOMENTS, "sign-flips", "target-covariance"])
    assert score("pairs-scored", masked_toy, nothing)[TABLE] == 0


def test_pairs_seldom_asked_together_are_not_scored(square):
    values = square.truth.values.copy()
    values[:20, 0] = np.nan  # 20 rows are left that know both
    masked = Masked(Dataset("split", square.schema, values), square.hidden)
    holes = int(np.isnan(masked.values).sum())
    prediction = Prediction(np.ones((1, holes)))
    assert score("correlation-error", masked, prediction) == {}
    assert set(score("target-covariance", masked, prediction)) == {"b~b"}


def test_fills_that_leave_a_column_constant_have_no_correlation_left(square):
    schema, truth = square.schema, square.truth.values
    hidden = np.zeros(truth.shape, dtype=bool)
    hidden[truth[:, 1] > 0, 1] = True
    masked = Masked(Dataset("flat", schema, truth), hidden)
    prediction = Prediction(np.full((2, hidden.sum()), -2.0))
    assert score("correlation-error", masked, prediction)[TABLE] == pytest.approx(1)
    assert score("target-covariance", masked, prediction)["b~b"] == pytest.approx(0)


def test_targets_stand_in_column_order(masked_gss, gss_guesses):
    found = score("target-covariance", masked_gss, gss_guesses["centre"])
    names = ["income16", "educ", "letin1a", "finrela", "marhomo"]
    assert list(found) == [f"{a}~{b}" for i, a in enumerate(names) for b in names[i:]]
    assert found["educ~educ"] == pytest.approx(0.7, abs=0.02)  # the mean for 30 % of the cells
    true = score("target-covariance-true", masked_gss, gss_guesses["centre"])
    assert true["income16~income16"] == pytest.approx(1)
    frame = pd.DataFrame(masked_gss.truth.values, columns=masked_gss.schema.names)[names]
    expected = frame.cov().loc["income16", "educ"] / (frame["income16"].std() * frame["educ"].std())
    assert true["income16~educ"] == pytest.approx(expected)
