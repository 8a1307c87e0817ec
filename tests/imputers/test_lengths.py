"""Tokens of a table's prompts, against the prompts themselves."""

import numpy as np
import pytest

from datasets import DATASETS
from imputers.llm.lengths import Lengths, Pieces
from imputers.llm.prompt import Script
from imputers.shared.vocabulary import Vocabulary

COUNTS = ("contexts", "trees", "places", "lines", "question", "answer")


def count(masked, tokenizer, n_features=None, wording="text"):
    return Lengths.count(masked.schema, masked.values, tokenizer, wording, 24, n_features)


def test_lengths_are_those_of_the_prompts_that_are_read(masked_toy):
    pytest.importorskip("torch")
    from imputers.llm.packing import Block

    vocabulary = Vocabulary.fit(masked_toy.schema, masked_toy.values, 24)
    script = Script.make(vocabulary.items, Pieces())
    answers = np.column_stack([item.encode(masked_toy.values[:, j]) for j, item in enumerate(vocabulary.items)])
    lengths = count(masked_toy, Pieces())
    blocks = [Block.make(*both) for both in zip(script.stems, script.options, strict=True)]
    for i, row in enumerate(answers[:50]):
        holes = np.flatnonzero(row < 0)
        assert lengths.contexts[i] == len(script.context(row, range(len(row))))
        assert (lengths.known[i], lengths.holes[i]) == (len(row) - len(holes), len(holes))
        assert lengths.trees[i] == sum(len(blocks[j]) for j in holes)
        assert lengths.places[i] == sum(len(set(blocks[j].sources)) for j in holes)
        mean_lines = [np.mean([len(line) for line in script.lines[j]]) for j in holes]
        assert lengths.lines[i] == pytest.approx(sum(mean_lines))
    known = [(j, k) for row in answers for j, k in enumerate(row) if k >= 0]
    assert lengths.answer == pytest.approx(np.mean([len(script.options[j][k]) for j, k in known]))
    assert lengths.question == pytest.approx(
        np.mean([len(script.stems[j]) + len(script.options[j][k]) for j, k in known])
    )


def test_fewer_features_are_fewer_lines(masked_toy):
    every, two = count(masked_toy, Pieces()), count(masked_toy, Pieces(), n_features=2)
    known = every.known > 2
    assert np.allclose((two.contexts - two.opening)[known], ((every.contexts - every.opening) * 2 / every.known)[known])
    assert np.array_equal(two.contexts[~known], every.contexts[~known])


def test_pieces_are_the_whole_text_and_equal_where_it_is():
    pieces = Pieces()
    first = pieces.encode("marital status: never married\n", add_special_tokens=False)
    assert len(first) == len(["marital", " status", ":", " never", " married", "\n"])
    assert pieces.encode("very", add_special_tokens=False) != pieces.encode(" very", add_special_tokens=False)
    assert pieces.encode("extraordinary 25", add_special_tokens=False) == [9, 10, 11, 12, 13]
    assert 0 not in pieces.encode("a b", add_special_tokens=False)  # that is the beginning of a text


@pytest.mark.parametrize("dataset", ["gss2022", "gss2022-targets"])
def test_pieces_are_about_as_many_as_tokens_of_llama_2(shared, dataset):
    transformers = pytest.importorskip("transformers")
    from benchmarks.cells import make_mask

    masked = make_mask(DATASETS[dataset](shared / "data" / "2022_stata.zip"), "fold(1)", 0.2, 1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(shared / "models" / "llama2-tokenizer")
    counted, estimated = count(masked, tokenizer), count(masked, Pieces())
    for name in COUNTS:
        assert np.mean(getattr(estimated, name)) == pytest.approx(np.mean(getattr(counted, name)), rel=0.05), name
