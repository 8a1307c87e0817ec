"""Distances between strings, as the edits that turn one into the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def edit_distances(first: Sequence[str], second: Sequence[str]) -> NDArray[np.float32]:
    """Normalised Levenshtein distances between two lists of strings, shape (a, b), from 0 to 1.

    ``2 e / (|s| + |t| + e)``, e the least number of insertions, deletions and substitutions (Levenshtein 1966,
    Soviet Physics Doklady 10), |s| the length of a string; a metric by Li & Liu (2007), IEEE Transactions on
    Pattern Analysis and Machine Intelligence 29, equation 2. Two empty strings are 0 apart.

    Examples
    --------
    >>> edit_distances(["kitten"], ["sitting", "kitten"]).round(3).tolist()
    [[0.375, 0.0]]
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    edits = cdist(first, second, scorer=Levenshtein.distance, dtype=np.int32).astype(np.float32)
    lengths = np.array([len(text) for text in first])[:, None] + np.array([len(text) for text in second])
    return np.divide(2 * edits, lengths + edits, out=np.zeros_like(edits), where=edits > 0)
