"""Schemas and tables of any kind, for tests of what holds for all of them."""

import numpy as np
from hypothesis import strategies as st

from datasets.schema import Column, Kind, Role, Schema

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12)
NUMBERS = st.integers(-(10**10), 10**10).map(lambda thousandths: thousandths / 1000)


@st.composite
def columns(draw, name, kinds=tuple(Kind)):
    """A column: any name, any labels, any limits that are possible."""
    kind = draw(st.sampled_from(kinds))
    told = {"question": draw(NAMES), "role": draw(st.sampled_from(Role)), "missing": draw(missing())}
    if kind is Kind.NUMERIC:
        decimals = draw(st.none() | st.integers(0, 15))
        low, high = sorted(
            np.round(draw(st.lists(NUMBERS, min_size=2, max_size=2)), 15 if decimals is None else decimals)
        )
        return Column(
            name, kind, decimals=decimals, low=draw(st.sampled_from([None, float(low)])), high=float(high), **told
        )
    texts = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    codes = draw(st.lists(NUMBERS, min_size=len(texts), max_size=len(texts), unique=True))
    return Column(name, kind, dict(zip(sorted(codes), texts, strict=True)), **told)


def missing():
    """Codes and texts that mean missing, and why."""
    return st.dictionaries(st.integers(-99, -1).map(float) | NAMES, st.sampled_from(["refused", "unknown"]), max_size=2)


@st.composite
def schemas(draw, kinds=tuple(Kind)):
    """A schema of one to five columns."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    return Schema(tuple(draw(columns(name, kinds)) for name in names))


@st.composite
def tables(draw, rows=30):
    """A schema of two to five columns that methods can learn from, and codes (n, p) of which some are missing.

    Every column has two answers that differ at least.
    """
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    made, values = [], []
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for name in names:
        column = draw(columns(name, (Kind.NOMINAL, Kind.ORDINAL, Kind.NUMERIC)).filter(_varies))
        if column.labels:
            codes = rng.choice(column.levels, rows)
            codes[:2] = column.levels[:2]
        else:
            low = column.high - 100 if column.low is None else column.low
            codes = rng.uniform(low, column.high, rows)
            codes[:2] = low, column.high
        codes[2:] = np.where(rng.random(rows - 2) < draw(st.sampled_from([0.0, 0.2, 0.6])), np.nan, codes[2:])
        made.append(column)
        values.append(codes)
    return Schema(tuple(made)), np.column_stack(values)


def _varies(column):
    return len(column.labels) > 1 or (column.kind is Kind.NUMERIC and (column.low is None or column.low < column.high))
