"""Verdicts on inference from samples and masks drawn anew: bias and coverage of every estimand, by stated rules."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.inference import holm
from reports.results import Record, tidy

LEVEL = 0.05  # of the tests of a method, all populations, mechanisms and estimands together
NOMINAL = 0.95
SLIGHT = 0.2  # standard errors of the complete table, which take 0.4 points off a coverage of 95 %; less is called none
ENOUGH = 100  # replicates; with fewer nothing is called valid
POWER = 0.8
VALID, SURE, BIASED, UNTESTED = "valid", "too sure", "biased", "untested"
REFUTED = (SURE, BIASED)
STATISTICS = [
    "complete-bias",
    "complete-square",
    "complete-variance",
    "complete-coverage",
    "shift",
    "shift-square",
    "square",
    "variance",
    "coverage",
    "width",
    "fmi",
    "law-coverage",
    "sample-coverage",
    "sample-width",
]
KEY = ["design", "setting", "imputer", "estimand"]


def combined(records: Sequence[Record], designs: Mapping[str, str]) -> pd.DataFrame:
    """One row per design, mechanism, method and estimand: statistics over all replicates of all of its cells.

    Parameters
    ----------
    designs : title of each table to what it is a sample of.

    Returns
    -------
    Columns: those of `KEY`, ``kind``, ``replicates``, and a mean for each statistic of `metrics.coverage.coverage`, NaN
    where it does not apply.
    """
    scores = tidy(records)
    scores = scores[scores["dataset"].isin(designs)]
    cell = ["dataset", "mechanism", "setting", "rate", "seed", "imputer", "column"]
    wide = scores.pivot(index=cell, columns="metric", values="value").reset_index()
    wide = wide.reindex(columns=[*cell, "replicates", *STATISTICS])
    wide = wide.assign(design=wide["dataset"].map(designs), estimand=wide["column"])
    wide = wide[wide["replicates"].notna()]
    weighted = wide[STATISTICS].mul(wide["replicates"], axis=0)
    sums = weighted.assign(**{name: wide[name] for name in [*KEY, "replicates"]}).groupby(KEY, sort=True)
    total = sums["replicates"].sum()
    found = sums[STATISTICS].sum(min_count=1).div(total.where(total > 0), axis=0)
    found = found.assign(replicates=total).reset_index()
    return found.assign(kind=[_kind(name) for name in found["estimand"]])


def _kind(estimand: str) -> str:
    """Kind of an estimand by its name, such as ``"mean: educ, sex = male"``."""
    kind = estimand.partition(":")[0]
    return f"subgroup {kind}" if kind in ("mean", "share") and ", " in estimand else kind


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Verdict on each row of `combined` from a known population.

    Adds ``bias`` (mean of the pooled estimate minus that before masking, in standard errors of the complete table) with
    ``bias-error``, ``coverage-error``, ``se-ratio`` (stated standard error over the true one), ``relative-width``
    (interval over that of the complete table) and ``verdict``. Rules, with Holm's adjustment (1979) over all estimands,
    mechanisms and populations of a method:

    - biased: a bias beyond chance (t test) and of `SLIGHT` at least;
    - too sure: coverage below 95 % beyond chance (exact binomial test, one-sided);
    - untested: fewer than `ENOUGH` replicates, or the complete tables do not cover 95 % themselves;
    - valid: none of these.
    """
    known = found[found["coverage"].notna()].copy()
    if known.empty:
        return known.assign(verdict=[])
    R, scale = known["replicates"], np.sqrt(known["complete-variance"])
    known["bias"] = known["shift"] / scale
    known["bias-error"] = (
        np.sqrt((known["shift-square"] - known["shift"] ** 2).clip(lower=0) / (R - 1).clip(lower=1)) / scale
    )
    known["coverage-error"] = np.sqrt(known["coverage"] * (1 - known["coverage"]) / R)
    error = known["complete-bias"] + known["shift"]
    spread = (known["square"] - error**2) * R / (R - 1).clip(lower=1)
    known["se-ratio"] = np.sqrt(known["variance"] / spread.where(spread > 0))
    known["relative-width"] = known["width"] / (2 * 1.96 * scale)
    able = _able(known)
    families = [_verdicts(own, able) for _, own in known.groupby("imputer")]
    return known.assign(verdict=pd.concat(families))


