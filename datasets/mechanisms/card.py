"""The mask card: what a mask did to a table, measured on the mask itself and not on what was intended."""

import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.designs import driver_design, driver_positions, level_counts, own_design
from datasets.mechanisms.severity import in_numbers, mean_shift, spread_change
from datasets.request import parse_request
from datasets.schema import UNORDERED, Column, Floats
from datasets.table import Masked

FOLDS = 5
RIDGE = 1e-6  # in observations: coefficients stay finite where an outcome is certain
MOST_ROWS, MOST_COLUMNS = 20_000, 200  # that are measured, so that any file takes a minute at most
SEED = 2003
MOVED = {"mean": "mean, in SD", "spread": "SD, as a share of it"}


@dataclass(frozen=True)
class Aim:
    """What a mechanism's severity dial stands at: an AUC, or a bias of the complete cases' mean, spread or share."""

    auc: float | None
    bias: float | None
    moves: str


@dataclass(frozen=True)
class ColumnCard:
    """What a mask did to one column; None where there is nothing to measure.

    Parameters
    ----------
    column : name.
    observed, hidden : cells observed before hiding, and hidden of them.
    rate : hidden / observed.
    auc_drivers : AUC of missingness from the drivers: logistic regression, mean over 5 folds; 0.5 is chance.
    auc_own : the same from the cell's own value alone (dummies of a nominal item; value and square otherwise).
    own_p : p-value of the likelihood-ratio test that the own value adds nothing to the drivers.
    bias : mean of the remaining cells less mean of all, in standard deviations of all; for a nominal or text item
        the change of the level share that changed most.
    least_chance : smallest fitted chance (drivers and own value) of a cell to stay observed.
    short : the mechanism has a severity dial, and what it dials lies below it by more than 3 standard errors and 0.01
        (what fitting costs): both AUCs, or the bias that it aims at.
    shift : as the bias, but in standard deviations of ridit scores for an item without order.
    spread : standard deviation of the remaining cells over that of all, of the same numbers.
    """

    column: str
    observed: int
    hidden: int
    rate: float
    auc_drivers: float | None
    auc_own: float | None
    own_p: float | None
    bias: float
    least_chance: float
    short: bool
    shift: float | None = None
    spread: float | None = None


