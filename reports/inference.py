"""The board Inference: bias, coverage and width of a regression's intervals over masks, and a verdict by stated rules.

The sample is fixed and only masks repeat, so what is to be held is the estimate of the complete table, and the variance
of a method with draws is that between them (Vink & van Buuren 2014).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.boards import Contest, costs

ERROR, SE, COVERS, FMI = "regression-error", "regression-se", "regression-covers", "regression-fmi"
LEVEL = 0.05  # of the tests of a method, multiplicity of its slopes and settings included
SLIGHT = 0.1  # standard errors of the complete table; less bias is called none
ENOUGH = 100  # masks that tell a coverage of .95 from one of .89 with a power of 80 %
VERDICTS = ("valid", "untested", "too sure", "biased")


@dataclass(frozen=True, eq=False)
class Inference:
    """The board.

    Parameters
    ----------
    contest : who is compared on what.
    terms : the slopes, as ``"outcome ~ covariate"``.
    masks : how many there are.
    table : one row per imputer, by verdict and then by width: ``verdict``, ``width`` (mean length of the 95 %
        intervals, in standard errors of the complete table), ``bias`` and ``bias-error`` (largest mean error of a
        slope, signed, in the same unit, and its Monte-Carlo standard error), ``worst`` (that slope), ``coverage``,
        ``coverage-error``, ``se-ratio`` (standard error as stated over that seen from mask to mask), ``fmi``, seconds
        and peak-memory-mb.
    bias, bias_error : by imputer and slope.
    """

    contest: Contest
    terms: tuple[str, ...]
    masks: int
    table: pd.DataFrame
    bias: pd.DataFrame
    bias_error: pd.DataFrame


def inference_of(contest: Contest) -> Inference | None:
    """Judge every imputer that has all slopes of all masks; None if no regression was scored."""
    rows = contest.scores[contest.scores["metric"].isin([ERROR, SE, COVERS, FMI])]
    rows = rows[rows["imputer"].isin(contest.whole)]
    if not {ERROR, SE, COVERS} <= set(rows["metric"]):
        return None
    wide = rows.pivot(index=["imputer", "setting", "mask", "column"], columns="metric", values="value").reset_index()
    counts = wide.dropna(subset=[ERROR, SE, COVERS]).groupby("imputer").size()
    whole = sorted(counts.index[counts == len(wide[["mask", "column"]].drop_duplicates())])
    places = [*contest.facts["columns"]]
    terms = tuple(sorted(set(wide["column"]), key=lambda term: (places.index(_covariate(term, places)), term)))
    judged = {name: _judge(wide[wide["imputer"] == name], terms) for name in whole}
    table = pd.DataFrame({name: found[0] for name, found in judged.items()}).T
    table["verdict"] = pd.Categorical(table["verdict"], VERDICTS, ordered=True)
    numbers = [name for name in table if name not in ("verdict", "worst")]
    table = table.astype(dict.fromkeys(numbers, float)).rename_axis("imputer").reset_index()
    table = table.sort_values(["verdict", "width", "imputer"]).set_index("imputer").join(costs(contest.scores))
    bias, errors = (pd.DataFrame({name: found[k] for name, found in judged.items()}).T for k in (1, 2))
    return Inference(contest, terms, wide["mask"].nunique(), table, bias.loc[table.index], errors.loc[table.index])


def _judge(own: pd.DataFrame, terms: tuple[str, ...]) -> tuple[dict[str, object], pd.Series, pd.Series]:
    """A row of the table, and the bias of each slope with its Monte-Carlo error, over all settings."""
    from scipy.stats import t as student

    settings = own.groupby(["column", "setting"])[ERROR].agg(["mean", "var", "size"]).reset_index()
    freedom = own["mask"].nunique() - own["setting"].nunique()
    pooled = own.groupby("column")[ERROR].var(ddof=1) if freedom < 1 else _within(settings)
    settings["error"] = np.sqrt(settings["column"].map(pooled) / settings["size"])
    chance = 2 * student.sf(np.abs(settings["mean"] / settings["error"]), max(freedom, 1)) if freedom > 0 else 1.0
    biased = (_holm(np.asarray(chance) * np.ones(len(settings))) < LEVEL) & (settings["mean"].abs() > SLIGHT)
    bias = own.groupby("column")[ERROR].mean().reindex(list(terms))
    errors = np.sqrt(pooled.reindex(list(terms)) / own["mask"].nunique())
    covers = own.groupby("mask")[COVERS].mean()
    covered, doubt = covers.mean(), covers.sem() if len(covers) > 1 else np.nan
    sure = covered + (student.isf(LEVEL, len(covers) - 1) * doubt if len(covers) > 1 else np.inf) < 1 - LEVEL
    verdict = "biased" if biased.any() else "too sure" if sure else "valid" if len(covers) >= ENOUGH else "untested"
    worst = settings.loc[settings["mean"].abs().idxmax()]
    row = {
        "verdict": verdict,
        "width": 2 * 1.96 * own[SE].mean(),
        "bias": worst["mean"],
        "bias-error": worst["error"],
        "worst": f"{worst['column'].partition(' ~ ')[2]}, {worst['setting']}",
        "coverage": covered,
        "coverage-error": doubt,
        "se-ratio": float(np.sqrt((own[SE] ** 2).mean() / pooled.mean())) if pooled.mean() > 0 else np.nan,
        "fmi": own[FMI].mean() if FMI in own else np.nan,
    }
    return row, bias, errors


def _within(settings: pd.DataFrame) -> pd.Series:
    """Variance of each slope's errors over masks, within settings."""
    freedom = (settings["size"] - 1).clip(lower=0)
    squares = (settings["var"].fillna(0) * freedom).groupby(settings["column"]).sum()
    return squares / freedom.groupby(settings["column"]).sum()


def _holm(chances: Floats) -> Floats:
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
