"""Regressions that forecast the levels of an item: multinomial logit, cumulative logit, or a binned normal."""

from datasets.schema import Floats, Kind
from imputers.shared.item import Item, Turn
from imputers.shared.levels import normal_shares
from imputers.shared.linear import fit_linear
from imputers.shared.logit import fit_logit, level_probabilities
from imputers.shared.ordinal import cumulative_probabilities, fit_ordinal

FEW_LEVELS = 10  # a longer scale, such as 26 income brackets, is nearly a number, and its thresholds ill-determined


def is_short(item: Item) -> bool:
    """Tell whether an ordinal item has few enough observed levels for thresholds between them."""
    return item.column.kind is Kind.ORDINAL and len(item.levels) <= FEW_LEVELS


def forecast_levels(
    turn: Turn, start: Floats | None, *, ridge: float, weights: Floats | None = None
) -> tuple[Floats, Floats | None]:
    """Level probabilities of the holes of a categorical item (h, K), and the parameters to start from next time.

    Nominal items by multinomial logit, ordinal ones by proportional odds if they have few levels; a long scale
    by linear regression on the codes, each level taking the share of the normal curve nearest to it.

    Parameters
    ----------
    turn : the item and its predictors.
    start : parameters of the last visit, or None.
    weights : of the known rows, shape (n,); not used for long scales.
    """
    item, K = turn.item, len(turn.item.levels)
    if item.column.kind is Kind.NOMINAL:
        coefficients = fit_logit(turn.known(), item.answers, K, ridge=ridge, weights=weights, start=start)
        return level_probabilities(turn.holes(), coefficients), coefficients
    if is_short(item):
        parameters = fit_ordinal(turn.known(), item.answers, K, ridge=ridge, weights=weights, start=start)
        return cumulative_probabilities(turn.holes(), parameters), parameters
    fit = fit_linear(turn.sums, ridge)
    centre, scale = turn.unit
    mean = centre + scale * turn.at_holes(fit.coefficients)
    return normal_shares(mean, max(scale * fit.deviation[0], 1e-9), item.levels), None
