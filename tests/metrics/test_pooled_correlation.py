"""Correlations averaged over draws, and the excess of single draws, against matrices from pandas."""

import numpy as np
import pandas as pd
import pytest

from datasets.moments import pairwise_moments
from datasets.prediction import Prediction
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE


def test_the_mean_matrix_is_judged_not_the_mean_distance(masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    first = [
        block.start for c, block in zip(masked_toy.schema, masked_toy.schema.blocks, strict=True) if c.kind == "nominal"
    ]

    def correlations(table):
        design = np.delete(masked_toy.schema.design(table), first, axis=1)
        matrix = pd.DataFrame(design).corr().to_numpy()
        return matrix[np.triu_indices(len(matrix), 1)]

    true = correlations(masked_toy.truth.values)
    drawn = np.stack([correlations(table) for table in completed_tables(masked_toy, prediction)])
    pooled = np.linalg.norm(drawn.mean(axis=0) - true) / np.linalg.norm(true)
    single = np.mean(np.linalg.norm(drawn - true, axis=1)) / np.linalg.norm(true)
    assert METRICS["pooled-correlation-error"].score(masked_toy, prediction) == pytest.approx({TABLE: pooled})
    assert METRICS["correlation-excess"].score(masked_toy, prediction) == pytest.approx({TABLE: single - pooled})
    assert METRICS["design-correlation-error"].score(masked_toy, prediction) == pytest.approx({TABLE: single})
    assert 0 < single - pooled < pooled


def test_equal_draws_and_methods_that_fill_nothing_have_no_excess(masked_toy, toy_guesses):
    own = Prediction(moments=pairwise_moments(masked_toy.schema.design(masked_toy.values)))
    for prediction in (toy_guesses["centre"], own):
        assert METRICS["correlation-excess"].score(masked_toy, prediction) == pytest.approx({TABLE: 0}, abs=1e-12)
        assert METRICS["pooled-correlation-error"].score(masked_toy, prediction) == pytest.approx(
            METRICS["design-correlation-error"].score(masked_toy, prediction)
        )
