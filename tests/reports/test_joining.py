"""Joining, on a published board that is taken apart by its methods."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.errors import InputError
from reports.joining import Part, join
from reports.results_file import from_parquet
from reports.write import page_files, rebuild

BOARD = Path(__file__).parents[2] / "reports" / "published" / "gss-llm-500" / "results.parquet"


@pytest.fixture(scope="module")
def board():
    return Part("board", *from_parquet(BOARD))


def part_of(board, name, *imputers):
    """What a run of some of the methods would have left."""
    manifest = deepcopy(board.manifest) | {"command": f"run {name}"}
    manifest["cells"] = [cell for cell in manifest["cells"] if cell["imputer"] in imputers]
    manifest["imputers"] = {each: facts for each, facts in manifest["imputers"].items() if each in imputers}
    return Part(name, [record for record in board.records if record.imputer in imputers], manifest)


@pytest.fixture
def parts(board):
    known = [*board.manifest["imputers"]]
    return [part_of(board, "first", *known[:3]), part_of(board, "second", *known[2:])]


def test_parts_make_the_page_of_the_whole(board, parts):
    records, manifest, said = join(parts)
    assert said == [f"{[*board.manifest['imputers']][2]}: also in second, with the same scores"]
    assert manifest["command"] == "run first; run second"
    files = page_files(records, manifest | {"command": board.manifest["command"]})
    whole = page_files(board.records, board.manifest)
    assert files["leaderboard.md"] == whole["leaderboard.md"]
    assert {name: content for name, content in files.items() if name.endswith((".json", ".png"))} == {
        name: content for name, content in whole.items() if name.endswith((".json", ".png"))
    }


def test_one_part_is_as_it_was(board):
    records, manifest, said = join([board])
    assert (records, manifest, said) == ([*board.records], board.manifest, [])


def test_a_file_beside_itself_changes_nothing(board, tmp_path):
    page, said = rebuild([BOARD, BOARD], tmp_path)
    assert said == [
        f"{imputer}: also in {BOARD}, with the same scores" for imputer in sorted(board.manifest["imputers"])
    ]
    assert page.read_bytes() == page_files(board.records, board.manifest)["leaderboard.md"]


def test_of_two_cells_the_first_counts_and_that_is_said(board, parts):
    first, second = parts
    imputer = next(iter(second.manifest["imputers"]))
    moved = [
        replace(record, scores=tuple((m, c, v + 1) for m, c, v in record.scores))
        if record.imputer == imputer
        else record
        for record in second.records
    ]
    records, _, said = join([first, replace(second, records=moved)])
    assert said == [f"{imputer}: also in second, with other scores, which are left out"]
    key = lambda record: (record.imputer, record.mechanism)  # noqa: E731
    assert sorted(records, key=key) == sorted(board.records, key=key)


def test_what_was_unavailable_in_the_first_is_taken_from_the_second(board, parts):
    first, second = parts
    imputer = next(iter(second.manifest["imputers"]))
    lost = [
        replace(record, status="unavailable", message="needs weights", scores=(), influences=())
        if record.imputer == imputer
        else record
        for record in first.records
    ]
    records, _, said = join([replace(first, records=lost), second])
    assert said == [] and all(record.status == "done" for record in records)
    assert len(records) == len(board.records)


def test_a_method_with_fewer_masks_has_no_place(parts):
    first, second = parts
    second.manifest["cells"] = [cell for cell in second.manifest["cells"] if cell["mechanism"] != "fold(5)"]
    second.manifest["cards"] = [card for card in second.manifest["cards"] if card["mechanism"] != "fold(5)"]
    fewer = replace(second, records=[record for record in second.records if record.mechanism != "fold(5)"])
    records, manifest, _ = join([first, fewer])
    page = page_files(records, manifest)["leaderboard.md"].decode()
    assert "|       – | smollm2-135m " in page


def test_a_metric_of_later_runs_is_left_out_and_that_is_said(board, parts):
    first, second = parts
    first.manifest["metrics"] = {name: facts for name, facts in first.manifest["metrics"].items() if name != "brier"}
    records, manifest, said = join([first, second])
    assert said[0] == "brier: scored in second alone, and left out"
    later = {record.imputer for record in second.records} - {record.imputer for record in first.records}
    found = {
        metric for record in records if record.imputer in later for metric, *_ in (*record.scores, *record.influences)
    }
    assert "brier" not in found and "accuracy" in found and "brier" not in manifest["metrics"]


def spoil(manifest, name):
    if name == "data":
        next(iter(manifest["tables"].values()))["data"]["sha256"] = "0"
    elif name == "cells":
        manifest["cards"][0]["columns"][0]["bias"] += 0.01
    elif name == "masks":
        manifest["cards"][0]["seed"] = 7
    elif name == "metrics":
        manifest["metrics"]["accuracy"]["best"] = 2.0
    else:
        manifest[name] = "other"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("suite", "second has another suite than first: 'other' and 'gss-llm'; give results of one suite"),
        ("draws", "another draws"),
        ("data", "second has other data than first as gss2022-items"),
        ("masks", r"a mask that first has not, fold\(1\) 0.2, seed 7, of gss2022"),
        ("cells", r"second and first hide other cells under fold\(1\) 0.2, seed 1"),
        ("metrics", "second was scored by another version of accuracy than first"),
    ],
)
def test_what_does_not_belong_together_is_refused(parts, name, message):
    spoil(parts[1].manifest, name)
    with pytest.raises(InputError, match=message):
        join(parts)
