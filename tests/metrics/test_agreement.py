from dataclasses import replace

import numpy as np
import pytest

from datasets.prediction import point
from datasets.schema import Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def test_worked_by_hand(small, worked):
    # region: points 1 2 1 2 (the tie of 2 and 3 goes down) against 1 2 2 3; happy: points 1 1 3 2 against 1 2 3 3
    assert score("accuracy", small, worked) == pytest.approx({"region": 0.5, "happy": 0.5})
    # region: F1 2/3, 1/2, 0; happy: 2/3, 0, 2/3
    assert score("macro-f1", small, worked) == pytest.approx({"region": 7 / 18, "happy": 4 / 9})
    # happy, level numbers: mean square ½; variances 11/16 both, means ½ apart
    assert score("qwk", small, worked) == pytest.approx({"happy": 1 - 0.5 / (11 / 8 + 1 / 4)})
    assert score("pfc", small, worked) == pytest.approx({TABLE: 0.5})


@pytest.mark.parametrize("guess", ["centre", "hot deck"])
def test_equals_the_formulas(masked_toy, toy_guesses, guess):
    prediction = toy_guesses[guess]
    columns = np.nonzero(np.isnan(masked_toy.values))[1][masked_toy.scored]
    truth = masked_toy.truth.values[masked_toy.hidden]
    fills = point(prediction, masked_toy.values, masked_toy.schema)[masked_toy.scored]
    found = {name: score(name, masked_toy, prediction) for name in ("accuracy", "macro-f1", "qwk")}
    for j in masked_toy.schema.where(Kind.NOMINAL, Kind.ORDINAL):
        column, (t, f) = masked_toy.schema.columns[j], (v[columns == j] for v in (truth, fills))
        if not len(t):
            assert column.name not in found["accuracy"]
            continue
        assert found["accuracy"][column.name] == pytest.approx(np.mean(t == f))
        predicted, true = f[:, None] == column.levels, t[:, None] == column.levels
        occurring = predicted.sum(axis=0) + true.sum(axis=0)  # 2·TP + FP + FN
        f1 = 2 * (predicted & true).sum(axis=0)[occurring > 0] / occurring[occurring > 0]
        assert found["macro-f1"][column.name] == pytest.approx(f1.mean())
        if column.kind is Kind.ORDINAL:  # the closed form of Fleiss and Cohen 1973
            t, f = np.searchsorted(column.levels, t), np.searchsorted(column.levels, f)
            kappa = 1 - np.mean((f - t) ** 2) / (f.var() + t.var() + (f.mean() - t.mean()) ** 2)
            assert found["qwk"][column.name] == pytest.approx(kappa, abs=1e-12)


def test_the_mode_gets_its_share(masked_gss, gss_guesses):
    found = score("accuracy", masked_gss, gss_guesses["centre"])
    for j in masked_gss.schema.where(Kind.NOMINAL):
        column = masked_gss.schema.columns[j]
        known = masked_gss.truth.values[~np.isnan(masked_gss.truth.values[:, j]), j]
        share = np.unique(known, return_counts=True)[1].max() / len(known)
        if column.name in found:
            assert found[column.name] == pytest.approx(share, abs=0.03)
            f1 = 2 * share / (1 + share) / len(np.unique(known))
            assert score("macro-f1", masked_gss, gss_guesses["centre"])[column.name] == pytest.approx(f1, abs=0.02)


def test_pfc_is_one_less_accuracy_over_all_nominal_cells(masked_gss, gss_guesses):
    prediction = gss_guesses["hot deck"]
    right = score("accuracy", masked_gss, prediction)
    hidden = dict(zip(masked_gss.schema.names, masked_gss.hidden.sum(axis=0), strict=True))
    names = [name for name in right if masked_gss.schema[name].kind is Kind.NOMINAL]
    mean = np.average([right[name] for name in names], weights=[hidden[name] for name in names])
    assert score("pfc", masked_gss, prediction)[TABLE] == pytest.approx(1 - mean)


def test_kappa_is_left_out_where_the_truth_has_one_level(small, fill):
    values = small.truth.values.copy()
    values[:4, 1] = 2
    flat = Masked(replace(small.truth, values=values), small.hidden)
    prediction = fill(flat, {"region": [[1] * 5], "happy": [[1] * 5], "age": [[1] * 3]})
    assert score("qwk", flat, prediction) == {}
    assert score("accuracy", flat, prediction)["happy"] == 0
