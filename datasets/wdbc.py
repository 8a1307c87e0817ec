"""Breast cancer cell nuclei: the numeric table of the MIWAE and not-MIWAE papers."""

from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset


@DATASETS.register("wdbc")
def load(path: Path | None = None) -> Dataset:
    """Thirty measures of the cell nuclei of 569 breast tumours (Wisconsin, diagnostic).

    Street, Wolberg and Mangasarian 1993, Proceedings of the SPIE 1905; shipped with scikit-learn. Complete, all
    numeric, in its own units; the diagnosis is left out.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    from sklearn.datasets import load_breast_cancer

    if path is not None:
        raise InputError(f"dataset 'wdbc' comes with scikit-learn, but was given {path}; leave the path out")
    table = load_breast_cancer()
    columns = tuple(Column(name.replace(" ", "-"), Kind.NUMERIC, question=name) for name in table.feature_names)
    return Dataset("wdbc", Schema(columns), np.asarray(table.data), origin={"file": "scikit-learn, load_breast_cancer"})