def complete(found: pd.DataFrame) -> pd.DataFrame:
    """Coverage of the complete tables: one row per design and estimand, from the method with most replicates.

    Columns: design, estimand, kind, replicates, coverage, and ``inside``: whether it lies within chance of 95 %, by an
    exact binomial test of either side, Holm over all.
    """
    known = found[found["coverage"].notna()]
    most = known.sort_values(["replicates", "imputer", "setting"]).groupby(["design", "estimand"]).tail(1)
    chosen = most[["design", "estimand", "kind", "replicates", "complete-coverage"]]
    return _within_chance(chosen.rename(columns={"complete-coverage": "coverage"}))


def by_law(found: pd.DataFrame, imputer: str = "oracle") -> pd.DataFrame:
    """Coverage of the oracle with its exact variance, as `complete`, by design and mechanism."""
    own = found[(found["imputer"] == imputer) & found["law-coverage"].notna()]
    chosen = own[["design", "setting", "estimand", "kind", "replicates", "law-coverage"]]
    return _within_chance(chosen.rename(columns={"law-coverage": "coverage"}))


def method_verdicts(rows: pd.DataFrame) -> pd.DataFrame:
    """Verdict by method (index), and design and mechanism (columns): the worst of its estimands."""
    order = [BIASED, SURE, UNTESTED, VALID]
    worst = rows.assign(rank=rows["verdict"].map(order.index)).groupby(["imputer", "design", "setting"])
    return worst["verdict"].agg(_overall).unstack(["design", "setting"], fill_value=UNTESTED)


def _overall(verdicts: pd.Series) -> str:
    """Biased or too sure if an estimand is, valid if every other is valid or beyond the complete tables, too."""
    seen = set(verdicts)
    return next((name for name in (BIASED, SURE, VALID) if name in seen), UNTESTED)


def smallest_told(replicates: int, tests: int) -> float:
    """Coverage that so many replicates tell from 95 % with a power of 80 %, among so many tests (Bonferroni).

    NaN if none can be told: of so few replicates all may miss by chance.
    """
    from scipy.stats import binom

    most = binom.ppf(LEVEL / max(tests, 1), replicates, NOMINAL) - 1  # hits that are too few by chance
    grid = np.arange(NOMINAL, 0.0, -0.001)
    telling = grid[binom.cdf(most, replicates, grid) >= POWER]
    return float(telling[0]) if len(telling) else float("nan")


def _able(known: pd.DataFrame) -> set[tuple[str, str]]:
    """Design and estimand whose complete tables cover no less than 95 %, within chance."""
    before = complete(known)
    short = before[~before["inside"] & (before["coverage"] < NOMINAL)]
    return {*zip(before["design"], before["estimand"], strict=True)} - {
        *zip(short["design"], short["estimand"], strict=True)
    }


def _verdicts(own: pd.DataFrame, able: set[tuple[str, str]]) -> pd.Series:
    """Verdicts on the estimands of one method."""
    from scipy.stats import binom
    from scipy.stats import t as student

    testable = np.array([pair in able for pair in zip(own["design"], own["estimand"], strict=True)]) & (
        own["replicates"] > 1
    )
    part = own[testable]
    verdict = pd.Series(UNTESTED, index=own.index)
    if part.empty:
        return verdict
    z = np.abs(part["bias"]) / part["bias-error"].where(part["bias-error"] > 0, np.inf)
    moved = (holm(2 * student.sf(z.to_numpy(), part["replicates"] - 1)) < LEVEL) & (part["bias"].abs() >= SLIGHT)
    hits = np.round(part["coverage"] * part["replicates"])
    short = holm(binom.cdf(hits, part["replicates"], NOMINAL)) < LEVEL
    enough = np.where(part["replicates"] >= ENOUGH, VALID, UNTESTED)
    verdict[part.index] = np.select([moved, short], [BIASED, SURE], enough)
    return verdict


def _within_chance(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``inside``, by a two-sided test with Holm's adjustment."""
    return rows.assign(inside=holm(_two_sided(rows)) >= LEVEL if len(rows) else [])


def _two_sided(rows: pd.DataFrame) -> Floats:
    from scipy.stats import binom

    hits = np.round(rows["coverage"] * rows["replicates"])
    low, high = binom.cdf(hits, rows["replicates"], NOMINAL), binom.sf(hits - 1, rows["replicates"], NOMINAL)
    return np.minimum(1, 2 * np.minimum(low, high))
