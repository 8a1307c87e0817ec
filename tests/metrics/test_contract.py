"""What every metric promises, and what each gives to answers whose worth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from datasets.moments import pairwise_moments
from datasets.prediction import Prediction
from datasets.schema import Kind, Schema
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE, BoardName, Measured, Reads

NAMES = list(METRICS)
HEAT_MAP = {"target-covariance", "target-covariance-true"}
SHARES = {"level-share", "level-share-true"}
CHECKS = {"impossible-rows"}
TWO_ANSWERS = {"auc", "pooled-auc", "pooled-accuracy", "pooled-f1", "pooled-log-loss", "pooled-brier", "ece"}
FIXED = [
    "rmse",
    "nrmse",
    "mae",
    "accuracy",
    "macro-f1",
    "qwk",
    "pfc",
    "log-score",
    "brier",
    "rps",
    "total-variation",
    "wasserstein",
    "variance-ratio",
    "energy-distance",
    "covariance-error",
    "correlation-error",
    "design-correlation-error",
    "largest-correlation-change",
    "sign-flips",
    "association-error",
    "weighted-covariance-error",
    "weighted-correlation-error",
    "weighted-design-correlation-error",
    "weighted-association-error",
    "target-covariance",
    "target-covariance-true",
    "cell-energy",
    "row-energy",
    "cell-energy-skill",
    "row-energy-skill",
    "value-skill",
    "draw-rmse",
    "draw-accuracy",
    "draw-kappa",
    "pooled-correlation-error",
    "correlation-excess",
    "subgroup-gap",
    "subgroup-gaps",
    "two-sample-auc",
    "mean-error",
    "pairwise-table-distance",
    "latent-correlation-error",
    "level-share",
    "level-share-true",
    "regression-error",
    "regression-se",
    "regression-covers",
    "regression-fmi",
    *TWO_ANSWERS,
    *CHECKS,
]
BOARDS = {  # primary first
    BoardName.DISTRIBUTIONS: [
        "row-energy-skill",
        "cell-energy-skill",
        "pooled-correlation-error",
        "correlation-excess",
        "subgroup-gap",
        "two-sample-auc",
        "variance-ratio",
        "impossible-rows",
    ],
    BoardName.VALUES: ["value-skill", "draw-accuracy", "draw-kappa", "log-score"],
}


def values(found):
    """Scores as numbers, without their influences."""
    return {key: one.value if isinstance(one, Measured) else one for key, one in found.items()}


def test_the_names_that_reports_rely_on_are_there():
    assert set(FIXED) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is_in_one_line(name):
    summary = METRICS.summary(name)
    assert summary == METRICS[name].score.__doc__.split("\n")[0]
    assert 0 < len(summary) <= 80
    assert summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_says_how_to_read_its_number(name):
    metric = METRICS[name]
    low, high = metric.span
    assert low < high
    assert low <= metric.best <= high
    assert metric.trivial
    if metric.better not in ("lower", "higher", "target-covariance-true", "level-share-true"):
        assert float(metric.better) == metric.best


def test_headlines_have_places_and_titles_of_their_own():
    heads = {name: METRICS[name].headline for name in NAMES if METRICS[name].headline is not None}
    for board, metrics in BOARDS.items():
        found = sorted((name for name in heads if heads[name].board is board), key=lambda name: heads[name].place)
        assert found == metrics
        assert [name for name in found if heads[name].primary] == metrics[:1]
        assert len({heads[name].place for name in found}) == len({heads[name].title for name in found}) == len(found)


@pytest.mark.parametrize("name", [name for names in BOARDS.values() for name in names[:1]])
def test_primary_scores_come_with_the_influence_of_each_cluster(name, masked_gss, gss_guesses):
    found = METRICS[name].score(masked_gss, gss_guesses["hot deck"])[TABLE]
    assert isinstance(found, Measured)
    assert found.influence.shape == (132,)


def best_of_one_mask(name):
    """Value of a perfect answer; the best coverage is that of many masks."""
    return 1.0 if name == "regression-covers" else METRICS[name].best


def close_to_best(name):
    """What a perfect answer may be off: rounding, or the 2/(ν + 3) that Rubin's rules say is always missing."""
    return 0.01 if name == "regression-fmi" else 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_answer_gets_the_best_value(name, masked_toy, toy_guesses):
    metric = METRICS[name]
    found = values(metric.score(masked_toy, toy_guesses["perfect"]))
    assert bool(found) == (
        name not in TWO_ANSWERS | CHECKS
    )  # the table hides no item with two answers, and has no checks
    if name in HEAT_MAP:
        found = {pair: value for pair, value in found.items() if len(set(pair.split("~"))) == 1}
    if name not in SHARES:
        assert found == pytest.approx(dict.fromkeys(found, best_of_one_mask(name)), abs=close_to_best(name))


