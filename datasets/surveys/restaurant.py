"""Restaurants and the cities they are in: the table of strings on which text imputers are compared."""

import csv
from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.schema import Column, Kind, Role, Schema
from datasets.surveys.fetch import named_file, sha256
from datasets.table import Dataset

ENVIRONMENT = "RESTAURANT_PATH"
QUESTIONS = {  # in the order of the file
    "name": "name of the restaurant",
    "address": "street and number",
    "city": "city it is in",
    "phone": "telephone number",
    "type": "type of cuisine",
}


@DATASETS.register("restaurant")
def load(path: Path | None = None) -> Dataset:
    """Names, addresses, cities, phones and cuisines of 864 restaurants, all text; target: city.

    The entity-resolution table of Fodor's and Zagat's guides (Tejada, Knoblock and Minton 2001, Information
    Systems 26), used for imputing the city by Song and Sun (2020, KDD), Mei et al. (2021, ICDE) and Narayan et al.
    (2022, PVLDB 16). Many restaurants stand in it twice, in other spellings. Texts are put in lower case.
    The file is not part of this package.

    Parameters
    ----------
    path : csv file with a head and the five columns in this order; None takes the one that the environment
        variable RESTAURANT_PATH names.

    Raises
    ------
    DataUnavailableError
        If no path is given.
    InputError
        If there is no such file, or it is no table of five columns.
    """
    named = named_file(path, ENVIRONMENT, "the csv file of restaurants")
    if named is None:
        raise DataUnavailableError(
            "the table restaurant is not part of this package; give the path of its csv file (name, address, city, "
            f"phone, type) with --data, or set {ENVIRONMENT}"
        )
    with named.open(encoding="utf-8", newline="") as file:
        rows = [[cell.strip().lower() for cell in row] for row in csv.reader(file)][1:]
    widths = {len(row) for row in rows}
    if widths != {len(QUESTIONS)}:
        raise InputError(f"{named}: rows have {sorted(widths)} cells; wanted five: {', '.join(QUESTIONS)}")
    parts = [_column(name, [row[j] for row in rows]) for j, name in enumerate(QUESTIONS)]
    schema = Schema(tuple(column for column, _ in parts))
    origin = {"file": named.name, "sha256": sha256(named)}
    return Dataset("restaurant", schema, np.column_stack([codes for _, codes in parts]), origin=origin)


def _column(name: str, cells: list[str]) -> tuple[Column, np.ndarray]:
    """Column of the strings that occur, and their codes (n,); NaN where a cell is empty."""
    strings = sorted({cell for cell in cells if cell})
    labels = {float(code): text for code, text in enumerate(strings, start=1)}
    column = Column(name, Kind.TEXT, labels, QUESTIONS[name], role=Role.TARGET if name == "city" else Role.ITEM)
    return column, np.array([column.code(cell) if cell else np.nan for cell in cells])
