"""A pool of proper imputers: each draw comes from one of them, the likelier the better it predicts hidden answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats
from imputers import IMPUTERS, make_imputer
from imputers.base import Imputer
from imputers.ensembles.weights import Distances, best_weights, distances, joined
from imputers.heartbeat import steps
from imputers.traces import tracing

PARTS = 10  # that observed cells fall into by chance
FOLDS = 5  # of the parts: each is hidden in turn, and weights are found on its cells
DRAWS = 4  # of each member for the cells of a fold


@IMPUTERS.register("stacked")
class Stacked(Imputer):
    """Pool of proper imputers, weighted by item by the energy score of hidden answers.

    Stacking (Breiman 1996, Machine Learning 24, 49–64) of predictive distributions (Yao, Vehtari, Simpson & Gelman
    2018, Bayesian Analysis 13, 917–1007) by a linear pool (Stone 1961; Geweke & Amisano 2011, J. Econometrics 164,
    130–141). Observed cells fall into ten parts by chance; five of them are hidden in turn, and each member learns
    from the rest and draws these. For weights w that sum to one, the energy score of the pool (Gneiting & Raftery 2007,
    JASA 102, 359–378, equation 21) is

        w'a − w'B w / 2,    a_k = E d(X_k, y),    B_kl = E d(X_k, X_l),

    with d the difference of numbers and ordered codes, in units of that of two people's answers, and 0 or 1 for levels
    without an order. Common weights minimise its mean over all validation cells plus 25 ‖w − 1/K‖² / 2N, and those of
    an item that of its own cells plus 25 ‖w − w_common‖² / 2N, N the number of the cells. So members that predict alike
    share about equally, and items have weights of their own where they have many cells or members differ much there.
    Then the members learn from all observed cells.

    For each draw one number is uniform, and each item takes the member that it falls to by the item's cumulated
    weights. So a draw is, as far as items have the same weights, a whole draw of one member, for all rows: relations
    between holes are the member's own, and so is the uncertainty of its parameters. If each row took a member by
    itself, errors of independent parameters would average out within a table, and draws would be too certain. Means and
    probabilities are the weighted ones of the members.

    Draws are proper if those of the members are: they follow the posterior predictive distribution under uncertainty
    about which member is right, and what these differ by adds to the variance between draws. What is uncertain about
    the weights need not be drawn, since a pool is linear in them: a draw with weights drawn for it from their posterior
    is distributed as a draw with their posterior mean, for which the penalised weights stand.

    Assumes that the members' assumptions hold: what all of them bend stays bent, and scores of cells do not see every
    bend of a relation. Assumes that who predicts cells hidden completely at random well, in a table with a tenth fewer
    answers, does so for the holes. Holes of a row for which items take different members in a draw are independent
    given its answers. Survey weights are not used. Checks of the schema are kept by drawing a row anew, as everywhere.

    Learning takes six fits and twenty draws of each member; a draw takes one of a member, or of several where the
    weights of items differ. Twenty draws cost about twice what the members cost together.

    Parameters
    ----------
    estimators : requests of two or more different imputers whose draws are proper.

    Attributes
    ----------
    n_cells_ : validation cells of each item, shape (p,).
    shares_ : weights of the members for each item, shape (p, K).
    members_ : the fitted members.
    """

    family: ClassVar[str] = "ensembles"
    defaults: ClassVar[str] = "members chosen on the GSS 2022 twin"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {"estimators": [tuple, list]}

    def __init__(self, estimators: tuple[str, ...] = ("gbm-pmm", "mice")) -> None:
        self.estimators = estimators

    def check_parameters(self) -> None:
        """Validate the parameter, as `fit` does.

        Raises
        ------
        InputError
            If the estimators are not two or more different imputers with proper draws.
        """
        super().check_parameters()
        named = {request for request in self.estimators if isinstance(request, str)}
        if len(named) < max(2, len(self.estimators)):
            raise InputError(
                f"stacked: estimators are {self.estimators!r}; wanted are two different imputers or more, e.g. "
                "('mice', 'gbm-pmm')"
            )
        for request, member in zip(self.estimators, self.members(), strict=True):
            if not member.proper:
                raise InputError(
                    f"stacked: draws of {request} are not proper, and those of a pool with it would not be; take "
                    "imputers whose draws are, e.g. ('mice', 'gbm-pmm'), or impute with it alone"
                )

    def members(self) -> list[Imputer]:
        """Make the members, not fitted."""
        made = []
        for request in self.estimators:
            with _named(request):
                made.append(make_imputer(request))
        return made

    def prepare(self) -> None:
        """Let each member make what it keeps in the user's cache folder."""
        for member in self.members():
            member.prepare()

    def decided(self) -> str:
        """Say which weights were found, on how many cells, and what members decided."""
        told = ", ".join(
            f"{request} {own.mean():.2f} ({own.min():.2f} to {own.max():.2f} by item)"
            for request, own in zip(self.estimators, self.shares_.T, strict=True)
        )
        found = (
            f"found on {self.n_cells_.sum():,} validation cells" if self.n_cells_.any() else "equal: answers are few"
        )
        own = f"weights of the pool are {told}, {found}; give estimators=(...) to pool others"
        return "; ".join([own, *filter(None, (member.decided() for member in self.members_))])

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        folds = [hidden for hidden in _folds(X, rng) if hidden.any()]
        self.n_cells_ = np.sum(folds, axis=0, dtype=int).sum(axis=0) if folds else np.zeros(X.shape[1], dtype=int)
        self.shares_ = np.full((X.shape[1], len(self.estimators)), 1 / len(self.estimators))
        if folds:
            tried = [self._tried(X, hidden, rng) for hidden in steps(folds, len(folds))]
            found = [joined(own) for own in zip(*tried, strict=True)]
            self.shares_ = best_weights(found)
        self.members_ = [self._learned(request, X, rng) for request in self.estimators]

    def _learned(self, request: str, X: Floats, rng: np.random.Generator) -> Imputer:
        """Fit a member to the table; checks are kept by the pool."""
        schema, seed = replace(self.schema_, checks=()), int(rng.integers(2**31))
        with _named(request):
            return make_imputer(request).fit(X, schema=schema, random_state=seed)

    def _tried(self, X: Floats, hidden: NDArray[np.bool_], rng: np.random.Generator) -> list[Distances]:
        """Distances of each item, from draws of members that have not seen the validation cells (n, p)."""
        left, columns = np.where(hidden, np.nan, X), np.nonzero(hidden)[1]
        fills = []
        for request in steps(self.estimators, len(self.estimators)):
            member = self._learned(request, left, rng)
            fills.append(_asked(request, member, left, DRAWS, rng, hidden)[0])
        found = []
        for j, column in enumerate(self.schema_):
            own = np.stack([draws[:, columns == j] for draws in fills])
            found.append(distances(column, X[:, j], np.flatnonzero(hidden[:, j]), own))
        return found

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        columns = np.nonzero(np.isnan(X))[1]
        ends = self.shares_.cumsum(axis=1)[:, :-1]
        taken = (rng.random(n_draws)[:, None, None] >= ends).sum(axis=2)[:, columns]  # member of each fill (m, h)
        draws, told = np.empty(taken.shape), []
        for k, member in enumerate(steps(self.members_, len(self.members_))):
            own = taken == k
            some = own.any(axis=1)
            found, stated = _asked(self.estimators[k], member, X, max(int(some.sum()), 1), rng)
            told.append(stated)
            draws[own] = found[: some.sum()][own[some]]
        return Prediction(draws, *self._pooled(told, columns))

    def _pooled(self, told: list[Prediction], columns: NDArray[np.intp]) -> tuple[Floats | None, dict[int, Floats]]:
        """Weighted means of what all members state: expectations (h,), and probabilities."""
        means = [own.expected for own in told if own.expected is not None]
        expected = np.einsum("hk,kh->h", self.shares_[columns], means) if len(means) == len(told) else None
        stated = set.intersection(*(set(own.probabilities) for own in told))
        return expected, {
            j: np.tensordot(self.shares_[j], [own.probabilities[j] for own in told], 1) for j in sorted(stated)
        }


@contextmanager
def _named(request: str) -> Iterator[None]:
    """Say of which member a message is."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"stacked, of its estimator {request}: {error}; or leave it out of estimators") from None


def _asked(
    request: str,
    member: Imputer,
    X: Floats,
    n_draws: int,
    rng: np.random.Generator,
    asked: NDArray[np.bool_] | None = None,
) -> tuple[Floats, Prediction]:
    """Draws of a member, and all that it says; traces of its chains would be of some draws alone, and are left out."""
    with _named(request), tracing():
        told = member.impute(X, n_draws, random_state=int(rng.integers(2**31)), asked=asked)
        if told.draws is None:
            raise InputError("it fills nothing, so there is nothing to draw")
        return told.draws, told


def _folds(X: Floats, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Validation cells (n, p) of each fold, apart from each other; items keep two different answers at least."""
    part = rng.integers(PARTS, size=X.shape)
    for fold in range(FOLDS):
        hidden = (part == fold) & ~np.isnan(X)
        for j, codes in enumerate(np.where(hidden, np.nan, X).T):
            hidden[:, j] &= len(np.unique(codes[~np.isnan(codes)])) > 1
        yield hidden
