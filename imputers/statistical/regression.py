"""Regression imputation: each hole gets its predicted value."""

from typing import ClassVar

from imputers import IMPUTERS
from imputers.shared.regression import RegressionImputer


@IMPUTERS.register("regression")
class Regression(RegressionImputer):
    """Deterministic regression: every hole gets its predicted value.

    Buck 1960 (Journal of the Royal Statistical Society B 22, 302–306); van Buuren 2018, Flexible Imputation of Missing
    Data, section 1.3.4. Numeric items by linear regression, nominal ones by multinomial logit (most probable level),
    ordinal ones by proportional odds, or linearly beyond 10 levels (median of the predicted distribution). The chain
    starts at the means and carries expectations.

    One iteration, on purpose. From the second on, y is regressed on predictions x̂ that were themselves made from y;
    where x was a hole, x̂ = E[x|y] has less spread than x, so the slope on it comes out too steep, and steeper with each
    iteration. A random residual prevents that (see ``stochastic-regression``); without one, more iterations make it
    worse, here as in scikit-learn's ``IterativeImputer``.

    Assumes linear, additive effects and missingness at random. New rows are predicted by models of the fitted
    rows. No distribution: draws are equal rows, the spread is too small and associations are too strong.

    Parameters
    ----------
    max_iter : iterations over the items.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "one sweep, as more steepen slopes; ridge ours"
    deterministic: ClassVar[bool] = True
