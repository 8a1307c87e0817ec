"""`iscore` ranks methods on a file's own holes, tells ties, and refuses what it cannot judge."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.commands.iscore import iscore
from datasets.errors import InputError


@pytest.fixture
def survey(tmp_path):
    """Two hundred rows; the second item follows the first, and has holes more often where that is large."""
    rng = np.random.default_rng(1)
    x = rng.normal(50, 10, 200).round(1)
    y = (0.8 * x + rng.normal(0, 3, 200)).round(1)
    y[rng.random(200) < 1 / (1 + np.exp(-(x - 55) / 5))] = np.nan
    path = tmp_path / "survey.csv"
    pd.DataFrame({"first": x, "second": y, "third": rng.integers(1, 4, 200)}).to_csv(path, index=False)
    return path


def test_methods_are_ranked_and_ties_are_told(survey, capsys):
    iscore(survey, imputers="mean, gaussian-em, gaussian-em(max_iter=400), llm, pairwise", draws=5)
    told = capsys.readouterr().out
    lines = [
        line.split("|") for line in told.splitlines() if line.startswith("| gaussian") or line.startswith("| mean")
    ]
    assert [line[1].strip().partition("(")[0] for line in lines] == ["gaussian-em", "gaussian-em", "mean"]
    assert [line[4].strip() for line in lines] == ["", "cannot be told apart", "worse"]
    assert 2 * float(lines[0][2]) < float(lines[2][2])
    assert "| second " in told and "| first " not in told
    assert "not judged: llm, FineTuned needs a language model" in told
    assert "not judged: pairwise, it fills no holes" in told


def test_a_larger_file_is_thinned_and_that_is_told(survey, capsys):
    iscore(survey, imputers="mean", draws=2, rows=150)
    assert "tried on 150 of 200 rows, evenly spaced; --rows changes that" in capsys.readouterr().out


def test_a_file_without_holes_and_a_method_that_is_none_are_refused(survey, tmp_path):
    whole = tmp_path / "whole.csv"
    pd.read_csv(survey).dropna().to_csv(whole, index=False)
    with pytest.raises(InputError, match="it takes ten holes and ten answers in one"):
        iscore(whole, imputers="mean", draws=2)
    with pytest.raises(InputError, match="mics-pmm"):
        iscore(survey, imputers="mean, mics-pmm", draws=2)
