"""What it changes to impute from weights, strata and primary sampling units as well: two clustered populations.

python -m scripts.design --populations normal --samples 100 --found design.csv
python -m scripts.design --populations twin --samples 60 --imputers mice-pmm,mice-design --found design.csv
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from tabulate import tabulate

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.populations.clustered_twin import ClusteredPopulation
from datasets.populations.clustered_twin import law as clustered_twin
from datasets.prediction import complete
from datasets.regression import student_interval
from datasets.request import split_requests
from datasets.schema import Column, Floats, Kind, Role, Schema
from datasets.surveys.replicates import DOZEN
from datasets.table import Dataset
from imputers import IMPUTERS, make_imputer
from imputers.design import sampled
from imputers.shared.item import Turn
from imputers.statistical.mice_design import MicePmmDesign
from metrics.design import Design
from metrics.estimands import MEANS, Analysis, estimated, linear, mean, values
from metrics.estimators import Linearised, domain_means
from metrics.pooling import pool

FIRST, DRAWS, RATE, UNITS = 7001, 5, 0.3, 100
EXTREME = 10  # strata at either end whose means are compared
SPREAD = 0.6  # of the logarithm of the weight of the normal population


@IMPUTERS.register("mice-pmm-fixed")
class FixedEffects(MicePmmDesign):
    """The rival of random effects: strata and units as any nominal item (Andridge 2011, Biometrical Journal 53)."""

    def _grouped(self, turn: Turn, information: float, rng: np.random.Generator) -> tuple[Turn, int]:
        return turn, 0


@dataclass(frozen=True, eq=False)
class Wanted:
    """An estimand of one sample: how it is estimated, its true value, and the sign that makes a bias comparable."""

    kind: str
    analysis: Analysis
    truth: float
    sign: float = 1.0


def between(item: str, high: NDArray[np.bool_], low: NDArray[np.bool_]) -> Analysis:
    """Difference of an item's means between rows of some strata and rows of others."""

    def estimate(Y: Floats, w: Floats) -> Linearised:
        found = domain_means(Y[:, 0], np.column_stack([low, high]), w)
        return Linearised(np.diff(found.estimates), np.diff(found.influence, axis=1))

    return Analysis("strata", (f"strata: {item}",), (item,), estimate)


def twin(number: int) -> tuple[Dataset, list[Wanted]]:
    """A sample of 1,000 of the clustered twin, and the means of its targets, in all and between strata."""
    law = clustered_twin().take(DOZEN)
    drawn = law.sample(1000, np.random.default_rng(number))
    table = Dataset(
        "twin", law.schema, drawn.values, weights=drawn.weights, strata=drawn.strata, psu=drawn.psu, synthetic=True
    )
    wanted = []
    for item in MEANS:
        whole, shares = _mean(law, item), law.law.answers.shares
        flat = replace(law.law, weight_mean=np.zeros(len(shares)), weight_sd=np.zeros(len(shares)))
        sign = np.sign(_mean(replace(law, law=flat), item) - whole)
        wanted.append(Wanted("mean", mean(item), whole, float(sign)))
        each = np.array([_mean(_with_shares(law, own), item) for own in law.strata])
        order = np.argsort(each)
        low, high = order[:EXTREME], order[-EXTREME:]
        truth = _mean(_with_shares(law, law.strata[high].mean(axis=0)), item)
        truth -= _mean(_with_shares(law, law.strata[low].mean(axis=0)), item)
        rows = (np.isin(drawn.strata, part) for part in (high, low))  # type: ignore[arg-type] # the law has strata
        wanted.append(Wanted("strata", between(item, *rows), truth, -1.0))
    return table, wanted


def _with_shares(law: ClusteredPopulation, shares: Floats) -> ClusteredPopulation:
    return replace(law, law=replace(law.law, answers=replace(law.law.answers, shares=shares)))


def _mean(law: ClusteredPopulation, item: str) -> float:
    X, chance = law.support([item])
    return float(values(mean(item), law.schema.take([law.schema.index(item)]), X, chance)[0])


