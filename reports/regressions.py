"""Regression: what the model that people will run says after each method, read off the tidy scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from reports.facts import Facts
from reports.leaderboard import Board
from reports.page import Block, Cell, Grid, Head, Section, grid, plain
from reports.results import MASK
from reports.tables import arrow, numbers

BIAS = "regression-bias"
MEANS = {  # metric: title, hint
    "regression-se-ratio": ("SE ratio", "standard error over that before masking; below 1 is overclaimed"),
    "regression-overlap": ("overlap", "of the 95 % interval with that before masking"),
    "regression-covers": ("holds", "share of 95 % intervals that hold the slope before masking"),
    "regression-population-coverage": ("coverage", "chance that the 95 % interval holds the population's slope"),
}
REFERENCE = "before masking"


def regression_sections(board: Board) -> list[Section]:
    """Table of the regression, one row per imputer; nothing if no regression was scored."""
    scores, facts = board.contest.scores, board.contest.facts
    scored = scores[scores["metric"].isin([BIAS, *MEANS]) & scores["imputer"].isin(board.contest.whole)]
    if not {BIAS, *MEANS} <= set(scored["metric"]):
        return []
    wide = scored.pivot_table(index=["imputer", *MASK, "column"], columns="metric", values="value", dropna=False)
    wide = wide.dropna().reset_index()
    counts = wide["imputer"].value_counts()
    whole = sorted(counts.index[counts == len(wide[[*MASK, "column"]].drop_duplicates())])
    outcome, _, _ = wide["column"].iloc[0].partition(" ~ ")
    places = list(facts["columns"])
    terms = sorted(wide["column"].unique(), key=lambda term: (places.index(_covariate(term, facts)), term))
    covariates = list(dict.fromkeys(_covariate(term, facts) for term in terms))
    told: list[Block] = [_told(outcome, covariates)]
    told.append(_grid(wide[wide["imputer"].isin(whole)], terms, facts, _inferences(board)))
    short = sorted(set(board.contest.whole) - set(whole))
    if short:
        told.append(f"Not in the table, as they lack some of its scores: {', '.join(map(plain, short))}.")
    return [Section(f"Regression: {outcome} on {', '.join(covariates)}", tuple(told))]


def _told(outcome: str, covariates: Sequence[str]) -> str:
    return (
        f"Least squares of `{outcome}` on {', '.join(f'`{name}`' for name in covariates)} by each method's own way, "
        "against the same on the table before masking (the first row). Random draws are analysed one by one and pooled "
        "by Rubin's rules; equal draws have no variance between them, so their standard errors ignore what was lost; "
        "methods that fill nothing give estimates of their own. Means over slopes and masks; sorted by overlap.\n\n"
        "- *RMS bias*, and the signed mean *bias* of each slope: in standard errors of the table before masking.\n"
        "- *SE ratio*: below 1 claims to know more than the complete table told; an honest method lies above 1 by "
        "what the holes lost. Near 1 is good only with a good coverage.\n"
        "- *overlap* of the 95 % intervals before and after, and how often that after *holds* the slope before.\n"
        "- *coverage*: chance that the interval holds the population's slope, given how far the method is off. 0.95 if "
        "it knows how far; less if it is biased or overclaims; more if it is too cautious."
    )


def _grid(wide: pd.DataFrame, terms: Sequence[str], facts: Facts, inference: Mapping[str, str]) -> Grid:
    """One row per imputer, best overlap first, below the reference."""
    means = wide.groupby("imputer")[list(MEANS)].mean()
    means = means.sort_values(["regression-overlap", "imputer"], ascending=[False, True])
    order = means.index
    heads: list[Head | str] = ["imputer", Head("inference", "what it rests on", numeric=False)]
    columns: list[Sequence[Cell | str]] = [[REFERENCE, *order]]
    columns += [[Cell("complete table"), *(Cell(inference[name]) for name in order)]]
    squares = (wide[BIAS] ** 2).groupby([wide["imputer"], wide["mechanism"]]).mean().unstack()
    for mechanism in dict.fromkeys(cell["mechanism"] for cell in facts["cells"]):
        if mechanism in squares:
            heads.append(Head(f"RMS bias, {mechanism} ↓", "over slopes and masks, in standard errors before masking"))
            columns.append(_with_reference(np.sqrt(squares[mechanism]).reindex(order), 0.0))
    for metric, (title, hint) in MEANS.items():
        known = facts["metrics"][metric]
        heads.append(Head(f"{title} {arrow(known['better'])}", hint))
        columns.append(_with_reference(means[metric], float(known["best"])))
    signed = wide.groupby(["imputer", "column"])[BIAS].mean().unstack().reindex(order)
    for term in terms:
        heads.append(Head(f"{term.partition(' ~ ')[2]} → 0", "mean bias of this slope, in standard errors"))
        columns.append(_with_reference(signed[term], 0.0))
    return grid(heads, zip(*columns, strict=True))


def _with_reference(values: pd.Series, reference: float) -> list[Cell]:
    return numbers(pd.concat([pd.Series({REFERENCE: reference}), values]), decimals=2)


def _inferences(board: Board) -> dict[str, str]:
    """What the inference of each imputer rests on: random draws, equal draws, or estimates of its own."""
    facts, scores = board.contest.facts, board.contest.scores
    filled = [metric for metric, known in facts["metrics"].items() if known["reads"] == "fills"]
    filling = set(scores.loc[scores["metric"].isin(filled), "imputer"])
    draws = {
        name: "equal draws" if known["deterministic"] else "random draws" for name, known in facts["imputers"].items()
    }
    return {name: kind if name in filling else "own estimates" for name, kind in draws.items()}


def _covariate(column: str, facts: Facts) -> str:
    """Name of the covariate in ``"outcome ~ covariate"`` or ``"outcome ~ covariate: level"``."""
    term = column.partition(" ~ ")[2]
    return next(name for name in facts["columns"] if term == name or term.startswith(f"{name}: "))
