"""Measures: what records hold besides metrics: cost, what an audit of a language model found, and how chains agree."""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.results import COSTS

VARIANTS = ("paraphrase", "reversed-order", "opaque", "reversed-scale")
OF_ORIGINAL = ("cells", "mass", "low-mass", "log-score", "accuracy", "tokens", "seconds")
OF_VARIANT = ("variation", "flips", "log-score", "log-score-change", "log-score-error", "accuracy", "accuracy-change")
OF_MODELS = (
    *(f"audit-{name}" for name in OF_ORIGINAL),
    *(f"audit-{variant}-{name}" for variant in VARIANTS for name in OF_VARIANT),
)
OF_CHAINS = ("r-hat", "r-hat-limit", "r-hat-beyond")  # largest of all items, what chance allows, share of items beyond
AUDIT = (*OF_MODELS, *OF_CHAINS)
NOT_METRICS = (*COSTS, *AUDIT)


@dataclass(frozen=True)
class Measure:
    """How to read a measure of an audit.

    Parameters
    ----------
    title : with an arrow that says which way is better, if one is.
    reading : one plain sentence.
    change, error : names of the measures of how much it changed against the original, and of the standard error of
        that; empty if there are none.
    """

    title: str
    reading: str
    change: str = ""
    error: str = ""


SHOWN: Mapping[str, Measure] = {
    "audit-cells": Measure(
        "cells audited", "Observed cells that the model hid from itself and did not learn from, mean over masks."
    ),
    "audit-mass": Measure(
        "validity: mass on valid answers ↑",
        "Probability of all valid answers together before it is made to sum to one; the rest would be no answer.",
    ),
    "audit-low-mass": Measure(
        "validity: cells below half ↓",
        "Share of cells where the valid answers together have less than half of the probability.",
    ),
    "audit-paraphrase-variation": Measure(
        "wording: variation ↓",
        "Probability that moves to other answers when the same is asked in another form of words; 0 to 1.",
    ),
    "audit-paraphrase-flips": Measure(
        "wording: flips ↓", "Share of cells whose likeliest answer changes with the form of words."
    ),
    "audit-reversed-order-variation": Measure(
        "order: variation ↓", "Probability that moves when the question names its options last to first; 0 to 1."
    ),
    "audit-reversed-order-flips": Measure(
        "order: flips ↓", "Share of cells whose likeliest answer changes with the order of the options."
    ),
    "audit-log-score": Measure(
        "real names: log score ↓",
        "Mean surprise at the answer that was given, in nats, before calibration; the two probes below are read "
        "against it.",
    ),
    "audit-accuracy": Measure("real names: accuracy ↑", "Share of cells where the likeliest answer was given."),
    "audit-opaque-log-score": Measure(
        "opaque names: log score ↓",
        'Every question and answer is called "Q17: option 3": a rise is what the words are worth to the model, by '
        "knowledge, by memory of this survey or because it was trained on them; the probe cannot tell which.",
        "audit-opaque-log-score-change",
        "audit-opaque-log-score-error",
    ),
    "audit-opaque-accuracy": Measure(
        "opaque names: accuracy ↑", "The same in hits; the change in brackets.", "audit-opaque-accuracy-change"
    ),
    "audit-reversed-scale-log-score": Measure(
        "reversed scales: log score ↓",
        "The labels of ordinal items are turned round, in the known answers as in the options: a model that goes by "
        "the known answers follows, one that goes by how people usually answer does not. Ordinal items alone.",
        "audit-reversed-scale-log-score-change",
        "audit-reversed-scale-log-score-error",
    ),
    "audit-reversed-scale-accuracy": Measure(
        "reversed scales: accuracy ↑",
        "The same in hits; the change in brackets.",
        "audit-reversed-scale-accuracy-change",
    ),
    "audit-tokens": Measure(
        "tokens per 1,000 cells ↓", "Tokens read to score the holes of the table; a prompt serves a respondent's holes."
    ),
    "audit-seconds": Measure(
        "seconds per 1,000 cells ↓", "Time to score them, without draws, on the machine that ran it."
    ),
}
