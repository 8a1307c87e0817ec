import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from reports.folder import check_folder, write_files
from reports.results import as_scored
from reports.results_file import from_parquet, to_parquet
from reports.write import page_files, report_files

MANIFEST = {"suite": "small", "cells": []}


SHAPES = ("skill-distributions", "cost-distributions", "skill-values", "cost-values")


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def small(inventor):
    """Two imputers, two masks: quick to draw."""
    return inventor(["a", "b"], mechanisms=["mcar", "ni"], seeds=1)


@pytest.fixture(scope="module")
def bare(small):
    """The same without covariances."""
    records, facts, cards = small
    less = [replace(r, scores=tuple(s for s in r.scores if not s[0].startswith("target-cov"))) for r in records]
    return less, facts, cards


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_files(folder, report_files(*small), MANIFEST)
    return folder


def test_everything_is_there(written):
    assert set(content(written)) == {
        *("leaderboard.md", "leaderboard.html", "manifest.json"),
        *(f"figures/{name}.png" for name in (*SHAPES, "covariance")),
        *(f"masks/{mechanism}-0.3-0.{end}" for mechanism in ("mcar", "ni") for end in ("md", "json")),
    }


def test_same_bytes_in_any_order(small, written):
    records, facts, cards = small
    order = np.random.default_rng(1).permutation(len(records))
    again = report_files([records[i] for i in order], facts, cards[::-1])
    assert again == {path: found for path, found in content(written).items() if path != "manifest.json"}


def test_every_artefact_names_the_data(bare):
    records, facts, cards = bare
    title = "gss2022-twin (synthetic)"
    twin = [replace(r, dataset=title) for r in records]
    told = facts | {"data": facts["data"] | {"title": title, "note": "The real file could not be had."}}
    files = report_files(twin, told, [card | {"dataset": title} for card in cards])
    page = files["leaderboard.md"].decode()
    assert page.startswith(f"# {title}: boards")
    assert "**The real file could not be had.**" in page
    assert files["leaderboard.html"].decode().count(title) > 3
    assert f"### {title}, mcar" in files["masks/mcar-0.3-0.md"].decode()
    assert json.loads(files["masks/ni-0.3-0.json"])["dataset"] == title
    assert "gss2022," not in page and "gss2022:" not in page


def test_links_of_the_markdown_lead_somewhere(written):
    links = re.findall(r"\]\(([^)]+)\)", (written / "leaderboard.md").read_text())
    assert len(links) > 5
    assert all((written / link).is_file() for link in links)


def test_stale_figures_go_and_other_files_stay(bare, tmp_path):
    records, facts, cards = bare
    write_files(tmp_path, {"leaderboard.md": b"old", "figures/covariance-gone.png": b"old"}, MANIFEST)
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    write_files(tmp_path, report_files(records, facts, cards), MANIFEST)
    assert set(content(tmp_path)) == {
        *("leaderboard.md", "leaderboard.html", "manifest.json"),
        *(f"figures/{name}.png" for name in SHAPES),
        "figures/mine.png",
        *(f"masks/{mechanism}-0.3-0.{end}" for mechanism in ("mcar", "ni") for end in ("md", "json")),
    }


@pytest.mark.parametrize("manifest", [None, "{}", "[1]", "not JSON", '{"name": "an app of mine"}'])
def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(tmp_path, manifest):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "thesis.pdf").write_bytes(b"years of work")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    before = content(tmp_path)
    with pytest.raises(InputError, match=r"holds what no run wrote \(figures.*give another --out"):
        write_files(tmp_path, {"leaderboard.md": b"new"}, MANIFEST)
    assert content(tmp_path) == before


def test_a_file_of_the_user_is_not_replaced(tmp_path):
    write_files(tmp_path, {"leaderboard.md": b"old"}, MANIFEST)
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "ranks.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"ranks.png is of no earlier report"):
        write_files(tmp_path, {"leaderboard.md": b"new", "figures/ranks.png": b"new"}, MANIFEST)
    assert (tmp_path / "figures" / "ranks.png").read_bytes() == b"mine"


