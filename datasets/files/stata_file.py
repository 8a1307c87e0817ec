"""Writing Stata files, with the missing letters, formats and notes that pandas leaves out."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

LONGEST_LABEL = 80
LONGEST_TEXT = 2045  # bytes; longer ones are stored apart
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WHOLE = {"int8": (-127, 100), "int16": (-32767, 32740), "int32": (-2147483647, 2147483620)}
FIRST_LETTER = {  # the code of .a, the step to the next letter, and how it is stored, by type code of dta 118
    65530: (102, 1, "i1"),
    65529: (32742, 1, "<i2"),
    65528: (2147483622, 1, "<i4"),
    65527: (0x7F000800, 0x800, "<u4"),
    65526: (0x7FE0010000000000, 0x10000000000, "<u8"),
}
CHARACTERISTICS, DATA, VALUE_LABELS = 8, 9, 11  # places in the map of a dta file
NAMES, FORMATS, LABEL_NAMES = (3, b"<varnames>"), (5, b"<formats>"), (6, b"<value_label_names>")


@dataclass(frozen=True)
class StataFacts:
    """What a Stata file says beside its cells.

    Parameters
    ----------
    labels : column name to the label of each code or letter.
    questions : column name to its label.
    storage : column name to its type in the file that the table comes from; a column is stored no smaller.
    formats : column name to its display format.
    sets : column name to the name of its set of labels; columns of one set have the same labels.
    title, remarks : label and notes of the file.
    """

    labels: Mapping[str, Mapping[float | str, str]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    storage: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    remarks: tuple[str, ...] = ()


def write_stata(cells: pd.DataFrame, path: Path, facts: StataFacts) -> None:
    """Write a table as Stata 14 and later read it.

    pandas writes what it can; letters .a to .z, display formats and notes are put into its file, since neither pandas
    nor pyreadstat writes them together with the types byte, int and float.

    Parameters
    ----------
    cells : numbers, texts, dates, or numbers beside missing letters "a" to "z".
    """
    stored, letters, dates = {}, {}, {}
    for name in cells:
        series = cells[name]
        if types.is_datetime64_any_dtype(series.dtype):
            stored[name], dates[name] = series.astype("datetime64[ns]"), _date_format(series)
        elif (name in facts.storage and facts.storage[name] != "string") or types.is_numeric_dtype(series.dtype):
            marked = _letters(series)
            letters[name] = marked
            stored[name] = _narrow(pd.to_numeric(series.mask(marked >= 0), errors="coerce"), facts.storage.get(name))
        else:
            stored[name] = series.map(str, na_action="ignore").fillna("").astype(object)
    names = list(stored)
    sets = {name: facts.sets.get(name) or name for name in facts.labels if name in stored}
    firsts: dict[str, str] = {}  # a set is written once
    for name, label_set in sets.items():
        firsts.setdefault(label_set, name)
    labels = _value_labels({name: facts.labels[name] for name in firsts.values()}, stored)
    place = {name: f"v{j}" for j, name in enumerate(names)}  # pandas would rename what it takes for reserved
    table = pd.DataFrame(stored, index=range(len(cells))).rename(columns=place)
    texts = [name for name in table if table[name].dtype == object]
    long = [name for name in texts if table[name].map(lambda text: len(text.encode())).max() > LONGEST_TEXT]
    table.to_stata(
        path,
        write_index=False,
        version=118,
        variable_labels={place[name]: text[:LONGEST_LABEL] for name, text in facts.questions.items() if name in place},
        value_labels={place[name]: by_code for name, by_code in labels.items()},
        data_label=facts.title[:LONGEST_LABEL],
        convert_strl=long,
        convert_dates={place[name]: form for name, form in dates.items()},
    )
    content = bytearray(path.read_bytes())
    _put_letters(content, list(letters.values()), [names.index(name) for name in letters], len(table))
    _put(content, FORMATS, 57, [facts.formats.get(name, "") if name in letters else "" for name in names])
    _put(content, NAMES, 129, names)
    _name_sets(content, [sets.get(name, "") if sets.get(name) in _written(labels, sets) else "" for name in names])
    path.write_bytes(_with_notes(bytes(content), facts.remarks))


def _date_format(series: pd.Series) -> str:
    known = series.dropna()
    return "td" if (known == known.dt.normalize()).all() else "tc"


def _letters(series: pd.Series) -> NDArray[np.int8]:
    """Place of the missing letter of each cell in the alphabet, -1 for none, shape (n,)."""
    if series.dtype != object:
        return np.full(len(series), -1, dtype=np.int8)
    return series.map(lambda cell: LETTERS.find(cell) if isinstance(cell, str) and len(cell) == 1 else -1).to_numpy(
        "i1"
    )


def _narrow(numbers: pd.Series, stored: str | None) -> pd.Series:
    """The smallest type that holds all numbers exactly, and is no smaller than the one they were stored in."""
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    if stored != "double" and stored != "float" and (known == np.round(known)).all():
        order = list(WHOLE)
        for name in order[order.index(stored) if stored in order else 0 :]:
            if WHOLE[name][0] <= low and high <= WHOLE[name][1]:
                return pd.Series(
                    pd.array(values, dtype=name.capitalize()) if len(known) else values, dtype=name.capitalize()
                )
    if (
        stored == "float"
        and (known == known.astype(np.float32)).all()
        and (not len(known) or np.abs(known).max() < 1.7e38)
    ):
        return pd.Series(values.astype(np.float32))
    return pd.Series(values)


def _value_labels(
    labels: Mapping[str, Mapping[float | str, str]], stored: Mapping[str, pd.Series]
) -> dict[str, dict[float, str]]:
    """Labels with letters as the whole numbers that stand for them; a code that is not whole can have none."""
    found: dict[str, dict[float, str]] = {}
    for name, by_code in labels.items():
        if not types.is_numeric_dtype(stored[name].dtype):
            continue
        numbers = {code: text for code, text in by_code.items() if not isinstance(code, str) and code == round(code)}
        letters = {
            FIRST_LETTER[65528][0] + LETTERS.index(str(c)): text for c, text in by_code.items() if c in [*LETTERS]
        }
        coded = {int(code): text for code, text in (numbers | letters).items() if abs(code) < 2**31}
        if coded:
            found[name] = {float(code): text for code, text in coded.items()}
    return found


def _map(content: bytes | bytearray) -> tuple[int, list[int]]:
    """Where the map of a dta file is, and the 14 positions in it."""
    start = content.index(b"<map>") + len(b"<map>")
    return start, list(struct.unpack_from("<14Q", content, start))


def _put_letters(content: bytearray, letters: list[NDArray[np.int8]], places: list[int], n: int) -> None:
    """Put the codes of missing letters over the cells that pandas wrote as blank."""
    _, positions = _map(content)
    start = positions[2] + len(b"<variable_types>")
    codes = np.frombuffer(
        content, "<u2", (positions[3] - positions[2] - len(b"<variable_types></variable_types>")) // 2, start
    )
    widths = [FIRST_LETTER[code][2] if code in FIRST_LETTER else f"V{8 if code == 32768 else code}" for code in codes]
    layout = np.dtype([(f"c{j}", width) for j, width in enumerate(widths)])
    rows: NDArray = np.ndarray(n, layout, content, positions[DATA] + len(b"<data>"))
    for marked, j in zip(letters, places, strict=True):
        if (marked >= 0).any():
            first, step, _ = FIRST_LETTER[int(codes[j])]
            rows[f"c{j}"][marked >= 0] = first + step * marked[marked >= 0].astype(np.int64)


def _put(content: bytearray, section: tuple[int, bytes], width: int, texts: list[str]) -> None:
    """Put texts, one a column, into a section of texts of one width; an empty one leaves what is there."""
    start = _map(content)[1][section[0]] + len(section[1])
    for j, text in enumerate(texts):
        if text:
            struct.pack_into(f"{width}s", content, start + width * j, text.encode()[: width - 1])


def _written(labels: Mapping[str, object], sets: Mapping[str, str]) -> set[str]:
    """Names of the sets of labels that are written."""
    return {sets[name] for name in labels}


def _name_sets(content: bytearray, sets: list[str]) -> None:
    """Give sets of labels their names, and every column its set."""
    own = {f"v{j}": name for j, name in enumerate(sets)}
    _put(content, LABEL_NAMES, 129, sets)
    place = _map(content)[1][VALUE_LABELS] + len(b"<value_labels>")
    while content[place : place + 5] == b"<lbl>":
        (length,) = struct.unpack_from("<I", content, place + 5)
        written = content[place + 9 : place + 138].split(b"\0")[0].decode()
        struct.pack_into("129s", content, place + 9, own[written].encode()[:128])
        place += len(b"<lbl>") + 4 + 129 + 3 + length + len(b"</lbl>")


def _with_notes(content: bytes, remarks: tuple[str, ...]) -> bytes:
    """Put the notes of a file among its characteristics, and move what stands behind."""
    if not remarks:
        return content
    told = [("note0", str(len(remarks))), *((f"note{i}", text) for i, text in enumerate(remarks, start=1))]
    block = b""
    for name, text in told:
        body = struct.pack("129s129s", b"_dta", name.encode()) + text.encode() + b"\0"
        block += b"<ch>" + struct.pack("<I", len(body)) + body + b"</ch>"
    start, positions = _map(content)
    moved = [place + len(block) * (i >= DATA) for i, place in enumerate(positions)]
    split = positions[CHARACTERISTICS] + len(b"<characteristics>")
    whole = bytearray(content[:split] + block + content[split:])
    struct.pack_into("<14Q", whole, start, *moved)
    return bytes(whole)
