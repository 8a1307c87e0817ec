"""The sampling design among the predictors: weights, strata and primary sampling units in chained equations."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind, Schema
from imputers.door import Unseen
from imputers.shared.chained import ChainedImputer, same_bits
from imputers.shared.completed import narrow
from imputers.shared.item import Turn
from imputers.shared.predictors import Predictors
from imputers.shared.unit_effects import Shrunken

MOST_GROUPS = 500  # whose effects are estimated: a visit of an item takes the cube of their number
ELSEWHERE = -1.0  # stratum and unit of a row that was not fitted: none of those that have a column


class SamplingDesign(ChainedImputer):
    """Chained equations that also regress every item on how its respondents were sampled.

    Reiter, Raghunathan & Kinney (2006), Survey Methodology 32, 143-149: where a design matters to the answers, models
    that leave it out bias what is estimated with it. Read are, as far as the table states them,

    - the logarithm of the weight, as a number (Quartagno, Carpenter & Goldstein 2020, J. Survey Statistics and
      Methodology 8; Seaman et al. 2012, Biometrics 68, on what else a model with weights may need);
    - strata, and primary sampling units within strata, by random effects. Units have few respondents each, and fixed
      effects would overstate what is between them (Andridge 2011, Biometrical Journal 53). Strata have a variance of
      their own: where they differ much their effects are nearly fixed, and nearly nil where they do not. At each visit
      intraclass correlations are drawn from their posterior, and effects and coefficients given them
      (`imputers.shared.unit_effects`).

    These columns are complete, are never filled, and stand in no table that comes back. A subclass stands on this and
    on a chained method with the parameter ``ridge``, and regresses on what `_grouped` makes of a turn.

    Assumes that the logarithm of the weight acts linearly and alike in all groups, that effects of strata and of units
    are normal, with one variance of units in all strata, and missingness at random given the design, too. Rows that
    were not fitted, those among them that a check has drawn anew, are filled as if of average weight and of no stratum
    or unit in particular.

    Attributes
    ----------
    sampling_ : logarithm of the weight, number of the stratum and of the unit, as far as read; shape (n, 0 to 3).
    widths_ : columns of strata and of units, the last of the design.
    read_design_ : what is read, in words.
    unread_ : numbers of strata or units that are too many, or too small, to be read, in words.
    """

    uses_weights: ClassVar[bool] = True
    nouns: ClassVar[None] = None
    ridge: float

    def fit(
        self,
        X: pd.DataFrame | Floats,
        y: None = None,
        *,
        schema: Schema | None = None,
        weights: Floats | None = None,
        strata: Floats | None = None,
        psu: Floats | None = None,
        random_state: int = 0,
        folder: Path | None = None,
        unseen: Unseen = "error",
    ) -> Self:
        """Learn from a table with holes, and how its rows were sampled; see `Imputer.fit`.

        Parameters
        ----------
        weights : survey weights (n,), positive.
        strata, psu : number of the stratum, and of the primary sampling unit within it, of each row (n,).

        Raises
        ------
        InputError
            As `Imputer.fit`; or if a weight is not positive, or weights, strata or units are not one number a row.
        """
        who = f"{type(self).__name__}.fit"
        for name, given in (("weights", weights), ("strata", strata), ("psu", psu)):
            if given is not None and (np.shape(given) != (len(X),) or not np.isfinite(given).all()):
                raise InputError(f"{who}: {name} must be {len(X)} finite numbers, one a row; got {np.shape(given)}")
        if weights is not None and (np.asarray(weights) <= 0).any():
            raise InputError(
                f"{who}: {int((np.asarray(weights) <= 0).sum())} weights are not positive, and have no logarithm; "
                "leave those rows out"
            )
        self.strata_, self.psu_ = strata, psu
        return super().fit(X, schema=schema, weights=weights, random_state=random_state, folder=folder, unseen=unseen)

    def decided(self) -> str:
        """Say what of the design was read, after what the method itself says."""
        told = f"predictors from the design: {', '.join(self.read_design_) or 'none, as the table states none'}"
        if self.unread_:
            told += f"; not read: {', '.join(self.unread_)}, as at most {MOST_GROUPS} are, of two respondents or more"
        return f"{super().decided()} {told}.".strip()

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        super()._fit(X, rng)
        columns = self._sampled()
        p, k = X.shape[1], len(columns)
        self.sampling_ = np.column_stack([np.empty((len(X), 0)), *(codes for _, codes in columns)])
        self.table_ = np.hstack([X, self.sampling_])
        schema = Schema((*self.schema_.columns, *(column for column, _ in columns)))
        self.predictors_ = Predictors.learn(schema, self.table_)
        grouped = [j for j, (column, _) in enumerate(columns, start=p) if column.kind is Kind.NOMINAL]
        self.widths_ = [len(self.predictors_.centre[j]) for j in grouped]
        self.read_ = [np.append(own, np.arange(p, p + k)) for own in self.read_]

    def _sampled(self) -> list[tuple[Column, Floats]]:
        """What is read of the design, and its numbers (n,): only what differs between respondents."""
        found: list[tuple[Column, Floats]] = []
        self.read_design_, self.unread_ = list[str](), list[str]()
        if self.weights_ is not None and np.ptp(self.weights_) > 0:
            found.append((Column("design: log weight", Kind.NUMERIC), np.log(self.weights_)))
            self.read_design_.append("weights")
        parts = [part for part in (self.strata_, self.psu_) if part is not None]
        for depth, noun in enumerate(_nouns(self.strata_, self.psu_), start=1):
            numbers = np.unique(np.column_stack(parts[:depth]), axis=0, return_inverse=True)[1].reshape(-1)
            count = int(numbers.max()) + 1
            if count > min(MOST_GROUPS, len(numbers) // 2):
                self.unread_.append(f"{count:,} {noun}")
            elif count > 1:
                labels = {float(k): str(k) for k in range(count)}
                found.append((Column(f"design: {noun}", Kind.NOMINAL, labels), numbers.astype(float)))
                self.read_design_.append(f"{count} {noun}")
        return found

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        fitted = self.table_[:, : X.shape[1]]
        if same_bits(X, fitted) or np.array_equal(X, fitted, equal_nan=True):
            return super()._impute(self.table_, n_draws, rng)
        elsewhere = np.full((len(X), self.sampling_.shape[1]), ELSEWHERE)
        if "weights" in self.read_design_:
            elsewhere[:, 0] = self.sampling_[:, 0].mean()
        return super()._impute(np.hstack([X, elsewhere]), n_draws, rng)

    def _dtype(self, n: int) -> DTypeLike:
        return narrow(self.predictors_, n)

    def _grouped(self, turn: Turn, information: float, rng: np.random.Generator) -> tuple[Turn, int]:
        """The turn with random effects of strata and units, and their number; as it is if none is read."""
        if not self.widths_:
            return turn, 0
        return Shrunken.of(turn, self.widths_, self.ridge, information, rng), sum(self.widths_)


def _nouns(strata: Floats | None, psu: Floats | None) -> list[str]:
    named = (("strata", strata), ("primary sampling units", psu))
    return [noun for noun, given in named if given is not None]
