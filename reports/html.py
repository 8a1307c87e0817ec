"""HTML: a page in one file, figures and all, that opens from a disk, with tables to sort, filter and narrow."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.drawing import DPI
from reports.page import Grid, Page, Picture, Verbatim, Views, placed

if TYPE_CHECKING:
    from jinja2 import Environment
    from markdown_it.token import Token

HERE = Path(__file__).parent
KINDS = {Grid: "grid", Views: "views", Picture: "picture", Verbatim: "verbatim"}


def to_html(page: Page, pictures: Mapping[str, bytes]) -> str:
    """Render a page.

    Parameters
    ----------
    pictures : path of each picture of the page to its PNG bytes.
    """
    from markupsafe import Markup

    sources = {path: base64.b64encode(image).decode() for path, image in pictures.items()}
    # the width of a PNG stands in its header (PNG specification, section 11.2.2)
    widths = {path: round(int.from_bytes(image[16:20], "big") * 96 / DPI) for path, image in pictures.items()}
    style, script = (Markup((HERE / name).read_text()) for name in ("page.css", "page.js"))
    template = _environment().get_template("page.html.jinja")
    return template.render(page=page, sources=sources, widths=widths, style=style, script=script)


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False})  # paragraphs hold names from outside: no tags pass
    markdown.add_render_rule("code_inline", _code)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markdown": lambda text: Markup(markdown.render(text)),
        "anchor": lambda title: "-".join(title.lower().replace(":", " ").split()),
        "kind": lambda block: KINDS.get(type(block), "text"),
        "placed": placed,
        "names": _names,
        "terms": _terms,
        "tie": _tie,
        "unbroken": _unbroken,
    }
    return environment


def _code(renderer: object, tokens: "Sequence[Token]", index: int, options: object, env: object) -> str:
    """A name or a command; a short one is never broken at its hyphens."""
    from markupsafe import escape

    text = tokens[index].content
    return f"<code{' class=short' if len(text) <= 24 else ''}>{escape(text)}</code>"


def _names(grid: Grid) -> int | None:
    """The column that names the rows: the first of words."""
    return next((j for j, head in enumerate(grid.heads) if not head.numeric), None)


def _terms(block: Grid | Views) -> dict[tuple[str, str], int]:
    """Title and hint of every column that has one, numbered from 1."""
    grids = [block] if isinstance(block, Grid) else [grid for _, grid in block.views]
    found = dict.fromkeys((head.text, head.hint) for grid in grids for head in placed(grid).heads if head.hint)
    return {term: 1 + k for k, term in enumerate(found)}


def _tie(grid: Grid, i: int) -> str:
    """Classes of row i: whether it shares its place, with the row above, and with the row below."""
    before, own, after = (grid.groups[k] if 0 <= k < len(grid.groups) else "" for k in (i - 1, i, i + 1))
    above, below = own and own == before, own and own == after
    return " ".join(name for name, so in (("tied", above or below), ("again", above), ("within", below)) if so)


def _unbroken(title: str) -> str:
    """A title whose arrows and signs of per cent stay beside the word before them, and an arrow at its goal."""
    title = title.replace("→ ", "→\N{NO-BREAK SPACE}")
    for sign in "↓↑→%":
        title = title.replace(f" {sign}", f"\N{NO-BREAK SPACE}{sign}")
    return title
