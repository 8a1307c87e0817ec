"""Contrasts: paired differences between arms of a study that filled the same cells, with an interval and in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf, sqrt
from operator import mul
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from reports.results import Record


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; infinite ends where too few folds tell nothing."""

    value: float
    low: float
    high: float

    @property
    def uncertain(self) -> bool:
        """Whether zero lies inside, a mean of exactly zero included."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Yardstick:
    """How an arm is judged.

    Parameters
    ----------
    name : in the middle of a sentence.
    better : ``"lower"`` or ``"higher"``.
    digits : to print after the point.
    scores : what a record says, by target; its mean is what is compared. Empty where the data have none.
    """

    name: str
    better: str
    digits: int
    scores: Callable[["Record"], Mapping[str, float]]


@dataclass(frozen=True)
class Contrast:
    """A comparison of two arms, by their labels: the change is what leads from one to the other.

    Parameters
    ----------
    change : subject of a sentence, e.g. ``"going from 5 to 80 items"``.
    yardstick : key of `YARDSTICKS`.
    beyond : labels before and after of the same change elsewhere, by whose effect this one's is lessened; or none.
    """

    change: str
    before: str
    after: str
    yardstick: str = "nrmse"
    beyond: tuple[str, ...] = ()

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Self:
        """A contrast as a manifest has it."""
        return cls(**{**known, "beyond": tuple(known.get("beyond", ()))})

    @property
    def pairs(self) -> list[tuple[str, ...]]:
        """Labels before and after: of the change, and of the one elsewhere."""
        return [(self.before, self.after), *([self.beyond] if self.beyond else [])]


@dataclass(frozen=True)
class ArmResult:
    """What became of an arm.

    Parameters
    ----------
    label : unique in its study.
    data, imputer : title of the table and what filled it.
    records : one for each fold, in their order, all done; empty if any is not.
    lacking : why there are none; empty if there are.
    """

    label: str
    data: str
    imputer: str
    records: tuple["Record", ...]
    lacking: str = ""


def _of_metric(metric: str) -> Callable[["Record"], Mapping[str, float]]:
    return lambda record: {column: value for name, column, value in record.scores if name == metric}


def _skill_of_cells(record: "Record") -> Mapping[str, float]:
    """Mean over the items of the skill of each cell's distribution."""
    return {column: value for column, value in _of_metric("cell-energy-skill")(record).items() if column == "(table)"}


def _target_covariance_error(record: "Record") -> Mapping[str, float]:
    """Relative Frobenius distance of the targets' covariances, in true SDs, from the true ones."""
    found, true = _of_metric("target-covariance")(record), _of_metric("target-covariance-true")(record)
    twice = {pair: 1 if len(set(pair.split("~"))) == 1 else 2 for pair in found}
    size = sum(twice[pair] * true[pair] ** 2 for pair in found)
    distance = sum(twice[pair] * (found[pair] - true[pair]) ** 2 for pair in found)
    return {"(targets)": sqrt(distance / size)} if size else {}


YARDSTICKS = {
    "nrmse": Yardstick("NRMSE", "lower", 3, _of_metric("nrmse")),
    "accuracy": Yardstick("accuracy", "higher", 3, _of_metric("accuracy")),
    "distribution": Yardstick("skill of the targets' distributions", "higher", 3, _skill_of_cells),
    "covariance": Yardstick("error of the targets' covariances", "lower", 4, _target_covariance_error),
}


def corrected_interval(values: Sequence[float], test_share: float) -> Estimate:
    """Mean of one value a fold with the corrected resampled t interval of 95 %.

    Nadeau and Bengio (2003), Machine Learning 52, section 4: the variance of the mean of k hold-outs is
    ``(1/k + test/train) s²``, s² the variance among them, since their training cells overlap.

    Parameters
    ----------
    values : paired differences or scores.
    test_share : cells hidden in a fold over all of them; test/train is ``test_share / (1 - test_share)``.
    """
    from scipy.stats import t

    k = len(values)
    if k < 2:
        return Estimate(fmean(values), -inf, inf)
    half = float(t.ppf(0.975, k - 1)) * stdev(values) * sqrt(1 / k + test_share / (1 - test_share))
    return Estimate(fmean(values), fmean(values) - half, fmean(values) + half)


def per_fold(arm: ArmResult, yardstick: str) -> dict[str, float]:
    """Score of an arm by fold, the mean of its targets; empty if it has none in some fold."""
    found = {record.mechanism: YARDSTICKS[yardstick].scores(record) for record in arm.records}
    return {fold: fmean(scores.values()) for fold, scores in found.items()} if all(found.values()) else {}


def judged(contrast: Contrast, arms: Mapping[str, ArmResult], test_share: float) -> Estimate | None:
    """What a contrast amounts to in the folds that all its arms have, less what it does elsewhere; None if in none.

    Parameters
    ----------
    arms : by label.
    """
    found = [per_fold(arms[label], contrast.yardstick) for pair in contrast.pairs for label in pair]
    signs = (-1, 1, 1, -1)[: len(found)]
    folds = [fold for fold in found[0] if all(fold in scores for scores in found)]
    differences = [sum(map(mul, signs, (scores[fold] for scores in found))) for fold in folds]
    return corrected_interval(differences, test_share) if folds else None


def sentence(found: Sequence[tuple[Contrast, Estimate]]) -> str:
    """Say differences in one sentence; what two clauses in a row have in common is said once."""
    clauses, said = [], ""
    for contrast, estimate in found:
        effect = _effect(contrast, estimate)
        clauses.append(" ".join([contrast.change, *([effect] if effect != said else []), _size(contrast, estimate)]))
        said = effect
    told = "; ".join(clauses) or "there is no answer here, as no comparison could be run"
    return f"{told[0].upper()}{told[1:].rstrip()}."


def _effect(contrast: Contrast, estimate: Estimate) -> str:
    name = YARDSTICKS[contrast.yardstick].name
    if estimate.value == estimate.low == estimate.high == 0:
        return f"leaves the {name} as it is"
    return f"{'lowers' if estimate.value < 0 else 'raises'} the {name}"


def _size(contrast: Contrast, estimate: Estimate) -> str:
    """How large a change is in its own direction, with doubt where there is; empty for none at all."""
    if estimate.value == estimate.low == estimate.high == 0:
        return ""
    size = Estimate(-estimate.value, -estimate.high, -estimate.low) if estimate.value < 0 else estimate
    reason = " by one fold" if isinf(estimate.low) else ""
    doubt = f", which cannot be told from chance{reason}" if estimate.uncertain else ""
    return f"by {bracketed(size, YARDSTICKS[contrast.yardstick].digits)}{doubt}"


def bracketed(estimate: Estimate, digits: int, sign: str = "-") -> str:
    """Write a number with its interval, if more than one fold tell one."""
    if isinf(estimate.low):
        return f"{estimate.value:{sign}.{digits}f} [one fold]"
    value, low, high = (f"{number:{sign}.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"
