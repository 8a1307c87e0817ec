"""Csv files: texts between separators, in the encodings and with the heads that survey programs give them."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd

from datasets.errors import InputError
from datasets.files.file_table import FileFacts, FileTable, unique_names
from datasets.files.missing import missing_among_numbers
from datasets.files.numbers import find_notation, needs_decimal

SEPARATORS = (",", ";", "\t", "|")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SMALL, MOST_PACKED = 2**26, 200  # bytes unpacked that are fine, and times that a table can shrink
CHUNK = 20_000
SAMPLE = 1_000
LONGEST_CELL = 10_000_000
IMPORT_ID = re.compile(r'\{"ImportId":.*\}')
SURVEYMONKEY = ("Response", "Open-Ended Response")


def read_csv(path: Path, ending: str, facts: FileFacts) -> FileTable:
    """Read a csv file as texts.

    Separator, encoding, decimal mark and rows of the head are found out where they are not stated. A file that is
    not in UTF-8 is read as Windows wrote it (cp1252), which is told, as are heads of more than one row and names that
    stand more than once.

    Raises
    ------
    InputError
        If it is no csv file: a row has more or fewer cells than the head, or quotes do not end.
    """
    text, encoding, told = _decoded(path, ending, facts.encoding)
    lines = io.StringIO(text, newline="")
    del text
    first = lines.readline()
    stated = re.fullmatch(r'"?sep=(.)"?\s*', first)  # Excel's own hint
    start = lines.tell() if stated else 0
    lines.seek(start)
    unquoted = re.sub(r'"[^"]*"', "", lines.readline())
    lines.seek(start)
    separator = facts.separator or (stated[1] if stated else _separator(unquoted, ending))
    head, columns = _columns(path, lines, separator)
    below, questions, said = _head(head, columns, facts.head_rows)
    columns = [column[len(below) :] for column in columns]
    names = unique_names(list(head))
    told = [*told, *said, *_told_names(head, names)]
    kept = [place for place, name in enumerate(head) if name.strip() or any(cell.strip() for cell in columns[place])]
    left = len(head) - len(kept)
    if left:
        told.append(
            f"{'an' if left == 1 else left} empty column{'s' * (left > 1)} without a name "
            f"{'is' if left == 1 else 'are'} left out"
        )
    decimal = facts.decimal or _decimal([columns[place] for place in kept], separator)
    cells = pd.DataFrame({names[place]: pd.Series(columns[place], dtype=object) for place in kept}, copy=False)
    if decimal == "," and not facts.decimal:
        told.append('numbers have a decimal comma; in [file], decimal = "." reads them otherwise')
    found = replace(facts, separator=separator, encoding=encoding, decimal=decimal, head_rows=len(below) + 1)
    return FileTable(
        cells,
        ending,
        tuple(head[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in below),
        {names[place]: question for place, question in questions.items()},
        facts=found,
        told=tuple(told),
    )


def _decoded(path: Path, ending: str, stated: str) -> tuple[str, str, list[str]]:
    """The text of a file, its encoding, and what was decided about it."""
    try:
        raw = _unpacked(path) if ending.endswith(".gz") else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); give a whole file") from None
    marked = next((encoding for mark, encoding in MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(stated or marked), stated or marked, []
    except LookupError:
        raise InputError(f"{path}: there is no encoding {stated!r}; utf-8, cp1252 and utf-16 are usual ones") from None
    except UnicodeDecodeError as error:
        if stated or marked != "utf-8":
            raise InputError(f"{path}: is not in {stated or marked} ({error}); state another encoding") from None
    try:
        text, encoding = raw.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        text, encoding = raw.decode("latin-1"), "latin-1"
    if "\0" in text:
        raise InputError(f"{path}: cannot be read as csv (it holds NUL); save it again as csv in UTF-8")
    return text, encoding, [f'it is not in UTF-8 and is read as {encoding}; in [file], encoding = "…" names another']


def _unpacked(path: Path) -> bytes:
    most = SMALL + MOST_PACKED * path.stat().st_size
    with gzip.open(path) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise InputError(f"{path}: unpacks to more than {most / 2**20:,.0f} MB, as no table does; give it unpacked")
    return raw


def _separator(head: str, ending: str) -> str:
    return "\t" if ending.startswith(".tsv") and "\t" in head else max(SEPARATORS, key=head.count)


def _columns(path: Path, lines: io.StringIO, separator: str) -> tuple[list[str], list[list[str]]]:
    """Names in the head, and the texts below, by column; equal texts are one object."""
    csv.field_size_limit(LONGEST_CELL)
    seen: dict[str, str] = {}
    try:
        reader = csv.reader(lines, delimiter=separator, strict=True)
        head = next(reader, [])
        width = len(head)
        columns: list[list[str]] = [[] for _ in head]
        while chunk := list(islice(reader, CHUNK)):
            start = len(columns[0]) if columns else 0
            rows = [row or [""] for row in chunk if row or width == 1]  # a blank line is a row only of a single column
            wrong = next(((i, len(row)) for i, row in enumerate(rows, start=start + 2) if len(row) != width), None)
            if wrong:
                raise InputError(f"{path}: row {wrong[0]} has {wrong[1]} cells, the head has {width}; mend it")
            for column, texts in zip(columns, zip(*rows, strict=True), strict=False):
                column.extend(map(seen.setdefault, texts, texts))
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as csv ({error}); save it again") from None
    return head, columns


def _head(
    head: Sequence[str], columns: Sequence[Sequence[str]], stated: int | None
) -> tuple[list[tuple[str, ...]], dict[int, str], list[str]]:
    """Rows of the head below the names, the wordings in them by place, and what is told of it."""
    rows = list(zip(*(column[:3] for column in columns), strict=True)) if columns else []
    qualtrics = len(rows) > 1 and any(IMPORT_ID.fullmatch(cell.strip()) for cell in rows[1])
    monkey = bool(rows) and not rows[0][0].strip() and any(cell in SURVEYMONKEY for cell in rows[0])
    count = stated - 1 if stated is not None else 2 if qualtrics else int(monkey)
    below = rows[:count] if count <= 3 else list(zip(*(column[:count] for column in columns), strict=True))
    if not below:
        return [], {}, []
    questions = {place: " ".join(cell.split()) for place, cell in enumerate(below[0]) if cell.strip()}
    if monkey and stated is None:
        questions = _surveymonkey(head, below[0])
    maker = "" if stated is not None else " of Qualtrics" if qualtrics else " of SurveyMonkey"
    last = f"rows 2 to {count + 1}" if count > 1 else "row 2"
    said = f"{last} belong{'s' if count == 1 else ''} to the head{maker}; in [file], head_rows = 1 takes it for answers"
    return below, questions, [said]


def _surveymonkey(head: Sequence[str], options: Sequence[str]) -> dict[int, str]:
    """The wording of a question stands above its first option only."""
    question, found = "", {}
    for place, (name, option) in enumerate(zip(head, options, strict=True)):
        question = name.strip() or question
        found[place] = question if not option.strip() or option in SURVEYMONKEY else f"{question}: {option.strip()}"
    return found


def _told_names(head: Sequence[str], names: Sequence[str]) -> list[str]:
    changed = [f"{new!r}" for old, new in zip(head, names, strict=True) if old.strip() and old != new]
    return [f"column names stand more than once; the later ones are called {', '.join(changed[:5])}"] if changed else []


def _decimal(columns: Iterable[Sequence[str]], separator: str) -> str:
    """The decimal mark of a file: a comma if some column can be read with no other.

    Between semicolons, where a comma is usual, it is enough that some column can be read with it if none needs a point.
    """
    comma = point = False
    for column in columns:
        texts = [text for text in dict.fromkeys(map(str.strip, column[:SAMPLE])) if text]
        marked = "".join(texts)
        if "," not in marked and (point or "." not in marked):
            continue
        gone = missing_among_numbers(texts)
        numbers = [text for text in texts if text not in gone]
        if needs_decimal(numbers, ","):
            return ","
        comma = comma or ("," in marked and find_notation(numbers, ",") is not None)
        point = point or needs_decimal(numbers, ".")
    return "," if separator == ";" and comma and not point else "."
