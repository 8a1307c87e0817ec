"""What a metric is: a pure function of a masked table and a prediction, and how to read its number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from datasets.table import Masked

TABLE = "(table)"


@dataclass(frozen=True, eq=False)
class Measured:
    """A score with what each cluster of respondents has to do with it.

    Parameters
    ----------
    value : the score.
    influence : linearised influence of each of the C clusters of `datasets.clusters.clusters`, shape (C,), sum zero:
        under weights w of the clusters the score becomes ``value + Σ_c (w_c - 1) influence_c`` to first order.
    """

    value: float
    influence: Floats


Score = Callable[[Masked, Prediction], Mapping[str, float | Measured]]


class Reads(StrEnum):
    """The part of a prediction that a metric needs; without it the metric does not apply."""

    FILLS = "fills"
    PROBABILITIES = "probabilities"
    MOMENTS = "moments"
    ESTIMATES = "estimates"


class BoardName(StrEnum):
    """The purpose that a board serves."""

    INFERENCE = "inference"
    DISTRIBUTIONS = "distributions"
    VALUES = "values"


@dataclass(frozen=True)
class Headline:
    """Where a metric stands on the boards.

    Parameters
    ----------
    title : head of its column.
    place : columns of a board stand from the lowest place to the highest.
    board : the board that it stands on.
    kinds : kinds of items that it is averaged over; none for a metric of the whole table.
    primary : whether it orders its board.
    columns : of the metric that stand on the board one by one, e.g. ``"(numeric)"``, in place of its mean.
    """

    title: str
    place: int
    board: BoardName
    kinds: tuple[Kind, ...] = ()
    primary: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A function with the facts a reader needs to judge its number.

    Parameters
    ----------
    score : ``score(masked, prediction) -> {column name, or TABLE: value}``, values as `Measured` where their
        dependence on the sample is known.
    reads : the part of the prediction it needs. FILLS: draws, expectation or point; all but deletion.
        PROBABILITIES: level probabilities of the method's own. MOMENTS: fills, or moments of the method's
        own. ESTIMATES: fills, or estimates of the schema's regression.
    better : ``"lower"``, ``"higher"``, a number to be near to, e.g. ``"1"``, or the metric to be near to.
    span : smallest and largest possible value.
    best : value of a perfect prediction; of a matrix, on its diagonal.
    trivial : what a trivial guess gets, in words or numbers.
    headline : its place on the boards; None for a metric that stands in the details alone.
    """

    score: Score
    reads: Reads
    better: str
    span: tuple[float, float]
    best: float
    trivial: str
    headline: Headline | None = None

    @property
    def __wrapped__(self) -> Score:
        """The function, which holds the docstring and the parameters."""
        return self.score

    def with_parameters(self, **settings: object) -> "Metric":
        """The same metric with parameters of its function given."""
        return replace(self, score=partial(self.score, **settings))


def metric(
    *,
    reads: Reads,
    better: str,
    span: tuple[float, float],
    best: float,
    trivial: str,
    headline: Headline | None = None,
) -> Callable[[Score], Metric]:
    """Make a metric of the function below; the arguments are the fields of `Metric`."""
    return lambda score: Metric(score, reads, better, span, best, trivial, headline)
