"""Anybody's own survey file as a dataset that suites can ask for."""

from pathlib import Path

from datasets import DATASETS
from datasets.errors import InputError
from datasets.table import Dataset


@DATASETS.register("file")
def load(path: Path | None, file: str = "", schema: str = "") -> Dataset:
    """Your own csv, dta, sav or parquet file: ``file('survey.csv', schema='schema.toml')``.

    Parameters
    ----------
    path : the file, if the request does not name it.
    file, schema : the file, and the schema.toml that says of its columns what is not to be inferred.

    Raises
    ------
    InputError
        If there is no file, two are given, or they cannot be used, see `survey_file.read_survey_file`.
    """
    from datasets.files.survey_file import read_survey_file

    if (path is None) == (not file):
        raise InputError(f"a dataset of one's own is one file; found {path or 'none'}; write file('survey.csv')")
    return read_survey_file(path or Path(file), Path(schema) if schema else None).dataset