@pytest.mark.parametrize("guess", ["perfect", "centre", "hot deck"])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_numbers_in_range_by_column(name, guess, masked_toy, toy_guesses):
    metric = METRICS[name]
    found = values(metric.score(masked_toy, toy_guesses[guess]))
    low, high = metric.span
    assert all(low <= value <= high and math.isfinite(value) for value in found.values())
    keys = {part.strip().split(": ")[0] for key in found for part in key.split("~")}  # "income ~ town: village"
    whole = {TABLE, *(METRICS[name].headline.columns if METRICS[name].headline else ())}
    assert keys <= whole or keys - whole <= set(masked_toy.schema.names)


@pytest.mark.parametrize("name", sorted(set(NAMES) - HEAT_MAP - SHARES - {"pairs-scored"}))
def test_the_truth_beats_a_guess(name, masked_toy, toy_guesses):
    metric = METRICS[name]
    best, guess = (values(metric.score(masked_toy, toy_guesses[key])) for key in ("perfect", "hot deck"))
    if name == "sign-flips":  # a draw from the margins seldom turns a sign
        assert best[TABLE] <= guess[TABLE]
    elif name == "regression-covers":  # the wide interval of a guess may well hold the true slope
        assert all(best[key] >= guess[key] for key in guess)
    else:
        assert all(abs(best[key] - metric.best) < abs(guess[key] - metric.best) for key in guess)


