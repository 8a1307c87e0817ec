"""Red and white vinho verde: the wine tables of the not-MIWAE paper."""

from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.schema import Column, Kind, Schema
from datasets.surveys.fetch import named_file, sha256
from datasets.table import Dataset

MEASURES = 11
PAGE = "https://archive.ics.uci.edu/dataset/186/wine+quality"


@DATASETS.register("wine-red")
def load_red(path: Path | None = None) -> Dataset:
    """Eleven chemical measures of 1,599 red Portuguese wines; see `read_wines`."""
    return read_wines("wine-red", path, "WINE_RED_PATH", "winequality-red.csv")


@DATASETS.register("wine-white")
def load_white(path: Path | None = None) -> Dataset:
    """Eleven chemical measures of 4,898 white Portuguese wines; see `read_wines`."""
    return read_wines("wine-white", path, "WINE_WHITE_PATH", "winequality-white.csv")


def read_wines(name: str, path: Path | None, environment: str, file: str) -> Dataset:
    """Read a table of the Wine Quality data.

    Cortez, Cerdeira, Almeida, Matos and Reis 2009, Decision Support Systems 47. Complete, all numeric; the
    graders' quality, the last column, is left out, as Ipsen, Mattei and Frellsen (2021) do.

    Parameters
    ----------
    path : csv file with a head, parted by semicolons; None takes the one that the environment variable names.

    Raises
    ------
    DataUnavailableError
        If no path is given.
    InputError
        If there is no such file, or it is no such table.
    """
    named = named_file(path, environment, file)
    if named is None:
        raise DataUnavailableError(f"{name} is not part of this package; get {file} from {PAGE} and set {environment}")
    head, *lines = named.read_text(encoding="utf-8").splitlines()
    names = [title.strip('" ').replace(" ", "-") for title in head.split(";")]
    if len(names) != MEASURES + 1 or any(line.count(";") != MEASURES for line in lines):
        raise InputError(f"{named}: wanted {MEASURES + 1} columns parted by semicolons, as in {file} from {PAGE}")
    values = np.array([line.split(";")[:MEASURES] for line in lines], dtype=float)
    columns = tuple(Column(title, Kind.NUMERIC, question=title.replace("-", " ")) for title in names[:MEASURES])
    return Dataset(name, Schema(columns), values, origin={"file": named.name, "sha256": sha256(named)})
