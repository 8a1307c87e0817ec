"""Audit of language models: what they say of themselves, and whether their draws flatten people."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.boards import Contest
from reports.measures import SHOWN, Measure
from reports.page import Cell, Grid, Head, Section, grid, plain
from reports.results import TABLE
from reports.tables import DASH, arrow, numbers

MOST_LOW_MASS = 0.05  # a twentieth of the cells without half of the mass, and the rest is a guess about them
MANY_FLIPS = 0.10  # near ties flip at a breath; a tenth of all answers does not
NEAR_ONE = 0.05  # dispersion that is off by less is called right
BEYOND = 1.96  # standard errors
OTHERS = 3  # methods that are no language models, beside them
WITHIN = {"within-variance-ratio": "variance", "within-entropy-ratio": "entropy"}
BY_GROUP = {"subgroup-variance-ratio": "variance", "subgroup-entropy-ratio": "entropy"}


def audit_sections(contest: Contest, order: Sequence[str]) -> list[Section]:
    """What the audits of language models found, and the dispersion of all beside the best others; nothing if none."""
    scores = contest.scores
    told = scores[(scores["column"] == TABLE) & scores["imputer"].isin(contest.whole)]
    means = told.pivot_table(index="imputer", columns="metric", values="value", aggfunc="mean", dropna=False)
    if "audit-cells" not in means:
        return []
    names = [name for name in order if pd.notna(means["audit-cells"].get(name))]
    if not names:
        return []
    intro = (
        "Each model was asked about observed cells that it had hidden from itself and did not learn from; the hidden "
        "cells that are scored above play no part. Means over masks; a change against real names stands in brackets, "
        f"with its standard error over respondents; {DASH}: the model cannot be asked so."
    )
    others = _others(contest, order, names)
    readings = "\n".join(f"- **{plain(name)}**: {_reading(name, others, means)}" for name in names)
    return [
        Section("Audit of language models", (intro, _grid(names, means), readings)),
        *_dispersion(contest, [*names, *others], means),
    ]


def _others(contest: Contest, order: Sequence[str], audited: Sequence[str]) -> list[str]:
    """Best ranked imputers that are no language models."""
    facts = contest.facts["imputers"]
    ranked = [
        name for name in order if name in contest.whole and name not in audited and facts[name]["family"] != "llm"
    ]
    return ranked[:OTHERS]


def _grid(names: Sequence[str], means: pd.DataFrame) -> Grid:
    """One row per measure that was taken, one column per model, and how to read it."""
    rows = [
        (Cell(measure.title), *_values(name, measure, means.loc[list(names)]), Cell(measure.reading))
        for name, measure in SHOWN.items()
        if name in means
    ]
    return grid(["measure", *map(Head, names), "how to read it"], rows)


def _values(name: str, measure: Measure, means: pd.DataFrame) -> list[Cell]:
    """Cells of a measure, with its change and the standard error of that where it has them."""
    cells = numbers(means[name], decimals=0 if name in ("audit-cells", "audit-tokens") else None)
    if not measure.change:
        return cells
    return [
        cell
        if np.isnan(means.loc[who, measure.change])
        else Cell(f"{cell.text} ({_change(means.loc[who], measure.change, measure.error)})", cell.sort)
        for who, cell in zip(means.index, cells, strict=True)
    ]


def _change(found: pd.Series, change: str, error: str) -> str:
    """Say a change with its sign, and its standard error if it has one."""
    text = f"{found[change] + 0.0:+.3f}".replace("-", "−")
    return f"{text} ± {found[error]:.3f}" if np.isfinite(found.get(error, np.nan)) else text


def _reading(name: str, others: Sequence[str], means: pd.DataFrame) -> str:
    """Say what the numbers of one model mean."""
    found = means.loc[name]
    parts = [
        _validity(found),
        _steadiness(found),
        _names(found, "audit-opaque", "Without the names"),
        _names(found, "audit-reversed-scale", "With the scales turned round"),
        _flatness(name, others, means),
    ]
    return " ".join(part for part in parts if part)


def _validity(found: pd.Series) -> str:
    mass, low = found["audit-mass"], found["audit-low-mass"]
    text = (
        f"{_percent(mass)} of its probability is on valid answers, and in {_percent(low)} of the cells less than half"
    )
    if low > MOST_LOW_MASS:
        return f"{text}: **it often has something else to say, and its probabilities are made up from the rest**."
    return f"{text}: its probabilities are about the answers."


def _steadiness(found: pd.Series) -> str:
    """Say how often the likeliest answer changes with what should not matter."""
    asked = {
        "another form of words": "audit-paraphrase-flips",
        "another order of the options": "audit-reversed-order-flips",
    }
    flips = {what: found[name] for what, name in asked.items() if np.isfinite(found.get(name, np.nan))}
    if not flips:
        return ""
    text = " and ".join(f"with {what} in {_percent(share)} of the cells" for what, share in flips.items())
    many = max(flips.values()) > MANY_FLIPS
    return f"Its likeliest answer changes {text}: " + (
        "**it hangs on how it is asked**." if many else "it hardly hangs on how it is asked."
    )


def _names(found: pd.Series, probe: str, under: str) -> str:
    """Say whether the model does worse once its words are taken away or turned round."""
    change, error = (found.get(f"{probe}-log-score-{part}", np.nan) for part in ("change", "error"))
    if not np.isfinite([change, error]).all():
        return ""
    told = _change(found, f"{probe}-log-score-change", f"{probe}-log-score-error")
    if change > BEYOND * error:
        return f"{under} its log score is worse ({told}): **the words help it, by knowledge, memory or training**."
    if change < -BEYOND * error:
        return f"{under} its log score is better ({told}): the words mislead it."
    return f"{under} its log score is not detectably different ({told}): no sign that it rests on words."


def _flatness(name: str, others: Sequence[str], means: pd.DataFrame) -> str:
    """Say whether draws within groups of people vary as much as people do."""
    if not set(WITHIN) <= set(means) or not np.isfinite(means.loc[name, list(WITHIN)].astype(float)).all():
        return ""
    variance, entropy = means.loc[name, list(WITHIN)]
    text = (
        f"Within groups of people its draws have {variance:.2f} of the true variance and {entropy:.2f} of the entropy"
    )
    beside = [f"{plain(other)} {means.loc[other, 'within-variance-ratio']:.2f}" for other in others]
    text += f" (variance of the best others: {', '.join(beside)})" if beside else ""
    if min(variance, entropy) < 1 - NEAR_ONE:
        return f"{text}: **it flattens people**."
    if max(variance, entropy) > 1 + NEAR_ONE:
        return f"{text}: it makes people differ more than they do."
    return f"{text}: it keeps people as different as they are."


def _dispersion(contest: Contest, names: Sequence[str], means: pd.DataFrame) -> list[Section]:
    """Ratios within groups: all groups together, and folded away group by group."""
    facts = contest.facts
    scored = [metric for metric in WITHIN if metric in means and metric in facts["metrics"]]
    if not scored:
        return []
    whole = means[scored].reindex(list(names))
    known = [(m, facts["metrics"][m]) for m in scored]
    heads: list[Head | str] = [
        "imputer",
        *[Head(f"{WITHIN[m]} {arrow(own['better'])}", own["summary"]) for m, own in known],
    ]
    columns: list[Sequence[Cell | str]] = [names, *[numbers(whole[metric]) for metric in scored]]
    scores = contest.scores
    groups = {m: _by_group(scores[scores["metric"] == m], names) for m in BY_GROUP if m in set(scores["metric"])}
    if "subgroup-variance-ratio" in groups:
        heads.append(Head("flattest group", "group with the smallest ratio of variances", numeric=False))
        columns.append([_flattest(groups["subgroup-variance-ratio"], name) for name in names])
    text = (
        "Variance and entropy of the draws over those of the true answers in the same hidden cells, within groups of "
        "people who are alike in a nominal driver: below 1, those of one kind are drawn too much alike. The audited "
        "models, and the best ranked of the others."
    )
    by_group = [Section(f"Ratios of {BY_GROUP[m]} by group", (_groups_grid(t),), 3, True) for m, t in groups.items()]
    return [Section("Dispersion within groups", (text, grid(heads, zip(*columns, strict=True))), 3), *by_group]


def _by_group(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Means over masks: one row per group, one column per imputer; NaN where it has none."""
    wide = rows.pivot_table(index="column", columns="imputer", values="value", aggfunc="mean", sort=False)
    return wide.reindex(columns=list(names)).dropna(how="all")


def _flattest(by_group: pd.DataFrame, name: str) -> Cell:
    own = by_group[name].dropna()
    return Cell(f"{own.idxmin()} ({own.min():.2f})", float(own.min())) if len(own) else Cell(DASH)


def _groups_grid(by_group: pd.DataFrame) -> Grid:
    columns = [numbers(by_group[name]) for name in by_group]
    return grid(["group", *map(Head, by_group)], zip(by_group.index, *columns, strict=True))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
