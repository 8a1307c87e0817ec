"""The General Social Survey 2022 as two-answer items, after the protocol of AI-augmented surveys."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.selection.ranking import take
from datasets.surveys.binary import binary_items
from datasets.surveys.gss import gss_table
from datasets.table import Dataset

MINIMUM_SHARE = 0.1  # of the respondents must have answered an item
HUNDRED, SEED = 100, 2022


@DATASETS.register("gss2022-binary")
def load(path: Path | None = None) -> Dataset:
    """All items of the GSS 2022 that a tenth answered, each cut into two answers.

    After Kim and Lee (2023, arXiv 2305.09620), who predict 3,110 binarised opinions of the files 1972–2021;
    these are the items of one year, opinions and facts alike, and all are targets. Of the 929 items that a tenth
    of the 3,544 respondents answered, those with two answers stay as they are; ordinal and numeric ones are cut
    next to the median; of more nominal answers the most frequent one stands against the rest, one column a
    question (Kim and Lee expand polviews and partyid into several, whose cells give each other away). Left out
    are 106 items whose rarer answer is given by less than 2 % of those who answered or by fewer than 30, and
    then those of which a kept item that more people answered leaves less than a fifth of the uncertainty
    (`binary.recodings`): birth year beside age, the same income in brackets, in constant dollars and in the old
    brackets, sex and race asked again, questions repeated for spouse or partner. Weaker relatives stay: the
    indices of one occupation, the household roster, wordings of one question put to halves of the sample.

    Raises
    ------
    DataUnavailableError, InputError
        As `gss.load`.
    """
    return binary_items(gss_table(path, None), "gss2022-binary", MINIMUM_SHARE)


@DATASETS.register("gss2022-binary-100")
def load_hundred(path: Path | None = None) -> Dataset:
    """A hundred items of gss2022-binary, drawn once and for all, for slow methods.

    Drawn without replacement by NumPy's default generator with the seed 2022, in the order of the table.

    Raises
    ------
    DataUnavailableError, InputError
        As `gss.load`.
    """
    return hundred(load(path))


def hundred(table: Dataset) -> Dataset:
    """Keep the fixed hundred items of gss2022-binary."""
    chosen = np.random.default_rng(SEED).choice(len(table.schema), HUNDRED, replace=False)
    return replace(take(table, [table.schema.names[j] for j in sorted(chosen)]), name="gss2022-binary-100")
