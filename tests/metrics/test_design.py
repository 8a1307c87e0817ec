"""Design-based estimates: textbook formulas, derivatives by weights, statsmodels, and R's survey."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from datasets import DATASETS
from datasets.table import parts
from metrics import estimators
from metrics.design import Design
from metrics.estimands import analyses_of, estimated
from metrics.estimators import NoEstimate

R_SCRIPT = """
suppressMessages(library(survey))
d <- read.csv(commandArgs(TRUE)[1])
d$sex <- factor(d$sex); d$race <- factor(d$race)
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
out <- list()
put <- function(name, value, error) out[[name]] <<- c(value, error)
m <- svymean(~income16, design, na.rm = TRUE); put("mean", coef(m), SE(m))
m <- svymean(~I(cappun == 1), design, na.rm = TRUE); put("share", coef(m)[2], SE(m)[2])
b <- svyby(~educ, ~degree, design, svymean, na.rm = TRUE)
for (i in 1:5) put(paste("domain", i), coef(b)[i], SE(b)[i])
known <- subset(design, !is.na(income16))
b <- svyby(~income16, ~race, known, svymean, covmat = TRUE)
m <- svycontrast(b, c("2" = 1, "1" = -1)); put("difference", coef(m), SE(m))
whole <- subset(design, !is.na(income16) & !is.na(educ) & !is.na(letin1a) & !is.na(finrela) & !is.na(marhomo))
whole <- update(whole, X = income16, Y = educ, XX = income16^2, YY = educ^2, XY = income16 * educ)
m <- svymean(~ X + Y + XX + YY + XY, whole)
m <- svycontrast(m, quote((XY - X * Y) / sqrt((XX - X^2) * (YY - Y^2)))); put("correlation", coef(m), SE(m))
formula <- ~ educ + age + sex + race
g <- svyglm(update(formula, income16 ~ .), design); s <- summary(g)$coef
for (i in 1:5) put(paste("linear", i), s[i + 1, 1], s[i + 1, 2])
put("freedom", degf(design), g$df.residual)
design <- update(design, y = as.numeric(cappun == 1))
g <- svyglm(update(formula, y ~ .), design, family = quasibinomial, epsilon = 1e-12, maxit = 50); s <- summary(g)$coef
for (i in 1:5) put(paste("logistic", i), s[i + 1, 1], s[i + 1, 2])
g <- svyolr(update(formula, factor(marhomo) ~ .), design)
for (i in 1:5) put(paste("odds", i), coef(g)[i], SE(g)[i])
for (n in names(out)) cat(sprintf('"%s": [%.15g, %.15g]\\n', n, out[[n]][1], out[[n]][2]))
"""


@pytest.fixture(scope="module")
def clustered():
    """A sample with strata, units, weights and, in each item but the drivers, holes."""
    _, _, part = next(parts(DATASETS["samples"](population="gss2022-twin-clustered", size=1)))
    X = part.values.copy()
    X[:, 4:][np.random.default_rng(4).random(X[:, 4:].shape) < 0.15] = np.nan
    return part, X


@pytest.fixture(scope="module")
def by_r(clustered, tmp_path_factory):
    """Name to estimate and standard error by R's survey."""
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not there")
    if subprocess.run(["Rscript", "-e", "library(survey)"], capture_output=True, check=False).returncode:
        pytest.skip("R has no package survey (Debian: r-cran-survey)")
    part, X = clustered
    table = pd.DataFrame(X, columns=part.schema.names)
    folder = tmp_path_factory.mktemp("survey")
    table.assign(psu=part.psu, stratum=part.strata, weight=part.weights).to_csv(folder / "table.csv", index=False)
    (folder / "survey.R").write_text(R_SCRIPT, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "survey.R", "table.csv"], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads("{" + ",".join(done.stdout.strip().splitlines()) + "}")


def ours(clustered, kind, number=0, position=None):
    """Estimate and standard error on the plain scale of one estimand of ours, and its degrees of freedom."""
    part, X = clustered
    analysis = [one for one in analyses_of(part.schema) if one.kind == kind][number]
    found = estimated(analysis, part.schema, X, Design.of(part))
    at = slice(None) if position is None else position
    plain = {"share": lambda q: 1 / (1 + np.exp(-q)), "correlation": np.tanh}.get(kind, lambda q: q)
    value = plain(found.estimates)
    return value[at], (np.sqrt(found.variances) / analysis.scale.slope(value))[at], found.freedom


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [("mean", "mean", 0), ("share", "share", 0), ("difference", "difference", 1), ("correlation", "correlation", 0)],
)
def test_linear_estimators_equal_those_of_r_survey(name, kind, number, clustered, by_r):
    value, error, freedom = ours(clustered, kind, number, 0)
    assert (value, error) == pytest.approx(by_r[name], rel=1e-6)
    assert freedom == by_r["freedom"][0] == 50


