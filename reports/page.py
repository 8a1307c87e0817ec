"""Page: the nouns of a report, of which Markdown and HTML are two renderings."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cell:
    """One field of a grid: plain text, what to sort it by (None sorts last), and whether it stands out."""

    text: str
    sort: float | str | None = None
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Head:
    """Title of a column.

    Parameters
    ----------
    hint : the definition, for those who ask: on hover and focus in HTML, and listed below the table.
    numeric : whether its fields are numbers.
    aside : whether it is of second interest: HTML hides it until it is asked for, Markdown leaves it out.
    """

    text: str
    hint: str = ""
    numeric: bool = True
    aside: bool = False


@dataclass(frozen=True)
class Grid:
    """A table. Its first column of words names the rows.

    Parameters
    ----------
    heads, rows : titles of the columns, and rows of as many cells.
    tags : the family of each row, by which readers may filter; empty if there is nothing to filter by.
    groups : the place of each row, such as "1" or "2–5", which is shown before the first column; neighbours that
        share a place are a tie. A row with an empty one has no place. Empty if the order of the rows means nothing.
    """

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def grid(
    heads: Iterable[Head | str],
    rows: Iterable[Iterable[Cell | str]],
    tags: Iterable[str] = (),
    groups: Iterable[str] = (),
) -> Grid:
    """A table in which a string stands for a column of words, or for a field that is sorted by its words."""
    return Grid(
        tuple(Head(head, numeric=False) if isinstance(head, str) else head for head in heads),
        tuple(tuple(Cell(cell, cell) if isinstance(cell, str) else cell for cell in row) for row in rows),
        tuple(tags),
        tuple(groups),
    )


PLACE = Head("place", "Rows that cannot be told apart share a place.")


def placed(shown: Grid) -> Grid:
    """The grid with the place of each row as its first column, if there are places."""
    if not shown.groups:
        return shown
    order = list(dict.fromkeys(shown.groups))
    places = [Cell(place, order.index(place)) if place else Cell("–") for place in shown.groups]
    rows = tuple((place, *row) for place, row in zip(places, shown.rows, strict=True))
    return replace(shown, heads=(PLACE, *shown.heads), rows=rows)


@dataclass(frozen=True)
class Views:
    """The same table for several choices, of which one is shown at a time and the first at first.

    Parameters
    ----------
    label : what is chosen, such as "mechanism".
    views : each choice and its table; Markdown has the first alone.
    """

    label: str
    views: tuple[tuple[str, Grid], ...]


@dataclass(frozen=True)
class Picture:
    """A figure: its path below the report's folder, and what it shows."""

    path: str
    caption: str


@dataclass(frozen=True)
class Verbatim:
    """Text to be shown as it is."""

    text: str


Block = str | Grid | Views | Picture | Verbatim  # a string is Markdown


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
