"""IPM-Multi: a row is read once, and a softmax per column predicts the missing answers."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.pretrained.ipm import IPM

if TYPE_CHECKING:
    import torch

    from imputers.pretrained.classifiers import Heads
    from imputers.pretrained.readers import Reader

ROWS = 256  # read at a time where nothing is learned


@IMPUTERS.register("ipm-multi")
class IPMMulti(IPM):
    """Classifier of rows that a pre-trained encoder reads as text (IPM-Multi).

    Mei, Song, Fang, Yang, Fang & Long (2021), Capturing semantics for imputation with pre-trained language models,
    ICDE: the row without the missing answer is read once, and a softmax over the column's observed answers is linear in
    its vector. Departures: all columns with holes share one encoder and are learned together; the softmax is also
    linear in a hidden layer upon the vector, which finds how answers go together where pairs are read on their own;
    and those of `IPM`, which describes assumptions, parameters and attributes. An answer that nobody gave is never
    filled.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
    network_: "Heads"

    def _start(self, reader: "Reader", X: Floats, generator: "torch.Generator") -> "Heads":
        import torch

        from imputers.pretrained.classifiers import Heads

        self._learned = np.flatnonzero(self._chances > 0)
        self._truths = torch.from_numpy(self.vocabulary_.answers(X)[:, self._learned])
        shares = [self.vocabulary_.items[j].shares for j in self._learned]
        return Heads(reader, shares, self.n_hidden, generator)

    def _loss(
        self, shown: "torch.Tensor", hidden: "torch.Tensor", rows: "torch.Tensor", generator: "torch.Generator"
    ) -> "torch.Tensor":
        """Mean negative log-probability of the hidden answers."""
        logs = self.network_(shown)
        truths, asked = self._truths[rows].clamp(min=0).to(logs.device), hidden[:, self._learned].to(logs.device)
        of_truth = logs.gather(2, truths[..., None])[..., 0]
        return -(of_truth * asked).sum() / asked.sum().clamp(min=1)

    def _scores(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Floats]:
        import torch

        pairs = torch.from_numpy(self.pairs_.numbers(X))
        parts = [self.network_(block).cpu().double().numpy() for block in pairs.split(ROWS)]
        logs = np.concatenate(parts)
        return {
            int(j): logs[asked[:, j], a, : len(self.vocabulary_.items[j].counts)]
            for a, j in enumerate(self._learned)
            if asked[:, j].any()
        }
