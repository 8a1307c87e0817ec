"""The published boards are of real tables and what their results say; the README repeats the verdicts of one."""

import re
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from reports.results_file import from_parquet
from reports.write import rebuild

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "reports" / "published"
BOARDS = {
    "gss": "gss2022",
    "gss-all": "gss2022",
    "gss-systematic": "gss2022",
    "gss-targets": "gss2022-targets",
    "gss-llm": "gss2022 with 20 items by mutual information",
    "gss-llm-500": "gss2022 with 20 items by mutual information, 500 rows",
    "gss-llm-passes": "gss2022 with 20 items by mutual information",
    "text": "restaurant",
}


def test_the_readme_repeats_the_verdicts_of_the_board():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = "reports/published/gss/leaderboard.md"
    block = readme.partition(f"<!-- verdicts of {source} -->\n")[2].partition("<!-- end -->")[0]
    section = re.findall(r"^## Verdict\n(.*?)^## ", (ROOT / source).read_text(encoding="utf-8"), re.M | re.S)[0]
    told = [line for line in section.splitlines() if line.startswith("- ")]
    assert [line.split("**")[1] for line in told] == ["Inference", "Distributions and relations", "Values"]
    assert block.splitlines() == told


@pytest.mark.parametrize(("name", "title"), BOARDS.items())
def test_a_published_board_is_of_a_real_table(name, title):
    page = (PUBLISHED / name / "leaderboard.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {title}: boards of the suite {re.sub('-500|-passes', '', name)}\n")
    assert "synthetic" not in page.split("## Inference")[0].split("## Distributions")[0]
    records, manifest = from_parquet(PUBLISHED / name / "results.parquet")
    assert {record.dataset for record in records} == {title}
    assert not any(table["data"].get("synthetic") for table in manifest["tables"].values())


def test_a_published_page_is_what_its_results_say(tmp_path):
    page, _ = rebuild([PUBLISHED / "gss" / "results.parquet"], tmp_path / "again")
    assert page.read_text(encoding="utf-8") == (PUBLISHED / "gss" / "leaderboard.md").read_text(encoding="utf-8")


def test_the_cheapest_cells_of_a_published_board_come_out_again(shared, monkeypatch, capsys):
    command = ["verify", str(PUBLISHED / "gss"), "--data", str(shared / "data" / "2022_stata.zip")]
    command += ["--imputers", "mean,regression,listwise", "--share", "0.08"]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *command])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert not end.value.code, told.out + told.err
    assert "cells computed again, 0 differ" in told.out
