"""Small complete tables of numbers that come with scikit-learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from datasets import DATASETS
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset


@DATASETS.register("wdbc")
def load_wdbc(path: Path | None = None) -> Dataset:
    """Thirty measures of the cell nuclei of 569 breast tumours (Wisconsin, diagnostic).

    Street, Wolberg and Mangasarian 1993, Proceedings of the SPIE 1905: the table of the MIWAE and not-MIWAE papers,
    in its own units. The diagnosis is left out.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    from sklearn.datasets import load_breast_cancer

    return _shipped("wdbc", path, load_breast_cancer)


@DATASETS.register("wine-uci")
def load_wine_uci(path: Path | None = None) -> Dataset:
    """Thirteen chemical measures of 178 wines from three growers.

    Forina et al. 1988, PARVUS. The grower is left out.

    Raises
    ------
    InputError
        If a path is given: this table has no file.
    """
    from sklearn.datasets import load_wine

    return _shipped("wine-uci", path, load_wine)


def _shipped(name: str, path: Path | None, load: Callable[[], Any]) -> Dataset:
    """Features of a table of scikit-learn, as numeric columns."""
    if path is not None:
        raise InputError(f"dataset {name!r} comes with scikit-learn, but was given {path}; leave the path out")
    table = load()
    titles = [title.replace("_", " ") for title in table.feature_names]
    columns = tuple(Column(title.replace(" ", "-"), Kind.NUMERIC, question=title) for title in titles)
    origin = {"file": f"scikit-learn, {load.__name__}"}
    return Dataset(name, Schema(columns), np.asarray(table.data), origin=origin)
