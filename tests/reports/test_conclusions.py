"""The page of conclusions: what holds in all settings, what turns, and how far one method is ahead in each."""

from dataclasses import replace

import pytest

from reports.conclusions import conclusions_page, contexts_of, pair_verdicts
from reports.markdown import to_markdown
from reports.write import page_files


def manifest_of(facts, cards, titles=("gss2022",), contrasts=(("b", "a"),)):
    """The manifest of a suite with the same cells on each dataset."""
    known = {key: facts[key] for key in ("suite", "command", "draws", "metrics", "imputers")}
    tables = {t: {"data": facts["data"] | {"title": t}, "columns": facts["columns"]} for t in titles}
    cells = [cell | {"dataset": t} for t in titles for cell in facts["cells"]]
    about = {"question": "what holds?", "contrasts": contrasts}
    mine = [card | {"dataset": t} for t in titles for card in cards]
    return known | {"page": "conclusions", "about": about, "tables": tables, "cells": cells, "cards": mine}


def turned(record):
    """Under ni, what was best is worst: skills with their signs turned."""
    if record.mechanism != "ni":
        return record
    return replace(record, scores=tuple((m, c, -v if m.endswith("skill") else v) for m, c, v in record.scores))


@pytest.fixture(scope="module")
def turning(inventor):
    records, facts, cards = inventor(["a", "b", "c"])
    return [turned(record) for record in records], manifest_of(facts, cards)


def test_each_setting_is_a_context_of_its_own(turning):
    contexts = contexts_of(*turning)
    assert [context.label for context in contexts] == ["mcar", "mar", "ni"]
    assert [context.boards["values"].tied for context in contexts] == [["c"], ["c"], ["a"]]
    assert all(len(context.cards) == 3 for context in contexts)


def test_pairs_that_turn_are_told_and_agreement_is_counted(turning):
    verdicts = pair_verdicts(contexts_of(*turning), "values")
    first, second = verdicts.index[0]
    assert set(verdicts.loc[(first, second)]) == {"better", "worse"}
    text = to_markdown(conclusions_page(*turning))
    assert "no method has or shares the first place in all 3 settings; `a` and `c` do in some" in text
    assert "Of 3 pairs of methods, 0 are told apart the same way in every setting, 3 one way in some" in text
    assert "Conclusions that turn: Values" in text
    assert "## b against a" in text


def test_where_nothing_turns_that_is_what_it_says(inventor):
    records, facts, cards = inventor(["a", "b", "c"])
    text = to_markdown(conclusions_page(records, manifest_of(facts, cards)))
    assert "`c` has, alone or with others, the first place in all 3 settings" in text
    assert "3 are told apart the same way in every setting, 0 one way" in text
    assert "Conclusions that turn" not in text


def test_a_method_that_failed_in_one_setting_is_judged_in_the_others(inventor):
    records, facts, cards = inventor(["a", "b", "c"])
    gone = [
        replace(r, status="failed", message="Killed", scores=(), influences=())
        if (r.imputer, r.mechanism) == ("c", "ni")
        else r
        for r in records
    ]
    contexts = contexts_of(gone, manifest_of(facts, cards))
    assert [list(context.contest.whole) for context in contexts] == [["a", "b", "c"], ["a", "b", "c"], ["a", "b"]]
    assert pair_verdicts(contexts, "values").isna().to_numpy().sum() == 2


def test_surveys_and_rates_are_told_apart_and_what_lacks_is_said(inventor):
    records, facts, cards = inventor(["a", "b"], mechanisms=("mcar",), rates=(0.1, 0.3))
    titles = ("gss2022", "nhanes")
    both = [replace(record, dataset=title) for title in titles for record in records]
    manifest = manifest_of(facts, cards, titles)
    manifest["tables"]["gss-year"] = {"lacking": "set GSS_YEAR_PATH"}
    labels = [context.label for context in contexts_of(both, manifest)]
    assert labels == ["gss2022, 0.1", "gss2022, 0.3", "nhanes, 0.1", "nhanes, 0.3"]
    assert "gss-year: set GSS" in to_markdown(conclusions_page(both, manifest)).replace("\\", "")


def test_its_files_are_the_page_and_the_boards(inventor):
    records, facts, cards = inventor(["a", "b"], mechanisms=("mcar",), seeds=1)
    files = page_files(records, manifest_of(facts, cards))
    assert list(files)[:2] == ["invented.md", "invented.html"]
    assert "leaderboard.md" in files and "results.parquet" in files
