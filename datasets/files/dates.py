"""Dates of Stata and SPSS: numbers counted from a day, as dates of the calendar."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPSS_START = np.datetime64("1582-10-14", "ms")
STATA_START = np.datetime64("1960-01-01", "ms")
DAY = 86_400_000.0
MONTHS = {"m": 1, "q": 3, "h": 6, "y": 12}  # of Stata's units


def calendar(numbers: pd.Series, form: str) -> pd.Series:
    """Dates of a column of numbers; durations of SPSS stay numbers of seconds.

    Parameters
    ----------
    numbers : shape (n,), as stored; NaN is missing.
    form : display format, e.g. "%td", "%tm", "DATE11".
    """
    values = numbers.to_numpy(dtype=float)
    if not form.startswith("%"):
        timed = form.upper().startswith(("TIME", "DTIME", "MTIME"))
        return numbers if timed else _series(SPSS_START, values * 1000.0, numbers)
    letters = form.lstrip("%-0123456789")
    unit = "d" if letters[:1] == "d" else letters[1:2]
    if unit in ("c", "C"):
        return _series(STATA_START, values, numbers)
    if unit == "w":  # Stata's years have 52 weeks
        years, weeks = np.divmod(values, 52)
        return _from_months(years * 12, weeks * 7, numbers)
    if unit == "y":
        return _from_months((values - 1960) * 12, values * 0, numbers)
    if unit in MONTHS:
        return _from_months(values * MONTHS[unit], values * 0, numbers)
    return _series(STATA_START, values * DAY, numbers)


def _from_months(months: NDArray[np.float64], days: NDArray[np.float64], like: pd.Series) -> pd.Series:
    """Days after the first of a month, months counted from January 1960."""
    known = np.isfinite(months)
    firsts = np.datetime64("1960-01", "M") + np.where(known, months, 0).astype("timedelta64[M]")
    moments = firsts.astype("datetime64[ms]") + (np.where(known, days, 0) * DAY).astype("timedelta64[ms]")
    return _blanked(moments, known, like)


def _series(start: np.datetime64, milliseconds: NDArray[np.float64], like: pd.Series) -> pd.Series:
    known = np.isfinite(milliseconds) & (np.abs(milliseconds) < 2.0**62)
    return _blanked(start + np.where(known, milliseconds, 0).astype("timedelta64[ms]"), known, like)


def _blanked(moments: NDArray[np.datetime64], known: NDArray[np.bool_], like: pd.Series) -> pd.Series:
    dates = moments.astype("datetime64[ms]")
    dates[~known] = np.datetime64("NaT")
    return pd.Series(dates, like.index, name=like.name)
