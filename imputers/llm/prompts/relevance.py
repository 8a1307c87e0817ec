"""Which answers a prompt tells: those that say most about its questions, where not all are wanted or have room."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Schema
from datasets.selection.ranking import associations
from imputers.llm.prompts.script import Script
from imputers.shared.vocabulary import Positions


@dataclass(frozen=True, eq=False)
class Relevance:
    """How much each item says about each other.

    Parameters
    ----------
    shares : share of the uncertainty of one item (rows) that another (columns) removes, shape (p, p).
    n_features : answers that are told at most; None is all.
    """

    shares: Floats
    n_features: int | None

    @classmethod
    def learn(cls, schema: Schema, X: Floats, n_features: int | None) -> Self:
        """Mutual information over entropy, corrected for chance, from the cells of a table (n, p) where both are known.

        See `datasets.selection.associations`.
        """
        shares = np.zeros((len(schema), len(schema)))
        for j, name in enumerate(schema.names):
            found = associations(schema, X, name)
            shares[j, [schema.index(variable) for variable in found["variable"]]] = found["share"]
        return cls(shares, n_features)

    def told(self, script: Script, own: Positions, asked: NDArray[np.intp], window: int) -> NDArray[np.intp]:
        """Items of a respondent to tell, most telling first: as many as are wanted and there is room for.

        Parameters
        ----------
        script : the words.
        own : answer numbers of what may be told, -1 elsewhere, shape (p,).
        asked : items to be answered.
        window : tokens that the model reads at most.
        """
        known = np.flatnonzero(own >= 0)
        telling = known[np.argsort(-self.shares[np.ix_(asked, known)].sum(axis=0), kind="stable")][: self.n_features]
        lengths = np.array([len(script.lines[j][own[j]]) for j in telling], dtype=np.intp)
        longest = max(len(script.stems[j]) + max(map(len, script.options[j])) for j in asked)
        return telling[lengths.cumsum() <= window - len(script.opening) - longest]
