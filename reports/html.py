"""HTML: a page in one file, figures and all, that opens from a disk and sorts its tables."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reports.figures import DPI
from reports.page import Grid, Page, Picture, Verbatim, Views, placed

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(page: Page, pictures: Mapping[str, bytes]) -> str:
    """Render a page.

    Parameters
    ----------
    pictures : path of each picture of the page to its PNG bytes.
    """
    sources = {path: base64.b64encode(image).decode() for path, image in pictures.items()}
    # the width of a PNG stands in its header (PNG specification, section 11.2.2)
    widths = {path: round(int.from_bytes(image[16:20], "big") * 96 / DPI) for path, image in pictures.items()}
    return _environment().get_template("leaderboard.html.jinja").render(page=page, sources=sources, widths=widths)


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False})  # paragraphs hold names from outside: no tags pass
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = lambda text: Markup(markdown.render(text))
    environment.filters["anchor"] = lambda title: "-".join(title.lower().replace(":", " ").split())
    kinds = {Grid: "grid", Views: "views", Picture: "picture", Verbatim: "verbatim"}
    environment.filters["kind"] = lambda block: kinds.get(type(block), "text")
    environment.filters["placed"] = placed
    return environment
