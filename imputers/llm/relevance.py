"""Which answers to show: those that say most about the questions, where not all can be shown."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes, Schema
from datasets.selection import associations


def relevance(schema: Schema, X: Codes) -> NDArray[np.float64]:
    """Share of each item's uncertainty that each other item removes, shape (p, p), rows the items asked about.

    Mutual information over entropy, corrected for chance (see `datasets.selection.associations`), from the cells of a
    table (n, p) where both are observed; zero on the diagonal.
    """
    p = len(schema)
    shares = np.zeros((p, p))
    for j, name in enumerate(schema.names):
        found = associations(schema, X, name)
        shares[j, [schema.index(variable) for variable in found["variable"]]] = found["share"]
    return shares


def shown_items(known: NDArray[np.intp], asked: NDArray[np.intp], shares: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """The n items with an answer that say most about those asked, most telling first.

    Parameters
    ----------
    known, asked : items whose answers may be shown, and items to answer.
    shares : of `relevance`.
    n : items at most.
    """
    telling = shares[np.ix_(asked, known)].sum(axis=0)
    return known[np.argsort(-telling, kind="stable")[:n]]
