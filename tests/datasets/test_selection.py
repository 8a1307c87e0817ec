"""Mutual information: against scikit-learn, by hand, and on the real survey."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.selection.ranking import associations, in_words, level_numbers, select, take
from datasets.surveys import gss as survey
from datasets.table import Dataset


def nominal(name: str, K: int) -> Column:
    return Column(name, Kind.NOMINAL, {float(code): f"answer {code}" for code in range(K)})


@pytest.fixture(scope="module")
def everything(shared) -> Dataset:
    return survey.gss_table(shared / "data" / "2022_stata.zip", None)


def test_information_less_chance_is_near_scikit_learns_adjusted_value():
    from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score

    rng = np.random.default_rng(0)
    a = rng.integers(0, 6, 2000)
    b = np.where(rng.random(2000) < 0.3, a, rng.integers(0, 9, 2000))
    schema = Schema((nominal("a", 6), nominal("b", 9)))
    found = associations(schema, np.column_stack([a, b]).astype(float), "a").iloc[0]
    counts = [np.bincount(a), np.bincount(b)]
    H = [-(c / 2000 * np.log(c / 2000)).sum() for c in counts]
    adjusted = adjusted_mutual_info_score(a, b, average_method="arithmetic")  # (I - E) / (mean(H) - E)
    information = mutual_info_score(a, b)
    chance = (adjusted * np.mean(H) - information) / (adjusted - 1)
    assert found["information"] == pytest.approx(information - chance, abs=1e-4)
    assert found["share"] == pytest.approx((information - chance) / H[0], abs=1e-4)
    assert found["target_left"] == pytest.approx((H[0] - information) / (H[0] - chance), abs=1e-4)


def test_items_that_are_independent_of_the_target_get_nothing_on_average():
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.integers(0, 20, 1500), *(rng.integers(0, 150, 1500) for _ in range(40))]).astype(float)
    schema = Schema((nominal("t", 20), *(nominal(f"x{k}", 150) for k in range(40))))
    shares = associations(schema, X, "t")["share"]
    assert shares.mean() < 0.01  # the plug-in estimate gives 0.29


def test_only_rows_where_both_are_known_count():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, (300, 2)).astype(float)
    X[:, 1] = np.where(rng.random(300) < 0.5, X[:, 0], X[:, 1])
    X[250:, 1] = np.nan
    X[240:250, 0] = np.nan
    schema = Schema((nominal("t", 3), nominal("x", 3)))
    whole, part = associations(schema, X, "t"), associations(schema, X[:240], "t")
    assert whole.equals(part)
    assert whole["pairs"].item() == 240


def test_numeric_items_are_cut_into_tenths_that_no_monotone_recoding_changes():
    x = np.random.default_rng(4).lognormal(size=1000)
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC), Column("z", Kind.NUMERIC)))
    levels, sizes = level_numbers(schema, np.column_stack([x, np.log(x), -x]))
    assert sizes.tolist() == [10, 10, 10]
    assert np.bincount(levels[:, 0]).tolist() == [100] * 10
    assert (levels[:, 0] == levels[:, 1]).all()
    assert (levels[:, 0] == 9 - levels[:, 2]).all()


def test_recodings_are_named_and_left_out():
    rng = np.random.default_rng(5)
    t = rng.integers(0, 8, 1000)
    near = np.where(rng.random(1000) < 0.5, t, rng.integers(0, 8, 1000))
    X = np.column_stack([t, t // 2, 7 - t, near, rng.integers(0, 8, 1000)]).astype(float)
    schema = Schema(tuple(nominal(name, 8) for name in ("t", "coarse", "reverse", "near", "noise")))
    found = select(schema, X, "t", top=2)
    assert found.recodings["variable"].tolist() == ["coarse", "reverse"]
    assert found.ranking["variable"].tolist() == ["near", "noise"]


def test_an_identifier_is_no_recoding_although_it_determines_everything():
    rng = np.random.default_rng(6)
    X = np.column_stack([rng.integers(0, 4, 200), np.arange(200)]).astype(float)
    found = select(Schema((nominal("t", 4), nominal("id", 200))), X, "t")
    assert found.recodings.empty
    assert found.ranking["share"].item() < 0.01


def test_income_is_told_by_own_income_and_standing_not_by_its_recodings(everything: Dataset):
    found = select(everything.schema, everything.values, "income16")
    assert found.recodings["variable"].tolist() == ["coninc", "income", "realinc"]
    assert {"rincom16", "finrela", "class"} <= set(found.ranking["variable"])
    assert len(found.ranking) == 15
    assert found.ranking["pairs"].min() >= found.minimum_pairs == 311


def test_birth_year_is_a_recoding_of_age(everything: Dataset):
    assert select(everything.schema, everything.values, "age").recodings["variable"].tolist() == ["cohort"]


def test_weights_and_identifiers_are_no_items(everything: Dataset):
    names = everything.schema.names
    assert len(names) > 1100
    assert not [name for name in names if name.startswith("wts") or name in ("id", "vstrat", "vpsu", "year", "intid")]


def test_rows_where_the_target_is_hidden_do_not_enter_the_choice(toy: Dataset):
    values = toy.values[:, toy.schema.where(Kind.NOMINAL, Kind.ORDINAL)].copy()
    schema = toy.schema.take(toy.schema.where(Kind.NOMINAL, Kind.ORDINAL))
    values[::2, schema.index("trust")] = np.nan
    assert associations(schema, values, "trust").equals(associations(schema, values[1::2], "trust"))


def test_a_selection_makes_a_dataset_in_numbers_or_words(gss: Dataset):
    names = ["income16", *select(gss.schema, gss.values, "income16", top=3).ranking["variable"]]
    small = take(gss, names)
    assert small.schema.names == names
    assert (small.weights == gss.weights).all()
    words = in_words(small)
    assert words.notna().to_numpy().sum() == (~np.isnan(small.values)).sum()
    column = small.schema["income16"]
    codes = [np.nan if text is None else column.code(text) for text in words["income16"]]
    assert np.array_equal(codes, small.values[:, 0], equal_nan=True)


def test_bad_requests(toy: Dataset):
    with pytest.raises(InputError, match="no column 'incom'"):
        select(toy.schema, toy.values, "incom")
    with pytest.raises(InputError, match="top = 0"):
        select(toy.schema, toy.values, "income", top=0)
    with pytest.raises(InputError, match="1 different answers"):
        select(toy.schema, toy.values[:1], "income")


def test_items_seldom_seen_with_the_target_are_left_out(gss: Dataset):
    often = select(gss.schema, gss.values, "income16", top=30, minimum_share=0.7)
    assert often.minimum_pairs == 2177
    assert set(gss.schema.names) - {"income16", *often.ranking["variable"]} == {"marhomo", "homosex"}
