"""The board Inference: bias, coverage and width of a regression's intervals over masks, and a verdict by stated rules.

The sample is fixed and only masks repeat, so what is to be held is the estimate of the complete table, and the variance
of a method with draws is that between them (Vink & van Buuren 2014).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.boards import Contest, costs
from reports.ranking import BEYOND

ERROR, SE, COVERS, FMI = "regression-error", "regression-se", "regression-covers", "regression-fmi"
LEVEL = 0.05  # of the tests of a method, multiplicity of its slopes and settings included
SLIGHT = 0.1  # standard errors of the complete table; less bias is called none
ROUNDING = 1e-9  # standard errors; less is no width
ENOUGH = 100  # masks that tell a coverage of .95 from one of .89 with a power of 80 %
REFUTED = ("too sure", "biased")


@dataclass(frozen=True, eq=False)
class Inference:
    """The board.

    Parameters
    ----------
    contest : who is compared on what.
    terms : the slopes, as ``"outcome ~ covariate"``.
    masks : how many there are.
    verdicts : one row per imputer and one column per mechanism.
    table : one row per imputer, in the order of `verdicts`: ``width`` (mean length of the 95 % intervals, in standard
        errors of the complete table), ``bias`` and ``bias-error`` (largest mean error of a slope under a mechanism,
        signed, in the same unit, and its Monte-Carlo standard error), ``worst`` (that slope and mechanism),
        ``coverage``, ``coverage-error``, ``se-ratio`` (standard error as stated over that seen from mask to mask),
        ``fmi``, and the `costs`. Those that the fewest mechanisms refute come first, then the narrowest intervals.
    bias, bias_error : by imputer and slope.
    """

    contest: Contest
    terms: tuple[str, ...]
    masks: int
    verdicts: pd.DataFrame
    table: pd.DataFrame
    bias: pd.DataFrame
    bias_error: pd.DataFrame

    def refuted(self, setting: str) -> list[str]:
        """Imputers that a mechanism shows to be biased or too sure."""
        return list(self.verdicts.index[self.verdicts[setting].isin(REFUTED)])


def inference_of(contest: Contest) -> Inference | None:
    """Judge every imputer that has all slopes of all masks; None if no regression was scored."""
    rows = contest.scores[contest.scores["metric"].isin([ERROR, SE, COVERS, FMI])]
    rows = rows[rows["imputer"].isin(contest.whole)].assign(setting=lambda f: f["mechanism_setting"])
    if not {ERROR, SE, COVERS} <= set(rows["metric"]):
        return None
    wide = rows.pivot(index=["imputer", "setting", "mask", "column"], columns="metric", values="value").reset_index()
    counts = wide.dropna(subset=[ERROR, SE, COVERS]).groupby("imputer").size()
    whole = sorted(counts.index[counts == len(wide[["mask", "column"]].drop_duplicates())])
    places = [*contest.facts["columns"]]
    terms = tuple(sorted(set(wide["column"]), key=lambda term: (places.index(_covariate(term, places)), term)))
    draws = contest.facts["draws"]
    judged = [_judge(wide[wide["imputer"] == name], terms, contest.settings, draws) for name in whole]
    verdicts, table, bias, errors = (pd.DataFrame([one[k] for one in judged], index=whole) for k in range(4))
    order = np.lexsort((table["width"], verdicts.isin(REFUTED).sum(axis=1)))
    table = table.rename_axis("imputer").join(costs(contest.scores))
    return Inference(
        contest, terms, wide["mask"].nunique(), *(one.iloc[order] for one in (verdicts, table, bias, errors))
    )


def _judge(
    own: pd.DataFrame, terms: tuple[str, ...], settings: list[str], draws: int
) -> tuple[dict[str, str], dict[str, object], pd.Series, pd.Series]:
    """Verdicts by mechanism, a row of the table, and the bias of each slope with its Monte-Carlo error."""
    from scipy.stats import t as student

    slopes, pooled = _slopes(own)
    bias = own.groupby("column")[ERROR].mean().reindex(list(terms))
    errors = np.sqrt(pooled.reindex(list(terms)) / own["mask"].nunique())
    covers = own.groupby("mask")[COVERS].mean()
    fmi = own[FMI].mean() if FMI in own else np.nan
    reach = BEYOND if np.isnan(fmi) else float(student.isf(0.025, draws - 1))  # who draws has few degrees of freedom
    worst = slopes.loc[slopes["mean"].abs().idxmax()]
    row = {
        "width": 2 * reach * own[SE].mean(),
        "bias": worst["mean"],
        "bias-error": worst["error"],
        "worst": f"{worst['column'].partition(' ~ ')[2]}, {worst['setting']}",
        "coverage": covers.mean(),
        "coverage-error": covers.sem() if len(covers) > 1 else np.nan,
        "se-ratio": float(np.sqrt((own[SE] ** 2).mean() / pooled.mean())) if pooled.mean() > 0 else np.nan,
        "fmi": fmi,
    }
    verdicts = {name: _verdict(own[own["setting"] == name], slopes[slopes["setting"] == name]) for name in settings}
    return verdicts, row, bias, errors


def _slopes(own: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Mean error of each slope under each mechanism, its Monte-Carlo error and whether it is biased; variances."""
    from scipy.stats import t as student

    found = own.groupby(["column", "setting"])[ERROR].agg(["mean", "var", "size"]).reset_index()
    freedom = own["mask"].nunique() - own["setting"].nunique()
    pooled = _within(found) if freedom > 0 else own.groupby("column")[ERROR].var(ddof=1)
    found["error"] = np.sqrt(found["column"].map(pooled) / found["size"])
    if freedom > 0:
        chance = 2 * student.sf(np.abs(found["mean"] / found["error"]), freedom)
        found["biased"] = (holm(chance) < LEVEL) & (found["mean"].abs() > SLIGHT)
    else:
        found["biased"] = False
    return found, pooled


def _verdict(own: pd.DataFrame, slopes: pd.DataFrame) -> str:
    """Verdict on the masks of one mechanism."""
    from scipy.stats import t as student

    if slopes["biased"].any():
        return "biased"
    covers = own.groupby("mask")[COVERS].mean()
    if own[SE].max() < ROUNDING and not own[COVERS].any():  # it states no uncertainty and is wrong everywhere
        return "too sure"
    if len(covers) > 1 and covers.mean() + student.isf(LEVEL, len(covers) - 1) * covers.sem() < 1 - LEVEL:
        return "too sure"
    return "valid" if len(covers) >= ENOUGH else "untested"


def _within(settings: pd.DataFrame) -> pd.Series:
    """Variance of each slope's errors over masks, within settings."""
    freedom = (settings["size"] - 1).clip(lower=0)
    squares = (settings["var"].fillna(0) * freedom).groupby(settings["column"]).sum()
    return squares / freedom.groupby(settings["column"]).sum()


def holm(chances: Floats) -> Floats:
    """p-values adjusted for their number (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(chances)
    steps = np.maximum.accumulate(chances[order] * np.arange(len(chances), 0, -1))
    adjusted = np.empty_like(chances)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def _covariate(column: str, names: list[str]) -> str:
    """Name of the covariate in ``"outcome ~ covariate"`` or ``"outcome ~ covariate: level"``."""
    term = column.partition(" ~ ")[2]
    return next(name for name in names if term == name or term.startswith(f"{name}: "))