@dataclass(frozen=True)
class MaskCard:
    """What a mask did to a table.

    Parameters
    ----------
    dataset, mechanism, rate, seed : what was asked for.
    dial : the mechanism's severity, the AUC it aims at; None if it has none, or aims at a bias.
    realised_rate : hidden cells of all observed cells in the columns where any is hidden.
    complete_rows : share of rows in which nothing is missing any more.
    columns : a card for each column where a cell is hidden; of very many for some, evenly spread over the table.
    touched : columns where a cell is hidden, if they do not all have a card.
    bias : the mechanism's severity, the bias of complete cases it aims at; None if it has none, or aims at an AUC.
    moves : what that bias is of: ``"mean"``, ``"spread"`` or ``"share"`` (of an answer, which no card measures).
    """

    dataset: str
    mechanism: str
    rate: float
    seed: int
    dial: float | None
    realised_rate: float
    complete_rows: float
    columns: tuple[ColumnCard, ...]
    touched: int | None = None
    bias: float | None = None
    moves: str = "mean"

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, for JSON."""
        return asdict(self) | {"columns": [asdict(column) for column in self.columns]}

    def to_markdown(self) -> str:
        """Say it in a heading, a paragraph and a table."""
        return (
            f"### {self.dataset}, {self.mechanism} at {self.rate:g}, seed {self.seed}\n\n"
            f"{self.realised_rate:.2%} of the cells are hidden; {self.complete_rows:.1%} of the rows are complete "
            f"still. {self._part()}{self._severity()}Bias: remaining less all cells, in SD (nominal: largest change of "
            "a share). SD: of the remaining over that of all cells (nominal: of ridit scores). Least chance: smallest "
            "fitted chance to stay observed.\n\n"
            "| column | observed | hidden | rate | AUC drivers | AUC own | own adds, p | bias | SD | least chance |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
            + "".join(
                f"| {card.column} | {card.observed} | {card.hidden} | {card.rate:.3f} | {_shown(card.auc_drivers)} "
                f"| {_shown(card.auc_own)} | {_shown(card.own_p)} | {card.bias:+.3f} | {_shown(card.spread)} "
                f"| {card.least_chance:.3f} |\n"
                for card in self.columns
            )
        )

    def _severity(self) -> str:
        short = ", ".join(card.column for card in self.columns if card.short) or "none"
        if self.dial is not None:
            return f"The severity dial stands at AUC {self.dial:.2f}; short of it: {short}. "
        if self.bias is None:
            return ""
        if self.moves == "share":
            return f"The severity dial stands at a bias of {self.bias:g} SD of an answer's share. "
        moved = MOVED[self.moves]
        return f"The severity dial stands at a bias of {self.bias:g} of each item's {moved}; short of it: {short}. "

    def _part(self) -> str:
        if self.touched is None:
            return ""
        return f"Measured are {len(self.columns)} of {self.touched:,} columns, evenly spread over the table. "


def mask_card(masked: Masked, mechanism: str, rate: float, seed: int) -> MaskCard:
    """Measure a mask.

    Of a column with more than 20,000 observed cells a random sample of so many is fitted; of more than 200 columns as
    many are measured. How columns count in the regressions: see `designs`.

    Parameters
    ----------
    masked : the table with hidden cells.
    mechanism : request for what hid them, e.g. ``"mar(auc=0.8)"``; its severity dial is its parameter ``bias``, where
        that is given, or ``auc``; the drivers are those of the table and those of its parameter ``drivers``.
    rate, seed : what was asked for, to be shown.

    Raises
    ------
    InputError
        If there is no mechanism of this name.
    """
    aim, further = _aim(mechanism)
    truth = masked.truth
    drivers = driver_design(truth, driver_positions(truth.schema, further))
    touched = np.flatnonzero(masked.hidden.any(axis=0))
    spread = np.linspace(0, len(touched) - 1, min(MOST_COLUMNS, len(touched))).round().astype(int)
    return MaskCard(
        dataset=truth.title,
        mechanism=mechanism,
        rate=rate,
        seed=seed,
        dial=aim.auc,
        realised_rate=float(masked.hidden[:, touched].sum() / max((~np.isnan(truth.values[:, touched])).sum(), 1)),
        complete_rows=float((~np.isnan(masked.values)).all(axis=1).mean()),
        columns=tuple(_column_card(masked, int(j), drivers, aim) for j in touched[spread]),
        touched=None if len(spread) == len(touched) else len(touched),
        bias=aim.bias,
        moves=aim.moves,
    )


def _aim(request: str) -> tuple[Aim, str]:
    """What a mechanism aims at, and which drivers it has beside those of the table."""
    name, _, _ = parse_request(request)
    found = inspect.signature(MECHANISMS.resolve(request)).parameters
    auc, bias, further = (found[key].default if key in found else None for key in ("auc", "bias", "drivers"))
    aim = Aim(auc if bias is None else None, bias, getattr(MECHANISMS[name], "moves", "mean"))
    return aim, further or ""


def _column_card(masked: Masked, j: int, drivers: Floats, aim: Aim) -> ColumnCard:
    from scipy.special import chdtrc

    column = masked.schema.columns[j]
    known = np.flatnonzero(~np.isnan(masked.truth.values[:, j]))
    every, answers = masked.hidden[known, j], masked.truth.values[known, j]
    rows = _sample(len(known))
    y, given, own = every[rows], drivers[known[rows]], own_design(answers[rows], column)
    both = np.hstack([given, own[:, 1:]])
    full, reduced = _chances(both, y, both), _chances(given, y, given)
    gain = 2 * (_log_likelihood(full, y) - _log_likelihood(reduced, y))
    aucs = [_cross_validated(design, y) if design.shape[1] > 1 else None for design in (given, own)]
    shift, spread = _moved(in_numbers(answers, column), ~every)
    return ColumnCard(
        column=column.name,
        observed=len(every),
        hidden=int(every.sum()),
        rate=float(every.mean()),
        auc_drivers=aucs[0],
        auc_own=aucs[1],
        own_p=float(chdtrc(own.shape[1] - 1, max(gain, 0.0))) if own.shape[1] > 1 else None,
        bias=_bias(answers, ~every, column),
        least_chance=float(1 - full.max()),
        short=_falls_short(aim, aucs, (shift, spread), y, every),
        shift=shift,
        spread=spread,
    )


def _falls_short(
    aim: Aim,
    aucs: Sequence[float | None],
    moved: tuple[float, float | None],
    y: NDArray[np.bool_],
    every: NDArray[np.bool_],
) -> bool:
    if aim.auc is not None:
        trues, falses = int(y.sum()), int((~y).sum())
        reached = max((auc + 3 * area_error(auc, trues, falses) for auc in aucs if auc is not None), default=0.5)
        return reached < aim.auc - 0.01
    if aim.bias is None or aim.moves == "share" or moved[1] is None:
        return False
    error = np.sqrt(every.sum() / (~every).sum() / len(every))  # of the mean of what a random mask leaves, in SD
    reached = abs(moved[0]) if aim.moves == "mean" else abs(moved[1] - 1)
    return bool(reached + 3 * error < aim.bias - 0.01)


def _moved(x: Floats, remaining: NDArray[np.bool_]) -> tuple[float, float | None]:
    """Mean of what remains less that of all, in SD, and its SD over that of all; 0 and None if nothing varies."""
    stay = remaining.astype(float)
    return (mean_shift(x, stay), 1 + spread_change(x, stay)) if np.ptp(x) > 0 else (0.0, None)


def _sample(n: int) -> NDArray[np.intp]:
    """Positions of all n rows, or of a random sample of very many, the same whenever it is drawn."""
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(SEED).choice(n, MOST_ROWS, replace=False))


def _cross_validated(D: Floats, y: NDArray[np.bool_]) -> float | None:
    """AUC of a logistic regression on rows it was not fitted on, mean over folds of every fifth row."""
    from sklearn.metrics import roc_auc_score

    fold = np.arange(len(y)) % FOLDS
    areas = [
        roc_auc_score(y[fold == k], _chances(D[fold != k], y[fold != k], D[fold == k]))
        for k in range(FOLDS)
        if 0 < y[fold == k].sum() < (fold == k).sum()
    ]
    return float(np.mean(areas)) if areas else None


def _chances(D: Floats, y: NDArray[np.bool_], asked: Floats) -> Floats:
    """Chances (m,) that a logistic regression of y (n,) on D (n, q), which starts with ones, gives to rows (m, q)."""
    from sklearn.linear_model import LogisticRegression

    if D.shape[1] == 1 or len(np.unique(y)) == 1:
        return np.full(len(asked), y.mean())
    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", tol=1e-8).fit(D[:, 1:], y)
    return model.predict_proba(asked[:, 1:])[:, 1]


def _log_likelihood(chance: Floats, y: NDArray[np.bool_]) -> float:
    tiny = np.finfo(float).tiny
    return float(np.log(np.maximum(np.where(y, chance, 1 - chance), tiny)).sum())


def area_error(auc: float, trues: int, falses: int) -> float:
    """Give the standard error of an AUC; Hanley & McNeil (1982), Radiology 143, equation 2."""
    both_true, both_false = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (trues - 1) * (both_true - auc**2) + (falses - 1) * (both_false - auc**2)
    return float(np.sqrt(spread / (trues * falses)))


def _bias(codes: Floats, remaining: NDArray[np.bool_], column: Column) -> float:
    """Measure what a look at the remaining cells alone gets wrong."""
    if column.kind in UNORDERED:
        change = level_counts(codes[remaining], column) / remaining.sum() - level_counts(codes, column) / len(codes)
        return float(change[np.abs(change).argmax()])
    spread = codes.std()
    return float((codes[remaining].mean() - codes.mean()) / spread) if spread > 0 else 0.0


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
