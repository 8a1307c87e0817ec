"""Writing: the page of a suite and all files that go with it, rendered before the first of them is written."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.errors import InputError
from datasets.mechanisms.card import ColumnCard, MaskCard
from reports import figures
from reports.claims import claims_page
from reports.covariances import Covariances, target_covariances
from reports.drawing import png
from reports.facts import Facts, Manifest, board_facts, check_facts
from reports.folder import write_files
from reports.html import to_html
from reports.leaderboard import Board, progress, standings
from reports.markdown import to_markdown
from reports.page import Page, Section
from reports.results import Record, lost, tidy
from reports.sections import leaderboard_page
from reports.study import study_page

NOT_IN_FILE_NAMES = re.compile(r"[^-()=,.\w]+")
LONGEST = 120  # characters of a file name, far below the limit in bytes of every file system


def write_report(folder: Path, records: Sequence[Record], manifest: Manifest) -> Path:
    """Write the page of a suite, all that goes with it and the manifest into a folder; give the path of the page.

    The same records and manifest give the same bytes, in whatever order the records come.

    Parameters
    ----------
    folder : made if need be; see `reports.folder.write_files`.
    records : of the cells that are done, failed or unavailable.

    Raises
    ------
    InputError
        If records do not fit the manifest, there is no such page, or the folder cannot be written.
    """
    return write_files(folder, page_files(records, manifest), manifest)


def page_files(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
    """Render every file of a suite's page, the page in Markdown first: path below its folder to content."""
    check_page(manifest["page"])
    return PAGES[manifest["page"]](records, manifest)


def check_page(name: str) -> str:
    """Return ``name`` if there is such a page.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in PAGES:
        raise InputError(f"there is no page {name!r} for a suite; there are: {', '.join(PAGES)}")
    return name


def leaderboards(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
    """The leaderboard of a suite; of a suite with several datasets one in a folder for each, and a page of links."""
    titles = list(dict.fromkeys(cell.get("dataset", "") for cell in manifest["cells"]))
    boards = {}
    for title in titles:
        own = [record for record in records if record.dataset == title]
        cards = [card for card in manifest["cards"] if card["dataset"] == title]
        boards[_slug(title)] = report_files(own, board_facts(manifest, own, title), cards)
    if len(boards) == 1:
        return next(iter(boards.values()))
    links = "\n".join(f"- [{title}]({folder}/leaderboard.md)" for title, folder in zip(titles, boards, strict=True))
    page = Page(f"{manifest['suite']}: leaderboards", manifest["suite"], (Section("Boards", (links,)),))
    index = {"leaderboard.md": to_markdown(page).encode(), "leaderboard.html": to_html(page, {}).encode()}
    return index | {f"{folder}/{path}": content for folder, files in boards.items() for path, content in files.items()}


def single_page(compose: Callable[[Sequence[Record], Manifest], Page]) -> "Render":
    """The files of a page without figures, named after its suite."""

    def render(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
        page, name = compose(records, manifest), manifest["suite"]
        return {f"{name}.md": to_markdown(page).encode(), f"{name}.html": to_html(page, {}).encode()}

    return render


Render = Callable[[Sequence[Record], Manifest], dict[str, bytes]]
PAGES: Mapping[str, Render] = {
    "leaderboard": leaderboards,
    "claims": single_page(claims_page),
    "study": single_page(study_page),
}


def report_files(records: Sequence[Record], facts: Facts, cards: Sequence[Mapping[str, Any]] = ()) -> dict[str, bytes]:
    """Render every file of a report: path below its folder to content."""
    scores, gone = tidy(records), lost(records)
    check_facts(facts, scores, gone)
    strange = sorted({card["dataset"] for card in cards} - {facts["data"]["title"]})
    if strange:
        raise InputError(f"a report is of one dataset, here {facts['data']['title']!r}; found mask cards of {strange}")
    board = standings(scores, progress(scores, gone, facts), facts)
    found = target_covariances(board.contest, list(board.table.index))
    figures_by_name = _figures(board, found, facts)
    # the parameters of an imputer may hold what a file name must not, such as a path
    pictures = {name: _figure_path(name) for name in figures_by_name}
    drawn = {pictures[name]: content for name, content in figures_by_name.items()}
    masks = {_mask_path(card): card for card in sorted(cards, key=_mask_path)}
    page = leaderboard_page(
        board, scores, gone, found, pictures, [(card, f"{path}.md") for path, card in masks.items()]
    )
    files = {"leaderboard.md": to_markdown(page).encode(), "leaderboard.html": to_html(page, drawn).encode()}
    files["results.parquet"] = scores.to_parquet(index=False)
    for path, card in masks.items():
        columns = tuple(ColumnCard(**column) for column in card["columns"])
        files[f"{path}.md"] = MaskCard(**{**card, "columns": columns}).to_markdown().encode()
        files[f"{path}.json"] = (json.dumps(card, indent=1) + "\n").encode()
    return files | drawn


def _figures(board: Board, found: Covariances | None, facts: Facts) -> dict[str, bytes]:
    data, drawn = facts["data"]["title"], {}
    if board.contest.ranked:
        drawn["ranks"] = figures.ranks(board, f"{data}: mean rank")
    across, up = "nrmse", "design-correlation-error"
    if {across, up} <= set(board.table) and not board.table[[across, up, "seconds"]].dropna().empty:
        drawn["trade-off"] = figures.trade_off(board, f"{data}: values against correlations", across, up)
    if found is not None:
        drawn["covariance"] = figures.covariance_overview(found, f"{data}: covariances of the target items")
        for name in found.imputed:
            title = f"{data}, {name}: covariances of the target items"
            drawn[f"covariance-{name}"] = figures.covariance_triptych(found, name, title)
    return {name: png(figure) for name, figure in drawn.items()}


def _figure_path(name: str) -> str:
    """Path of a figure; the parameters of an imputer may hold what a file name must not, such as a path."""
    plain = NOT_IN_FILE_NAMES.sub("-", name).strip(".")
    if len(plain) > LONGEST:
        plain = f"{plain[:LONGEST]}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"
    return f"figures/{plain}.png"


def _slug(text: str) -> str:
    """A name without brackets, which links would have to escape."""
    return re.sub(r"[^-.\w]+", "-", text).strip("-.")[:LONGEST]


def _mask_path(card: Mapping[str, Any]) -> str:
    return f"masks/{_slug(card['mechanism'])}-{card['rate']:g}-{card['seed']}"
