"""Coverage: what the intervals of every estimand hold when samples and masks are drawn anew again and again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from datasets.errors import InputError
from datasets.populations import POPULATIONS
from datasets.prediction import Prediction
from datasets.regression import student_interval
from datasets.schema import Floats, Schema
from datasets.table import Dataset, Masked, parts
from metrics.design import Design
from metrics.estimands import Analysis, Estimated, analyses_of, estimated, values
from metrics.estimators import NoEstimate
from metrics.pooling import Pooled, pool


@dataclass(eq=False)
class Tally:
    """Sums over replicates, by statistic, for the k estimands of one analysis; all on the scale of pooling."""

    replicates: int = 0
    sums: dict[str, Floats] = field(default_factory=dict)
    pooled: list[Pooled] = field(default_factory=list)

    def add(self, found: dict[str, Floats]) -> None:
        """Count one replicate in."""
        self.replicates += 1
        for name, value in found.items():
            self.sums[name] = self.sums.get(name, 0.0) + np.asarray(value, dtype=float)


def coverage(masked: Masked, prediction: Prediction) -> list[tuple[str, str, float]]:
    """Statistic, estimand and value of every estimand, over the replicates of a table.

    Each replicate is analysed as a table of its own, before masking and completed by each draw, with the errors of its
    design. Values are means over replicates, in the units of the scale of pooling; ``replicates`` is their number,
    which is less where rows have no estimate in some. Of all tables:

    ==================== =====================================================================================
    complete-variance    squared standard error before masking
    shift, shift-square  pooled estimate minus the one before masking, and its square
    fmi                  fraction of missing information by Rubin's rules
    sample-coverage      whether ``Q̄ ± t √((1 + 1/m) B)``, m - 1 degrees of freedom, holds the estimate before masking
                         (the sample is given: Vink & van Buuren 2014, arXiv 1409.8542)
    sample-width         length of that interval
    ==================== =====================================================================================

    Of samples from a known population, too:

    ==================== =====================================================================================
    complete-bias        estimate before masking minus the population's value
    complete-square      the square of that
    complete-coverage    whether its interval holds the value
    square               squared error of the pooled estimate
    variance             T by Rubin's rules
    coverage             whether the interval by Rubin's rules (Barnard & Rubin 1999) holds the value
    width                length of that interval
    law-coverage         whether ``Q̄ ± t √(Ū - (1 - 1/m) B)`` does, which is exact where draws come from the law itself
                         and nothing was estimated (Meng 1994, Statistical Science 9: Rubin's T is then too wide); B is
                         the mean over the replicates of the table
    ==================== =====================================================================================

    Raises
    ------
    InputError
        If the method fills nothing, or gives one draw, which cannot be pooled.
    """
    if prediction.draws is None or len(prediction.draws) < 2:
        raise InputError("intervals need two draws at least; ask for ten")
    schema, population = masked.schema, masked.schema.population
    analyses = analyses_of(schema)
    truths = [population_values(population, tuple(schema.names))[a.names[0]] if population else None for a in analyses]
    tallies = [Tally() for _ in analyses]
    for dataset, tables in _completed(masked, prediction):
        design = Design.of(dataset)
        for analysis, truth, tally in zip(analyses, truths, tallies, strict=True):
            try:
                before, pooled = _replicate(analysis, schema, dataset.values, tables, design)
            except NoEstimate:  # too few of its respondents have the answers; the number of replicates tells
                continue
            tally.add(_given(before, pooled) | ({} if truth is None else _against(truth, before, pooled)))
            tally.pooled.append(pooled)
    found = zip(analyses, truths, tallies, strict=True)
    return [score for analysis, truth, tally in found for score in _scores(analysis, truth, tally)]


@lru_cache(maxsize=4)
def population_values(population: str, names: tuple[str, ...]) -> dict[str, Floats]:
    """First name of each analysis of these items to its values (k,) in a population, on the scale of pooling."""
    law = POPULATIONS[population]().take(names)
    found = {}
    for analysis in analyses_of(law.schema):
        X, chance = law.support(analysis.reads)
        part = law.schema.take([law.schema.index(name) for name in analysis.reads])
        found[analysis.names[0]] = values(analysis, part, X, chance)
    return found


def _completed(masked: Masked, prediction: Prediction) -> Iterator[tuple[Dataset, list[Floats]]]:
    """Each replicate before masking, and completed by each draw with natural holes left open."""
    if prediction.draws is None:
        raise InputError("this method fills no holes, so it completes no table")
    holes = np.isnan(masked.values)
    ends = holes.sum(axis=1).cumsum()
    for _, rows, dataset in parts(masked.truth):
        span = range(*rows.indices(len(holes)))
        fills = prediction.draws[:, ends[span[0]] - holes[span[0]].sum() : ends[span[-1]]]
        hidden = masked.hidden[rows]
        tables = []
        for own in fills[:, masked.hidden[rows][holes[rows]]]:
            table = dataset.values.copy()
            table[hidden] = own  # both in row-major order
            tables.append(table)
        yield dataset, tables


def _replicate(
    analysis: Analysis, schema: Schema, X: Floats, tables: list[Floats], design: Design
) -> tuple[Estimated, Pooled]:
    """Estimates of one replicate before masking, and pooled over its completed tables."""
    before = estimated(analysis, schema, X, design)
    after = [estimated(analysis, schema, table, design) for table in tables]
    return before, pool([one.estimates for one in after], [one.variances for one in after], before.freedom)


def _given(before: Estimated, pooled: Pooled) -> dict[str, Floats]:
    """Statistics (k,) that take the sample as given."""
    shift = pooled.estimate - before.estimates
    interval = student_interval(pooled.estimate, np.sqrt((1 + 1 / pooled.draws) * pooled.between), pooled.draws - 1)
    return {
        "complete-variance": before.variances,
        "shift": shift,
        "shift-square": shift**2,
        "fmi": pooled.fraction_missing,
        "sample-coverage": _holds(interval, before.estimates),
        "sample-width": interval[1] - interval[0],
    }


def _against(truth: Floats, before: Estimated, pooled: Pooled) -> dict[str, Floats]:
    """Statistics (k,) that need the population's values."""
    complete = student_interval(before.estimates, np.sqrt(before.variances), before.freedom)
    interval = pooled.interval()
    return {
        "complete-bias": before.estimates - truth,
        "complete-square": (before.estimates - truth) ** 2,
        "complete-coverage": _holds(complete, truth),
        "square": (pooled.estimate - truth) ** 2,
        "variance": pooled.total,
        "coverage": _holds(interval, truth),
        "width": interval[1] - interval[0],
    }


def _holds(interval: Floats, value: Floats) -> Floats:
    """Whether intervals (2, k) hold values (k,), as numbers; one without width holds its own value but for rounding."""
    reach = (interval[1] - interval[0]) / 2
    return (np.abs(value - interval.mean(axis=0)) <= reach + 1e-12 * np.abs(value)).astype(float)


def _by_law(truth: Floats, replicates: list[Pooled]) -> Floats:
    """Share of the intervals ``Q̄ ± t √(Ū - (1 - 1/m) B)`` (k,) that hold the truth, B the mean over replicates.

    A single B from ten draws is too noisy for an exact interval, and its mean over replicates is what it estimates.
    """
    between = np.mean([one.between for one in replicates], axis=0)
    held = np.zeros_like(truth)
    for one in replicates:
        variance = np.maximum(one.within - (1 - 1 / one.draws) * between, 0)
        held += _holds(student_interval(one.estimate, np.sqrt(variance), one.complete_freedom), truth)
    return held / len(replicates)


def _scores(analysis: Analysis, truth: Floats | None, tally: Tally) -> Iterator[tuple[str, str, float]]:
    means = {name: total / tally.replicates for name, total in tally.sums.items()}
    if truth is not None and tally.pooled:
        means["law-coverage"] = _by_law(truth, tally.pooled)
    for k, estimand in enumerate(analysis.names):
        yield "replicates", estimand, float(tally.replicates)
        for name, value in means.items():
            yield name, estimand, float(value[k])