def test_nothing_outside_the_folder_is_written_or_removed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine.png").write_bytes(b"mine")
    folder = tmp_path / "results"
    write_files(folder, {"leaderboard.md": b"old"}, MANIFEST)
    (folder / "figures").symlink_to(tmp_path / "outside")
    for path in ("../evil.md", "/tmp/evil.md", "figures/evil.md", ".."):
        with pytest.raises(InputError, match="leads out of"):
            write_files(folder, {"leaderboard.md": b"new", path: b"evil"}, MANIFEST)
    listed = json.loads((folder / "manifest.json").read_text()) | {"files": ["../outside/mine.png", "figures/mine.png"]}
    (folder / "manifest.json").write_text(json.dumps(listed))
    write_files(folder, {"page.md": b"new"}, MANIFEST)
    assert content(tmp_path / "outside") == {"mine.png": b"mine"}


def test_what_a_killed_report_left_is_cleared(tmp_path):
    check_folder(tmp_path / "new")
    (tmp_path / ".leaderboard.md.4711.tmp").write_bytes(b"half")
    write_files(tmp_path, {"leaderboard.md": b"new"}, MANIFEST)
    assert set(content(tmp_path)) == {"leaderboard.md", "manifest.json"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_first_report_that_stopped_half_way_can_be_written_again(tmp_path, monkeypatch, number):
    files = {"leaderboard.md": b"new", "figures/skill.png": b"new"}
    with monkeypatch.context() as stopped:
        stopped.setattr("reports.folder._into_place", _stop_at(number))
        with pytest.raises(KeyboardInterrupt):
            write_files(tmp_path, files, MANIFEST)
    check_folder(tmp_path)
    write_files(tmp_path, files, MANIFEST)
    assert set(content(tmp_path)) == {"manifest.json", *files}


def _stop_at(number):
    """Put files into place until that many are, then stop as a signal does."""
    calls = []

    def into_place(path, waiting):
        calls.append(path)
        if len(calls) == number:
            raise KeyboardInterrupt
        waiting.replace(path)

    return into_place


def test_nothing_is_replaced_when_rendering_fails(bare, tmp_path):
    records, facts, cards = bare
    (tmp_path / "leaderboard.md").write_text("old")
    with pytest.raises(InputError):
        write_files(tmp_path, report_files([*records, replace(records[0], dataset="toy")], facts, cards), MANIFEST)
    assert content(tmp_path) == {"leaderboard.md": b"old"}


def test_a_folder_that_cannot_be_written(bare, tmp_path):
    records, facts, cards = bare
    lost = [
        replace(r, status="failed", message="x", scores=(), influences=()) for r in records
    ]  # nothing to draw: quick
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be written to .*give another --out"):
        write_files(tmp_path / "file", report_files(lost, facts, cards), MANIFEST)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r, f, c: ([*r, replace(r[0], dataset="toy")], f, c), r"of one dataset.*results of \['toy'\]"),
        (lambda r, f, c: (r, f, [c[0] | {"dataset": "toy"}]), r"found mask cards of \['toy'\]"),
        (lambda r, f, c: ([], f, c), "no results of 'gss2022'"),
        (lambda r, f, c: (r, {k: v for k, v in f.items() if k != "commit"}, c), "facts of a report lack commit"),
        (lambda r, f, c: (r, f | {"cells": f["cells"][1:]}, c), "not planned"),
        (lambda r, f, c: (r, f | {"metrics": {}}, c), r"do not describe the metrics \['draw-accuracy'"),
        (lambda r, f, c: (r, f | {"imputers": {}}, c), r"do not describe the imputers \['a', 'b'\]"),
    ],
)
def test_results_and_facts_must_belong_together(bare, change, said):
    with pytest.raises(InputError, match=said):
        report_files(*change(*bare))


def test_a_report_of_failures_alone(bare):
    records, facts, _ = bare
    lost = [
        replace(r, status="failed", message=f"Killed: {r.imputer} | <b>\ntrace", scores=(), influences=())
        for r in records
    ]
    page = report_files(lost, facts)["leaderboard.md"].decode()
    assert "0 of 4 cells are done; **4 failed**." in page
    assert page.index("## Failures") < page.index("## Verdict")
    assert r"Killed: a \| \<b>" in page


def test_a_report_of_a_table_without_nominal_items_and_targets(bare):
    records, facts, _ = bare
    columns = {name: known | {"role": "item"} for name, known in facts["columns"].items() if known["kind"] != "nominal"}
    plain = [
        replace(r, scores=tuple(s for s in r.scores if (s[1] in columns or s[1] == "(table)") and "~" not in s[1]))
        for r in records
    ]
    page = report_files(plain, facts | {"columns": columns})["leaderboard.md"].decode()
    assert "## Values" in page and "RMSE ↓" in page
    assert "Target items" not in page and "accuracy" not in page


