"""Scale words: telling from the texts of its answers whether a question has an order."""

import re
from collections.abc import Iterable, Mapping, Sequence

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
    r"|does not apply|did not|depends|no children|^other\b|\(vol"
)
KNOWN_ORDERS = (  # lowest first; a bar parts words that stand in the same place
    "strongly disagree, disagree, somewhat disagree, slightly disagree, neither agree nor disagree|neutral|neither, "
    "slightly agree, somewhat agree, agree, strongly agree",
    "very dissatisfied, dissatisfied, somewhat dissatisfied, neither satisfied nor dissatisfied|neutral|neither, "
    "somewhat satisfied, satisfied, very satisfied",
    "never, almost never, rarely|seldom|hardly ever, sometimes|occasionally, often|frequently, very often, always",
    "very poor|very bad, poor|bad, fair|average|ok, good, very good, excellent",
    "very low, low, medium|moderate|middle|average, high, very high",
    "very unlikely, unlikely, somewhat unlikely, neutral|neither, somewhat likely, likely, very likely",
    "not at all, slightly|a little|not very, somewhat|moderately, very|quite a bit|a lot, extremely",
    "very small, small, medium, large|big, very large|very big",
)
COUNTED = re.compile(r"\s*[\[(]?(?P<number>-?\d+)(?:[\])]?\s*[.):=]|\s+[-–])\s*(?=[^\W\d])")
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


def names_its_ends(labels: Mapping[float, str]) -> bool:
    """Tell whether labels, codes ascending, name the ends of a scale, and most codes between them have no words.

    Examples
    --------
    >>> names_its_ends({1: "rich", 2: "2", 3: "3", 4: "poor"})
    True
    """
    bare = [text.strip() == f"{code:.15g}" for code, text in labels.items()]
    between = bare[1:-1]
    worded = bool(between) and not bare[0] and not bare[-1]
    return (
        worded and 2 * sum(between) >= len(between) and not any(map(OFF_SCALE.search, map(str.lower, labels.values())))
    )


def known_order(texts: Iterable[str]) -> list[str] | None:
    """Order answer texts that come without codes, lowest first; None if no order is known.

    Known are the scales of `KNOWN_ORDERS` and texts that all hold different first numbers ("18-24",
    "25-34"; but "007" is a name made of digits), with at least three answers. Numbers that only count the answers
    ("1. White", "2. Black") give an order if the words behind them do. An order that is not known is not guessed.

    Examples
    --------
    >>> known_order(["Often", "Never", "Sometimes"])
    ['Never', 'Sometimes', 'Often']
    >>> known_order(["red", "green", "blue"]) is None
    True
    """
    answers = sorted(texts)
    if len(answers) < 3:
        return None
    for scale in KNOWN_ORDERS:
        place = {word: i for i, words in enumerate(scale.split(", ")) for word in words.split("|")}
        found = {text: place.get(text.strip().lower()) for text in answers}
        if None not in found.values() and len(set(found.values())) == len(answers):
            return sorted(answers, key=lambda text: found[text] or 0)
    counted = {text: match for text in answers if (match := COUNTED.match(text))}
    if len(counted) == len(answers):
        answers.sort(key=lambda text: float(counted[text]["number"]))
        return answers if reads_like_scale([text[counted[text].end() :] for text in answers]) else None
    numbers = {text: first_number(text) for text in answers}
    if None in numbers.values() or any(text.isdigit() for text in answers) or len(set(numbers.values())) < len(answers):
        return None
    return sorted(answers, key=lambda text: numbers[text] or 0.0)


def first_number(text: str) -> float | None:
    """First number in a text, or None; "under 1,000" and "8 or more" give 1000 and 8."""
    found = NUMBER.search(text)
    return float(found.group().rstrip(".").replace(",", "")) if found else None
