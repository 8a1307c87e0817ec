"""Markdown: a page as GitHub shows it."""

import re

from tabulate import tabulate

from reports.page import Block, Cell, Grid, Page, Picture, Section, Verbatim, Views, placed, plain


def to_markdown(page: Page) -> str:
    """Render a page in GitHub-flavoured Markdown; of folded sections it has the titles, so that it stays short."""
    folded = [section.title for section in page.sections if section.folded]
    shown = [_section(section) for section in page.sections if not section.folded]
    more = [f"*The page in HTML has more: {plain(', '.join(folded))}.*"] if folded else []
    return "\n\n".join([f"# {plain(page.title)}", *shown, *more]) + "\n"


def _section(section: Section) -> str:
    blocks = [_block(block) for block in section.blocks]
    return "\n\n".join([f"{'#' * section.level} {plain(section.title)}", *blocks])


def _block(block: Block) -> str:
    match block:
        case Grid():
            return _grid(block)
        case Views():
            return _views(block)
        case Picture(path, caption):
            return f"![{plain(caption)}]({path})"
        case Verbatim(text):
            fence = "`" * (1 + max([2, *map(len, re.findall("`+", text))]))
            return f"{fence}text\n{text}\n{fence}"
        case _:
            return block


def _views(shown: Views) -> str:
    (first, grid), *others = shown.views
    if not others:
        return _grid(grid)
    told = f"{shown.label}: {first}; the page in HTML has {', '.join(name for name, _ in others)}"
    return f"{_grid(grid)}\n\n*{plain(told)}*"


def _grid(grid: Grid) -> str:
    whole = placed(grid)
    kept = [j for j, head in enumerate(whole.heads) if not head.aside]
    heads = [whole.heads[j] for j in kept]
    return tabulate(
        [[_cell(row[j]) for j in kept] for row in whole.rows],
        headers=[plain(head.text) for head in heads],
        tablefmt="pipe",
        colalign=["right" if head.numeric else "left" for head in heads] if grid.rows else None,
        disable_numparse=True,
    )


def _cell(cell: Cell) -> str:
    text = plain(cell.text)
    text = f"[{text}]({cell.link})" if cell.link else text
    return f"**{text}**" if cell.strong else text
