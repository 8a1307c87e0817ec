"""Latent-class models against enumeration, closed forms and a population that they must find again."""

from itertools import product

import numpy as np
import pytest

from datasets.populations.latent_class import (
    LatentClasses,
    Levels,
    classify,
    conditional,
    conditional_levels,
    draw_levels,
    draw_rows,
    indicator_moments,
    levels_of,
)
from imputers.statistical.latent_class import fit_classes

LEVELS = Levels((np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0]), np.array([3.5, 7.0])), (False, True, True))
MODEL = LatentClasses(
    LEVELS,
    np.array([0.5, 0.3, 0.2]),
    np.array(
        [
            [0.9, 0.1, 0.7, 0.2, 0.1, 0.8, 0.2],
            [0.2, 0.8, 0.1, 0.3, 0.6, 0.5, 0.5],
            [0.5, 0.5, 0.2, 0.7, 0.1, 0.1, 0.9],
        ]
    ),
)


def joint() -> tuple[np.ndarray, np.ndarray]:
    """All 12 answer patterns and their probabilities, by enumeration."""
    patterns, probabilities = [], []
    for positions in product(range(2), range(3), range(2)):
        at = [block.start + k for block, k in zip(LEVELS.blocks, positions, strict=True)]
        probabilities.append(sum(s * np.prod(P[at]) for s, P in zip(MODEL.shares, MODEL.profiles, strict=True)))
        patterns.append([values[k] for values, k in zip(LEVELS.values, positions, strict=True)])
    return np.array(patterns), np.array(probabilities)


@pytest.mark.parametrize(
    "row", [[np.nan, 2, np.nan], [1, np.nan, np.nan], [2, 0, np.nan], [np.nan] * 3, [np.nan, 1, 7]]
)
def test_conditionals_and_likelihood_equal_enumeration(row):
    patterns, probabilities = joint()
    observed = ~np.isnan(row)
    fits = (patterns[:, observed] == np.array(row)[observed]).all(axis=1)
    X = np.array([row])
    assert classify(MODEL, LEVELS.indicate(X))[1][0] == pytest.approx(np.log(probabilities[fits].sum()), abs=1e-12)
    shares = conditional_levels(MODEL, X)
    assert sorted(shares) == np.flatnonzero(~observed).tolist()
    for j, found in shares.items():
        wanted = [probabilities[fits & (patterns[:, j] == value)].sum() for value in LEVELS.values[j]]
        np.testing.assert_allclose(found[0], wanted / probabilities[fits].sum(), atol=1e-12)


def test_moments_equal_enumeration():
    patterns, probabilities = joint()
    Z = LEVELS.indicate(patterns).astype(float)
    mean, covariance = indicator_moments(MODEL)
    np.testing.assert_allclose(mean, probabilities @ Z, atol=1e-12)
    np.testing.assert_allclose(covariance, (Z.T * probabilities) @ Z - np.outer(mean, mean), atol=1e-12)


def sample(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    classes = draw_rows(np.broadcast_to(MODEL.shares, (n, 3)), rng)
    return draw_levels(MODEL, classes, rng, np.ones((n, 3), dtype=bool))


def test_draws_follow_the_model():
    patterns, probabilities = joint()
    n = 40_000
    X = sample(n, 1)
    counts = np.array([(pattern == X).all(axis=1).sum() for pattern in patterns])
    chi2 = ((counts - n * probabilities) ** 2 / (n * probabilities)).sum()
    assert chi2 < 31.3  # 0.999 quantile of chi-squared with 11 degrees of freedom


def test_draws_only_wanted_cells():
    wanted = np.array([[True, False, True], [False, False, False]])
    drawn = draw_levels(MODEL, np.array([0, 1]), np.random.default_rng(0), wanted)
    np.testing.assert_array_equal(np.isnan(drawn), ~wanted)


def test_draw_rows_never_leaves_the_support():
    certain = np.eye(3, dtype=np.float32)[[0, 1, 2, 1] * 500]
    np.testing.assert_array_equal(draw_rows(certain, np.random.default_rng(0)), [0, 1, 2, 1] * 500)


def planted(n: int) -> tuple[Levels, np.ndarray, np.ndarray]:
    """Two well separated classes, 60:40, with eight items of three levels."""
    rng = np.random.default_rng(3)
    classes = (rng.random(n) < 0.4).astype(int)
    profiles = np.array([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]])
    X = np.column_stack([draw_rows(profiles[classes], rng) for _ in range(8)]).astype(float)
    return Levels((np.arange(3.0),) * 8, (False,) * 8), profiles, X


