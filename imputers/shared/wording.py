"""Ways to write questions and answers: in words, in code numbers, opaque, or in the words of other answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from datasets.schema import Column, Kind
from imputers.shared.vocabulary import Item

DIGITS, MOST_DIGITS = 4, 17  # significant ones that a number is told in; beyond, numbers are the same


@dataclass(frozen=True)
class Wording:
    """One item as a language model reads it: the question, and its answers 0…K-1, each on one line."""

    question: str
    answers: tuple[str, ...]


def in_words(items: Sequence[Item]) -> tuple[Wording, ...]:
    """The survey's wording and labels; a bin of several numbers reads "25 to 29"."""
    asked = [_one_line(item.column.question or item.column.name) for item in items]
    times = Counter(asked)
    unique = [
        question if times[question] == 1 else f"{question} ({item.column.name})"
        for question, item in zip(asked, items, strict=True)
    ]
    return tuple(Wording(question, _labels(item)) for question, item in zip(unique, items, strict=True))


def in_numbers(items: Sequence[Item]) -> tuple[Wording, ...]:
    """The survey's wording and code numbers: what is left when answers say nothing but their place."""
    numbers = [
        _labels(item) if item.column.kind is Kind.NUMERIC else tuple(f"{code:g}" for code in item.means)
        for item in items
    ]
    return tuple(Wording(words.question, own) for words, own in zip(in_words(items), numbers, strict=True))


def opaque(items: Sequence[Item]) -> tuple[Wording, ...]:
    """Opaque names: "Q17: option 3" tells that it is another question or answer, and nothing else."""
    return tuple(
        Wording(f"Q{j + 1}", tuple(f"option {k + 1}" for k in range(len(item.starts)))) for j, item in enumerate(items)
    )


def permuted(items: Sequence[Item]) -> tuple[Wording, ...]:
    """Words as in `in_words`, but each answer bears the label of another of the same question, or by chance its own.

    The permutation is a property of the item's position, so that a model that was saved reads as it was trained.
    """
    shuffled = [np.random.default_rng(j).permutation(len(item.starts)) for j, item in enumerate(items)]
    return tuple(
        Wording(words.question, tuple(words.answers[k] for k in places))
        for words, places in zip(in_words(items), shuffled, strict=True)
    )


def choices(words: Wording, item: Item) -> tuple[str, ...]:
    """What a question names as its options: all labels, the two ends of a range of numbers, nothing of free strings."""
    if item.column.kind is Kind.TEXT:
        return ()
    return (f"{words.answers[0]} … {words.answers[-1]}",) if item.column.kind is Kind.NUMERIC else words.answers


WORDINGS: Mapping[str, Callable[[Sequence[Item]], tuple[Wording, ...]]] = {
    "text": in_words,
    "numbers": in_numbers,
    "codes": opaque,
    "permuted": permuted,
}


def _labels(item: Item) -> tuple[str, ...]:
    """Labels, and numbers in as few digits as tell all answers apart, `DIGITS` at least: a tokenizer counts digits."""
    if item.column.kind is not Kind.NUMERIC:
        return _ranges(item, item.column.text)
    shortened = (_ranges(item, partial(_rounded, item.column, digits)) for digits in range(DIGITS, MOST_DIGITS))
    return next((own for own in shortened if len(set(own)) == len(own)), _ranges(item, item.column.text))


def _ranges(item: Item, say: Callable[[float], str]) -> tuple[str, ...]:
    lowest = item.values[item.starts]
    highest = item.values[item.starts + item.counts - 1]
    both = zip(map(say, lowest), map(say, highest), strict=True)
    return tuple(_one_line(low if low == high else f"{low} to {high}") for low, high in both)


def _rounded(column: Column, digits: int, value: float) -> str:
    return np.format_float_positional(float(column.text(value)), precision=digits, fractional=False, trim="-")


def _one_line(text: str) -> str:
    # a line break ends an answer, so there must be none inside
    return " ".join(text.splitlines())
