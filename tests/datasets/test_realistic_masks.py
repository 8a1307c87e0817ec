"""Masks as surveys have them: the file's own patterns and refusals, ballots, break-off."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import mask_card
from datasets.mechanisms.own_holes import silent
from datasets.mechanisms.propensity import hide_counts
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked, Reason


def hide(dataset, request, rate=0.3, seed=1):
    return MECHANISMS.resolve(request)(dataset, rate, np.random.default_rng(seed))


def numbers(values, reasons=None, drivers=0):
    roles = [Role.DRIVER] * drivers + [Role.ITEM] * (np.shape(values)[1] - drivers)
    columns = tuple(Column(f"q{j}", Kind.NUMERIC, role=role) for j, role in enumerate(roles))
    return Dataset("small", Schema(columns), np.array(values, dtype=float), reasons)


def with_patterns(n=3000):
    """Two thirds of the rows whole, the others silent on the first two items together or on the third."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(n, 4))
    kind = rng.integers(0, 6, n)
    values[np.ix_(kind == 0, [0, 1])] = np.nan
    values[kind == 1, 2] = np.nan
    return numbers(values)


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.3])
def test_rows_copy_whole_patterns_of_the_file(rate):
    dataset = with_patterns()
    observed = ~np.isnan(dataset.values)
    hidden = hide(dataset, "observed-patterns", rate)
    assert hidden.sum() / observed.sum() == pytest.approx(rate, abs=0.015)
    whole = hidden[observed.all(axis=1)]
    assert {tuple(row) for row in whole.tolist()} == {
        (False,) * 4, (True, True, False, False), (False, False, True, False),
    }  # fmt: skip


def test_patterns_of_the_survey_at_its_own_low_rates(gss):
    items = list(hide_counts(gss, 0.05))
    known = {tuple(row) for row in silent(gss)[:, items].tolist()}
    full = ~np.isnan(gss.values[:, items]).any(axis=1)
    hidden = hide(gss, "observed-patterns", 0.05)
    assert {tuple(row) for row in hidden[:, items][full].tolist()} <= known
    assert hidden.sum() / (~np.isnan(gss.values[:, items])).sum() == pytest.approx(0.05, abs=0.006)
    with pytest.raises(InputError, match="the most silent row leaves out"):
        hide(gss, "observed-patterns", 0.5)


def test_a_whole_file_has_no_patterns_and_no_refusals():
    dataset = numbers(np.random.default_rng(1).normal(size=(50, 3)))
    with pytest.raises(InputError, match="cannot hide"):
        hide(dataset, "observed-patterns")
    with pytest.raises(InputError, match="finds no refused or skipped cell"):
        hide(dataset, "replay")


def refusing(n=6000):
    """People refuse the second column by the first (log odds -2 + 1.5 x); not asking does not depend on it."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(n, 3))
    not_asked = rng.random(n) < 0.3 * (values[:, 0] < 0)
    refused = ~not_asked & (rng.random(n) < 1 / (1 + np.exp(2 - 1.5 * values[:, 0])))
    values[refused | not_asked, 1] = np.nan
    reasons = np.zeros(values.shape, dtype=np.int8)
    reasons[refused, 1], reasons[not_asked, 1] = Reason.REFUSED, Reason.NOT_ASKED
    return numbers(values, reasons)


def test_replay_hides_as_people_refused():
    from sklearn.linear_model import LogisticRegression

    dataset = refusing()
    hidden = hide(dataset, "replay", 0.3)
    known = ~np.isnan(dataset.values[:, 1])
    slope = LogisticRegression(C=1e6).fit(dataset.values[known][:, [0]], hidden[known, 1]).coef_[0, 0]
    assert slope == pytest.approx(1.5, abs=0.2)
    assert hidden[:, 1].sum() == round(0.3 * known.sum())


def test_an_item_that_nobody_refused_is_hidden_among_those_who_refuse_others():
    dataset = refusing()
    hidden = hide(dataset, "replay", 0.3)[:, 2]
    first = dataset.values[:, 0]
    assert first[hidden].mean() - first[~hidden].mean() > 0.8


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5])
def test_replay_on_the_survey_hides_the_asked_share(gss, rate):
    hidden = hide(gss, "replay", rate)
    assert all(hidden[:, j].sum() == count for j, count in hide_counts(gss, rate).items())
    assert not (hidden & np.isnan(gss.values)).any()


def test_a_ballot_of_three_leaves_out_one_block_for_everybody():
    dataset = numbers(np.random.default_rng(1).normal(size=(300, 7)), drivers=1)
    hidden = hide(dataset, "ballot", 1 / 3)
    assert not hidden[:, 0].any()
    patterns, counts = np.unique(hidden[:, 1:], axis=0, return_counts=True)
    assert counts.tolist() == [100, 100, 100]
    assert (patterns.sum(axis=0) == 1).all() and (patterns.sum(axis=1) == 2).all()  # blocks of two items, each once


def test_ballots_of_two_halves_never_meet_and_of_too_many_blocks_are_refused():
    dataset = numbers(np.random.default_rng(1).normal(size=(300, 4)))
    together = (~hide(dataset, "ballot(blocks=2)", 0.5)).all(axis=1)
    assert not together.any()
    for blocks in (1, 5):
        with pytest.raises(InputError, match="give 2 to 4"):
            hide(dataset, f"ballot(blocks={blocks})")


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5])
def test_after_a_break_off_nothing_is_answered(gss, rate):
    items = list(hide_counts(gss, rate))
    hidden = hide(gss, "breakoff", rate)[:, items]
    observed = ~np.isnan(gss.values[:, items])
    went_on = np.where(observed, ~hidden, True)
    first = np.where(hidden.any(axis=1), hidden.argmax(axis=1), len(items))
    assert all(
        went_on[i, : first[i]].all() and not (observed & ~hidden)[i, first[i] :].any() for i in range(len(first))
    )
    assert hidden.sum() / observed.sum() == pytest.approx(rate, abs=0.02)
    shares = hidden.sum(axis=0) / observed.sum(axis=0)
    assert shares[-1] > 1.4 * rate > rate > 2 * shares[0]


def test_who_breaks_off_is_told_by_the_drivers_and_by_nothing_else(gss):
    for request, area in (("breakoff", 0.60), ("breakoff(slope=0)", 0.5)):
        card = mask_card(Masked(gss, hide(gss, request)), request, 0.3, 1)
        assert card.dial is card.bias is None
        later = [column for column in card.columns if column.rate > 0.2]
        assert np.mean([column.auc_drivers for column in later]) == pytest.approx(
            area, abs=0.08 if area > 0.5 else 0.02
        )
        assert sum(column.own_p < 0.05 for column in card.columns) < 7


def test_a_break_off_that_nobody_survives_is_an_error():
    dataset = numbers(np.random.default_rng(1).normal(size=(20, 30)))
    with pytest.raises(InputError, match="nobody of 'small' answers"):
        hide(dataset, "breakoff", 0.9)
