from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
for package in ("peft", "accelerate", "safetensors"):
    pytest.importorskip(package)

from imputers.llm.prompts.relevance import Relevance  # noqa: E402
from imputers.llm.scoring.packing import padded  # noqa: E402
from imputers.llm.tuning.examples import make_example, micro_batches, respondents  # noqa: E402
from imputers.llm.tuning.recipe import Recipe  # noqa: E402

WIDE = Recipe(max_hidden=0.95)


def examples(script, answers, recipe, n, window=256):
    rng = np.random.default_rng(4)
    rows = [row for row in answers if (row >= 0).any()]
    return [(row, make_example(row, script, recipe, window, rng)) for row in (rows * n)[:n]]


def told(script, row, prefix):
    """Items whose lines stand in a prefix, which must be the opening and whole lines of true answers."""
    rest, items = prefix[len(script.opening) :], []
    assert prefix[: len(script.opening)] == script.opening
    while rest:
        [j] = [
            j
            for j in range(len(row))
            if row[j] >= 0 and rest[: len(script.lines[j][row[j]])] == script.lines[j][row[j]]
        ]
        items.append(j)
        rest = rest[len(script.lines[j][row[j]]) :]
    return items


def asked_items(script, block):
    return [j for j, stem in enumerate(script.stems) if tuple(block.tokens[: len(stem)]) == stem]


def test_what_is_asked_is_never_told_and_holes_are_neither(tiny_script, tiny_table):
    for row, example in examples(tiny_script, tiny_table[1], Recipe(), 400):
        asked = [asked_items(tiny_script, block) for block in example.blocks]
        assert all(len(items) == 1 for items in asked)
        asked, known = [items[0] for items in asked], told(tiny_script, row, example.prefix)
        assert asked and not set(asked) & set(known)
        assert len(set(asked)) == len(asked) and len(set(known)) == len(known)
        assert (row[asked + known] >= 0).all()
        for j, block in zip(asked, example.blocks, strict=True):
            assert tuple(block.targets[block.paths[0]]) == tiny_script.beginnings[j][row[j]]


def test_what_is_told_is_asked_too_where_it_begins_to_be_told(tiny_script, tiny_table):
    for row, example in examples(tiny_script, tiny_table[1], Recipe(), 100):
        known = told(tiny_script, row, example.prefix)
        assert example.n_answers == len(known) + len(example.blocks)
        for j, span in zip(known, example.told, strict=True):
            assert example.prefix[span.start - len(tiny_script.stems[j]) : span.start] == tiny_script.stems[j]
            assert example.prefix[span.start : span.stop] == tiny_script.beginnings[j][row[j]]


def test_share_hidden_is_uniform_and_order_is_random(tiny_script, tiny_table):
    complete = tiny_table[1][(tiny_table[1] >= 0).all(axis=1)]
    known = [tuple(told(tiny_script, row, e.prefix)) for row, e in examples(tiny_script, complete, WIDE, 1500)]
    # with four answers, .05–.125 of the shares hide none of them, and then one is hidden all the same
    shares = np.bincount([4 - len(items) for items in known], minlength=5)[1:] / 1500
    assert shares == pytest.approx(np.array([0.325, 0.25, 0.25, 0.075]) / 0.9, abs=0.04)
    pairs = [items for items in known if len(items) == 2]
    assert len(set(pairs)) == 12


def test_at_most_so_many_are_asked(tiny_script, tiny_table):
    for _, example in examples(tiny_script, tiny_table[1], replace(WIDE, n_targets=1), 100):
        assert len(example.blocks) == 1
    most = max(len(example.blocks) for _, example in examples(tiny_script, tiny_table[1], WIDE, 200))
    assert most == 4


def test_small_window_drops_whole_lines(tiny_script, tiny_table):
    window = len(tiny_script.opening) + 14
    lengths = []
    for row, example in examples(tiny_script, tiny_table[1], WIDE, 200, window=window):
        longest = max(map(len, example.blocks))
        assert len(example.prefix) + longest <= window
        lengths.append(len(told(tiny_script, row, example.prefix)))  # asserts that lines are whole
    assert set(lengths) == {0, 1}


def test_every_pass_visits_everybody_once():
    rows = np.array([3, 5, 8, 9, 11])
    seen = np.concatenate([respondents(rows, step, 2, seed=1) for step in range(10)]).reshape(4, 5)
    assert all(sorted(order) == rows.tolist() for order in seen)
    assert len({tuple(order) for order in seen.tolist()}) > 1
    assert Recipe(n_epochs=2.5, batch_size=2).n_steps(5) == 7


def test_parts_keep_all_and_stay_below_the_limit(tiny_script, tiny_table):
    batch = [example for _, example in examples(tiny_script, tiny_table[1], WIDE, 50)]
    divided = list(micro_batches(batch, 400))
    assert sorted(id(example) for part in divided for example in part) == sorted(map(id, batch))
    assert len(divided) > 1 and all(len(part) * padded(max(map(len, part))) <= 400 for part in divided)
    assert [len(part) for part in micro_batches(batch, 1)] == [1] * 50  # the longest is read all the same


def test_where_not_all_are_wanted_the_most_telling_are_told(tiny_script, tiny_table):
    shares = np.zeros((4, 4))
    shares[:, 2], shares[:, 1] = 0.9, 0.5
    relevance = Relevance(shares, 1)
    complete = tiny_table[1][(tiny_table[1] >= 0).all(axis=1)]
    seen = set()
    for at, row in enumerate(complete):
        rng = np.random.default_rng(at)
        example = make_example(row, tiny_script, WIDE, 256, rng, relevance)
        again = make_example(row, tiny_script, WIDE, 256, np.random.default_rng(at))
        known, all_known = told(tiny_script, row, example.prefix), told(tiny_script, row, again.prefix)
        best = [j for j in (2, 1, 0, 3) if j in all_known][:1]
        assert known == best
        seen |= set(best)
    assert seen == {0, 1, 2, 3}
