"""From scores to probabilities: the levels' shares, tilted by their scores as far as validation cells bear out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats


@dataclass(frozen=True)
class Tilt:
    """Probabilities ``p_k ∝ s_k^a · exp(b z_k)`` of levels with shares s and scores z.

    Parameters
    ----------
    share_power, slope : a and b; a = 1 and b = 0 give the shares themselves.
    """

    share_power: float
    slope: float

    def probabilities(self, shares: Floats, scores: Floats) -> Floats:
        """Probabilities (h, K) for shares (K,) or (h, K), and scores (h, K); a share of 0 stays 0."""
        from scipy.special import softmax

        logits = self.share_power * np.log(np.where(shares > 0, shares, 1)) + self.slope * scores
        return softmax(np.where(shares > 0, logits, -np.inf), axis=1)


def learn_tilt(shares: Floats, scores: Floats, true: NDArray[np.intp]) -> Tilt:
    """Find the tilt of highest likelihood by Newton's method, starting from and drawn lightly towards a = b = 1.

    A conditional logit (McFadden 1973) with two coefficients for all items together.

    Parameters
    ----------
    shares, scores : of the levels of h cells, shape (h, K); levels that a cell does not have get a share of 0.
    true : number of the true level, shape (h,).
    """
    logs = np.log(np.where(shares > 0, shares, 1))
    features = np.stack([logs, np.where(shares > 0, scores, 0)], axis=-1)  # (h, K, 2)
    chosen = features[np.arange(len(true)), true].sum(axis=0)
    found = np.ones(2)
    for _ in range(25):
        p = Tilt(*found).probabilities(shares, scores)[..., None]
        mean = (p * features).sum(axis=1)
        spread = np.einsum("hka,hkb->ab", p * features, features) - mean.T @ mean
        step = np.linalg.solve(spread + np.eye(2), chosen - mean.sum(axis=0) - (found - 1))
        found = found + step
        if np.abs(step).max() < 1e-6:
            break
    return Tilt(float(found[0]), float(found[1]))