def test_fit_recovers_a_planted_population_despite_holes():
    levels, profiles, X = planted(4000)
    X[np.random.default_rng(4).random(X.shape) < 0.3] = np.nan
    model = fit_classes(levels.indicate(X), levels, 2, np.random.default_rng(0), tol=1e-7)
    order = np.argsort(-model.shares)
    np.testing.assert_allclose(model.shares[order], [0.6, 0.4], atol=0.03)
    np.testing.assert_allclose(model.profiles[order], np.tile(profiles, 8), atol=0.04)


def test_one_class_is_the_table_of_shares():
    levels, _, X = planted(500)
    model = fit_classes(levels.indicate(X), levels, 1, np.random.default_rng(0), pseudo=0.0)
    shares = [np.mean(X[:, j] == level) for j in range(8) for level in range(3)]
    np.testing.assert_allclose(model.profiles[0], shares, atol=1e-6)


def test_likelihood_rises_with_every_step():
    levels, _, X = planted(500)
    Z = levels.indicate(X)

    def after(steps):
        model = fit_classes(Z, levels, 3, np.random.default_rng(1), tol=-1, max_iter=steps, pseudo=0.0)
        return classify(model, Z)[1].mean(dtype=float)

    rising = [after(steps) for steps in range(1, 20)]
    assert (np.diff(rising) > -1e-5).all()
    assert rising[-1] > rising[0] + 0.1


def test_held_out_likelihood_prefers_the_planted_number_of_classes():
    levels, _, X = planted(1500)
    Z = levels.indicate(X)
    scores = [
        classify(fit_classes(Z[:1000], levels, k, np.random.default_rng(2), tol=1e-5), Z[1000:])[1].mean()
        for k in (1, 2, 8)
    ]
    assert np.argmax(scores) == 1


def test_small_classes_are_dissolved():
    levels, _, X = planted(300)
    model = fit_classes(levels.indicate(X), levels, 30, np.random.default_rng(0), tol=1e-5, smallest=25)
    assert model.shares.min() * 300 >= 24  # the last step may still move a little
    assert model.shares.sum() == pytest.approx(1)


def test_smoothing_keeps_heaps_and_fills_gaps():
    """Twelve years of school is a heap in every class; a level next to frequent ones gets more than a remote one."""
    rng = np.random.default_rng(0)
    heaped = np.where(rng.random(2000) < 0.5, 12, rng.integers(0, 21, 2000)).astype(float)[:, None]
    levels = Levels((np.arange(21.0),), (True,))
    model = fit_classes(levels.indicate(heaped), levels, 1, rng, bandwidth=0.1, pseudo=0.0)
    shares = np.bincount(heaped[:, 0].astype(int)) / 2000
    np.testing.assert_allclose(model.profiles[0], shares, atol=0.003)  # not 0, as half a person per level is added


def test_kernel_rows_sum_to_one_and_leave_nominal_items_alone():
    kernel = LEVELS.kernel(0.5)
    np.testing.assert_allclose(kernel.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(kernel[LEVELS.blocks[0], LEVELS.blocks[0]], np.eye(2))
    assert kernel[2, 3] > kernel[2, 4] > 0
    np.testing.assert_array_equal(LEVELS.kernel(0.0), np.eye(7))


def test_indicators_take_the_nearest_known_value():
    Z = LEVELS.indicate(np.array([[1.0, 2.0, 100.0], [np.nan, 0.0, 4.0]]))
    np.testing.assert_array_equal(Z, [[1, 0, 0, 0, 1, 0, 1], [0, 0, 1, 0, 0, 1, 0]])


def test_rows_without_observed_cells_get_the_marginals():
    Z = LEVELS.indicate(np.full((1, 3), np.nan))
    np.testing.assert_allclose(conditional(MODEL, Z)[0], MODEL.shares @ MODEL.profiles)
    assert classify(MODEL, Z)[1][0] == pytest.approx(0)


def test_same_seed_same_fit_and_input_untouched():
    levels, _, X = planted(200)
    Z = levels.indicate(X)
    before = Z.copy()
    one, two = (fit_classes(Z, levels, 3, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.profiles, two.profiles)
    np.testing.assert_array_equal(Z, before)


def test_levels_of_a_table(toy):
    levels = levels_of(toy.values, toy.schema)
    assert levels.values[toy.schema.index("worry")].tolist() == [0, 1, 2, 3]
    ages = toy.values[:, 0]
    np.testing.assert_array_equal(levels.values[0], np.unique(ages[~np.isnan(ages)]))
    assert not levels.ordered[toy.schema.index("party")]
