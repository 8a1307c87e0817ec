"""Uncertainty: scores of methods on shared masks, and how another sample of people and other masks would move them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from datasets.errors import InputError
from datasets.schema import Floats

REPLICATES = 5000
COLUMNS = ["imputer", "mask", "value"]


@dataclass(frozen=True, eq=False)
class Scores:
    """One score of K methods on M masks, higher is better.

    Parameters
    ----------
    names : of the methods, length K.
    values : shape (M, K).
    influence : how the value would move as each of C clusters of respondents gained weight, shape (M, K, C); C is 0
        where nobody knows, and respondents are then taken as fixed.
    settings : of which setting (mechanism and rate) each mask is a replicate, shape (M,).
    strata : of which stratum each cluster is, shape (C,).
    """

    names: tuple[str, ...]
    values: Floats
    influence: Floats
    settings: np.ndarray
    strata: np.ndarray

    def take(self, names: Sequence[str]) -> "Scores":
        """Those of some methods, in this order."""
        at = [self.names.index(name) for name in names]
        return replace(self, names=tuple(names), values=self.values[:, at], influence=self.influence[:, at])


def scores_of(frame: pd.DataFrame, better: str = "higher", strata: Sequence[object] = ()) -> Scores:
    """Scores of a table, see `ranking.rank`, for the methods that have all of them; items are averaged first.

    Raises
    ------
    InputError
        If a column is missing, a score stands twice, a mask has two settings, the direction is unknown, or influences
        do not fit the strata.
    """
    _check(frame, better)
    unit = ["mask", "item"] if "item" in frame else ["mask"]
    wide = frame.pivot(index=unit, columns="imputer", values="value").dropna(axis="columns")
    masks = wide.index.get_level_values("mask")
    sign = -1.0 if better == "lower" else 1.0
    means = sign * wide.groupby(masks).mean()
    settings = frame.drop_duplicates("mask").set_index("mask")
    found = settings["setting"].reindex(means.index).astype(str) if "setting" in frame else [""] * len(means)
    influence = sign * _influence(frame, means, len(strata))
    return Scores(tuple(means.columns), means.to_numpy(), influence, np.array(found), np.array(strata))


@dataclass(frozen=True, eq=False)
class Variance:
    """Covariance matrices (K, K) of the means over masks of K methods, by where the variance comes from.

    Parameters
    ----------
    people : what another sample of respondents would change, however many masks there were.
    masks : what other masks of the same number would change, which cells of a respondent they hide included.
    freedom : degrees of freedom of the two: clusters less strata, and masks less settings.
    """

    people: Floats
    masks: Floats
    freedom: tuple[int, int]

    @property
    def total(self) -> Floats:
        """Of another sample and other masks."""
        return self.people + self.masks

    @property
    def freedom_of_differences(self) -> float:
        """Degrees of freedom of the total, as to differences among the methods (Satterthwaite 1946, Biometrics 2)."""
        sizes = [float(np.trace(part) - part.mean(axis=0).sum()) for part in (self.people, self.masks)]
        squares = sum(size**2 / max(n, 1) for size, n in zip(sizes, self.freedom, strict=True))
        return sum(sizes) ** 2 / squares if squares > 0 else np.inf

    def of_difference(self, part: str, first: int, second: int) -> float:
        """Variance of the paired difference of two methods, of ``"people"``, ``"masks"`` or in ``"total"``."""
        matrix: Floats = getattr(self, part)
        return float(matrix[first, first] + matrix[second, second] - 2 * matrix[first, second])


def variance(scores: Scores) -> Variance:
    """Variance of the means over masks, by the two-way layout of respondents and masks; items are fixed.

    Respondents vary as primary sampling units within strata, by linearisation; masks vary within settings. Which cells
    of a respondent are hidden is noise that shows in both, so it is estimated within settings, from how a cluster's
    influence varies from mask to mask, and counted once: a bootstrap of clusters and masks together would count it
    three times (Owen 2007, Annals of Applied Statistics 1, section 4). As in Cameron, Gelbach & Miller (2011, Journal
    of Business & Economic Statistics 29, section 2.1), a matrix that comes out indefinite has its negative eigenvalues
    set to zero, which errs to the side of caution. What stands alone, a mask in its setting or a cluster in its
    stratum, is taken as fixed.
    """
    count = len(scores.values)
    both = _between_clusters(scores.influence.mean(axis=0), scores.strata)
    of_masks, of_cells = np.zeros((2, *both.shape))
    for setting in np.unique(scores.settings):
        own = scores.settings == setting
        n = int(own.sum())
        if n < 2:
            continue
        of_masks += n / count**2 * np.atleast_2d(np.cov(scores.values[own].T))
        single = np.mean([_between_clusters(one, scores.strata) for one in scores.influence[own]], axis=0)
        within = (single - _between_clusters(scores.influence[own].mean(axis=0), scores.strata)) / (n - 1)
        of_cells += (n / count) ** 2 * within
    beyond = _clipped(of_masks - of_cells)
    people = _clipped(both - of_cells)
    freedom = len(scores.strata) - len(np.unique(scores.strata)), count - len(np.unique(scores.settings))
    return Variance(people, both + beyond - people, freedom)


def replicates(covariance: Floats, freedom: float) -> Floats:
    """`REPLICATES` draws of K errors from Student's t with this covariance as scale, the same in every call; (B, K)."""
    values, vectors = np.linalg.eigh(covariance)
    rng = np.random.default_rng(2011)
    normal = rng.standard_normal((REPLICATES, len(covariance))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    if np.isinf(freedom):
        return normal
    return normal / np.sqrt(rng.chisquare(freedom, (REPLICATES, 1)) / freedom)


def _between_clusters(influence: Floats, strata: np.ndarray) -> Floats:
    """Covariance (K, K) of K sums over clusters within strata, given the influence (K, C) of each cluster."""
    _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    member = np.eye(len(sizes))[stratum]
    n = sizes[stratum]
    apart = (influence - influence @ member / sizes @ member.T) * np.sqrt(n / np.maximum(n - 1, 1))
    return apart @ apart.T


def _clipped(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def _influence(frame: pd.DataFrame, means: pd.DataFrame, count: int) -> Floats:
    """Influences (M, K, C) of the clusters, items averaged; those that a score lacks are zero."""
    found = np.zeros((*means.shape, count))
    if "influence" not in frame or not count:
        return found
    known = frame[frame["influence"].notna() & frame["imputer"].isin(means.columns)]
    lengths = {len(values) for values in known["influence"]} - {count}
    if lengths:
        raise InputError(f"influences of {lengths.pop()} clusters, and strata of {count}; give one stratum a cluster")
    items = len(frame["item"].unique()) if "item" in frame else 1
    at = means.index.get_indexer(known["mask"]), means.columns.get_indexer(known["imputer"])
    if len(known):
        np.add.at(found, at, np.stack([np.asarray(values, dtype=float) for values in known["influence"]]) / items)
    return found


def _check(frame: pd.DataFrame, better: str) -> None:
    lacking = [name for name in COLUMNS if name not in frame]
    if lacking:
        raise InputError(f"a table of scores needs the columns {', '.join(COLUMNS)}; it lacks {', '.join(lacking)}")
    if better not in ("higher", "lower"):
        raise InputError(f"better is {better!r}; say whether scores are better when 'higher' or 'lower'")
    if frame.empty:
        raise InputError("the table of scores has no rows; give a score for each imputer and mask")
    unit = ["imputer", "mask", *(["item"] if "item" in frame else [])]
    twice = frame.loc[frame.duplicated(unit), unit]
    if len(twice):
        raise InputError(f"the score of {dict(twice.iloc[0])} stands twice in the table; give each once")
    if "setting" in frame and (frame.groupby("mask")["setting"].nunique() > 1).any():
        raise InputError("a mask of the table has two settings; number the masks through all settings")