def test_first_run_of_one_cell(bare):
    records, facts, _ = bare
    page = report_files(records[:1], facts)["leaderboard.md"].decode()
    assert "1 of 4 cells are done; **3 not run**." in page
    assert "not run in 1 of 2 cells" in page


def test_what_a_method_is_told_stands_where_it_says_what_it_is(bare):
    records, facts, cards = bare
    imputers = facts["imputers"] | {"b": facts["imputers"]["b"] | {"told": "older people hide more"}}
    page = report_files(records, facts | {"imputers": imputers}, cards)["leaderboard.md"].decode()
    (row,) = [line for line in page.splitlines() if "older people hide more" in line]
    assert row.startswith("| b ") and "family of b" in row


def told(facts, cards, *titles):
    """The manifest of a suite with the same cells on datasets of these titles."""
    known = {key: facts[key] for key in ("suite", "command", "draws", "metrics", "imputers")}
    tables = {t: {"data": facts["data"] | {"title": t}, "columns": facts["columns"]} for t in titles}
    cells = [cell | {"dataset": t} for t in titles for cell in facts["cells"]]
    about = {"published_targets": facts["published_targets"]}
    mine = [card | {"dataset": t} for t in titles for card in cards]
    return known | {"page": "leaderboard", "about": about, "tables": tables, "cells": cells, "cards": mine}


def test_the_page_of_one_dataset_is_its_board(bare):
    records, facts, cards = bare
    files = page_files(records, told(facts, cards, "gss2022"))
    assert next(iter(files)) == "leaderboard.md"
    text = files["leaderboard.md"].decode()
    assert "## Verdict" in text and facts["published_targets"]["label"] in text
    invented = told(facts, cards, "gss2022")
    invented["tables"]["gss2022"]["data"]["synthetic"] = True
    assert facts["published_targets"]["label"] not in page_files(records, invented)["leaderboard.md"].decode()


def test_several_datasets_have_a_board_each(bare):
    records, facts, cards = bare
    both = [replace(record, dataset=title) for title in ("gss2022", "toy (synthetic)") for record in records]
    files = page_files(both, told(facts, cards, "gss2022", "toy (synthetic)"))
    assert next(iter(files)) == "leaderboard.md"
    links = re.findall(r"\]\(([^)]+\.md)\)", files["leaderboard.md"].decode().replace("%20", " "))
    assert len(links) == 2 and all(link in files for link in links)
    assert "toy (synthetic)" in files[links[1]].decode()


def test_unknown_page(bare):
    records, facts, cards = bare
    with pytest.raises(InputError, match="no page 'poster'"):
        page_files(records, told(facts, cards, "gss2022") | {"page": "poster"})


def test_the_page_is_made_again_from_its_results_alone(bare, tmp_path):
    records, facts, cards = bare
    lost = [replace(records[0], status="failed", message="Killed: 4 GB", scores=(), influences=()), *records[1:]]
    files = page_files(lost, told(facts, cards, "gss2022"))
    (tmp_path / "results.parquet").write_bytes(files["results.parquet"])
    again, manifest = from_parquet(tmp_path / "results.parquet")
    assert page_files(again, manifest) == files


def test_results_hold_every_score_with_all_its_digits(bare, tmp_path):
    records, facts, cards = bare
    (tmp_path / "r.parquet").write_bytes(to_parquet(records, told(facts, cards, "gss2022")))
    shown = pd.read_parquet(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(
        shown.drop(columns="influence"), as_scored(records).drop(columns="influence"), check_exact=True
    )
    moves = shown.loc[shown["metric"] == "value-skill", "influence"].iloc[0]
    assert len(moves) == len(facts["data"]["strata"]) and abs(sum(moves)) < 1e-6


@pytest.mark.parametrize("kind", ["absent", "text", "plain table"])
def test_what_is_no_results_file_is_told(kind, tmp_path):
    path = tmp_path / "r.parquet"
    if kind == "text":
        path.write_text("imputer,value")
    if kind == "plain table":
        pd.DataFrame({"imputer": ["a"], "value": [1.0]}).to_parquet(path)
    with pytest.raises(
        InputError, match="is not there" if kind == "absent" else "is not the results.parquet of a suite"
    ):
        from_parquet(path)
