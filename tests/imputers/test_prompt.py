import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.llm.prompts.script import OPENING, Script
from imputers.shared.vocabulary import Item, Vocabulary
from imputers.shared.wording import WORDINGS

SCHEMA = Schema(
    (
        Column("marital", Kind.NOMINAL, {1.0: "married", 2.0: "widowed", 5.0: "never married"}, "marital status"),
        Column("age", Kind.NUMERIC, question="age of respondent", decimals=0),
        Column("happy", Kind.ORDINAL, {1.0: "very\nhappy", 2.0: "pretty happy"}),
    )
)
X = np.array([[1, 20, 1], [2, 21, 2], [5, 30, 1], [5, 40, 2], [1, 55, np.nan], [np.nan, 60, 1]])


class Letters:
    """Tokenizer with a token per character, and no mark for the beginning of a text."""

    bos_token_id = None
    joined = ""  # characters that make up one token wherever they stand together

    def encode(self, text, add_special_tokens):
        return [ord(letter) for letter in (text.replace(self.joined, "\x01") if self.joined else text)]

    def __call__(self, texts, add_special_tokens):
        return {"input_ids": [self.encode(text, add_special_tokens) for text in texts]}

    def decode(self, tokens):
        return "".join(map(chr, tokens))


@pytest.fixture(scope="module")
def items():
    return Vocabulary.fit(SCHEMA, X, n_bins=3).items


@pytest.fixture(scope="module")
def gss_items(gss):
    return Vocabulary.fit(gss.schema, gss.values, n_bins=24).items


@pytest.fixture(scope="module", params=["stories260K", "llama2-tokenizer"])
def tokenizer(request, shared):
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(shared / "models" / request.param)


def test_prompt_reads_as_intended(items):
    script, read = Script.make(items, Letters()), Letters().decode
    answers = np.array([2, 1, -1])
    assert (
        read(script.context(answers, [1, 2, 0]))
        == f"{OPENING}age of respondent: 30 to 40\nmarital status: never married\n"
    )
    assert read(script.stems[0]) == "marital status:"
    assert [read(option) for option in script.options[2]] == [" very happy\n", " pretty happy\n"]
    assert [read(option) for option in script.options[1]] == [" 20 to 21\n", " 30 to 40\n", " 55 to 60\n"]


def test_options_are_listed_in_the_stem_and_not_in_context(items):
    plain, listing = Script.make(items, Letters()), Script.make(items, Letters(), list_options=True)
    assert Letters().decode(listing.stems[0]) == "marital status (married / widowed / never married):"
    assert (listing.lines, listing.options) == (plain.lines, plain.options)


@pytest.mark.parametrize(
    ("wording", "lines"),
    [
        ("text", ["marital status: never married", "age of respondent: 30 to 40", "happy: pretty happy"]),
        ("numbers", ["marital status: 5", "age of respondent: 30 to 40", "happy: 2"]),
        ("codes", ["Q1: option 3", "Q2: option 2", "Q3: option 2"]),
    ],
)
def test_wordings(items, wording, lines):
    script = Script.make(items, Letters(), wording)
    told = script.context(np.array([2, 1, 1]), range(3))
    assert Letters().decode(told) == OPENING + "".join(line + "\n" for line in lines)


def test_permuted_labels_are_those_of_the_same_question_and_always_the_same(gss_items):
    straight, permuted = (WORDINGS[name](gss_items) for name in ("text", "permuted"))
    assert permuted == WORDINGS["permuted"](gss_items)
    assert all(
        sorted(a.answers) == sorted(b.answers) and a.question == b.question
        for a, b in zip(straight, permuted, strict=True)
    )
    moved = [a != b for s, p in zip(straight, permuted, strict=True) for a, b in zip(s.answers, p.answers, strict=True)]
    assert np.mean(moved) > 0.7


def test_context_stays_within_the_tokens_allowed(items):
    script = Script.make(items, Letters())
    answers = np.array([0, 0, 0])
    some = len(script.opening) + len(script.lines[1][0]) + len(script.lines[2][0])
    assert script.context(answers, [1, 0, 2], some) == script.context(answers, [1, 2])
    assert script.context(answers, [1, 0, 2], len(script.opening)) == script.opening


def test_questions_of_the_same_wording_are_told_apart(items):
    twice = [Item(Column(name, Kind.NUMERIC, question="income"), np.ones(1), np.zeros(1, int)) for name in ("a", "b")]
    assert [words.question for words in WORDINGS["text"](twice)] == ["income (a)", "income (b)"]


def test_numbers_are_told_in_as_few_digits_as_tell_them_apart():
    def told(values, bins):
        item = Item.fit(Column("x", Kind.NUMERIC), np.array(values), bins)
        return WORDINGS["text"]([item])[0].answers

    assert told([163572.71343, 0.123456789, 20.0, 1987.0], 9) == ("0.1235", "20", "1987", "163600")
    assert told([100001.0, 100002.0], 9) == ("100001", "100002")
    assert told([0.111111, 0.222222, 30.0, 51234.5678], 2) == ("0.1111 to 0.2222", "30 to 51230")


def test_wrong_input_is_named(items):
    with pytest.raises(InputError, match="no wording 'words'"):
        Script.make(items, Letters(), "words")
    alike = Item.fit(Column("x", Kind.NUMERIC, decimals=0), np.array([1.1, 1.2]), n_bins=9)
    with pytest.raises(InputError, match="'1' stands for several answers of 'x'"):
        Script.make([alike], Letters())
    joining = Letters()
    joining.joined = ": m"
    with pytest.raises(InputError, match="joins the end of .*marital status:"):
        Script.make(items, joining)


def test_pieces_are_what_the_tokenizer_makes_of_the_whole_text(gss, gss_items, tokenizer):
    script = Script.make(gss_items, tokenizer)
    answers = Vocabulary(gss_items)
    rng = np.random.default_rng(0)
    for i in rng.choice(len(gss.values), 20, replace=False):
        own = np.array([item.encode(gss.values[i, [j]])[0] for j, item in enumerate(answers.items)])
        order = rng.permutation(len(own))
        told = [
            f"{words.question}: {words.answers[k]}\n"
            for j in order
            if (k := own[j]) >= 0
            for words in [script.wordings[j]]
        ]
        whole = tokenizer(OPENING + "".join(told))["input_ids"]
        assert script.context(own, order) == tuple(whole)


def test_stem_and_option_are_the_line_and_no_option_begins_another(gss_items, tokenizer):
    script = Script.make(gss_items, tokenizer)
    for lines, stem, options in zip(script.lines, script.stems, script.options, strict=True):
        assert [stem + option for option in options] == list(lines)
        assert not any(a != b and a[: len(b)] == b for a in options for b in options)
