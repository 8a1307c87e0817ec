"""Severity by bias: complete cases are off by what was asked for, under missingness at random and by the own value."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import mask_card
from datasets.mechanisms.ni_spread import extremeness
from datasets.mechanisms.propensity import hide_counts, shifted
from datasets.mechanisms.severity import by_bias, in_numbers, mean_shift, spread_change
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked

SEEDS = range(4)
DIRECTED = ("mar", "ni", "ni-low", "ni-trait", "ni-tails", "ni-middle", "ni-undesirable")


def hide(dataset, request, rate=0.3, seed=1):
    return MECHANISMS.resolve(request)(dataset, rate, np.random.default_rng(seed))


def linear(n=4000, relation=0.75, seed=1):
    """A driver and an item that it tells of, another that it tells little of."""
    rng = np.random.default_rng(seed)
    driver, noise = rng.normal(size=n), rng.normal(size=(n, 2))
    y = np.array([relation, 0.1]) * driver[:, None] + np.sqrt(1 - np.array([relation, 0.1]) ** 2) * noise
    columns = (
        Column("driver", Kind.NUMERIC, role=Role.DRIVER),
        Column("told", Kind.NUMERIC),
        Column("dim", Kind.NUMERIC),
    )
    return Dataset("linear", Schema(columns), np.column_stack([driver, y]))


def shifts(dataset, request, rate=0.3):
    """Mean over masks of how far the complete cases' means are off, by item, in SD."""
    items = list(hide_counts(dataset, rate, [dataset.schema.index("educ")] if "educ" in request else ()))
    found = []
    for seed in SEEDS:
        hidden = hide(dataset, request, rate, seed)
        for j in items:
            known = ~np.isnan(dataset.values[:, j])
            x = in_numbers(dataset.values[known, j], dataset.schema.columns[j])
            found.append(mean_shift(x, (~hidden[known, j]).astype(float)))
    return np.reshape(found, (len(SEEDS), -1)).mean(axis=0)


def test_harms_by_hand():
    x, stay = np.array([0.0, 0, 2, 2]), np.array([1.0, 1, 1, 0])
    assert mean_shift(x, stay) == pytest.approx((2 / 3 - 1) / 1)
    assert spread_change(x, stay) == pytest.approx(np.sqrt(8 / 9) - 1)


def test_chances_bring_about_the_asked_bias_exactly():
    x = np.random.default_rng(1).normal(size=2000)
    for bias in (0.05, 0.2):
        chance = by_bias(x, x, 600, bias)
        assert chance.sum() == pytest.approx(600)
        assert mean_shift(x, 1 - chance) == pytest.approx(-bias, abs=1e-6)
    assert abs(mean_shift(x, 1 - by_bias(x, x, 600, 5.0))) == pytest.approx(0.31, abs=0.02)  # where the end is


@pytest.mark.parametrize("request_", ["mar(bias={})", "ni(bias={})", "ni-low(bias={})"])
@pytest.mark.parametrize("bias", [0.05, 0.1, 0.2])
def test_the_mean_of_a_well_told_item_is_off_by_the_dial(request_, bias):
    """The mean of 2,800 of 4,000 answers has a standard error of .0104 SD, that of 4 masks .0052."""
    found = shifts(linear(), request_.format(bias))[0]
    assert found == pytest.approx(bias if "low" in request_ else -bias, abs=0.018)


@pytest.mark.parametrize("setting", ["bias=0.05", "bias=0.2, drivers='educ'"])
def test_mar_and_ni_are_equal_item_by_item_at_each_setting(gss, setting):
    """Differences of means of 4 masks have a standard error of .008 SD, or .010 for items of half the sample."""
    mar, ni = shifts(gss, f"mar({setting})"), shifts(gss, f"ni({setting})")
    assert np.abs(mar - ni).max() < 0.032
    assert (mar < 0).all() and (ni < 0).all()
    assert np.abs(mar).max() == pytest.approx(float(setting[5:9].rstrip(",")), abs=0.02)


def test_an_item_that_drivers_do_not_tell_of_is_short_under_both_and_the_card_names_it():
    dataset = linear()
    for name in ("mar", "ni"):
        card = mask_card(Masked(dataset, hide(dataset, f"{name}(bias=0.2)")), f"{name}(bias=0.2)", 0.3, 1)
        assert (card.dial, card.bias) == (None, 0.2)
        assert [column.short for column in card.columns] == [False, True]
        assert "a bias of 0.2 of each item's mean, in SD; short of it: dim" in card.to_markdown()


def test_without_drivers_ni_has_the_bias_alone():
    values = np.random.default_rng(1).normal(size=(3000, 2))
    dataset = Dataset("free", Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC))), values)
    assert shifts(dataset, "ni(bias=0.2)") == pytest.approx([-0.2, -0.2], abs=0.015)


