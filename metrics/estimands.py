"""Estimands: the numbers that analysts want of a table, each declared once with estimator, error and scale."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from datasets.regression import regressors
from datasets.schema import Floats, Schema
from metrics import estimators
from metrics.design import Design
from metrics.estimators import Linearised, NoEstimate


@dataclass(frozen=True)
class Scale:
    """Where estimates are nearly normal, and so are pooled: a function and its derivative."""

    to: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


PLAIN = Scale(lambda q: q, np.ones_like)
LOGIT = Scale(lambda q: np.log(q / (1 - q)), lambda q: 1 / (q * (1 - q)))
FISHER = Scale(np.arctanh, lambda q: 1 / (1 - q**2))


@dataclass(frozen=True, eq=False)
class Analysis:
    """One estimator and the k estimands that it gives.

    Parameters
    ----------
    kind : of the estimands, as pages group them.
    names : of the estimands, shape (k,), unique among all.
    reads : columns that it reads; rows with a hole in one of them are left out, and stay in the design.
    estimate : of the codes (n, c) of these columns, without holes, and weights (n,).
    scale : on which it is pooled.
    terms : slopes that it estimates at once, which cost degrees of freedom.
    """

    kind: str
    names: tuple[str, ...]
    reads: tuple[str, ...]
    estimate: Callable[[Floats, Floats], Linearised]
    scale: Scale = PLAIN
    terms: int = 0


@dataclass(frozen=True, eq=False)
class Estimated:
    """Estimates (k,) on the scale of pooling, their variances (k,), and degrees of freedom of the design."""

    estimates: Floats
    variances: Floats
    freedom: float


def values(analysis: Analysis, schema: Schema, X: Floats, w: Floats) -> Floats:
    """Estimates (k,) from the table X (n, p), on the scale of pooling.

    Raises
    ------
    NoEstimate
        If the rows have none.
    """
    Y, known = _rows(analysis, schema, X)
    return _on_scale(analysis, analysis.estimate(Y[known], w[known]).estimates)


def estimated(analysis: Analysis, schema: Schema, X: Floats, design: Design) -> Estimated:
    """Estimates from the table X (n, p) with design-based variances; a regression's freedom is less by its slopes.

    Raises
    ------
    NoEstimate
        If the rows have none, or none with an error.
    """
    Y, known = _rows(analysis, schema, X)
    found = analysis.estimate(Y[known], design.weights[known])
    estimates = _on_scale(analysis, found.estimates)
    influence = np.zeros((len(X), len(found.estimates)))
    influence[known] = found.influence * analysis.scale.slope(found.estimates)
    variances = design.variances(influence)
    if not (np.sqrt(variances) > estimators.NOTHING * np.abs(estimates)).all():  # so it is of NaN
        raise NoEstimate(f"{analysis.names[0]} has no standard error: its answers are all alike")
    return Estimated(estimates, variances, float(design.freedom - analysis.terms))


def _rows(analysis: Analysis, schema: Schema, X: Floats) -> tuple[Floats, Floats]:
    Y = X[:, [schema.index(name) for name in analysis.reads]]
    known = ~np.isnan(Y).any(axis=1)
    if known.sum() < analysis.terms + 2:
        raise NoEstimate(f"{analysis.names[0]}: {known.sum()} respondents have answered, too few for an estimate")
    return Y, known


def _on_scale(analysis: Analysis, estimates: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        found = analysis.scale.to(estimates)
    if not np.isfinite(found).all():
        raise NoEstimate(f"{analysis.names[0]} is at the end of its range, where it has no standard error")
    return found


def mean(item: str) -> Analysis:
    """Mean of the codes of an item."""
    return Analysis("mean", (f"mean: {item}",), (item,), estimators.means)


def share(schema: Schema, item: str, level: str) -> Analysis:
    """Share of an answer among those of an item, pooled as a logit (Marshall et al. 2009, BMC Med Res Methodol 9)."""
    code = schema[item].code(level)
    name = f"share: {item} = {level}"
    return Analysis("share", (name,), (item,), lambda Y, w: estimators.means(np.equal(Y, code).astype(float), w), LOGIT)


def mean_by(schema: Schema, item: str, by: str) -> Analysis:
    """Mean of the codes of an item among those who gave each answer to another."""
    names = tuple(f"mean: {item}, {by} = {level}" for level in schema[by].labels.values())
    levels = schema[by].levels
    estimate = lambda Y, w: estimators.domain_means(Y[:, 0], Y[:, [1]] == levels, w)  # noqa: E731
    return Analysis("subgroup mean", names, (item, by), estimate)


def share_by(schema: Schema, item: str, level: str, by: str) -> Analysis:
    """Share of an answer among those who gave each answer to another item, pooled as a logit."""
    names = tuple(f"share: {item} = {level}, {by} = {group}" for group in schema[by].labels.values())
    code, levels = schema[item].code(level), schema[by].levels
    estimate = lambda Y, w: estimators.domain_means((Y[:, 0] == code).astype(float), Y[:, [1]] == levels, w)  # noqa: E731
    return Analysis("subgroup share", names, (item, by), estimate, LOGIT)


def difference(schema: Schema, item: str, by: str, minuend: str, subtrahend: str) -> Analysis:
    """Difference of the means of an item between those who gave one answer to another and those who gave a second."""
    pair = np.array([schema[by].code(minuend), schema[by].code(subtrahend)])

    def estimate(Y: Floats, w: Floats) -> Linearised:
        found = estimators.domain_means(Y[:, 0], Y[:, [1]] == pair, w)
        return Linearised(-np.diff(found.estimates), -np.diff(found.influence, axis=1))

    return Analysis("difference", (f"difference: {item}, {by}: {minuend} - {subtrahend}",), (item, by), estimate)


def correlation(items: Sequence[str]) -> Analysis:
    """Correlation of the codes of each pair of items, pooled as Fisher's z (Fisher 1921, Metron 1)."""
    names = tuple(f"correlation: {a} and {b}" for a, b in combinations(items, 2))
    return Analysis("correlation", names, tuple(items), estimators.correlations, FISHER)


