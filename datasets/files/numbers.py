"""Numbers as people write them: decimal commas, thousands marks, currencies, per cents and open ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Zeros in front make no number but a name: "007"."""
        mark, point = re.escape(self.thousands), re.escape(self.decimal)
        whole = rf"0|[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d*" if mark else r"0|[1-9]\d*"
        number = rf"(?:(?:{whole})(?:{point}(?P<decimals>\d*))?|{point}(?P<bare>\d+)|inf(?:inity)?)(?:e[+-]?\d+)?"
        before, after = re.escape(self.before), re.escape(self.after)
        return re.compile(rf"(?P<sign>[+\-−]?){before}(?P<number>[+\-−]?{number}){after}", re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Tell whether a stripped text is a number in this notation."""
        return self._pattern.fullmatch(text) is not None

    def value(self, text: str) -> float:
        """The number that a stripped text is."""
        found = self._pattern.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no number")
        digits = found["number"].replace(self.thousands, "") if self.thousands else found["number"]
        return float((found["sign"] + digits).replace(self.decimal, ".").replace("−", "-"))

    def decimals(self, text: str) -> int:
        """Digits after the point of a stripped text."""
        found = self._pattern.fullmatch(text)
        return len((found["decimals"] or found["bare"] or "") if found else "")

    def write(self, number: str) -> str:
        """A number as computers write it, e.g. "-1234.5", in this notation."""
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        whole, point, rest = digits.partition(".")
        if self.thousands and whole.isdigit():
            whole = f"{int(whole):,}".replace(",", self.thousands)
        return f"{sign}{self.before}{whole}{self.decimal if point else ''}{rest}{self.after}"


def find_notation(texts: Sequence[str], decimal: str = ".", thousands: str | None = None) -> Notation | None:
    """The notation in which all texts are numbers; None if there is none.

    Parameters
    ----------
    texts : different texts, stripped, none blank.
    decimal : decimal mark of the file. A column may have the other one only if it cannot be the file's thousands mark.
    thousands : thousands mark, if it is known; "" for none.
    """
    if not texts:
        return None
    other = "," if decimal == "." else "."
    for before, after in _surroundings(texts):
        marks = [mark for mark in THOUSANDS if mark != decimal] if thousands is None else [thousands]
        tries = [Notation(decimal, "", before, after)]
        tries += [Notation(decimal, mark, before, after) for mark in marks if mark]
        tries += [Notation(other, "", before, after)]
        tries += [Notation(other, mark, before, after) for mark in THOUSANDS if mark != other and thousands is None]
        for notation in tries:
            if all(map(notation.matches, texts)):
                return notation
    return None


def needs_decimal_comma(texts: Sequence[str]) -> bool:
    """Tell whether the numbers of a column can only be read with a decimal comma: "9545,96", not "1,234"."""
    comma = any("," in text for text in texts)
    return (
        comma
        and find_notation(texts) is not None
        and not any(
            all(map(Notation(".", mark, before, after).matches, texts))
            for before, after in _surroundings(texts)
            for mark in ("", ",", " ", "'")
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


def _surroundings(texts: Sequence[str]) -> list[tuple[str, str]]:
    """What stands before and after every number: nothing, a currency or a per cent sign."""
    found = [("", "")]
    for before in CURRENCIES:
        for gap in (" ", ""):
            if all(text.lstrip("+-−").startswith(before + gap) for text in texts):
                return [*found, (before + gap, "")]
    for after in ("%", *CURRENCIES):
        for gap in (" ", "\u00a0", ""):
            if all(text.endswith(gap + after) for text in texts):
                return [*found, ("", gap + after)]
    return found
