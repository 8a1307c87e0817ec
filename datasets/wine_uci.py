"""Wines of three growers: a small complete numeric table."""

from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset


@DATASETS.register("wine-uci")
def load(path: Path | None = None) -> Dataset:
    """Thirteen chemical measures of 178 wines from three growers.

    Forina et al. 1988, PARVUS; shipped with scikit-learn. Complete, all numeric; the grower is left out.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    from sklearn.datasets import load_wine

    if path is not None:
        raise InputError(f"dataset 'wine-uci' comes with scikit-learn, but was given {path}; leave the path out")
    table = load_wine()
    columns = tuple(Column(name, Kind.NUMERIC, question=name.replace("_", " ")) for name in table.feature_names)
    return Dataset("wine-uci", Schema(columns), np.asarray(table.data), origin={"file": "scikit-learn, load_wine"})
