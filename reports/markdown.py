"""Markdown: a page as GitHub shows it."""

import re

from tabulate import tabulate

from reports.page import Block, Cell, Grid, Page, Picture, Section, Verbatim, plain


def to_markdown(page: Page) -> str:
    """Render a page in GitHub-flavoured Markdown."""
    return "\n\n".join([f"# {plain(page.title)}", *map(_section, page.sections)]) + "\n"


def _section(section: Section) -> str:
    blocks = [_block(block) for block in section.blocks]
    if section.folded:
        return "\n\n".join([f"<details><summary>{plain(section.title)}</summary>", *blocks, "</details>"])
    return "\n\n".join([f"{'#' * section.level} {plain(section.title)}", *blocks])


def _block(block: Block) -> str:
    match block:
        case Grid():
            return _grid(block)
        case Picture(path, caption):
            return f"![{plain(caption)}]({path})"
        case Verbatim(text):
            fence = "`" * (1 + max([2, *map(len, re.findall("`+", text))]))
            return f"{fence}text\n{text}\n{fence}"
        case _:
            return block


def _grid(grid: Grid) -> str:
    return tabulate(
        [[_cell(cell) for cell in row] for row in grid.rows],
        headers=[plain(head.text) for head in grid.heads],
        tablefmt="pipe",
        colalign=["right" if head.numeric else "left" for head in grid.heads] if grid.rows else None,
        disable_numparse=True,
    )


def _cell(cell: Cell) -> str:
    text = plain(cell.text)
    text = f"[{text}]({cell.link})" if cell.link else text
    return f"**{text}**" if cell.strong else text
