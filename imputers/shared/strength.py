"""Choice of predictors for tables of many items: for each item the others that go with it or with its being missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions

from datasets.schema import Floats
from imputers.shared.predictors import Predictors
from imputers.shared.ranges import COUNT_OR_NONE

NARROW = 200  # items up to which every item is predicted from all others
MOST = 30  # predictors of an item of a wider table
COLUMNS = 4  # of the design for each predictor, on average at most: nominal items have one for each level
LEAST_CORRELATION = 0.1  # of a predictor with the item, or with its being missing
LEAST_USABLE = 0.1  # share of the item's holes at which a predictor is observed
DEVIATIONS = 3  # by which a correlation is to exceed what chance gives
ROWS = 10_000  # that the choice looks at, evenly spaced
ITEMS = 128  # looked at together, so that memory grows with the number of items, not with its square

AUTO: list[object] = [*COUNT_OR_NONE, StrOptions({"auto"})]
Number = int | Literal["auto"] | None
Singles = NDArray[np.float32]
Places = NDArray[np.integer]


def number_of_predictors(n_features: Number, n_items: int) -> int | None:
    """How many predictors an item may have; None for all others, which "auto" means for a narrow table."""
    if n_features == "auto":
        return MOST if n_items > NARROW else None
    return n_features


def said_of(n_features: Number, read: Sequence[Places], request: str) -> str:
    """A sentence on a choice that nobody asked for, and how to make another; empty if somebody did, or there is none.

    Parameters
    ----------
    n_features : the parameter of the method.
    read : positions of the predictors of each item; may be empty if each has all others.
    request : name of the method.
    """
    if n_features != "auto" or len(read) <= NARROW:
        return ""
    return (
        f"the table has {len(read):,} items, more than {NARROW}: each is predicted from those that go with it or with "
        f"its being missing, {np.mean([len(own) for own in read]):.0f} on average and {MOST} at most; ask for "
        f"{request}(n_features=50) to change that, or n_features=None for all"
    )


def strongest(predictors: Predictors, X: Floats, n_features: int) -> list[Places]:
    """Positions of the items that predict each item of a table with holes (n, p) best, n_features at most, ascending.

    After ``quickpred`` of R's mice (van Buuren & Groothuis-Oudshoorn 2011, J. Statistical Software 45:3, section 3.4):
    a predictor's correlation with the item where both are observed, or with the item's being missing where the
    predictor is observed, is 0.1 at least, and it is observed (usable) in a tenth at least of the rows where the item
    is not. Unlike there, a predictor that is missing only where the item is counts as usable, as the two are drawn
    together; a nominal item counts by all its levels (`_squared_correlation`); correlations are less what chance gives,
    as there are so many; and there is a largest number: best first by the squared correlation times the share of usable
    cases, or by that with being missing, if it is larger. Predictors are passed over whose columns would make more than
    four for each of n_features, such as occupations in hundreds of levels. An item with no predictor strong enough has
    one, the most complete other item. Holes are left out, so hidden answers have no say. Of more than 10,000 rows,
    10,000 decide.
    """
    rows = np.unique(np.linspace(0, len(X) - 1, min(len(X), ROWS)).astype(np.intp))
    table = _Known.of(predictors, X[rows])
    widths = np.bincount(table.owner)
    complete, found = np.argsort(-table.known.sum(axis=0), kind="stable"), []
    for start, worth in _worths(table):
        for place, own in enumerate(worth, start=start):
            own[place] = 0.0
            best = np.argsort(-own, kind="stable")[: np.count_nonzero(own)]
            strong = _within(best, widths, n_features)
            found.append(np.sort(strong) if len(strong) else complete[complete != place][:1])
    return found


def _within(best: Places, widths: Places, n_features: int) -> Places:
    """Take the first n_features of the best, passing over those whose columns would be too many."""
    taken, room = [], COLUMNS * n_features
    for k in best:
        if widths[k] <= room:
            taken.append(k)
            room -= widths[k]
        if len(taken) == n_features:
            break
    return np.array(taken, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class _Known:
    """The columns of a table's design, with zeros for holes, and where items are observed, in single precision.

    Parameters
    ----------
    Z, squares : columns and their squares, shape (n, q).
    known : 1 where the item is observed, shape (n, p).
    starts : first column of each item, shape (p,).
    owner : item of each column, shape (q,).
    level : True for the columns of nominal items that have one for each level, shape (q,).
    means : share of each of these levels, shape (q,).
    freedom : number of columns of each item, less one if they are all its levels, shape (p,).
    """

    Z: Singles
    squares: Singles
    known: Singles
    starts: Places
    owner: Places
    level: NDArray[np.bool_]
    means: Singles
    freedom: Singles

    @classmethod
    def of(cls, predictors: Predictors, X: Floats) -> "_Known":
        """Read them off a table with holes (n, p)."""
        widths = np.array([block.stop - block.start for block in predictors.blocks])
        Z = predictors.design(X, np.float32)[:, 1:]
        Z[np.isnan(Z)] = 0.0
        level = np.repeat(widths > 1, widths)
        means = np.where(level, np.concatenate(predictors.centre), 0).astype(np.float32)
        starts, owner = np.cumsum(widths) - widths, np.repeat(np.arange(len(widths)), widths)
        freedom = np.maximum(widths - (widths > 1), 1).astype(np.float32)
        return cls(Z, Z**2, (~np.isnan(X)).astype(np.float32), starts, owner, level, means, freedom)

    def spread(self, total: Singles, squares: Singles, n: Singles, columns: slice) -> Singles:
        """Variance of an ordinal or numeric item's column, share of a level; from sums over n rows."""
        mean = total / n
        share = mean + self.means[columns]
        return np.where(self.level[columns], share, squares / n - mean**2)


