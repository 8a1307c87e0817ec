"""Variants: the same questions about the same people put in another way, to see what an answer hangs on."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from datasets.schema import Kind
from imputers.llm.prompts.script import Script
from imputers.shared.vocabulary import Item
from imputers.shared.wording import Wording, choices, opaque

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Variant(StrEnum):
    """A way to put the same questions about the same people.

    PARAPHRASE asks in another form of words. REVERSED_ORDER names the options of a question last to first, where
    they are listed at all. OPAQUE says "Q17: option 3" for question and answer. REVERSED_SCALE turns the labels of
    every ordinal item round, in the known answers as in the options: who said "agree" now says "disagree".
    """

    ORIGINAL = "original"
    PARAPHRASE = "paraphrase"
    REVERSED_ORDER = "reversed-order"
    OPAQUE = "opaque"
    REVERSED_SCALE = "reversed-scale"


def askable(wording: str, list_options: bool) -> tuple[Variant, ...]:
    """Variants that differ from the original, for a model that reads this wording.

    Parameters
    ----------
    wording : a name in `imputers.shared.wording.WORDINGS`.
    list_options : whether a question names its options.
    """
    found = [Variant.PARAPHRASE]
    if list_options:
        found.append(Variant.REVERSED_ORDER)
    if wording != "codes":
        found.append(Variant.OPAQUE)
    if wording == "text":  # elsewhere labels do not say where on the scale they are, or say so by their number
        found.append(Variant.REVERSED_SCALE)
    return tuple(found)


def put(variant: Variant, wordings: Sequence[Wording], items: Sequence[Item]) -> tuple[Wording, ...]:
    """Words of each item under a variant; answer k stays the k-th, whatever it is called.

    Parameters
    ----------
    wordings : of the original, one per item.
    """
    match variant:
        case Variant.PARAPHRASE:  # with the colon of every line: 'Answer to "marital status": married'
            return tuple(Wording(f'Answer to "{words.question}"', words.answers) for words in wordings)
        case Variant.OPAQUE:
            return opaque(items)
        case Variant.REVERSED_SCALE:
            return tuple(
                Wording(words.question, words.answers[::-1] if item.column.kind is Kind.ORDINAL else words.answers)
                for words, item in zip(wordings, items, strict=True)
            )
        case _:
            return tuple(wordings)


def listed(variant: Variant, wordings: Sequence[Wording], items: Sequence[Item]) -> tuple[tuple[str, ...], ...]:
    """Options of each item in the order in which a question names them, if it does.

    They stand first to last as in the original, also where the scale is turned round, so that one thing changes at a
    time; only the reversed order names them last to first.
    """
    told = wordings if variant is Variant.REVERSED_SCALE else put(variant, wordings, items)
    step = -1 if variant is Variant.REVERSED_ORDER else 1
    return tuple(
        choices(replace(words, answers=words.answers[::step]), item) for words, item in zip(told, items, strict=True)
    )


def retell(
    variant: Variant, script: Script, items: Sequence[Item], tokenizer: "PreTrainedTokenizerBase", list_options: bool
) -> Script:
    """Write the script of the original anew under a variant, with options listed if they were listed there.

    Raises
    ------
    InputError
        As `Script.write` does.
    """
    if variant is Variant.ORIGINAL:
        return script
    named = listed(variant, script.wordings, items) if list_options else ((),) * len(items)
    return Script.write(put(variant, script.wordings, items), tokenizer, named)
