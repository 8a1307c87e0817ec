"""Numbers as people write them: decimal commas, thousands marks, currencies, per cents and open ends."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from datasets.schema import Floats

THOUSANDS = (",", ".", " ", "'", "\u00a0", "\u202f", "’")
CURRENCIES = ("$", "€", "£", "¥", "US$", "USD", "EUR", "GBP", "CHF", "kr")
OPEN_END = re.compile(
    r"(?P<low>less than|under|below|up to|at most|<=?|≤)?\s*(?P<number>\S+?)\s*"
    r"(?P<high>\+|(years?\s+)?(or|and|&)\s+(older|over|more|above|up|higher|greater)|plus)?"
    r"(?P<under>\s*(or|and)\s+(younger|under|less|fewer|below|lower))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Notation:
    """How a column writes its numbers.

    Parameters
    ----------
    decimal : "." or ",".
    thousands : mark between groups of three digits, "" for none.
    before, after : what stands before and after the number, e.g. "$" or " %".
    """

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""

    @property
    def plain(self) -> bool:
        """Tell whether numbers are written as computers do."""
        return self == Notation()

    def matches(self, text: str) -> bool:
        """Tell whether a stripped text is a number in this notation."""
        return _one(self).fullmatch(text) is not None

    def matches_all(self, texts: Sequence[str]) -> bool:
        """Tell whether stripped texts are all numbers in this notation; they are looked at in one go."""
        joined = "\n".join(texts)
        return joined.count("\n") == len(texts) - 1 and _several(self).fullmatch(joined + "\n") is not None

    def values(self, texts: Sequence[str]) -> list[float]:
        """The numbers that stripped texts are, all of them in this notation."""
        if self.plain:
            return [float(text.replace("−", "-")) for text in texts]
        return [self.value(text) for text in texts]

    def most_decimals(self, texts: Sequence[str]) -> int:
        """Digits after the point, at most, of stripped texts that are numbers in this notation."""
        return max(map(len, re.findall(rf"{re.escape(self.decimal)}(\d*)", "\n".join(texts))), default=0)

    def value(self, text: str) -> float:
        """The number that a stripped text is."""
        found = _one(self).fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no number")
        digits = found["number"].replace(self.thousands, "") if self.thousands else found["number"]
        return float((found["sign"] + digits).replace(self.decimal, ".").replace("−", "-"))

    def write(self, number: str) -> str:
        """A number as computers write it, e.g. "-1234.5", in this notation."""
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        whole, point, rest = digits.partition(".")
        if self.thousands and whole.isdigit():
            whole = f"{int(whole):,}".replace(",", self.thousands)
        return f"{sign}{self.before}{whole}{self.decimal if point else ''}{rest}{self.after}"


def _number(notation: Notation) -> str:
    """A number as a pattern; zeros in front make no number but a name: "007"."""
    mark, point = re.escape(notation.thousands), re.escape(notation.decimal)
    whole = rf"0|[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d*" if mark else r"0|[1-9]\d*"
    return rf"(?:(?:{whole})(?:{point}\d*)?|{point}\d+|inf(?:inity)?)(?:e[+-]?\d+)?"


@lru_cache(maxsize=512)
def _one(notation: Notation) -> re.Pattern[str]:
    before, after = re.escape(notation.before), re.escape(notation.after)
    signed = rf"(?P<sign>[+\-−]?){before}(?P<number>[+\-−]?{_number(notation)}){after}"
    return re.compile(signed, re.IGNORECASE)


@lru_cache(maxsize=512)
def _several(notation: Notation) -> re.Pattern[str]:
    """Numbers, each with the end of a line behind it; a number that fits is not tried in another way."""
    before, after = re.escape(notation.before), re.escape(notation.after)
    return re.compile(rf"(?>[+\-−]?{before}[+\-−]?{_number(notation)}{after}\n)*+", re.IGNORECASE)


def find_notation(texts: Sequence[str], decimal: str = ".", thousands: str | None = None) -> Notation | None:
    """The notation in which all texts are numbers; None if there is none.

    Parameters
    ----------
    texts : different texts, stripped, none blank.
    decimal : decimal mark of the file. A column may have the other one only if it cannot be the file's thousands mark.
    thousands : thousands mark, if it is known; "" for none.
    """
    if not texts or (texts[0].isalpha() and not texts[0].lower().startswith("inf")):
        return None
    return next((notation for notation in _notations(texts, decimal, thousands) if notation.matches_all(texts)), None)


def _notations(texts: Sequence[str], decimal: str, thousands: str | None) -> Iterator[Notation]:
    """Notations to be tried, the likeliest first."""
    other = "," if decimal == "." else "."
    for before, after in _surroundings(texts):
        yield Notation(decimal, "", before, after)
        for mark in THOUSANDS if thousands is None else [thousands]:
            if mark and (mark != decimal or thousands is not None):
                yield Notation(decimal, mark, before, after)
        yield Notation(other, "", before, after)
        for mark in THOUSANDS if thousands is None else ():
            if mark != other:
                yield Notation(other, mark, before, after)


def needs_decimal(texts: Sequence[str], decimal: str) -> bool:
    """Tell whether the numbers of a column can only be read with this decimal mark: "9545,96" by ",", not "1,234"."""
    other = "," if decimal == "." else "."
    return (
        any(decimal in text for text in texts)
        and find_notation(texts) is not None
        and not any(
            Notation(other, mark, before, after).matches_all(texts)
            for before, after in _surroundings(texts)
            for mark in ("", decimal, " ", "'")
        )
    )


def open_ends(texts: Sequence[str], decimal: str = ".") -> dict[str, float] | None:
    """Texts that mark the open ends of a column of numbers, with their numbers: {"89 or older": 89.0}.

    There are one or two of them, each beyond all numbers of the column or equal to the last; None if other texts are
    left, or fewer than two numbers.

    Examples
    --------
    >>> open_ends(["18", "19", "54", "89 or older"])
    {'89 or older': 89.0}
    >>> open_ends(["18-24", "25-34", "35 or older"]) is None
    True
    """
    plain = Notation(decimal)
    numbers = [plain.value(text) for text in texts if plain.matches(text)]
    rest = [text for text in texts if not plain.matches(text)]
    if len(numbers) < 2 or not 1 <= len(rest) <= 2:
        return None
    found = {}
    for text in rest:
        match = OPEN_END.fullmatch(text)
        if match is None or not plain.matches(match["number"]):
            return None
        value, top = plain.value(match["number"]), bool(match["high"])
        bottom = bool(match["low"] or match["under"])
        if top == bottom or (top and value < max(numbers)) or (bottom and value > min(numbers)):
            return None
        found[text] = value
    return found if len(set(found.values())) == len(found) else None


def decimals_of(values: Floats) -> int | None:
    """Digits after the point that write every value exactly; None if six do not."""
    return next((digits for digits in range(7) if np.allclose(values, np.round(values, digits), 0, 1e-12)), None)


def _surroundings(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What stands before and after every number: nothing, a currency or a per cent sign."""
    yield "", ""
    for before in CURRENCIES:
        for gap in (" ", ""):
            if all(text.lstrip("+-−").startswith(before + gap) for text in texts):
                yield before + gap, ""
                return
    for after in ("%", *CURRENCIES):
        for gap in (" ", "\u00a0", ""):
            if all(text.endswith(gap + after) for text in texts):
                yield "", gap + after
                return
