"""Columns of a survey's design: weights, strata and sampling units, known by name, wording and values."""

import re

import numpy as np

from datasets.schema import Floats

WEIGHT_NAME = re.compile(
    r"(w|p|d|n|f|s|i)?(weight|wgt|wt|wght)s?_?\w{0,6}|\w{1,12}_?(weight|wgt|wt|wght|wts)\d*|wt\w{1,8}|weight_\w+",
    re.IGNORECASE,
)
WEIGHT_WORDS = re.compile(
    r"\b(sampl\w+|survey|design|post-?strati\w+|analysis|population|person|household|interview|exam|final|full|base)"
    r"[\w\s-]{0,30}\bweights?\b|\bweight(ing)? (variable|factor)\b",
    re.IGNORECASE,
)
STRATUM_NAME = re.compile(r"(sdmv|v|var|c)?stra(ta|tum|t)?_?\d?", re.IGNORECASE)
STRATUM_WORDS = re.compile(r"\b(variance|sampl\w+|design|pseudo|masked)[\w\s-]{0,30}\bstrat(um|a)\b", re.IGNORECASE)
PSU_NAME = re.compile(r"(sdmv|v|var|c)?psu(id)?_?\d?", re.IGNORECASE)
PSU_WORDS = re.compile(r"\bprimary sampling unit|\bpsu\b|\bsampling error computation unit", re.IGNORECASE)
LEAST_EXPANSION = 500.0  # mean of weights that sum to a population; grams of a newborn are whole numbers


def design_role(name: str, question: str, values: Floats) -> str:
    """What a column of numbers is to the survey's design: "weight", "stratum", "psu", or "" for none.

    Parameters
    ----------
    name, question : of the column.
    values : shape (n,), NaN where missing. Columns of the design have no holes: weights are not negative, have
        several values, and have mean 1 or sum to a population; strata and units are whole numbers.
    """
    if len(values) < 2 or not np.isfinite(values).all() or (values < 0).any() or values.min() == values.max():
        return ""
    whole = bool((values == np.round(values)).all())
    if whole and (STRATUM_NAME.fullmatch(name) or STRATUM_WORDS.search(question)):
        return "stratum"
    if whole and (PSU_NAME.fullmatch(name) or PSU_WORDS.search(question)):
        return "psu"
    named = WEIGHT_NAME.fullmatch(name) or WEIGHT_WORDS.search(question)
    scaled = not whole and (abs(values.mean() - 1) < 0.1 or values.mean() > LEAST_EXPANSION)
    return "weight" if named and scaled else ""
