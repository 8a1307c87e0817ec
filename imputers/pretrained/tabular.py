"""Base of chained equations by tabular foundation models: each item in context, by a head for classes or quantiles."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Floats, Kind
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Item, Turn
from imputers.shared.levels import draw_level
from imputers.shared.weights import check_packages

MOST_CLASSES = 10  # levels of an ordinal item that are told apart as classes; more are asked for by quantiles
LEVELS = (np.arange(100) + 0.5) / 100  # of the quantiles that are asked for
COUNT = Interval(Integral, 1, None, closed="left")


class TabularImputer(ChainedImputer):
    """Base of chained equations in which a model, pre-trained on synthetic tables, answers each item in context.

    Nothing is trained. At each visit of an item the model is shown the rows where it is known, with the other items as
    completed so far, and gives the distribution of the holes, from which they are drawn: classes of nominal items, and
    of ordinal ones with up to ten levels; quantiles of the others, at a hundred levels, with straight lines between
    and nothing beyond the first and the last, put in order where they cross and snapped to the scale.

    Assumes missingness at random and tables such as the model was pre-trained on. New rows are filled from the fitted
    ones. What a model of this kind says averages over what the rows shown leave open (Müller, Hollmann, Pineda Arango,
    Grabocka & Hutter 2022, ICLR, arXiv 2112.10510), but for its own prior and not as proper draws would for this table.
    The package of the model and its weights are the user's; nothing is downloaded, and weights are read from
    safetensors alone.

    Parameters
    ----------
    model : folder with the weights: one file ``*.safetensors`` with "classifier" in its name and one with "regressor",
        or a single file for both.
    max_iter : sweeps through the items, in each of the chains.
    n_estimators : views of the table, by order and scale of the items, over which the package averages.
    max_rows : rows shown to the model, a random sample where there are more; None shows all.

    Attributes
    ----------
    package : that runs the model.
    files_ : file of either head.
    """

    family: ClassVar[str] = "pretrained"
    nouns: ClassVar[tuple[object, ...] | None] = None
    defaults: ClassVar[str] = "ours, chosen on no table"
    package: ClassVar[str]
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "model": [str, None],
        "max_iter": [COUNT],
        "n_estimators": [COUNT],
        "max_rows": [Interval(Integral, 2, None, closed="left"), None],
    }

    def __init__(
        self, model: str | None = None, max_iter: int = 3, n_estimators: int = 2, max_rows: int | None = 2000
    ) -> None:
        self.model = model
        self.max_iter = max_iter
        self.n_estimators = n_estimators
        self.max_rows = max_rows

    @abstractmethod
    def _head(self, kind: str, seed: int) -> Any:  # noqa: ANN401 - an estimator of the package
        """The package's ``"classifier"`` or ``"regressor"``, with the weights."""

    @abstractmethod
    def _quantiles(self, regressor: Any, D: Floats) -> Floats:  # noqa: ANN401
        """Quantiles (h, levels) of rows D (h, q) at `LEVELS`."""

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        check_packages(self.package, (self.package, "torch", "safetensors"))
        if self.model is None:
            raise MethodUnavailableError(
                f"{self.package} needs the weights of its model: give the folder that has them as *.safetensors, e.g. "
                f"--imputers \"{self.package}(model='folder')\"; the package's own page says where they are to be had, "
                "and under which licence"
            )
        folder = Path(self.model).expanduser()
        self.files_ = {kind: str(weights_file(folder, kind)) for kind in ("classifier", "regressor")}
        super()._fit(X, rng)

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        item, known, holes = turn.item, turn.known()[:, 1:], turn.holes()[:, 1:]  # without the constant
        shown = np.arange(len(known))
        if self.max_rows is not None and len(known) > self.max_rows:
            shown = np.sort(rng.choice(len(known), self.max_rows, replace=False))
        kind = item.column.kind
        classes = kind is Kind.NOMINAL or (kind is Kind.ORDINAL and len(item.levels) <= MOST_CLASSES)
        with self._understood(item):
            if classes:
                return self._by_classes(item, known[shown], shown, holes, rng)
            return self._by_quantiles(item, known[shown], shown, holes, rng)

    def _by_classes(
        self, item: Item, known: Floats, shown: NDArray[np.intp], holes: Floats, rng: np.random.Generator
    ) -> Fill:
        answers = item.answers[shown].astype(int)
        shares = np.zeros((len(holes), len(item.levels)))
        if (answers == answers[0]).all():  # a sample in which all say the same
            shares[:, answers[0]] = 1.0
        else:
            head = self._head("classifier", int(rng.integers(2**31))).fit(known, answers)
            shares[:, np.asarray(head.classes_, dtype=int)] = head.predict_proba(holes)
            shares /= shares.sum(axis=1, keepdims=True)  # they are in single precision
        return Fill(item.levels[draw_level(shares, rng)], lambda: shares)

    def _by_quantiles(
        self, item: Item, known: Floats, shown: NDArray[np.intp], holes: Floats, rng: np.random.Generator
    ) -> Fill:
        codes = item.codes[shown]
        if (codes == codes[0]).all():
            quantiles = np.full((len(holes), len(LEVELS)), codes[0])
        else:
            head = self._head("regressor", int(rng.integers(2**31))).fit(known, codes)
            quantiles = np.sort(self._quantiles(head, holes).astype(float), axis=1)
        drawn = between(quantiles, rng.random(len(holes)))
        if item.column.kind is Kind.NUMERIC:
            return Fill(item.column.snap(drawn), lambda: quantiles.mean(axis=1))
        every = nearest_level(item.levels, quantiles)
        K = len(item.levels)
        return Fill(
            item.levels[nearest_level(item.levels, drawn)],
            lambda: np.stack([np.bincount(own, minlength=K) for own in every]) / len(LEVELS),
        )

    @contextmanager
    def _understood(self, item: Item) -> Iterator[None]:
        """Say of which item a package complains, and what to do."""
        try:
            yield
        except ValueError as refusal:
            raise InputError(
                f"{self.package} cannot answer {item.column.name}, which has {len(np.unique(item.answers))} different "
                f'answers ({" ".join(str(refusal).split())[:200]}); leave it out (kind = "ignore" in the schema), or '
                "take another method"
            ) from refusal


