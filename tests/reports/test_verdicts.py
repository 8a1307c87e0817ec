"""Sentences of the page: tied to the numbers, and silent about what lies below the resolution floor."""

import re
from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from reports.boards import board_of, contest_of
from reports.comparisons import comparisons
from reports.results import lost, tidy
from reports.verdicts import board_verdict

PRIMARY = "row-energy-skill"


def of(records, facts, name="distributions"):
    return board_of(contest_of(tidy(records), lost(records), facts), name)


def scored(record, value):
    return replace(record, scores=tuple((m, c, value if m == PRIMARY else v) for m, c, v in record.scores))


@pytest.fixture
def told(inventor):
    """Sentences about methods of these skills, equal on all masks but for a little noise."""

    def tell(skills, noise=0.001, **by_mechanism):
        records, facts, _ = inventor(list(skills))
        rng = np.random.default_rng(1)
        shift = {"mcar": 0.0, "mar": 0.0, "ni": 0.0} | by_mechanism
        made = [scored(r, skills[r.imputer] + shift[r.mechanism] + rng.normal(0, noise)) for r in records]
        board = of(made, facts)
        return board, board_verdict(board)

    return tell


def test_a_clear_winner_is_named_with_its_lead(told):
    board, sentences = told({"a": 0.30, "b": 0.20, "c": 0.10})
    assert re.fullmatch(r"`a` is best: skill 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], 0\.\d{3} ahead of `b`\.", sentences[0])
    assert f"{board.table['behind']['b']:.3f} ahead" in sentences[0]


def test_leaders_that_cannot_be_told_apart_are_named_together_and_not_compared(told):
    board, sentences = told({"a": 0.3001, "b": 0.3, "c": 0.1})
    assert set(board.tied) == {"a", "b"}
    assert "cannot be told apart from the best" in sentences[0] and "ahead" not in " ".join(sentences)
    assert "`c`" not in sentences[0]


def test_who_does_worse_than_the_items_distributions_is_named(told):
    _, sentences = told({"a": 0.3, "b": -0.2, "c": -0.0001})
    assert "`b` does worse than answers drawn from each item's own distribution." in sentences


def test_the_oracle_is_the_ceiling_and_no_contender(told):
    board, sentences = told({"oracle": 0.35, "a": 0.30, "b": 0.1})
    assert sentences[0].startswith("`a` is best")
    assert f"{board.table['score']['a'] - board.table['score']['b']:.3f} ahead of `b`" in sentences[0]
    ceiling = board.table["score"]["oracle"], board.table["score"]["a"]
    assert f"Who knows the population's law has {ceiling[0]:.3f}; the best reach {ceiling[1]:.3f}." in sentences


def test_who_cannot_be_told_from_the_best_behind_the_oracle_is_named_with_it(told):
    _, sentences = told({"oracle": 0.35, "a": 0.3001, "b": 0.3, "c": 0.1})
    assert re.match(r"`[ab]` and `[ab]` cannot be told apart from the best", sentences[0])


def test_three_sentences_at_most(told):
    assert len(told({"oracle": 0.35, "a": 0.30, "b": -0.2}, ni=-0.2)[1]) == 3


def test_without_replicates_nothing_is_said_of_anybody(inventor):
    records, facts, _ = inventor(["a", "b"], mechanisms=["mcar"], seeds=1)
    board = of([replace(r, influences=()) for r in records], facts)
    (sentence,) = board_verdict(board)
    assert "nothing here can be told apart" in sentence and "`" not in sentence


def test_comparison_of_two_methods_has_every_score_and_each_mechanism(experiment):
    records, facts, _ = experiment
    whole = contest_of(tidy(records), lost(records), facts)
    found = {(one.board, one.title): one for one in comparisons(whole, "e", "a")}
    assert ("distributions", "skill") in found and ("values", "skill, ni") in found and ("values", "RMSE") in found
    assert found["distributions", "skill"].found.verdict == "better"
    rmse = found["values", "RMSE"]
    assert rmse.first < rmse.second and rmse.found.difference == pytest.approx(rmse.second - rmse.first)
    back = {(one.board, one.title): one for one in comparisons(whole, "a", "e")}
    assert back["values", "RMSE"].found.difference == pytest.approx(-rmse.found.difference)
    assert back["values", "RMSE"].found.verdict == "worse"


def test_who_cannot_be_compared_is_told(experiment):
    records, facts, _ = experiment
    whole = contest_of(tidy(records), lost(records), facts)
    with pytest.raises(InputError, match=r"no results of 'z'; there are: a, b, c, d, e"):
        comparisons(whole, "a", "z")
    some = [r for r in records if r.imputer != "a" or r.seed]
    with pytest.raises(InputError, match="a was not run in 3 of 9 cells"):
        comparisons(contest_of(tidy(some), lost(some), facts), "a", "b")
