"""Ranges of parameters that many imputers share, for their ``_parameter_constraints``."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

COUNT: list[object] = [Interval(Integral, 1, None, closed="left")]
COUNT_OR_NONE: list[object] = [*COUNT, None]
TWO_OR_MORE: list[object] = [Interval(Integral, 2, None, closed="left")]
NUMBER_OR_ZERO: list[object] = [Interval(Integral, 0, None, closed="left")]
POSITIVE: list[object] = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE: list[object] = [Interval(Real, 0, None, closed="left")]
SHARE: list[object] = [Interval(Real, 0, 1, closed="left")]
SHARE_WITHOUT_ENDS: list[object] = [Interval(Real, 0, 1, closed="neither")]
SHARE_ABOVE_ZERO: list[object] = [Interval(Real, 0, 1, closed="right")]