def normal(number: int) -> tuple[Dataset, list[Wanted]]:
    """1,000 rows in 100 units of 20 strata, whose answer goes with stratum, unit and weight beyond what others tell.

    ``y = x/2 + a + u + 0.3 v + e`` with strata a evenly from -0.7 to 0.7, units u ~ N(0, .1), log weight 0.6 v,
    v ~ N(0, 1), e ~ N(0, .4); another item goes with y by a correlation of about a half, and with nothing else.
    """
    rng = np.random.default_rng(number)
    unit = np.repeat(np.arange(UNITS), 1000 // UNITS)
    stratum = unit // 5
    x, v = rng.normal(size=(2, 1000))
    effects = np.linspace(-0.7, 0.7, 20)
    y = x / 2 + effects[stratum] + rng.normal(0, np.sqrt(0.1), UNITS)[unit] + 0.3 * v
    y = y + rng.normal(0, np.sqrt(0.4), 1000)
    other = y / 2 + rng.normal(0, 0.8, 1000)
    names, roles = ("x", "y", "other"), (Role.DRIVER, Role.ITEM, Role.ITEM)
    schema = Schema(tuple(Column(name, Kind.NUMERIC, role=role) for name, role in zip(names, roles, strict=True)))
    weights = np.exp(SPREAD * v)
    X = np.column_stack([x, y, other])
    table = Dataset("normal", schema, X, weights=weights, strata=stratum * 1.0, psu=unit * 1.0, synthetic=True)
    ends = 2 * effects[-EXTREME // 2 :].mean()
    low, high = stratum < EXTREME // 2, stratum >= 20 - EXTREME // 2
    return table, [
        Wanted("mean", mean("y"), 0.3 * SPREAD, -1.0),
        Wanted("strata", between("y", high, low), float(ends), -1.0),
        Wanted("slope", linear(schema, "y", ("x",)), 0.5, -1.0),
    ]


def by_weight(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Missing at random given the weight: respondents of large weight hide more, every item but drivers."""
    v = np.log(Design.of(dataset).weights)
    chance = expit(1.2 * (v - v.mean()) / v.std() + np.log(rate / (1 - rate)))
    hidden = rng.random(dataset.values.shape) < chance[:, None]
    hidden[:, dataset.schema.having(Role.DRIVER)] = False
    return hidden


POPULATIONS: dict[str, Callable[[int], tuple[Dataset, list[Wanted]]]] = {"twin": twin, "normal": normal}
MASKS = {"mcar": MECHANISMS["mcar"], "mar": MECHANISMS["mar"], "by weight": by_weight}


def intraclass(X: Floats, design: Design) -> Floats:
    """Intraclass correlation of the units within strata of each column (n, p), by analysis of variance, as it falls."""
    units, size = len(design.stratum), len(X) / len(design.stratum)
    means = np.stack([np.bincount(design.unit, x) for x in X.T], axis=1) / size
    inner = np.sum((X - means[design.unit]) ** 2, axis=0) / (len(X) - units)
    strata = np.stack([np.bincount(design.stratum, x) for x in means.T], axis=1) / np.bincount(design.stratum)[:, None]
    outer = size * np.sum((means - strata[design.stratum]) ** 2, axis=0) / design.freedom
    return (outer - inner) / (outer + (size - 1) * inner)


def measured(population: str, mask: str, request: str, number: int) -> Iterator[dict[str, object]]:
    """What one method makes of one sample: a row for each estimand."""
    dataset, wanted = POPULATIONS[population](number)
    masked_by = np.random.default_rng((number, len(mask)))  # the same for all methods
    X = np.where(MASKS[mask](dataset, RATE, masked_by), np.nan, dataset.values)
    imputer = make_imputer(request)
    told = sampled(imputer, dataset.strata, dataset.psu)
    imputer.fit(X, schema=dataset.schema, weights=dataset.weights, random_state=number, **told)
    fills, design = imputer.impute(X, DRAWS).draws, Design.of(dataset)
    if fills is None:
        raise InputError(f"{request} fills nothing; take a method that does")
    tables = [complete(X, own) for own in fills]
    places = [dataset.schema.index(one.analysis.reads[0]) for one in wanted if one.kind == "mean"]
    before = intraclass(dataset.values[:, places], design)
    moved = np.mean([intraclass(table[:, places], design) - before for table in tables])
    for one in wanted:
        whole = estimated(one.analysis, dataset.schema, dataset.values, design)
        error = np.sqrt(whole.variances[0])
        after = [estimated(one.analysis, dataset.schema, table, design) for table in tables]
        pooled = pool([own.estimates for own in after], [own.variances for own in after], whole.freedom)
        (low, high), alone = pooled.interval()[:, 0], student_interval(whole.estimates[0], error, whole.freedom)
        yield {
            "population": population,
            "mask": mask,
            "estimand": one.kind,
            "imputer": request,
            "sample": number,
            "bias": float(one.sign * (pooled.estimate - whole.estimates)[0] / error),
            "coverage": float(low <= one.truth <= high),
            "without": float(alone[0] <= one.truth <= alone[1]),
            "inner": float(np.sqrt(pooled.within[0]) / error),
            "length": float((high - low) / (alone[1] - alone[0])),
            "square": float(((pooled.estimate[0] - one.truth) / error) ** 2),
            "intraclass": float(moved),
        }


def table(found: pd.DataFrame) -> str:
    """Means over items within a sample, then over samples, with Monte-Carlo errors."""
    groups, shown = ["population", "mask", "estimand", "imputer"], ("bias", "coverage", "inner", "length", "intraclass")
    each = found.groupby([*groups, "sample"], sort=False).mean()
    rows = []
    for names, own in each.groupby(groups, sort=False):
        mean, error = own.mean(), own.std(ddof=1) / np.sqrt(len(own))
        cells = [f"{mean[name]:.3f} ({error[name]:.3f})" for name in shown]
        rows.append([*names, len(own), *cells, f"{np.sqrt(mean['square']):.2f}", f"{mean['without']:.3f}"])
    heads = [*groups, "samples", *shown, "RMSE", "no holes"]
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the file of results lacks, and show the table of all that it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--imputers", default="mice-pmm,mice-pmm-design,mice-pmm-fixed", help="comma-separated")
    parser.add_argument("--populations", default=",".join(POPULATIONS), help="comma-separated")
    parser.add_argument("--masks", default=",".join(MASKS), help="comma-separated")
    parser.add_argument("--samples", type=int, default=100, help="of each population")
    parser.add_argument("--found", type=Path, required=True, help="csv file of results, which grows")
    asked = parser.parse_args(arguments)
    found = pd.read_csv(asked.found) if asked.found.exists() else pd.DataFrame()
    known = (
        set()
        if found.empty
        else set(zip(found["population"], found["mask"], found["imputer"], found["sample"], strict=True))
    )
    each = (asked.populations.split(","), asked.masks.split(","), split_requests(asked.imputers))
    for number in range(FIRST, FIRST + asked.samples):
        missing = [one for one in product(*each) if (*one, number) not in known]
        rows = [row for place, mask, request in missing for row in measured(place, mask, request, number)]
        found = pd.concat([found, pd.DataFrame(rows)])
        found.to_csv(asked.found, index=False)
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
