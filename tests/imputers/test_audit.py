"""The audit of a language model, with probes whose answers are known."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS
from imputers.llm.prompts.variants import Variant, askable, listed, put, retell
from imputers.llm.scoring.audit import LEAST, AuditedCells, Spent, audit, clustered_error
from imputers.shared.vocabulary import Item
from imputers.shared.wording import Wording, in_words

SEX = AuditedCells(np.array([0, 1]), np.array([0, 1]), ordered=False)
TRUST = AuditedCells(np.array([1, 2]), np.array([2, 0]), ordered=True)
CELLS = (SEX, TRUST)
SPENT = Spent(cells=2000, tokens=300_000, seconds=250.0)
MASSES = (np.array([[0.6, 0.2], [0.1, 0.3]]), np.array([[0.1, 0.1, 0.2], [0.5, 0.25, 0.25]]))


def probe(**by_variant):
    """Probe that says MASSES, but what is given of a variant under that one."""

    def read(variant):
        return [np.log(table) for table in by_variant.get(variant.name, MASSES)]

    return read


def test_the_original_worked_by_hand():
    assert audit(probe(), CELLS, (), SPENT) == pytest.approx(
        {
            "audit-cells": 4,
            "audit-mass": (0.8 + 0.4 + 0.4 + 1.0) / 4,
            "audit-low-mass": 0.5,
            "audit-log-score": -(np.log(0.75) + np.log(0.75) + 2 * np.log(0.5)) / 4,
            "audit-accuracy": 1.0,
            "audit-tokens": 150_000,
            "audit-seconds": 125,
        }
    )


def test_without_holes_nothing_was_spent():
    found = audit(probe(), CELLS, (), Spent(0, 0, 0.0))
    assert "audit-accuracy" in found and "audit-tokens" not in found and "audit-seconds" not in found


def test_a_variant_worked_by_hand():
    """The second person's sex flips, the first one's moves by an eighth, mass counts for nothing."""
    sex = np.array([[0.7, 0.1], [0.6, 0.2]])
    other = (sex, MASSES[1] / 3)
    found = audit(probe(PARAPHRASE=other), CELLS, [Variant.ORIGINAL, Variant.PARAPHRASE], SPENT)
    rise = np.array([np.log(0.75 / 0.875), np.log(0.75 / 0.25), 0, 0])
    assert {name: value for name, value in found.items() if "paraphrase" in name} == pytest.approx(
        {
            "audit-paraphrase-variation": (0.125 + 0.5) / 4,
            "audit-paraphrase-flips": 0.25,
            "audit-paraphrase-log-score": -(np.log(0.875) + np.log(0.25) + 2 * np.log(0.5)) / 4,
            "audit-paraphrase-log-score-change": rise.mean(),
            "audit-paraphrase-log-score-error": clustered_error(rise, np.array([0, 1, 1, 2])),
            "audit-paraphrase-accuracy": 0.75,
            "audit-paraphrase-accuracy-change": -0.25,
        }
    )
    assert found["audit-mass"] == audit(probe(), CELLS, (), SPENT)["audit-mass"]


@pytest.mark.parametrize("variant", [v for v in Variant if v is not Variant.ORIGINAL])
def test_who_says_the_same_under_a_variant_changes_nothing(variant):
    found = audit(probe(), CELLS, [variant], SPENT)
    for measure in ("variation", "flips", "log-score-change", "log-score-error", "accuracy-change"):
        assert found[f"audit-{variant}-{measure}"] == pytest.approx(0, abs=1e-12)


def test_the_reversed_scale_is_judged_on_ordered_items_alone():
    shuffled = tuple(table[:, ::-1] for table in MASSES)
    found = audit(probe(REVERSED_SCALE=shuffled), CELLS, [Variant.REVERSED_SCALE], SPENT)
    assert found["audit-reversed-scale-log-score"] == pytest.approx(-np.log(0.25))
    assert found["audit-reversed-scale-log-score-change"] == pytest.approx(
        np.log(2)
    )  # against 0.5, not the mean of all
    assert found["audit-reversed-scale-accuracy-change"] == -1.0
    assert found["audit-reversed-scale-flips"] == 1.0


def test_a_reversed_scale_without_ordered_cells_is_not_asked():
    def refuse(variant):
        if variant is Variant.REVERSED_SCALE:
            raise AssertionError
        return [np.log(MASSES[0]), np.empty((0, 3))]

    nobody = AuditedCells(np.empty(0, int), np.empty(0, int), ordered=True)
    assert "audit-reversed-scale-flips" not in audit(refuse, (SEX, nobody), [Variant.REVERSED_SCALE], SPENT)


def test_a_model_of_words_and_one_of_answers_are_told_apart():
    """One gives the margin it knows by the label, the other reads the answers: only the first loses by other names."""
    rng = np.random.default_rng(3)
    margin = np.array([0.5, 0.3, 0.15, 0.05])
    answers = rng.choice(4, 2000, p=margin)
    cells = (AuditedCells(np.arange(2000), answers, ordered=True),)
    shares = {"reads": {variant: margin for variant in Variant}}
    shares["recites"] = {**shares["reads"], Variant.REVERSED_SCALE: margin[::-1], Variant.OPAQUE: np.full(4, 0.25)}
    changes = {}
    for name, says in shares.items():
        found = audit(lambda v, says=says: [np.log(np.tile(says[v], (2000, 1)))], cells, list(Variant), SPENT)
        changes[name] = {
            v: (found[f"audit-{v}-log-score-change"], found[f"audit-{v}-log-score-error"])
            for v in (Variant.OPAQUE, Variant.REVERSED_SCALE)
        }
    for change, _ in changes["reads"].values():
        assert change == pytest.approx(0, abs=1e-12)
    divergence = {Variant.OPAQUE: np.log(4) + margin @ np.log(margin)}
    divergence[Variant.REVERSED_SCALE] = margin @ np.log(margin / margin[::-1])
    for variant, (change, error) in changes["recites"].items():
        assert 0 < error < 0.1
        assert abs(change - divergence[variant]) < 3 * error
        assert change > 5 * error


def test_masses_of_long_answers_do_not_vanish_and_impossible_answers_cost_no_more_than_allowed():
    logs = np.array([[-2000.0, -2000.0], [-5.0, -3000.0]])
    cells = (AuditedCells(np.array([0, 1]), np.array([0, 1]), False),)
    found = audit(lambda _: [logs], cells, [Variant.OPAQUE], SPENT)
    assert found["audit-mass"] == pytest.approx(np.exp(-5) / 2)
    assert found["audit-log-score"] == pytest.approx((np.log(2) - np.log(LEAST)) / 2)


def test_standard_error_of_a_mean_by_respondents():
    rng = np.random.default_rng(0)
    values = rng.normal(size=50)
    assert clustered_error(values, np.arange(50)) == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    once = clustered_error(values, np.arange(50))
    assert clustered_error(np.repeat(values, 4), np.repeat(np.arange(50), 4)) == pytest.approx(
        once
    )  # no news in copies
    assert np.isnan(clustered_error(values, np.zeros(50, int)))


def test_bad_readings_are_refused():
    with pytest.raises(InputError, match="no cells"):
        audit(probe(), (), (), SPENT)
    with pytest.raises(InputError, match=r"'original' gives \[2\] rows"):
        audit(lambda _: [np.log(MASSES[0])], CELLS, (), SPENT)
    with pytest.raises(InputError, match="item 1 are not among the 2"):
        audit(lambda _: [np.log(MASSES[0]), np.log(MASSES[0])], CELLS, (), SPENT)
    broken = (MASSES[0], MASSES[1] * np.array([1, 1, np.nan]))
    with pytest.raises(InputError, match="'opaque' gives log-probabilities of item 1"):
        audit(probe(OPAQUE=broken), CELLS, [Variant.OPAQUE], SPENT)


ITEMS = tuple(
    Item.fit(column, np.array([1.0, 2.0, 3.0]), 10)
    for column in (
        Column("marital", Kind.NOMINAL, {1: "married", 2: "widowed", 3: "single"}, "marital status"),
        Column("trust", Kind.ORDINAL, {1: "never", 2: "often", 3: "always"}, "Can people be trusted?"),
        Column("childs", Kind.NUMERIC, {}, "number of children", decimals=0),
    )
)
ORIGINAL = in_words(ITEMS)


def test_paraphrase_and_opaque_names():
    assert put(Variant.PARAPHRASE, ORIGINAL, ITEMS) == (
        Wording('Answer to "marital status"', ("married", "widowed", "single")),
        Wording('Answer to "Can people be trusted?"', ("never", "often", "always")),
        Wording('Answer to "number of children"', ("1", "2", "3")),
    )
    assert put(Variant.OPAQUE, ORIGINAL, ITEMS)[1] == Wording("Q2", ("option 1", "option 2", "option 3"))


def test_a_reversed_scale_turns_ordinal_labels_alone_and_lists_them_as_before():
    turned = put(Variant.REVERSED_SCALE, ORIGINAL, ITEMS)
    assert turned == (ORIGINAL[0], Wording("Can people be trusted?", ("always", "often", "never")), ORIGINAL[2])
    assert listed(Variant.REVERSED_SCALE, ORIGINAL, ITEMS)[1] == ("never", "often", "always")


def test_a_reversed_order_changes_the_list_alone():
    assert put(Variant.REVERSED_ORDER, ORIGINAL, ITEMS) == ORIGINAL
    assert listed(Variant.REVERSED_ORDER, ORIGINAL, ITEMS)[0] == ("single", "widowed", "married")
    assert listed(Variant.OPAQUE, ORIGINAL, ITEMS)[0] == ("option 1", "option 2", "option 3")


def test_only_variants_that_differ_are_asked():
    assert set(askable("text", True)) == set(Variant) - {Variant.ORIGINAL}
    assert set(askable("text", False)) == {Variant.PARAPHRASE, Variant.OPAQUE, Variant.REVERSED_SCALE}
    assert set(askable("codes", False)) == {Variant.PARAPHRASE}
    for variant in askable("text", True):
        same_words = put(variant, ORIGINAL, ITEMS) == ORIGINAL
        same_list = listed(variant, ORIGINAL, ITEMS) == tuple(words.answers for words in ORIGINAL)
        assert not (same_words and same_list)


@pytest.fixture(scope="module")
def zero_shot(tiny_llama):
    """A model with random weights, asked for a table of two items that agree."""
    rng = np.random.default_rng(0)
    columns = [
        Column(name, kind, {1.0: "no", 2.0: "maybe", 3.0: "yes"})
        for name, kind in (("tea", Kind.NOMINAL), ("milk", Kind.ORDINAL))
    ]
    X = np.repeat(rng.integers(1, 4, (200, 1)), 2, axis=1).astype(float)
    X[:40, 1] = np.nan
    imputer = IMPUTERS["llm-zero-shot"](model=str(tiny_llama)).fit(X, schema=Schema(tuple(columns)))
    imputer.impute(X, n_draws=1)
    return imputer


def test_an_imputer_audits_itself_on_its_validation_cells(zero_shot):
    found = zero_shot.audit()
    again = zero_shot.audit()
    assert {name: found[name] for name in found if name != "audit-seconds"} == {
        name: again[name] for name in again if name != "audit-seconds"
    }
    assert found["audit-cells"] == 36  # a tenth of 360 observed cells
    assert 0 < found["audit-mass"] < 0.01 and found["audit-low-mass"] == 1.0  # random weights know no answers
    for variant in askable("text", True):
        assert 0 < found[f"audit-{variant}-variation"] < 1
    prompt = len(zero_shot.script_.opening) + len("tea: maybe\n")
    question = len("milk (no / maybe / yes): maybe\n")
    assert found["audit-tokens"] == pytest.approx(1000 * (prompt + question), rel=0.3)  # a letter is a token


def test_retold_scripts_say_what_they_should(zero_shot, tiny_llama):
    tokenizer = zero_shot.language_.tokenizer
    script, items = zero_shot.script_, zero_shot.vocabulary_.items
    stems = {
        variant: tokenizer.decode(retell(variant, script, items, tokenizer, list_options=True).stems[1])
        for variant in Variant
    }
    assert stems == {
        Variant.ORIGINAL: "milk (no / maybe / yes):",
        Variant.PARAPHRASE: 'Answer to "milk" (no / maybe / yes):',
        Variant.REVERSED_ORDER: "milk (yes / maybe / no):",
        Variant.OPAQUE: "Q2 (option 1 / option 2 / option 3):",
        Variant.REVERSED_SCALE: "milk (no / maybe / yes):",
    }
    turned = retell(Variant.REVERSED_SCALE, script, items, tokenizer, list_options=False)
    assert tokenizer.decode(turned.stems[1]) == "milk:"
    assert [tokenizer.decode(option) for option in turned.options[1]] == [" yes\n", " maybe\n", " no\n"]
    assert [tokenizer.decode(line) for line in turned.lines[0]] == ["tea: no\n", "tea: maybe\n", "tea: yes\n"]
    assert retell(Variant.ORIGINAL, script, items, tokenizer, list_options=True) is script