def test_domains_equal_those_of_r_survey(clustered, by_r):
    part, _ = clustered
    names = [one.names[0].split(",")[0:2] for one in analyses_of(part.schema) if one.kind == "subgroup mean"]
    number = next(k for k, (item, by) in enumerate(names) if item == "mean: educ" and by.strip().startswith("degree"))
    values, errors, _ = ours(clustered, "subgroup mean", number)
    for k in range(5):
        assert (values[k], errors[k]) == pytest.approx(by_r[f"domain {k + 1}"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "kind", "tolerances"),
    [("linear", "linear", (1e-6, 1e-6)), ("logistic", "logistic", (1e-6, 1e-6)),
     ("odds", "proportional odds", (1e-4, 1e-3))],
)  # fmt: skip
def test_regressions_equal_those_of_r_survey(name, kind, tolerances, clustered, by_r):
    values, errors, freedom = ours(clustered, kind)
    assert values == pytest.approx(
        [by_r[f"{name} {k + 1}"][0] for k in range(5)], rel=tolerances[0], abs=tolerances[0] / 10
    )
    assert errors == pytest.approx([by_r[f"{name} {k + 1}"][1] for k in range(5)], rel=tolerances[1])
    assert freedom == by_r["freedom"][1]


def test_two_strata_by_hand():
    """Units' sums (1, 3) and (2, 2, 5) in two strata: 2/1 · 2 and 3/2 · 6 (Wolter 2007, section 6.3)."""
    design = Design(np.ones(6), np.array([0, 0, 1, 2, 3, 4]), np.array([0, 0, 1, 1, 1]))
    influence = np.array([[0.5], [0.5], [3.0], [2.0], [2.0], [5.0]])
    assert design.variances(influence) == pytest.approx([2 * 2 + 1.5 * 6])
    assert design.freedom == 3


def test_a_simple_random_sample_has_the_textbook_error():
    y = np.random.default_rng(1).normal(size=50)
    design = Design(np.ones(50), np.arange(50), np.zeros(50, dtype=int))
    assert design.variances(estimators.means(y[:, None], np.ones(50)).influence) == pytest.approx([y.var(ddof=1) / 50])
    assert design.freedom == 49


def test_influences_are_derivatives_by_the_weights(clustered):
    part, X = clustered
    rows = np.flatnonzero(~np.isnan(X).any(axis=1))
    X, w, step = X[rows], part.weights[rows], 1e-5
    for analysis in analyses_of(part.schema):
        Y = X[:, [part.schema.index(name) for name in analysis.reads]]
        found = analysis.estimate(Y, w)
        for i in (0, 7):
            up, down = w.copy(), w.copy()
            up[i], down[i] = w[i] + step, w[i] - step
            slope = (analysis.estimate(Y, up).estimates - analysis.estimate(Y, down).estimates) / (2 * step)
            assert found.influence[i] == pytest.approx(slope * w[i], rel=1e-4, abs=1e-8), analysis.names[0]


def test_models_equal_those_of_statsmodels():
    import statsmodels.api as sm
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(3)
    Z, w = np.column_stack([np.ones(400), rng.normal(size=(400, 2))]), np.ones(400)
    y = Z @ [0.2, 1.0, -0.5] + rng.logistic(size=400)
    assert estimators.linear(Z, y, w).estimates == pytest.approx(sm.OLS(y, Z).fit().params)
    theirs = sm.Logit(y > 0, Z).fit(disp=False, tol=1e-12).params
    assert estimators.logistic(Z, (y > 0).astype(float), w).estimates == pytest.approx(theirs, rel=1e-6)
    levels = np.digitize(y, [-1, 0, 1.5])
    theirs = OrderedModel(levels, Z[:, 1:], distr="logit").fit(method="bfgs", disp=False, gtol=1e-8).params[:2]
    assert estimators.proportional_odds(Z[:, 1:], levels, w).estimates == pytest.approx(theirs, rel=1e-4)


def test_what_has_no_estimate_says_so():
    ones, w = np.ones((6, 1)), np.ones(6)
    with pytest.raises(NoEstimate, match="no respondents"):
        estimators.domain_means(np.arange(6.0), np.zeros((6, 1), dtype=bool), w)
    with pytest.raises(NoEstimate, match="does not vary"):
        estimators.correlations(np.column_stack([np.arange(6.0), np.ones(6)]), w)
    with pytest.raises(NoEstimate, match="determine each other"):
        estimators.linear(np.hstack([ones, ones]), np.arange(6.0), w)
    with pytest.raises(NoEstimate):
        estimators.logistic(np.column_stack([ones, np.arange(6.0)]), np.array([0, 0, 0, 1, 1, 1.0]), w)
    with pytest.raises(NoEstimate):
        estimators.proportional_odds(np.arange(6.0)[:, None], np.array([0, 0, 1, 1, 2, 2]), w)


def test_a_share_of_nobody_has_no_error_and_says_so_without_numpy(clustered, recwarn):
    part, X = clustered
    analysis = next(one for one in analyses_of(part.schema) if one.kind == "share")
    X = np.where(np.array(part.schema.names) == analysis.reads[0], 9.0, X)
    with pytest.raises(NoEstimate, match="at the end of its range"):
        estimated(analysis, part.schema, X, Design.of(part))
    assert not len(recwarn)
