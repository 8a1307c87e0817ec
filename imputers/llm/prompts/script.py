"""The prompt: a sentence, a line for each known answer, and the question to be answered, in tokens."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from datasets.errors import InputError
from imputers.shared.vocabulary import Item, Positions
from imputers.shared.wording import WORDINGS, Wording, choices

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OPENING = "A respondent's answers to a survey.\n"
PIECE = re.compile(r" ?[^\W\d_]{1,8}|\d|\s|[^\w\s]|_")

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Script:
    """All that can be said about a respondent, in the tokens of one tokenizer.

    A prompt is the opening, one line per known answer ("marital status: married"), and the stem of the item
    that is asked ("marital status:"); its options complete the stem to a line, with the line break that ends it,
    so that no option is the beginning of another. An option is scored by its beginning, up to the token that tells it
    from all others. Pieces follow each other as the tokenizer would cut the whole text.

    Parameters
    ----------
    wordings : what the tokens say, per item.
    opening : beginning of every prompt, with the tokenizer's mark for the beginning of a text if it has one.
    lines : ``lines[j][k]`` tells that item j has answer k.
    stems : ``stems[j]`` asks item j; it lists the options if the script was made so.
    options : ``options[j][k]`` answers it with k.
    beginnings : ``beginnings[j][k]``, the shortest beginning of that option with which no other begins.
    """

    wordings: tuple[Wording, ...]
    opening: Tokens
    lines: tuple[tuple[Tokens, ...], ...]
    stems: tuple[Tokens, ...]
    options: tuple[tuple[Tokens, ...], ...]
    beginnings: tuple[tuple[Tokens, ...], ...]

    @classmethod
    def make(
        cls,
        items: Sequence[Item],
        tokenizer: "PreTrainedTokenizerBase | Pieces",
        wording: str = "text",
        list_options: bool = False,
    ) -> Self:
        """Write all lines and options of these items.

        Parameters
        ----------
        items : with at least one answer each.
        wording : a name in `imputers.shared.wording.WORDINGS`: "text", "numbers", "codes" or "permuted".
        list_options : whether a stem names the options: "marital status (married / widowed):", "age (18 … 89):".

        Raises
        ------
        InputError
            If there is no such wording, two answers of an item read alike, or the tokenizer joins a stem and an option.
        """
        if wording not in WORDINGS:
            raise InputError(f"prompt: there is no wording {wording!r}; choose one of {list(WORDINGS)}")
        wordings = WORDINGS[wording](items)
        named = [choices(words, item) if list_options else () for words, item in zip(wordings, items, strict=True)]
        return cls.write(wordings, tokenizer, named)

    @classmethod
    def write(
        cls, wordings: Sequence[Wording], tokenizer: "PreTrainedTokenizerBase | Pieces", named: Sequence[Sequence[str]]
    ) -> Self:
        """Write all lines and options in these words.

        Parameters
        ----------
        wordings : one per item.
        named : per item, the options that its stem names, in this order; empty to name none.

        Raises
        ------
        InputError
            If two answers of an item read alike, or the tokenizer joins a stem and an option.
        """
        begin = () if tokenizer.bos_token_id is None else (tokenizer.bos_token_id,)
        lines: list[tuple[Tokens, ...]] = []
        stems: list[Tokens] = []
        options: list[tuple[Tokens, ...]] = []
        for words, choice in zip(wordings, named, strict=True):
            _check_distinct(words)
            stem = f"{words.question} ({' / '.join(choice)}):" if choice else f"{words.question}:"
            lines.append(_after("\n", [f"{words.question}: {answer}\n" for answer in words.answers], tokenizer))
            stems.extend(_after("\n", [stem], tokenizer))
            options.append(_after(f"\n{stem}", [f" {answer}\n" for answer in words.answers], tokenizer))
        opening = begin + _after("", [OPENING], tokenizer)[0]
        beginnings = tuple(map(_distinct_beginnings, options))
        return cls(tuple(wordings), opening, tuple(lines), tuple(stems), tuple(options), beginnings)

    def context(self, answers: Positions, order: Iterable[int], max_tokens: int | None = None) -> Tokens:
        """The opening and one line per known answer.

        Parameters
        ----------
        answers : answer number per item, -1 for a hole, shape (p,).
        order : items in the order of their lines; holes among them are passed over.
        max_tokens : a line that would make it longer is left out.
        """
        told = self.fitting(answers, order, max_tokens)
        return (*self.opening, *(token for j in told for token in self.lines[j][answers[j]]))

    def fitting(self, answers: Positions, order: Iterable[int], max_tokens: int | None = None) -> list[int]:
        """Items whose lines stand in a context of these, in their order; arguments as in `context`."""
        length, told = len(self.opening), []
        for j in order:
            line = self.lines[j][answers[j]] if answers[j] >= 0 else ()
            if line and (max_tokens is None or length + len(line) <= max_tokens):
                length += len(line)
                told.append(int(j))
        return told


@dataclass(frozen=True)
class Pieces:
    """Stands in for a tokenizer that is not here: up to eight letters with the space before them, a digit, or a sign.

    Counts about as many tokens as Llama 2's tokenizer does of the words of surveys, fewer of names and addresses.
    """

    number: dict[str, int] = field(default_factory=dict)
    bos_token_id: int = 0

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        """A number for each piece of a text, the same for equal pieces."""
        return [self.number.setdefault(piece, len(self.number) + 1) for piece in PIECE.findall(text)]

    def __call__(self, texts: Sequence[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        """The numbers of several texts."""
        return {"input_ids": [self.encode(text, add_special_tokens) for text in texts]}


def _after(before: str, texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase | Pieces") -> tuple[Tokens, ...]:
    """Tokens of each text where it follows ``before``."""
    start = tokenizer.encode(before, add_special_tokens=False)
    wholes = tokenizer([before + text for text in texts], add_special_tokens=False)["input_ids"]
    for text, whole in zip(texts, wholes, strict=True):
        if whole[: len(start)] != start:
            raise InputError(
                f"prompt: the tokenizer joins the end of {before!r} and the beginning of {text!r} in one token, "
                "so that options cannot be compared from there on; change the question's wording or take another model"
            )
    return tuple(tuple(whole[len(start) :]) for whole in wholes)


def _distinct_beginnings(options: tuple[Tokens, ...]) -> tuple[Tokens, ...]:
    """The shortest beginning of each option that no other has, of one token at least."""
    times = Counter(option[:length] for option in options for length in range(1, len(option) + 1))
    return tuple(
        next(option[:length] for length in range(1, len(option) + 1) if times[option[:length]] == 1)
        for option in options
    )


def _check_distinct(words: Wording) -> None:
    twice = sorted({answer for answer in words.answers if words.answers.count(answer) > 1})
    if twice:
        raise InputError(
            f"prompt: {twice[0]!r} stands for several answers of {words.question!r}; give each its own text"
        )
