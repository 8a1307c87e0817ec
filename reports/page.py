"""Page: the nouns of a report, of which Markdown and HTML are two renderings."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One field of a grid: plain text, what to sort it by (None sorts last), and whether it stands out."""

    text: str
    sort: float | str | None = None
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Head:
    """Title of a column, a hint to show on demand, and whether its fields are numbers."""

    text: str
    hint: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Grid:
    """A table: heads, and rows of as many cells."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


def grid(heads: Iterable[Head | str], rows: Iterable[Iterable[Cell | str]]) -> Grid:
    """A table in which a string stands for a column of words, or for a field that is sorted by its words."""
    return Grid(
        tuple(Head(head, numeric=False) if isinstance(head, str) else head for head in heads),
        tuple(tuple(Cell(cell, cell) if isinstance(cell, str) else cell for cell in row) for row in rows),
    )


@dataclass(frozen=True)
class Picture:
    """A figure: its path below the report's folder, and what it shows."""

    path: str
    caption: str


@dataclass(frozen=True)
class Verbatim:
    """Text to be shown as it is."""

    text: str


Block = str | Grid | Picture | Verbatim  # a string is Markdown


@dataclass(frozen=True)
class Section:
    """A heading (of level 2 or 3) and what stands below it; folded sections open on a click."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """A whole report: the title, the name of the data for all pages to carry, and the sections."""

    title: str
    data: str
    sections: tuple[Section, ...]


def plain(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, in one line."""
    one_line = " ".join(text.split())
    for sign in "\\`*<|":
        one_line = one_line.replace(sign, f"\\{sign}")
    return one_line.replace("](", "]\\(")
