"""The schema: what each column means, and the only translator between codes, words and numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datasets.condition import Condition
from datasets.errors import InputError

Floats = NDArray[np.float64]


class Kind(StrEnum):
    """Level of measurement (Stevens 1946, Science 103): it decides fills, distances and metrics."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    NUMERIC = "numeric"
    TEXT = "text"  # free strings such as names and addresses: a value may be copied, but has no place on a scale


MOST_DECIMALS = 15  # that floating-point numbers hold
UNORDERED = (Kind.NOMINAL, Kind.TEXT)
LABELLED = (Kind.NOMINAL, Kind.ORDINAL, Kind.TEXT)


class Role(StrEnum):
    """What a column is to the benchmark; imputers treat all roles alike."""

    DRIVER = "driver"  # never hidden; missingness at random depends on it
    TARGET = "target"  # hidden, and reported by name
    ITEM = "item"  # hidden


@dataclass(frozen=True)
class Column:
    """One question.

    Parameters
    ----------
    name, kind : the column's name and level of measurement.
    labels : code to answer text, codes ascending: the order is the scale, if ordinal; empty if numeric.
    question : the wording, or a short description.
    decimals, low, high : digits after the point, smallest and largest answer, of a numeric column; None if open.
    role : what the column is to the benchmark.
    missing : codes and texts that mean missing in its file, and why. It decides no result: the values say which cells
        are missing and the reasons why.

    Raises
    ------
    InputError
        If labels and kind do not fit, two codes share a text, decimals are below 0, or low is above high.
    """

    name: str
    kind: Kind
    labels: Mapping[float, str] = field(default_factory=dict)
    question: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    role: Role = Role.ITEM
    missing: Mapping[float | str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        who = f"column {self.name!r} ({self.kind})"
        if (self.kind is Kind.NUMERIC) == bool(self.labels):
            wanted = "no labels" if self.kind is Kind.NUMERIC else "labels for its codes"
            raise InputError(f"{who} has {len(self.labels)} labels; it needs {wanted}; change its kind or its labels")
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DECIMALS:
            raise InputError(f"{who} has decimals = {self.decimals}; give a number of digits from 0 to {MOST_DECIMALS}")
        if not all(limit is None or np.isfinite(limit) for limit in (self.low, self.high)):
            raise InputError(f"{who} has low = {self.low}, high = {self.high}; leave out a limit that there is not")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(f"{who} has low = {self.low:g} above high = {self.high:g}; exchange them")
        if list(self.labels) != sorted(self.labels):
            raise InputError(f"{who} lists its codes as {list(self.labels)}; they must ascend: the order is the scale")
        if len(set(self.labels.values())) < len(self.labels):
            raise InputError(f"{who} gives two codes the same text in {list(self.labels.values())}; make them differ")

    @cached_property
    def levels(self) -> Floats:
        """Valid codes in scale order, shape (K,); empty for numeric columns."""
        return np.array(list(self.labels), dtype=float)

    @cached_property
    def _code_of(self) -> dict[str, float]:
        return {text: code for code, text in self.labels.items()}

    def text(self, code: float) -> str:
        """Say a code in words; the inverse of `code`.

        Raises
        ------
        InputError
            If the code is not on the scale.
        """
        if self.kind is Kind.NUMERIC and np.isfinite(code):
            return repr(float(code)) if self.decimals is None else f"{code:.{self.decimals}f}"
        if code not in self.labels:
            raise InputError(f"column {self.name!r}: code {code:g} is not on its scale {list(self.labels)}")
        return self.labels[code]

    def code(self, text: str) -> float:
        """Give the code of an answer text; the inverse of `text`.

        Raises
        ------
        InputError
            If no answer reads like this.
        """
        try:
            return float(text) if self.kind is Kind.NUMERIC else self._code_of[text]
        except (KeyError, ValueError):
            raise InputError(f"column {self.name!r}: {text!r} is none of its answers {list(self._code_of)}") from None

    def bounded(self, values: Floats) -> Floats:
        """Keep numbers between the smallest and the largest possible answer of a numeric column; NaN stays NaN."""
        if (self.low, self.high) == (None, None):
            return values
        return np.clip(values, self.low, self.high)

    def snap(self, values: Floats) -> Floats:
        """Nearest valid answers; NaN stays NaN."""
        if self.kind is Kind.NUMERIC:
            rounded = values if self.decimals is None else np.round(values, self.decimals)
            return self.bounded(rounded)
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        nearest = self.levels[np.searchsorted(middles, values)]
        return np.where(np.isnan(values), np.nan, nearest)

    def valid(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which values are possible answers; NaN and infinities are not."""
        if self.kind is Kind.NUMERIC:
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            return np.isfinite(values) & (values >= low) & (values <= high)
        return np.isin(values, self.levels)


@dataclass(frozen=True)
class Regression:
    """Outcome on covariates, by ordinary least squares without weights.

    Ordinal answers count by their code, nominal ones as dummies against their first level.

    Parameters
    ----------
    outcome : name of an ordinal or numeric column.
    covariates : names of its columns.

    Raises
    ------
    InputError
        If there is no covariate, or a column is named twice.
    """

    outcome: str
    covariates: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.covariates or len(set(self.names)) < len(self.names):
            raise InputError(f"a regression of {self.outcome!r} needs covariates, each once; it has {self.covariates}")

    @property
    def names(self) -> tuple[str, ...]:
        """Outcome and covariates."""
        return self.outcome, *self.covariates


@dataclass(frozen=True)
class Schema:
    """Columns in order, the regression that people will run on them, if one is known, and the law behind the rows.

    Parameters
    ----------
    columns : the p columns.
    regression : of interest to the table's users, or None.
    population : registered name of the law that the rows were drawn from, see `datasets.populations`; empty if it is
        not known, as of every survey.
    checks : what is to hold in every row, said of the columns' codes.

    Raises
    ------
    InputError
        If two columns share a name, or the regression or a check names a column that is not there.
    """

    columns: tuple[Column, ...]
    regression: Regression | None = None
    population: str = ""
    checks: tuple[Condition, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        twice = sorted(name for name, count in Counter(self.names).items() if count > 1)
        if twice:
            raise InputError(f"column names {twice} stand more than once; rename them so that each is unique")
        asked = [name for check in self.checks for name in check.names]
        for name in (*(self.regression.names if self.regression else ()), *asked):
            self.index(name)

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.index(name)]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def index(self, name: str) -> int:
        """Position of a column.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        if name not in self.names:
            raise InputError(f"there is no column {name!r}; the columns are {self.names}")
        return self.names.index(name)

    def where(self, *kinds: Kind) -> NDArray[np.intp]:
        """Positions of the columns of these kinds."""
        return np.array([j for j, column in enumerate(self.columns) if column.kind in kinds], dtype=np.intp)

    def having(self, role: Role) -> NDArray[np.intp]:
        """Positions of the columns with this role."""
        return np.array([j for j, column in enumerate(self.columns) if column.role is role], dtype=np.intp)

    def take(self, positions: Iterable[int]) -> "Schema":
        """Schema of some columns, of the same population; the regression and a check stay if all their columns do."""
        part = Schema(tuple(self.columns[j] for j in positions), population=self.population)
        names = set(part.names)
        part = replace(part, checks=tuple(check for check in self.checks if names.issuperset(check.names)))
        kept = self.regression is not None and set(self.regression.names) <= set(part.names)
        return replace(part, regression=self.regression) if kept else part

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Which columns of the design belong to each column of the codes."""
        width = {Kind.NUMERIC: 1, Kind.ORDINAL: 1, Kind.TEXT: 0}
        widths = [width.get(column.kind, len(column.labels)) for column in self.columns]
        ends = np.cumsum(widths, dtype=int)
        return tuple(slice(int(end) - width, int(end)) for end, width in zip(ends, widths, strict=True))

    def design(self, X: Floats) -> Floats:
        """Codes (n, p) to numbers (n, q): a dummy per nominal level, no column for text, the code otherwise."""
        D = np.empty((len(X), self.blocks[-1].stop if self.blocks else 0))
        for j, (column, block) in enumerate(zip(self.columns, self.blocks, strict=True)):
            if column.kind is Kind.NOMINAL:
                D[:, block] = X[:, [j]] == column.levels  # (n, 1) == (K,)
                D[np.isnan(X[:, j]), block] = np.nan
            elif column.kind is not Kind.TEXT:
                D[:, block] = X[:, [j]]
        return D

    def undesign(self, D: Floats) -> Floats:
        """Numbers (n, q) back to the nearest valid codes (n, p); NaN in text columns, which have no numbers."""
        X = np.full((len(D), len(self)), np.nan)
        for j, (column, block) in enumerate(zip(self.columns, self.blocks, strict=True)):
            if column.kind is Kind.NOMINAL:
                X[:, j] = column.levels[np.argmax(D[:, block], axis=1)]
                X[np.isnan(D[:, block]).any(axis=1), j] = np.nan
            elif column.kind is not Kind.TEXT:
                X[:, j] = column.snap(D[:, block.start])
        return X

    def positions(self, X: Floats) -> NDArray[np.intp]:
        """Level numbers 0…K-1 of labelled columns, shape (n, p); -1 where missing and in numeric columns."""
        P = np.full(X.shape, -1, dtype=np.intp)
        for j in self.where(*LABELLED):
            known = ~np.isnan(X[:, j])
            P[known, j] = np.searchsorted(self.columns[j].levels, X[known, j])
        return P

    def text(self, row: Floats) -> dict[str, str]:
        """One respondent's answers (p,) in words by question; unanswered questions are left out."""
        answered = zip(self.columns, row, strict=True)
        return {column.question or column.name: column.text(code) for column, code in answered if not np.isnan(code)}

    def check(self, X: Floats) -> None:
        """Validate a table of codes (n, p); NaN is a hole.

        Raises
        ------
        InputError
            If the shape is wrong or a column holds codes that are not on its scale.
        """
        if X.ndim != 2 or X.shape[1] != len(self):
            raise InputError(f"the table has shape {X.shape}; the schema has {len(self)} columns: {self.names}")
        for j, column in enumerate(self.columns):
            codes = X[:, j].copy()  # side by side
            wrong = np.unique(codes[~(column.valid(codes) | np.isnan(codes))])
            if len(wrong):
                scale = f"{column.low} to {column.high}" if column.kind is Kind.NUMERIC else list(column.labels)
                raise InputError(
                    f"column {column.name!r} ({column.kind}) holds {wrong[:5].tolist()}, not on its scale {scale}; "
                    "correct the data or the schema"
                )
