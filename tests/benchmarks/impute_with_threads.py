"""Imputes a file with several methods and prints what each filled as a hash; for the tests of threads."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.completion import complete_survey
from datasets.errors import MethodUnavailableError
from datasets.files.survey_file import read_survey_file
from imputers import make_imputer


def main(threads: str, path: str, *methods: str) -> None:
    """Impute by Python's door, with the first method also as the command does; PyTorch is told how many threads."""
    torch.set_num_threads(int(threads))
    frame = pd.read_csv(path)
    tables = complete_survey(read_survey_file(Path(path)), methods[0], 3, 1).tables
    _tell("command", *(table for _, table in sorted(tables.items())))
    for method in methods:
        try:
            imputer = make_imputer(method).fit(frame, random_state=1)
            _tell(method, imputer.impute(frame, n_draws=3).draws, imputer.transform(frame)["income"].to_numpy())
        except MethodUnavailableError:
            continue


def _tell(name: str, *arrays: np.ndarray) -> None:
    filled = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    sys.stdout.write(f"{name} {hashlib.sha256(filled).hexdigest()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
