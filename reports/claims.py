"""Claims: figures that were published elsewhere, beside ours on the same cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from reports.facts import Manifest
from reports.page import Block, Cell, Head, Page, Section, grid
from reports.results import TABLE, Record, collect


@dataclass(frozen=True)
class Claim:
    """One published figure, and how it can be met.

    Parameters
    ----------
    dataset : table of the suite, as it was asked for.
    mechanisms, rate : the masks; of several, our score is the mean.
    imputer : what is run.
    metric, column : how it is scored.
    published : the figure as it was published.
    low, high : what counts as met; None for an open end.
    source : where the figure comes from, and what differs from our run.
    """

    dataset: str
    mechanisms: Sequence[str]
    rate: float
    imputer: str
    published: str
    source: str
    metric: str
    low: float | None = None
    high: float | None = None
    column: str = TABLE

    def verdict(self, ours: float | None) -> str:
        """``"pass"``, ``"miss"`` or ``"not run"``, for our score or None."""
        if ours is None:
            return "not run"
        low, high = -inf if self.low is None else self.low, inf if self.high is None else self.high
        return "pass" if low <= ours <= high else "miss"


def claims_page(records: Sequence[Record], manifest: Manifest) -> Page:
    """Compose the page of all claims, in their order; the suite tells them as ``about["claims"]``."""
    claims = [Claim(**known) for known in manifest["about"]["claims"]]
    found = [_score(claim, records, manifest) for claim in claims]
    verdicts = [claim.verdict(ours) for claim, (ours, _) in zip(claims, found, strict=True)]
    told = ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "miss", "not run") if v in verdicts)
    heads: list[Head | str] = ["data", "mask", "imputer", "metric", Head("ours"), Head("published"), Head("accepted")]
    reasons = dict.fromkeys(lacking for ours, lacking in found if ours is None)
    versions = ", ".join(f"{name} {version}" for name, version in collect(records).versions.items())
    blocks: list[Block] = [
        f"{told}. Each imputer fills the very cells that were hidden for the published figure, or folds of the same "
        "table. A range without an upper or lower end accepts anything better.",
        grid(
            [*heads, "verdict", "source"], [_row(claim, ours) for claim, (ours, _) in zip(claims, found, strict=True)]
        ),
        *(["Not run:\n\n" + "\n".join(f"- {reason}" for reason in reasons)] if reasons else []),
        f"Versions: {versions}.",
    ]
    title = "Published figures, and ours on the same cells"
    return Page(title, "published figures", (Section("Claims", tuple(blocks)),))


def _score(claim: Claim, records: Sequence[Record], manifest: Manifest) -> tuple[float | None, str]:
    """Our score, or None and why there is none."""
    table = manifest["tables"][claim.dataset]
    if "lacking" in table:
        return None, table["lacking"]
    cell = table["data"]["title"], claim.rate, claim.imputer
    own = [r for r in records if (r.dataset, r.rate, r.imputer) == cell and r.mechanism in claim.mechanisms]
    lost = [f"{record.imputer}: {record.message}" for record in own if record.status != "done"]
    if lost:
        return None, lost[0]
    wanted = claim.metric, claim.column
    return fmean(value for record in own for metric, column, value in record.scores if (metric, column) == wanted), ""


def _row(claim: Claim, ours: float | None) -> tuple[Cell | str, ...]:
    if claim.low is None:
        accepted = f"at most {claim.high:g}"
    elif claim.high is None:
        accepted = f"at least {claim.low:g}"
    else:
        accepted = f"{claim.low:g} to {claim.high:g}"
    mask = claim.mechanisms[0] if len(claim.mechanisms) == 1 else f"{len(claim.mechanisms)} folds"
    verdict = claim.verdict(ours)
    cell = Cell("–" if ours is None else f"{ours:.4f}", ours)
    figures = (cell, claim.published, Cell(accepted, claim.low), Cell(verdict, verdict, strong=verdict == "miss"))
    return (claim.dataset, mask, claim.imputer, claim.metric, *figures, Cell(claim.source))
