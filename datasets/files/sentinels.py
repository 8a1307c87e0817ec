"""Sentinels: codes such as -9, 99 or 999999 without a label, far from all other values, which may mean missing."""

from collections.abc import Iterable

import numpy as np

from datasets.schema import Floats

NEGATIVE = {-1, -2, -3, -4, -5, -6, -7, -8, -9, -66, -77, -88, -97, -98, -99}
FEW_ROWS = 5


def _is_pattern(value: float) -> bool:
    """Tell whether a whole number is of the sort that people code missing values with."""
    if value in NEGATIVE:
        return True
    digits = f"{abs(value):.0f}"
    many_nines = digits[:-1] == "9" * (len(digits) - 1) and digits[-1] in "6789"  # 99, 998, 9997
    return (len(digits) > 1 and many_nines) or (len(set(digits)) == 1 and digits[0] in "789")  # 7, 88, 777


def find_sentinels(codes: Floats, labelled: Iterable[float] = ()) -> dict[float, int]:
    """Values of a column (n,) that look like codes for missing values, and how often they stand there.

    They have the shape of such codes (-9 to -1, 7 to 9, 97 to 99, 888, 9998, ...) and stand outside of all labelled
    and other values: below zero where nothing else is, or above the greatest by at least a quarter of the
    range. Single digits must be more frequent than the greatest other value, since counts thin out. They are reported,
    never assumed.
    """
    values, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    known = set(labelled)
    suspect = values == np.round(values)
    suspect[suspect] = [_is_pattern(value) and value not in known for value in values[suspect].tolist()]
    while suspect.any():
        bulk = values[~suspect]
        if len(bulk) < 2 or counts[~suspect].sum() < max(FEW_ROWS, counts[suspect].sum() / 4):
            return {}
        low, high = bulk.min(), max(bulk.max(), *known, -np.inf)
        beyond = np.maximum(2.0, (high - low) / 4)
        below = (values < 0) & (low >= 0)
        rare = (values < 10) & (counts <= counts[~suspect][-1])
        above = (values > high) & (values - high >= np.where(values < 10, 2.0, beyond)) & ~rare
        kept = suspect & (below | above)
        if (kept == suspect).all():
            return {float(value): int(count) for value, count in zip(values[kept], counts[kept], strict=True)}
        suspect = kept  # the others belong to the bulk
    return {}
