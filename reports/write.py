"""Writing: all files of a report, rendered before the first of them is replaced."""

import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from datasets.errors import InputError
from datasets.mechanisms.card import ColumnCard, MaskCard
from reports import figures
from reports.covariances import Covariances, target_covariances
from reports.facts import Facts, check_facts
from reports.html import to_html
from reports.leaderboard import Board, progress, standings
from reports.markdown import to_markdown
from reports.results import Record, lost, tidy
from reports.sections import leaderboard_page

NOT_IN_FILE_NAMES = re.compile(r"[^-()=,.\w]+")
OWN_FOLDERS = ("figures", "masks")  # what an earlier report left there and this one lacks is removed


def write_report(
    folder: Path, records: Sequence[Record], facts: Facts, cards: Sequence[Mapping[str, Any]] = ()
) -> Path:
    """Write leaderboard.md and .html, results.parquet, figures/ and masks/ into a folder.

    The same records and facts give the same bytes, in whatever order the records come.

    Parameters
    ----------
    folder : made if need be; other files in it are left alone.
    records : of the cells that are done, failed or unavailable, all of one dataset.
    facts : see `reports.facts.Facts`.
    cards : mask cards, as `datasets.mechanisms.card.MaskCard.to_dict` gives them.

    Returns
    -------
    Path of leaderboard.md.

    Raises
    ------
    InputError
        If records are of several datasets, do not fit the facts, or the folder cannot be written.
    """
    files = report_files(records, facts, cards)
    try:
        _replace(folder, files)
    except OSError as error:
        raise InputError(f"the report cannot be written to {folder} ({error}); give another --out") from error
    return folder / "leaderboard.md"


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
    pictures = {name: _figure_path(name) for name in figures_by_name}
    drawn = {pictures[name]: content for name, content in figures_by_name.items()}
    masks = {_mask_path(card): card for card in sorted(cards, key=_mask_path)}
    page = leaderboard_page(
        board, scores, gone, found, pictures, [(card, f"{path}.md") for path, card in masks.items()]
    )
    files = {"leaderboard.md": to_markdown(page).encode(), "leaderboard.html": to_html(page, drawn).encode()}
    files["results.parquet"] = _parquet(scores)
    for path, card in masks.items():
        files[f"{path}.md"] = _card(card).to_markdown().encode()
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
    return {name: figures.png(figure) for name, figure in drawn.items()}


def _figure_path(name: str) -> str:
    """Path of a figure; the parameters of an imputer may hold what a file name must not, such as a path."""
    return f"figures/{NOT_IN_FILE_NAMES.sub('-', name)}.png"


def _parquet(scores: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    scores.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _mask_path(card: Mapping[str, Any]) -> str:
    return f"masks/{card['mechanism']}-{card['rate']:g}-{card['seed']}"


def _card(card: Mapping[str, Any]) -> MaskCard:
    return MaskCard(**{**card, "columns": tuple(ColumnCard(**column) for column in card["columns"])})


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put every file beside its place first, and only then all of them into place."""
    beside = {}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside[path] = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        beside[path].write_bytes(content)
    for path, waiting in beside.items():
        waiting.replace(path)
    for name in OWN_FOLDERS:
        for path in sorted((folder / name).glob("[!.]*")):
            if path not in beside:
                path.unlink()
