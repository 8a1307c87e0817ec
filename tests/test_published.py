"""The README shows the published leaderboard, and the published leaderboard is of the real survey."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BOARD = ROOT / "reports" / "published" / "gss.md"


def test_the_summary_of_the_readme_is_the_published_one():
    readme = (ROOT / "README.md").read_text().splitlines()
    shown = [line for line in readme if line.startswith("|")]
    assert len(shown) == 21  # head, rule and the 19 imputers that were there
    published = BOARD.read_text().splitlines()
    assert all(line in published for line in shown)


def test_the_published_board_is_real_and_whole():
    text = BOARD.read_text()
    assert text.startswith("# gss2022: ")
    assert "synthetic" not in text.split("## Summary")[0]
    assert "171 of 216 cells are done; **45 unavailable**" in text  # five models of billions of weights
    for picture in ("covariance", "ranks", "trade-off"):
        assert (BOARD.parent / "figures" / f"{picture}.png").exists()


def test_what_the_readme_says_of_all_methods_is_on_their_board():
    readme = (ROOT / "README.md").read_text()
    board = (BOARD.parent / "gss-all" / "leaderboard.md").read_text()
    assert "387 of 432 cells are done; **45 unavailable**" in board and "All 43 methods" in readme
    leads = re.findall(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", readme)
    assert len(leads) == 2 and all(f"**{lead}**" in board for lead in leads)
    text = (BOARD.parent / "text" / "leaderboard.md").read_text()
    accuracies = re.findall(r"0\.\d{3} ± 0\.\d{3}", readme)
    assert len(accuracies) == 5 and all(accuracy in text for accuracy in accuracies)
    claims = (BOARD.parent / "published.md").read_text()
    assert "26 pass, 9 miss." in claims and "26 of 35 figures" in readme
