"""IPM-Binary: each candidate for a missing answer is judged on its own, right or wrong."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.pretrained.aside import Scores
from imputers.pretrained.ipm import IPM

if TYPE_CHECKING:
    import torch

    from imputers.pretrained.matching import Match
    from imputers.pretrained.readers import Reader

CELLS = 64  # judged at a time where nothing is learned


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
    cells hidden again. (c) With ``reading="pairs"`` the judge is an inner product between the candidate's vector and
    a map of the row's; with ``"tuples"`` the candidate is the last pair of the text that is read, as in the paper. (d)
    Similarity is Gower's. What is no candidate has probability 0.

    Assumptions and other parameters and attributes are those of `IPM`. Measured on the core table of the GSS 2022, 30 %
    hidden completely at random, mask seed 9: NRMSE .819, accuracy .511, not as good as mice-pmm (.795) or `ipm-multi`
    (.797), most of all where columns say nearly the same: one map serves all columns. 41 s of one core, 0.65 GB.

    Parameters
    ----------
    n_neighbours, n_frequent : similar rows and most frequent answers that give a cell its candidates; all answers are
        candidates where there are no more than ``n_frequent``.
    n_negatives : wrong candidates judged beside the truth in a step.
    """

    network_: "Match"

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        reading: str = "pairs",
        n_tuned: int | None = 2,
        n_bins: int = 24,
        n_hidden: int = 128,
        passes: float = 40.0,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        encoder_rate: float = 1e-4,
        n_neighbours: int = 15,
        n_frequent: int = 20,
        n_negatives: int = 8,
    ) -> None:
        super().__init__(
            model, weights, reading, n_tuned, n_bins, n_hidden, passes, batch_size, learning_rate, encoder_rate
        )
        self.n_neighbours = n_neighbours
        self.n_frequent = n_frequent
        self.n_negatives = n_negatives

    def _start(self, reader: "Reader", X: Floats, generator: "torch.Generator") -> "Match":
        import torch

        from imputers.pretrained.candidates import Candidates
        from imputers.pretrained.matching import Match

        items = self.vocabulary_.items
        self._candidates = Candidates(self.schema_, items, X, self.n_neighbours, self.n_frequent)
        self._learned = np.flatnonzero(self._chances > 0).tolist()
        self._truths = torch.from_numpy(self._numbers(X))
        self._tried = {j: torch.from_numpy(self._candidates.of(X, j)) for j in self._learned}
        self._said = [torch.from_numpy(self.pairs_.of_answers(j)) for j in range(len(items))]
        return Match(reader, self.n_hidden, generator)

    def _loss(
        self, shown: "torch.Tensor", hidden: "torch.Tensor", rows: "torch.Tensor", generator: "torch.Generator"
    ) -> "torch.Tensor":
        """Mean over hidden answers of the cross-entropies of the truth and of some other candidates."""
        import torch
        from torch.nn.functional import softplus

        from imputers.pretrained.matching import negatives

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

    def _scores(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Scores]:
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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if min(self.n_neighbours, self.n_negatives) < 1 or self.n_frequent < 0:
            raise InputError(
                f"IPMBinary: n_neighbours = {self.n_neighbours}, n_frequent = {self.n_frequent} and n_negatives = "
                f"{self.n_negatives}; wanted n_neighbours and n_negatives ≥ 1, n_frequent ≥ 0"
            )
