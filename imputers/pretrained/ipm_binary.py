"""IPM-Binary: each candidate for a missing answer is judged on its own, right or wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.schema import Floats, Schema
from imputers import IMPUTERS
from imputers.pretrained.ipm import IPM
from imputers.shared.distances import Gower
from imputers.shared.vocabulary import Item, Positions

if TYPE_CHECKING:
    import torch

    from imputers.pretrained.classifiers import Match
    from imputers.pretrained.readers import Reader

CELLS = 64  # judged at a time where nothing is learned


@dataclass(frozen=True, eq=False)
class Candidates:
    """Where candidates are looked up.

    Similarity is Gower's over the other columns, strings compared by edit distance; the column itself has no say, so
    that a known answer that is hidden in training meets the candidates that a hole would meet.

    Parameters
    ----------
    schema, items : the columns.
    donors : rows that lend their answers (d, p).
    n_neighbors, n_frequent : most similar donors, and most frequent answers. A column with no more answers than these
        has all of them as candidates.
    """

    schema: Schema
    items: Sequence[Item]
    donors: Floats
    n_neighbors: int
    n_frequent: int

    def of(self, X: Floats, j: int) -> Positions:
        """Answer numbers to try for column j in rows X (r, p), each once, padded by -1; shape (r, c)."""
        item = self.items[j]
        frequent = np.argsort(-item.counts, kind="stable")[: self.n_frequent]
        both = np.tile(frequent, (len(X), 1))
        if len(item.counts) > self.n_frequent:
            both = np.concatenate([both, self._lent(X, j)], axis=1)
        both.sort(axis=1)
        both[:, 1:][both[:, 1:] == both[:, :-1]] = -1
        return both

    def _lent(self, X: Floats, j: int) -> Positions:
        """Answers to j of the most similar donors who gave one (r, k)."""
        others = [k for k in range(len(self.schema)) if k != j]
        donors = self.donors[~np.isnan(self.donors[:, j])]
        answers = self.items[j].encode(donors[:, j])
        gower = Gower.learn(self.schema.take(others), self.donors[:, others])
        k = min(self.n_neighbors, len(donors))
        lent = np.empty((len(X), k), dtype=np.intp)
        for rows, apart in gower.blocks(X[:, others], donors[:, others]):
            lent[rows] = answers[np.argpartition(apart, k - 1, axis=1)[:, :k]]
        return lent


@IMPUTERS.register("ipm-binary")
class IPMBinary(IPM):
    """Judge of candidates for missing answers, by a pre-trained encoder of text (IPM-Binary).

    Mei, Song, Fang, Yang, Fang & Long (2021), Capturing semantics for imputation with pre-trained language models,
    ICDE: a row and a candidate for its missing answer are judged to belong together or not, by cross-entropy on the
    truth and on other candidates, which are what the most similar rows answered and what most rows answered.

    Departures from the paper, beside those of `IPM`. (a) Negatives are drawn from a cell's distinct candidates, all
    equally likely, and weighted to stand for all. Drawn as often as the neighbours gave them, they would in a survey
    be as frequent as an answer is likely, and nothing would be learned. (b) So the judge's probabilities are those of
    the answers, and are normalised over the candidates; a softmax of logits would normalise odds, and was worse on
    validation cells. (c) With ``reading="pairs"`` the judge is an inner product between the candidate's vector and
    a map of the row's; with ``"tuples"`` the candidate is the last pair of the text that is read, as in the paper. (d)
    Similarity is Gower's. What is no candidate has probability 0.

    Assumptions and other parameters and attributes are those of `IPM`. It falls short of `ipm-multi` where columns say
    nearly the same: one map serves all columns.

    Parameters
    ----------
    n_neighbors, n_frequent : similar rows and most frequent answers that give a cell its candidates; all answers are
        candidates where there are no more than ``n_frequent``.
    n_negatives : wrong candidates judged beside the truth in a step.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = IPM._parameter_constraints | {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "n_frequent": [Interval(Integral, 0, None, closed="left")],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
    }
    network_: "Match"

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        reading: str = "pairs",
        n_tuned_layers: int | None = 2,
        n_bins: int = 24,
        n_hidden: int = 128,
        max_epochs: float = 40.0,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        encoder_learning_rate: float = 1e-4,
        n_neighbors: int = 15,
        n_frequent: int = 20,
        n_negatives: int = 8,
    ) -> None:
        super().__init__(
            model,
            weights,
            reading,
            n_tuned_layers,
            n_bins,
            n_hidden,
            max_epochs,
            batch_size,
            learning_rate,
            encoder_learning_rate,
        )
        self.n_neighbors = n_neighbors
        self.n_frequent = n_frequent
        self.n_negatives = n_negatives

    def _start(self, reader: "Reader", X: Floats, generator: "torch.Generator") -> "Match":
        import torch

        from imputers.pretrained.classifiers import Match

        items = self.vocabulary_.items
        self._candidates = Candidates(self.schema_, items, X, self.n_neighbors, self.n_frequent)
        self._learned = np.flatnonzero(self._chances > 0).tolist()
        self._truths = torch.from_numpy(self.vocabulary_.answers(X))
        self._tried = {j: torch.from_numpy(self._candidates.of(X, j)) for j in self._learned}
        self._said = [torch.from_numpy(self.pairs_.of_answers(j)) for j in range(len(items))]
        return Match(reader, self.n_hidden, generator)

    def _loss(
        self, shown: "torch.Tensor", hidden: "torch.Tensor", rows: "torch.Tensor", generator: "torch.Generator"
    ) -> "torch.Tensor":
        """Mean over hidden answers of the cross-entropies of the truth and of some other candidates."""
        import torch
        from torch.nn.functional import softplus

        from imputers.pretrained.classifiers import negatives

        owners, judged, weights = [], [], []
        for j in self._learned:
            own = torch.nonzero(hidden[:, j])[:, 0]
            truth = self._truths[rows[own], j][:, None]
            others, weight = negatives(self._tried[j][rows[own]], truth, self.n_negatives, generator)
            answers = torch.cat([truth, others], dim=1)
            owners.append(own)
            judged.append(torch.where(answers >= 0, self._said[j][answers], -1))
            weights.append(torch.cat([torch.ones(truth.shape), weight], dim=1))
        logits = self.network_(shown, torch.cat(owners), torch.cat(judged))
        logits = torch.cat([-logits[:, :1], logits[:, 1:]], dim=1)  # of being judged wrongly
        return (softplus(logits) * torch.cat(weights).to(logits.device)).sum() / max(len(logits), 1)

    def _scores(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Floats]:
        import torch
        from torch.nn.functional import logsigmoid

        pairs, found = torch.from_numpy(self.pairs_.numbers(X)), {}
        for j in self._learned:
            rows = np.flatnonzero(asked[:, j])
            if not len(rows):
                continue
            tried = torch.from_numpy(self._candidates.of(X[rows], j))
            said = torch.where(tried >= 0, self._said[j][tried], -1)
            blocks = zip(pairs[rows].split(CELLS), said.split(CELLS), strict=True)
            logits = [self.network_(tuples, torch.arange(len(tuples)), claims) for tuples, claims in blocks]
            logs = logsigmoid(torch.cat(logits)).cpu().double()
            found[j] = np.full((len(rows), len(self._said[j])), -np.inf)
            cell, place = torch.nonzero(tried >= 0, as_tuple=True)
            found[j][cell, tried[cell, place]] = logs[cell, place]
        return found
