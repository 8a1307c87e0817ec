"""Convergence of chains: whether several chains tell the same, by R-hat.

Own, as arviz, which has it, brings xarray along for ten lines.
"""

import numpy as np

from datasets.schema import Floats

WARN = 1.1  # below, chains are taken to agree, however sure the difference
LEVEL = 0.01  # chance of a warning although all chains of all items agree


def r_hat(traces: Floats) -> float:
    """Potential scale reduction of m chains of T iterations; Gelman & Rubin (1992), Statistical Science 7, 457-472.

    ``√(((T - 1)/T W + B/T) / W)``, W the mean variance within chains, B/T the variance of their means. Near 1 when
    chains have forgotten where they began; above, they are still apart. On chained equations: Oberman, van
    Buuren & Vink (2021), arXiv 2110.11951. Of few iterations it is noisy, see `by_chance`.

    Parameters
    ----------
    traces : of one number, shape (m, T).

    Returns
    -------
    R-hat; NaN with fewer than two chains or two iterations; 1 if nothing varies, infinity if chains are stuck apart.

    Examples
    --------
    >>> round(r_hat(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])), 4)
    0.8165
    >>> r_hat(np.array([[1.0, 1.0], [2.0, 2.0]]))
    inf
    """
    if min(traces.shape) < 2:
        return float("nan")
    T = traces.shape[1]
    within, between = traces.var(axis=1, ddof=1).mean(), traces.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt((T - 1) / T + between / within))


def by_chance(chains: int, iterations: int, tests: int) -> float:
    """Largest R-hat of several that is due to chance, if iterations are independent draws of one normal law.

    ``T × variance of means / W`` then has the F distribution with m - 1 and m (T - 1) degrees of freedom; Bonferroni at
    a level of 1 %. Iterations that hang together exceed it, which is what is looked for.
    """
    from scipy.stats import f

    limit = f.isf(LEVEL / tests, chains - 1, chains * (iterations - 1))
    return float(np.sqrt((iterations - 1 + limit) / iterations))
