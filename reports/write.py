"""Writing: the page of a suite and all files that go with it, rendered before the first of them is written."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.errors import InputError
from datasets.mechanisms.card import ColumnCard, MaskCard
from reports import board_figures, figures
from reports.boards import Board, Contest, boards_of, contest_of
from reports.claims import claims_page
from reports.conclusions import conclusions_page
from reports.covariances import Covariances, target_covariances
from reports.coverage_page import inference_page
from reports.drawing import png
from reports.facts import Facts, Manifest, board_facts, check_facts
from reports.folder import write_files
from reports.html import to_html
from reports.inference import inference_of
from reports.joining import Part, join
from reports.markdown import to_markdown
from reports.page import Page, Section
from reports.recommendation import recommendation_page
from reports.results import Record, lost, tidy
from reports.results_file import from_parquet, to_parquet
from reports.sections import TITLES, leaderboard_page, order_of
from reports.shares import level_shares
from reports.study import study_page

LONGEST = 120  # characters of a file name, far below the limit in bytes of every file system
CARDED = ("leaderboard", "conclusions", "recommendation")  # pages that show mask cards
LEADING = 4  # methods whose shares of levels are drawn
MOST_MAPS = 19  # correlation heat maps beside the truth


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


def rebuild(results: Sequence[Path], folder: Path) -> tuple[Path, list[str]]:
    """Write the page of a suite into a folder from its results.parquet alone, or from several as one.

    Returns
    -------
    path of the page, and what was decided in joining several; see `reports.joining.join`.

    Raises
    ------
    InputError
        If a file is not the results of a suite, they do not belong together, or the folder cannot be written.
    """
    records, manifest, said = join([Part(str(file), *from_parquet(file)) for file in results])
    return write_report(folder, records, manifest), said


def page_files(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
    """Render every file of a suite's page, the page in Markdown first: path below its folder to content."""
    check_page(manifest["page"])
    return PAGES[manifest["page"]](records, manifest) | {"results.parquet": to_parquet(records, manifest)}


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


def conclusions(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
    """The page of what holds in all settings of a suite, and its leaderboards."""
    return single_page(conclusions_page)(records, manifest) | leaderboards(records, manifest)


def recommendation(records: Sequence[Record], manifest: Manifest) -> dict[str, bytes]:
    """The page of a recommendation, the script that follows it, and the leaderboard that it rests on."""
    page, script = recommendation_page(records, manifest)
    files = {"recommendation.md": to_markdown(page).encode(), "recommendation.html": to_html(page, {}).encode()}
    return files | ({"impute.py": script.encode()} if script else {}) | leaderboards(records, manifest)


Render = Callable[[Sequence[Record], Manifest], dict[str, bytes]]
PAGES: Mapping[str, Render] = {
    "leaderboard": leaderboards,
    "claims": single_page(claims_page),
    "study": single_page(study_page),
    "inference": single_page(inference_page),
    "conclusions": conclusions,
    "recommendation": recommendation,
}


def report_files(records: Sequence[Record], facts: Facts, cards: Sequence[Mapping[str, Any]] = ()) -> dict[str, bytes]:
    """Render every file of the page of one dataset: path below its folder to content."""
    scores, gone = tidy(records), lost(records)
    check_facts(facts, scores, gone)
    strange = sorted({card["dataset"] for card in cards} - {facts["data"]["title"]})
    if strange:
        raise InputError(f"a report is of one dataset, here {facts['data']['title']!r}; found mask cards of {strange}")
    contest = contest_of(scores, gone, facts)
    inference, boards = inference_of(contest), boards_of(contest)
    found = target_covariances(contest, order_of(contest, inference, boards)[:MOST_MAPS])
    figures_by_name = _figures(contest, boards, found)
    pictures = {name: f"figures/{name}.png" for name in figures_by_name}
    drawn = {pictures[name]: content for name, content in figures_by_name.items()}
    masks = {_mask_path(card): card for card in sorted(cards, key=_mask_path)}
    told = [(card, f"{path}.md") for path, card in masks.items()]
    page = leaderboard_page(contest, inference, boards, found, pictures, told)
    files = {"leaderboard.md": to_markdown(page).encode(), "leaderboard.html": to_html(page, drawn).encode()}
    for path, card in masks.items():
        columns = tuple(ColumnCard(**column) for column in card["columns"])
        files[f"{path}.md"] = MaskCard(**{**card, "columns": columns}).to_markdown().encode()
        files[f"{path}.json"] = (json.dumps(card, indent=1) + "\n").encode()
    return files | drawn


def dataset_contest(records: Sequence[Record], manifest: Manifest, title: str) -> Contest:
    """Who may be compared on the dataset of this title."""
    own = [record for record in records if record.dataset == title]
    return contest_of(tidy(own), lost(own), board_facts(manifest, own, title))


def _figures(contest: Contest, boards: Mapping[str, Board], found: Covariances | None) -> dict[str, bytes]:
    data, drawn = contest.facts["data"]["title"], {}
    for name, board in boards.items():
        if board.placed["low"].notna().any():
            drawn[f"skill-{name}"] = board_figures.skill(board.table, board.floor, f"{data}: {TITLES[name]}", "skill")
        if board.placed["seconds"].notna().any():
            drawn[f"cost-{name}"] = board_figures.cost(board.table, f"{data}: {TITLES[name]}, and its cost", "skill")
    shares, first = level_shares(contest.scores, contest.facts["columns"]), boards.get("distributions")
    if len(shares) and first is not None and len(first.placed):
        leading = list(first.placed.index[:LEADING])
        drawn["shares"] = board_figures.shares(shares, leading, f"{data}: hidden cells, as answered and as imputed")
    if found is not None:
        drawn["covariance"] = figures.covariance_overview(found, f"{data}: covariances of the target items")
    return {name: png(figure) for name, figure in drawn.items()}


def _slug(text: str) -> str:
    """A name without brackets, which links would have to escape."""
    return re.sub(r"[^-.\w]+", "-", text).strip("-.")[:LONGEST]


def _mask_path(card: Mapping[str, Any]) -> str:
    return f"masks/{_slug(card['mechanism'])}-{card['rate']:g}-{card['seed']}"
