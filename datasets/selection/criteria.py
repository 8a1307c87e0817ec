"""Criteria: in which order to put items beside some targets, by the answers of other people or by their wording."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import UNORDERED, Floats
from datasets.selection.ranking import select, take
from datasets.table import Dataset

MINIMUM_SHARE = 0.3  # an item is no candidate for a target that fewer of its respondents answered, too
SEED = 2022
LASSO_STEPS = 150

Criterion = Callable[[Dataset, str, Sequence[str]], list[str]]  # table, target, candidates -> candidates, best first
Embedding = Callable[[Sequence[str]], Floats]  # texts -> a vector each, shape (texts, d)


def ordered(other: Dataset, targets: Sequence[str], criterion: Criterion) -> list[str]:
    """Items by what they tell of the targets, best first: an item's rank is the best of its ranks, one a target.

    Candidates for a target are the items answered by enough of its respondents; recodings of any target (see
    `selection.select`) and the targets themselves are left out, whatever the criterion.

    Parameters
    ----------
    other : answers of other people than those whose answers will be hidden, so that no hidden cell has a say.

    Raises
    ------
    InputError
        If a target is not in the table, does not vary, or has no scale and the criterion needs one.
    """
    found = [select(other.schema, other.values, target, len(other.schema), MINIMUM_SHARE) for target in targets]
    recodings = {name for selection in found for name in selection.recodings["variable"]}
    orders = [criterion(other, s.target, s.ranking["variable"].tolist()) for s in found]
    ranks = pd.concat([pd.Series(np.arange(len(order)), index=order, dtype=int) for order in orders], axis=1)
    best = ranks.drop(index=[*recodings, *targets], errors="ignore").min(axis=1)
    return best.sort_values(kind="stable").index.tolist()


def by_mutual_information(other: Dataset, target: str, candidates: Sequence[str]) -> list[str]:
    """Share of the target's uncertainty that an item removes, corrected for chance.

    Vinh, Epps and Bailey 2010, Journal of Machine Learning Research 11; see `selection.associations`. It
    finds relations of any form between items of any kind. The candidates come in this order already.
    """
    return list(candidates)


def by_correlation(other: Dataset, target: str, candidates: Sequence[str]) -> list[str]:
    """Absolute Pearson correlation with the target over the rows that know both.

    Of a nominal item, that of its best dummy. Assumes that steps of a scale are equal and relations straight.
    """
    D, owner = _numbers(other, candidates)
    y = _scale(other, target)[:, None]
    Z, z = _standardised(np.where(np.isnan(y), np.nan, D)), _standardised(np.where(np.isnan(D), np.nan, y))
    return _by(candidates, _largest(np.abs((Z * z).mean(axis=0)), owner, len(candidates)))


def by_lasso(other: Dataset, target: str, candidates: Sequence[str]) -> list[str]:
    """Order in which items enter the lasso path of the target, so that what others already tell counts no more.

    Tibshirani 1996, Journal of the Royal Statistical Society B 58; the first steps of the exact path by Efron,
    Hastie, Johnstone and Tibshirani 2004, Annals of Statistics 32. An item enters with the first of its
    columns; columns are standardised and their holes hold the mean. Items that have not entered come last, by name.
    """
    from sklearn.linear_model import lars_path

    D, owner = _numbers(other, candidates)
    y = _scale(other, target)
    known = ~np.isnan(y)
    Z, z = _standardised(D[known]), _standardised(y[known][:, None])[:, 0]
    _, _, coefficients = lars_path(Z, z, method="lasso", max_iter=LASSO_STEPS)  # (q, steps + 1)
    steps_inside = np.maximum.accumulate(coefficients != 0, axis=1).sum(axis=1)  # since entry, of each column
    return _by(candidates, _largest(steps_inside, owner, len(candidates)))


def by_chance(other: Dataset, target: str, candidates: Sequence[str]) -> list[str]:
    """The control: items in an order drawn once and for all, the same for every target."""
    names = sorted(other.schema.names)
    place = dict(zip(names, np.random.default_rng(SEED).permutation(len(names)), strict=True))
    return sorted(candidates, key=place.__getitem__)


def by_wording(embedding: Embedding) -> Criterion:
    """Cosine similarity of the wording of an item's question to the target's; no answer of anyone has a say.

    Parameters
    ----------
    embedding : turns texts into vectors, e.g. `character_grams` or the states of a language model.
    """

    def criterion(other: Dataset, target: str, candidates: Sequence[str]) -> list[str]:
        wordings = [other.schema[name].question or name for name in (target, *candidates)]
        vectors = embedding(wordings)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / np.where(lengths > 0, lengths, 1.0)
        return _by(candidates, unit[1:] @ unit[0])

    return criterion


def character_grams(texts: Sequence[str]) -> Floats:
    """Vectors of texts without a language model: TF-IDF of runs of three to five characters within words.

    Salton and Buckley 1988, Information Processing & Management 24. Texts are alike if they share spellings.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(texts).toarray()


def _numbers(other: Dataset, names: Sequence[str]) -> tuple[Floats, NDArray[np.intp]]:
    """Design (n, q) of some items, and which of them each of its columns belongs to (q,)."""
    table = take(other, names)
    widths = [block.stop - block.start for block in table.schema.blocks]
    return table.schema.design(table.values), np.repeat(np.arange(len(names)), widths)


def _standardised(D: Floats) -> Floats:
    """Columns (n, q) of mean 0 and mean square 1, their holes filled with the mean; constant ones are 0."""
    known = ~np.isnan(D)
    mean = np.where(known, D, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    Z = np.where(known, D - mean, 0.0)
    spread = np.sqrt((Z**2).mean(axis=0))
    return Z / np.where(spread > 1e-12 * np.abs(Z).max(axis=0, initial=1.0), spread, 1.0)


def _scale(other: Dataset, target: str) -> Floats:
    column = other.schema[target]
    if column.kind in UNORDERED:
        raise InputError(f"target {target!r} is {column.kind} and has no scale; choose items by mutual information")
    return other.values[:, other.schema.index(target)]


def _largest(strengths: Floats, owner: NDArray[np.intp], items: int) -> Floats:
    """Largest strength among the columns of each item, shape (items,); NaN counts as 0."""
    found = np.zeros(items)
    np.maximum.at(found, owner, np.nan_to_num(strengths))
    return found


def _by(names: Sequence[str], strengths: Floats) -> list[str]:
    """Names by strength, strongest first; ties by name."""
    return [name for _, name in sorted(zip(-strengths, names, strict=True))]
