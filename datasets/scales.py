"""Scale words: telling from the texts of its answers whether a question has an order."""

import re
from collections.abc import Sequence

SCALE_WORDS = re.compile(
    r"\b("
    r"strongly|somewhat|slightly|very|extremely|fairly|quite|moderate(ly)?|complete(ly)?|total(ly)?|mostly|partly|hardly"
    r"|(dis)?agree|neither|neutral|(dis)?satisfied|(un)?happy|(un)?likely|(un)?important|favor|oppose|support|against"
    r"|always|often|frequently|sometimes|occasionally|seldom|rarely|never|usually|once|twice|times"
    r"|excellent|good|fair|poor|bad|better|worse|best|worst|same|more|less|most|least|much|little|lot|some|none|few|many"
    r"|enough|too|great|high(er|est)?|low(er|est)?|average|above|below|middle|upper|increased?|decreased?|reduced?"
    r"|conservative|liberal|definitely|probably|certainly|daily|weekly|monthly|yearly|days?|weeks?|months?|years?"
    r"|under|over|older|younger"
    r")\b"
)
OFF_SCALE = re.compile(
    r"don'?t know|can'?t (say|choose)|cannot choose|no answer|refused|no opinion|not applicable|inapplicable"
    r"|^other\b|volunteered"
)
NUMBER = re.compile(r"\d[\d,]*\.?\d*")


def reads_like_scale(texts: Sequence[str]) -> bool:
    """Tell whether answer texts, in the order of their codes, form a scale.

    They do if every text holds a number and the numbers rise or fall ("$1,000 to $2,999"), or if at
    least two thirds of them hold a word of degree, frequency or agreement (`SCALE_WORDS`). A text that
    has no place between the others ("don't know", "other") speaks against it. When in doubt the answer
    is no: a scale taken for categories loses power, categories taken for a scale give false results.

    Examples
    --------
    >>> reads_like_scale(["strongly agree", "agree", "disagree", "strongly disagree"])
    True
    >>> reads_like_scale(["protestant", "catholic", "none", "other"])
    False
    >>> reads_like_scale(["under $1,000", "$1,000 to $2,999", "$3,000 or over"])
    True
    """
    lower = [text.lower() for text in texts]
    if any(OFF_SCALE.search(text) for text in lower):
        return False
    numbers = [first_number(text) for text in lower]
    known = [number for number in numbers if number is not None]
    if len(known) == len(texts) and (known == sorted(known) or known == sorted(known, reverse=True)):
        return True
    return sum(bool(SCALE_WORDS.search(text)) for text in lower) >= 2 / 3 * len(texts)


def first_number(text: str) -> float | None:
    """First number in a text, or None; "under 1,000" and "8 or more" give 1000 and 8."""
    found = NUMBER.search(text)
    return float(found.group().rstrip(".").replace(",", "")) if found else None
