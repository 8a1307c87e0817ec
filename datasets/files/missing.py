"""Missing values: which texts, labels and codes mean that there is no answer, and why."""

import re
from collections.abc import Iterable, Mapping

from datasets.table import Reason

SURE_TEXTS = (
    "n/a",
    "N/A",
    "#N/A",
    "nan",
    "NaN",
    "NAN",
    "null",
    "NULL",
    "<NA>",
    "<na>",
    "#NULL!",
    "#NA",
    "N.A.",
    "n.a.",
    "NULL()",
    "\\N",
    "#N/A N/A",
    "-nan",
    "-NaN",
    "1.#IND",
    "-1.#IND",
    "1.#QNAN",
    "-1.#QNAN",
    *(f"#{error}" for error in ("DIV/0!", "VALUE!", "REF!", "NAME?", "NUM!")),  # of spreadsheets
)
AMONG_NUMBERS = (
    "NA",
    "na",
    "None",
    "NaT",
    "Na",
    "nil",
    "undefined",
    "NR",
    "nr",
    "ND",
    "nd",
    "UNK",
    "unk",
    *(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
)
PUNCTUATION = (".", "..", "?", "??", "-", "--", "---", "–", "—", "*", "…", "#")
AS_MISSING = frozenset((*SURE_TEXTS, *AMONG_NUMBERS, *PUNCTUATION))  # where the rest are numbers
LETTER = re.compile(r"[^\W\d_]")
LEADING_CODE = (  # of "1. White", "(1) White", "1 - rich", "1 White", "-9 refused", not of "3 rooms"
    r"\s*[\[(]?(?P<code>[+-]?\d+(?:\.\d+)?)"
    r"(?:[\])]?\s*[.):=](?!\d)\s*|[\])]\s*|\s+[-–]\s+|\s+(?=[A-ZÀ-Þ])|(?<=-\d)\s+)(?=\S)"
)
WORDS = {
    Reason.NOT_ASKED: (
        r"inapplicable.*|inap\.?|iap|not applicable.*|does(n'?t| not) apply.*|n/?\.?a\.?|(question |item )?not asked.*"
        r"|(not in|out of) universe.*|niu|(legitimate|logical|valid) skip.*|question does not apply.*|not eligible.*"
        r"|no (pre|post)[- ]?(election)?[- ]?(interview|iw|data).*|no (interview|follow-?up).*"
        r"|not (in|part of) .*sample.*"
        r"|trifft nicht zu|nicht (zutreffend|gefragt)|sans objet|non concerné.*|no (procede|corresponde|aplica)"
    ),
    Reason.DONT_KNOW: (
        r"(i )?(don'?t|do not|dont|doesn'?t|does not) know|dk|(can'?t|cannot|can not|can`t) (say|choose|tell)"
        r"|wei(ß|ss) (es )?nicht|kann ich nicht sagen|ne sait pas|nsp|no sabe|ns(/nc)?"
    ),
    Reason.REFUSED: (
        r"refus(ed|al|es)( (to )?(answer|say|respond|state|disclose))?|rf"
        r"|prefer(s|red)? not to (say|answer|respond|state|disclose)"
        r"|declined?( to .*)?|(would )?rather not (say|answer)|(antwort )?verweigert|refus(e de répondre)?|rehúsa"
    ),
    Reason.SKIPPED: r"skip(ped)?( .*)?|web skip.*|break-?off.*|interview (break-?off|terminated).*",
    Reason.NO_ANSWER: (
        r"no (answer|response|reply).*|not answered|non-?response|(left )?blank|unanswered"
        r"|not (ascertained|stated|specified|reported)|keine (angaben?|antwort)|k\.? ?a|sans réponse|non[- ]réponse"
        r"|no contesta|nc|sin respuesta"
    ),
    Reason.NOT_AVAILABLE: (
        r"(data )?not available.*|unavailable|no data|missing( (data|values?|answer|system|information).*)?"
        r"|(system|user)[- ]missing|(data |coding |interviewer |technical |processing )?"
        r"errors?( (code|in|of (data|coding|entry|measurement))\b.*)?"
        r"|uncod(e?able|ed)|residue|fehlend(er wert)?|valeur manquante|manquant|perdido"
        r"|insufficient partial.*|suppressed|deleted.*|restricted( .*)?|not released"
    ),
    Reason.UNKNOWN: r"unknown|not known|undetermined|unable to determine|implausible( value)?",
}
_REASONS = {reason: re.compile(pattern) for reason, pattern in WORDS.items()}
_PARTS = re.compile(r"\s*(?:[/;,:(\[]|\bor\b|\s[-–]\s)\s*")
_CODE = re.compile(LEADING_CODE)
_OPINION = re.compile(  # "don't know, no way to find out" is what agnostics answer
    r"(i )?(don'?t|do not|dont) know, (?!not (sure|certain)|undecided|no (opinion|idea)|can'?t )(?P<rest>.+)"
)


def without_code(label: str, code: float | None = None) -> str:
    """A label without the number in front: ``"-9. Refused"`` is ``"Refused"``.

    Parameters
    ----------
    label : text of an answer.
    code : its code; given, only this very number is taken off, so that "2 rooms" with code 5 stays.

    Examples
    --------
    >>> without_code("1. White"), without_code("(2) Black", 2.0), without_code("3 rooms", 5.0)
    ('White', 'Black', '3 rooms')
    """
    found = _CODE.match(label)
    if found is None or (code is not None and float(found["code"]) != code):
        return label
    return label[found.end() :]


def worded_reason(label: str) -> Reason | None:
    """Why an answer is missing, if its text says so; None if it reads like an answer.

    Examples
    --------
    >>> worded_reason("-9. Refused"), worded_reason("Don't know / can't say"), worded_reason("Not at all")
    (<Reason.REFUSED: 5>, <Reason.DONT_KNOW: 2>, None)
    """
    if LETTER.search(label) is None:  # numbers, which are most texts of most files
        return None
    text = without_code(label).strip().lower().replace("’", "'").strip(" .*()[]<>\"'")
    if text in ("n/a", "dk/na", "dk/rf", "dk/ref", "na/dk"):
        return Reason.NOT_ASKED if text == "n/a" else Reason.DONT_KNOW
    opinion = _OPINION.fullmatch(text)
    if opinion and worded_reason(opinion["rest"]) is None:
        return None
    parts = [part for part in _PARTS.split(text, maxsplit=1) if part]
    for part in (text, *parts[:1]):
        for reason, pattern in _REASONS.items():
            if pattern.fullmatch(part.strip(" .")):
                return reason
    return None


def missing_labels(labels: Mapping[float, str]) -> dict[float, Reason]:
    """Codes whose labels read like a reason for a missing value.

    There are none if fewer than two answers would be left and the reasons are the answers, as in a question why
    somebody took no part.
    """
    found = {code: reason for code, text in labels.items() if (reason := worded_reason(text)) is not None}
    return {} if len(found) > 1 and len(labels) - len(found) < 2 else found


def missing_texts(texts: Iterable[str]) -> dict[str, Reason]:
    """Texts of a column of texts that stand for a missing value; the texts are stripped and not blank.

    "NA" is one unless other answers are two capital letters too (NA is Namibia's code); a lone sign such as "?" is one
    unless another answer is a lone sign too; so are texts that read like a reason (`worded_reason`).
    """
    answers = list(texts)
    found = {text: Reason.UNKNOWN for text in answers if text in SURE_TEXTS}
    others = [text for text in answers if text not in found and text not in ("NA", *PUNCTUATION)]
    if "NA" in answers and not any(re.fullmatch(r"[A-Z]{2}", text) for text in others):
        found["NA"] = Reason.UNKNOWN
    if not any(not any(map(str.isalnum, text)) for text in others):
        found |= {text: Reason.UNKNOWN for text in answers if text in PUNCTUATION}
    worded = {text: reason for text in others if (reason := worded_reason(text)) is not None}
    return found if len(others) - len(worded) < 2 <= len(worded) else found | worded


def missing_among_numbers(texts: Iterable[str]) -> dict[str, Reason]:
    """Texts that stand for a missing value where the rest of a column is numbers; stripped and not blank."""
    found = {}
    for text in texts:
        if text in AS_MISSING:
            found[text] = Reason.UNKNOWN
        elif (reason := worded_reason(text)) is not None:
            found[text] = reason
    return found


def reason_named(words: str) -> Reason:
    """The reason that a schema file states in words, e.g. "refused"; unknown if the words are not known."""
    named = words.strip().lower()
    by_name = {reason.name.lower().replace("_", " "): reason for reason in Reason if reason is not Reason.OBSERVED}
    by_name["don't know"] = Reason.DONT_KNOW
    return by_name.get(named) or worded_reason(words) or Reason.UNKNOWN


def title(reason: Reason) -> str:
    """Say a reason as a heading, e.g. "not asked"."""
    return "don't know" if reason is Reason.DONT_KNOW else reason.name.replace("_", " ").lower()