def weights_file(folder: Path, kind: str) -> Path:
    """The file of weights for a head: the one with its name, or the only one that names no head.

    Raises
    ------
    MethodUnavailableError
        If there is none, or more than one.
    """
    found = sorted(folder.glob("*.safetensors"))
    named = [path for path in found if kind in path.name]
    either = [path for path in found if "classifier" not in path.name and "regressor" not in path.name]
    fitting = named or either
    if len(fitting) != 1:
        raise MethodUnavailableError(
            f"{folder} has {len(fitting)} files *.safetensors for a {kind}; give a folder with one that has {kind!r} "
            "in its name, or a single file for both heads (other formats of weights can run code when they are read)"
        )
    return fitting[0]


def between(quantiles: Floats, chances: Floats) -> Floats:
    """Values (h,) at chances (h,) from 0 to 1 of distributions with quantiles (h, levels) at `LEVELS`."""
    place = np.clip(chances * len(LEVELS) - 0.5, 0, len(LEVELS) - 1)
    low = np.minimum(place.astype(int), len(LEVELS) - 2)
    rows = np.arange(len(quantiles))
    below, above = quantiles[rows, low], quantiles[rows, low + 1]
    return below + (place - low) * (above - below)


def nearest_level(levels: Floats, values: Floats) -> NDArray[np.intp]:
    """Number of the level (K,), ascending, that is nearest to each value."""
    return np.searchsorted((levels[:-1] + levels[1:]) / 2, values)