def test_mar_by_bias_is_at_random_given_its_drivers(gss):
    """Nineteen tests for each of two masks: 2 rejections of 38 at 5 % are expected, 7 have a chance of .003."""
    request = "mar(bias=0.1, drivers='degree')"
    columns = [
        c for seed in (1, 2) for c in mask_card(Masked(gss, hide(gss, request, 0.3, seed)), request, 0.3, 1).columns
    ]
    assert len(columns) == 38 and not {"degree", "age", "sex", "race", "region"} & {column.column for column in columns}
    assert sum(column.own_p < 0.05 for column in columns) < 7
    assert np.mean([column.auc_drivers for column in columns]) > 0.65


@pytest.mark.parametrize("name", DIRECTED)
def test_a_bias_out_of_range_is_an_error(gss, name):
    for bias in (0.0, -0.1, float("nan")):
        with pytest.raises(InputError, match="bias of complete cases"):
            MECHANISMS[name](gss, 0.3, np.random.default_rng(0), bias=bias)


def test_a_driver_that_is_no_column_is_an_error(gss):
    with pytest.raises(InputError, match="no column 'edcu'"):
        hide(gss, "mar(drivers='edcu')")


@pytest.mark.parametrize(("name", "sign"), [("ni-tails", -1), ("ni-middle", 1)])
def test_spreads_are_off_by_the_dial_and_means_hardly(gss, name, sign):
    request = f"{name}(bias=0.1)"
    card = mask_card(Masked(gss, hide(gss, request)), request, 0.3, 1)
    kinds = {column.name: column.kind for column in gss.schema}
    ordered = [c for c in card.columns if kinds[c.column] is not Kind.NOMINAL and c.column != "homosex"]  # lopsided
    assert [c.spread for c in ordered] == pytest.approx([1 + sign * 0.1] * len(ordered), abs=0.025)
    assert np.mean([abs(c.bias) for c in ordered]) < 0.05


def test_extremeness_is_the_distance_from_the_middle_of_all_people():
    column = Column("a", Kind.ORDINAL, {1.0: "low", 2.0: "middle", 3.0: "high"})
    found = extremeness(np.array([1.0, 2, 2, 3]), column)
    assert found == pytest.approx([0.375, 0, 0, 0.375])


def test_a_trait_hides_the_same_people_everywhere(gss):
    """Respondents differ more in their number of hidden cells than if items were hidden each for itself."""
    items = list(hide_counts(gss, 0.3))
    full = ~np.isnan(gss.values[:, items]).any(axis=1)
    per_row = {name: hide(gss, name)[:, items][full].sum(axis=1).var() for name in ("mcar", "ni-trait")}
    assert per_row["ni-trait"] > 2 * per_row["mcar"]
    card = mask_card(Masked(gss, hide(gss, "ni-trait")), "ni-trait", 0.3, 1)
    assert np.mean([column.own_p < 0.01 for column in card.columns]) > 0.7  # drivers do not tell all of it


def test_an_undesirable_answer_has_a_chance_of_its_own(gss):
    request = "ni-undesirable(bias=0.15, answers={'vote20': 'did not vote'})"
    j, shares = gss.schema.index("vote20"), []
    codes = gss.values[:, j]
    meant = gss.schema["vote20"].code("did not vote")
    share = np.mean(codes[~np.isnan(codes)] == meant)
    for seed in SEEDS:
        hidden = hide(gss, request, seed=seed)
        stay = ~np.isnan(codes) & ~hidden[:, j]
        shares.append(np.mean(codes[stay] == meant))
    assert np.mean(shares) == pytest.approx(share - 0.15 * np.sqrt(share * (1 - share)), abs=0.004)
    others = [hidden[~np.isnan(codes) & (codes == level), j].mean() for level in gss.schema["vote20"].levels]
    assert np.ptp([o for o, level in zip(others, gss.schema["vote20"].levels, strict=True) if level != meant]) < 0.1
    with pytest.raises(InputError, match="none of its answers"):
        hide(gss, "ni-undesirable(answers={'vote20': 'stayed in bed'})")


def test_without_names_the_rarest_answer_is_meant(gss):
    hidden = hide(gss, "ni-undesirable", seed=3)
    j = gss.schema.index("happy")
    codes = gss.values[:, j]
    shares = {level: hidden[codes == level, j].mean() for level in gss.schema["happy"].levels}
    assert max(shares, key=shares.get) == min(shares, key=lambda level: (codes == level).sum())


def test_shifted_chances_keep_their_odds_ratios():
    chance = np.array([0.1, 0.1, 0.3, 0.7])
    moved = shifted(chance, 2)
    assert moved.sum() == pytest.approx(2)
    odds = np.log(moved / (1 - moved)) - np.log(chance / (1 - chance))
    assert np.ptp(odds) < 1e-9
