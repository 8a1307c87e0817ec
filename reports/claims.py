"""Claims: figures that were published elsewhere, beside ours on the same cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.page import Block, Cell, Grid, Head, Page, Section


@dataclass(frozen=True)
class Claim:
    """One published figure, and what we got.

    Parameters
    ----------
    data, mask : names of the dataset and of what hid its cells.
    imputer, metric : what was run, and how it was scored.
    published : the figure as it was published.
    low, high : what counts as met; an open end is infinite.
    source : where the figure comes from, and what differs from our run.
    ours : our score; None if it could not be had.
    lacking : why not; empty if it could.
    """

    data: str
    mask: str
    imputer: str
    metric: str
    published: str
    low: float
    high: float
    source: str
    ours: float | None
    lacking: str = ""

    @property
    def verdict(self) -> str:
        """``"pass"``, ``"miss"`` or ``"not run"``."""
        if self.ours is None:
            return "not run"
        return "pass" if self.low <= self.ours <= self.high else "miss"


def claims_page(claims: Sequence[Claim], versions: str) -> Page:
    """Compose the page of all claims, in their order."""
    counts = {verdict: sum(claim.verdict == verdict for claim in claims) for verdict in ("pass", "miss", "not run")}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    texts = ("data", "mask", "imputer", "metric")
    heads = [Head(text, numeric=False) for text in texts]
    heads += [
        Head("ours"),
        Head("published"),
        Head("accepted"),
        *[Head(t, numeric=False) for t in ("verdict", "source")],
    ]
    blocks: list[Block] = [
        f"{told}. Each imputer fills the very cells that were hidden for the published figure, or folds of the same "
        "table. A range without an upper or lower end accepts anything better.",
        Grid(tuple(heads), tuple(_row(claim) for claim in claims)),
        *([_missing(claims)] if counts["not run"] else []),
        f"Versions: {versions}.",
    ]
    title = "Published figures, and ours on the same cells"
    return Page(title, "published figures", (Section("Claims", tuple(blocks)),))


def _row(claim: Claim) -> tuple[Cell, ...]:
    ours = "–" if claim.ours is None else f"{claim.ours:.4f}"
    if claim.low == float("-inf"):
        accepted = f"at most {claim.high:g}"
    elif claim.high == float("inf"):
        accepted = f"at least {claim.low:g}"
    else:
        accepted = f"{claim.low:g} to {claim.high:g}"
    front = [Cell(text, text) for text in (claim.data, claim.mask, claim.imputer, claim.metric)]
    middle = [Cell(ours, claim.ours), Cell(claim.published, claim.published), Cell(accepted, claim.low)]
    return (*front, *middle, Cell(claim.verdict, claim.verdict, strong=claim.verdict == "miss"), Cell(claim.source))


def _missing(claims: Sequence[Claim]) -> str:
    reasons = dict.fromkeys(claim.lacking for claim in claims if claim.ours is None)
    return "Not run:\n\n" + "\n".join(f"- {reason}" for reason in reasons)