def linear(schema: Schema, outcome: str, covariates: Sequence[str]) -> Analysis:
    """Slopes of the linear regression of an outcome's codes."""
    part, names = _covariates(schema, covariates)

    def estimate(Y: Floats, w: Floats) -> Linearised:
        return _slopes(estimators.linear(regressors(part, Y[:, 1:], covariates)[1], Y[:, 0], w))

    return _regression("linear", outcome, covariates, names, estimate)


def logistic(schema: Schema, outcome: str, level: str, covariates: Sequence[str]) -> Analysis:
    """Slopes of the logistic regression of one answer against the others."""
    part, names = _covariates(schema, covariates)
    code = schema[outcome].code(level)

    def estimate(Y: Floats, w: Floats) -> Linearised:
        Z = regressors(part, Y[:, 1:], covariates)[1]
        return _slopes(estimators.logistic(Z, (Y[:, 0] == code).astype(float), w))

    return _regression("logistic", outcome, covariates, names, estimate)


def proportional_odds(schema: Schema, outcome: str, covariates: Sequence[str]) -> Analysis:
    """Slopes of the proportional-odds regression of an ordinal outcome (McCullagh 1980)."""
    part, names = _covariates(schema, covariates)
    levels = schema[outcome].levels

    def estimate(Y: Floats, w: Floats) -> Linearised:
        Z = regressors(part, Y[:, 1:], covariates)[1][:, 1:]
        return estimators.proportional_odds(Z, np.searchsorted(levels, Y[:, 0]), w)

    return _regression("proportional odds", outcome, covariates, names, estimate)


def _covariates(schema: Schema, covariates: Sequence[str]) -> tuple[Schema, tuple[str, ...]]:
    part = schema.take([schema.index(name) for name in covariates])
    return part, regressors(part, np.empty((0, len(covariates))), covariates)[0][1:]


def _slopes(found: Linearised) -> Linearised:
    """Without the intercept."""
    return Linearised(found.estimates[1:], found.influence[:, 1:])


def _regression(
    kind: str,
    outcome: str,
    covariates: Sequence[str],
    terms: Sequence[str],
    estimate: Callable[[Floats, Floats], Linearised],
) -> Analysis:
    names = tuple(f"{kind}: {outcome} ~ {term}" for term in terms)
    return Analysis(kind, names, (outcome, *covariates), estimate, terms=len(terms))


GROUPS = ("sex", "race", "degree")
MEANS = ("income16", "educ", "letin1a", "finrela", "marhomo")
SHARES: Mapping[str, str] = {"cappun": "favor", "marhomo": "strongly agree"}
CONTRASTS = {"sex": ("female", "male"), "race": ("black", "white"), "degree": ("bachelor's", "high school")}
COVARIATES = ("educ", "age", "sex", "race")


def survey_analyses(schema: Schema) -> tuple[Analysis, ...]:
    """What analysts want of the General Social Survey: targets in all and in groups, relations, and three models."""
    return (
        *(mean(item) for item in MEANS),
        *(share(schema, item, level) for item, level in SHARES.items()),
        *(mean_by(schema, item, by) for item in MEANS for by in GROUPS),
        *(share_by(schema, item, level, by) for item, level in SHARES.items() for by in GROUPS),
        *(difference(schema, item, by, *pair) for item in MEANS for by, pair in CONTRASTS.items()),
        correlation(MEANS),
        linear(schema, "income16", COVARIATES),
        logistic(schema, "cappun", "favor", COVARIATES),
        proportional_odds(schema, "marhomo", COVARIATES),
    )


def normal_analyses(schema: Schema) -> tuple[Analysis, ...]:
    """What analysts want of numeric items: means, correlations, and the schema's regression."""
    regression = schema.regression
    model = () if regression is None else (linear(schema, regression.outcome, regression.covariates),)
    return (*(mean(item) for item in schema.names), correlation(schema.names), *model)


def analyses_of(schema: Schema) -> tuple[Analysis, ...]:
    """Analyses that a table has all columns for."""
    wanted = {*MEANS, *SHARES, *GROUPS, *COVARIATES}
    return survey_analyses(schema) if wanted <= set(schema.names) else normal_analyses(schema)