@pytest.mark.parametrize("name", NAMES)
def test_natural_holes_never_count(name, masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    spoilt = prediction.draws.copy()
    spoilt[:, ~masked_toy.scored] = 1.0
    columns = np.nonzero(np.isnan(masked_toy.values))[1]
    own = {j: table.copy() for j, table in prediction.probabilities.items()}
    for j, table in own.items():
        table[~masked_toy.scored[columns == j]] = np.eye(table.shape[1])[0]
    found = METRICS[name].score(masked_toy, Prediction(spoilt, None, own))
    assert values(found) == values(METRICS[name].score(masked_toy, prediction))


@pytest.mark.parametrize("name", NAMES)
def test_a_table_with_nothing_hidden_has_no_score_or_the_best(name, toy):
    masked = Masked(toy, np.zeros(toy.values.shape, dtype=bool))
    holes = int(np.isnan(toy.values).sum())
    levels = len(toy.schema["trust"].labels)
    prediction = Prediction(
        np.ones((2, holes)), None, {toy.schema.index("trust"): np.full((holes, levels), 1 / levels)}
    )
    found = values(METRICS[name].score(masked, prediction))
    if name not in HEAT_MAP:
        assert found == pytest.approx(dict.fromkeys(found, best_of_one_mask(name)), abs=close_to_best(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_without_draws_is_scored_by_its_moments_alone(name, masked_toy):
    prediction = Prediction(moments=pairwise_moments(masked_toy.schema.design(masked_toy.values)))
    if METRICS[name].reads is Reads.MOMENTS:
        assert METRICS[name].score(masked_toy, prediction)
    elif METRICS[name].reads is Reads.FILLS and not name.startswith("weighted-"):
        with pytest.raises(ValueError, match="fills no hole"):
            METRICS[name].score(masked_toy, prediction)
    elif METRICS[name].reads is Reads.PROBABILITIES:
        assert METRICS[name].score(masked_toy, prediction) == {}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("weighted-")])
def test_weighted_metrics_need_weights_and_equal_weights_change_nothing(name, masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    bare = Masked(replace(masked_toy.truth, weights=None), masked_toy.hidden)
    assert METRICS[name].score(bare, prediction) == {}
    even = Masked(replace(masked_toy.truth, weights=np.full(len(bare.values), 2.5)), masked_toy.hidden)
    plain = METRICS[name.removeprefix("weighted-")].score(bare, prediction)
    assert METRICS[name].score(even, prediction) == pytest.approx(plain, rel=1e-9)
    assert METRICS[name].score(masked_toy, prediction) != pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_one_kind_only_are_no_trouble(name, masked_toy, toy_guesses):
    for kind in Kind:
        at = masked_toy.schema.where(Kind.NOMINAL if kind is Kind.TEXT else kind)
        truth = masked_toy.truth
        schema = Schema(tuple(replace(truth.schema.columns[j], kind=kind) for j in at))
        part = replace(truth, schema=schema, values=truth.values[:, at], reasons=truth.reasons[:, at])
        masked = Masked(part, masked_toy.hidden[:, at])
        columns = np.nonzero(np.isnan(masked_toy.values))[1]
        draws = toy_guesses["hot deck"].draws[:, np.isin(columns, at)]
        low, high = METRICS[name].span
        assert all(low <= value <= high for value in values(METRICS[name].score(masked, Prediction(draws))).values())


ON_THE_SURVEY = {  # mean over columns on GSS 2022, 30 % hidden at random: (mean/median/mode, hot deck)
    "row-energy": (2.11, 1.41),
    "row-energy-skill": (-0.49, 0.0),
    "cell-energy-skill": (-0.46, 0.0),
    "value-skill": (-0.21, 0.0),
    "draw-accuracy": (0.42, None),
    "draw-kappa": (0.0, 0.0),
    "pooled-correlation-error": (0.31, 0.46),
    "correlation-excess": (0.0, 0.01),
    "subgroup-gap": (0.25, 0.24),
    "two-sample-auc": (0.91, 0.76),
    "subgroup-gaps": (0.15, None),
    "mean-error": (0.09, 0.01),
    "pairwise-table-distance": (0.23, 0.02),
    "latent-correlation-error": (0.29, 0.50),
    "nrmse": (1.0, None),
    "accuracy": (0.42, None),
    "pfc": (0.48, None),
    "qwk": (0.0, None),
    "total-variation": (0.48, 0.02),
    "wasserstein": (0.76, 0.05),
    "variance-ratio": (0.0, 1.0),
    "energy-distance": (0.084, 0.009),
    "covariance-error": (0.39, 0.34),
    "correlation-error": (0.31, 0.50),
    "design-correlation-error": (0.31, 0.47),
    "largest-correlation-change": (0.28, 0.43),
    "association-error": (0.32, 0.47),
    "sign-flips": (0.0, 0.01),
    "pairs-scored": (1.0, 1.0),
}


@pytest.mark.parametrize("name", ON_THE_SURVEY)
def test_a_trivial_guess_on_the_survey_gets_what_is_stated(name, masked_gss, gss_guesses):
    for guess, stated in zip(("centre", "hot deck"), ON_THE_SURVEY[name], strict=True):
        if stated is not None:
            found = values(METRICS[name].score(masked_gss, gss_guesses[guess]))
            assert np.mean(list(found.values())) == pytest.approx(stated, rel=0.06, abs=0.025)