def _worths(table: _Known) -> Iterator[tuple[int, Singles]]:
    """Give what every item is worth to some, shape (some, p), 0 if too weak, and the position of the first of these."""
    n, p = table.known.shape
    ends = np.append(table.starts, len(table.owner))
    totals, squares = table.Z.sum(axis=0), table.squares.sum(axis=0)
    count = np.maximum(table.known.sum(axis=0), 1)
    for start in range(0, p, ITEMS):
        items = slice(start, min(start + ITEMS, p))
        columns = slice(int(ends[items.start]), int(ends[items.stop]))
        own, known = table.owner[columns] - start, table.known[:, items]
        pairs = known.T @ table.known
        theirs, their_squares = known.T @ table.Z, known.T @ table.squares  # sums where the item is known
        strength = _with_item(table, columns, own, pairs, theirs, their_squares)
        lacking = count - pairs  # rows where the other is known and the item is not
        holes = n - known.sum(axis=0)[:, None]
        usable = np.where(holes > 0, lacking / np.maximum(holes, 1), count / n)
        inside = pairs == n - holes  # the other is missing only where the item is, and drawn before it
        before = (lacking > 0) | (np.arange(p) < np.arange(items.start, items.stop)[:, None])
        usable[inside & before] = 1.0
        missing = _with_missingness(table, lacking, count, totals - theirs, totals, squares)
        yield start, np.where(usable >= LEAST_USABLE, np.maximum(strength * usable, missing), 0.0)


def _with_item(
    table: _Known, columns: slice, own: Places, pairs: Singles, theirs: Singles, their_squares: Singles
) -> Singles:
    """Squared correlations of some items with all others where both are observed, shape (some, p).

    Parameters
    ----------
    columns, own : columns of these items, and which of them each belongs to.
    pairs : rows that know both, shape (some, p).
    theirs, their_squares : sums of all columns and their squares over the rows that know the item, shape (some, q).
    """
    Z, owner, everything = table.Z[:, columns], table.owner, slice(None)
    n = np.maximum(pairs, 1)[own][:, owner]
    ours, our_squares = (Z.T @ table.known)[:, owner], (table.squares[:, columns].T @ table.known)[:, owner]
    covariance = Z.T @ table.Z / n - ours * theirs[own] / n**2
    spread = table.spread(ours.T, our_squares.T, n.T, columns).T
    covariance **= 2
    covariance /= np.maximum(spread * table.spread(theirs[own], their_squares[own], n, everything), 1e-6)
    total = np.add.reduceat(np.add.reduceat(covariance, table.starts, axis=1), np.flatnonzero(np.diff(own, prepend=-1)))
    freedom = table.freedom[table.owner[columns][0] : table.owner[columns][-1] + 1, None]
    return _squared_correlation(total, freedom, table.freedom, pairs)


def _with_missingness(
    table: _Known, lacking: Singles, count: Singles, theirs: Singles, totals: Singles, squares: Singles
) -> Singles:
    """Squared correlations of being missing of some items with all others where these are observed, shape (some, p).

    Parameters
    ----------
    lacking, count : rows where the other is known and the item is not, shape (some, p), and where the other is known.
    theirs : sums of all columns over the former rows, shape (some, q).
    totals, squares : sums of all columns and of their squares over the latter, shape (q,).
    """
    share, n = lacking / count, count[table.owner]
    covariance = (theirs - share[:, table.owner] * totals) / n
    scaled = covariance**2 / np.maximum(table.spread(totals, squares, n, slice(None)), 1e-6)
    total = np.add.reduceat(scaled, table.starts, axis=1) / np.maximum(share * (1 - share), 1e-6)
    return _squared_correlation(total, np.ones(1, np.float32), table.freedom, np.broadcast_to(count, total.shape))


def _squared_correlation(total: Singles, ours: Singles, theirs: Singles, n: Singles) -> Singles:
    """Mean squared canonical correlation of items less what chance gives; 0 if it is weak or may be chance.

    Of two numbers it is their squared correlation, of a number and groups the correlation ratio, of groups and groups
    Cramér's V², each as corrected by Bergsma (2013, J. Korean Statistical Society 42, 323-328).

    Parameters
    ----------
    total : sum of squared canonical correlations.
    ours, theirs : degrees of freedom of the items.
    n : rows.
    """
    freedom = ours * theirs
    chi = n * total  # of so many degrees of freedom if there is no relation
    found = (total - freedom / np.maximum(n, 1)) / np.minimum(ours, theirs)
    sure = chi >= freedom + DEVIATIONS * np.sqrt(2 * freedom)
    return np.where(sure & (found >= LEAST_CORRELATION**2), np.minimum(found, 1.0), 0.0)
