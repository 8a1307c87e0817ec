"""Imputes a file with several methods and prints what each filled as a hash; for the tests of threads."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.completion import complete_survey
from datasets.errors import MethodUnavailableError
from datasets.files.survey_file import read_survey_file


def main(threads: str, path: str, *methods: str) -> None:
    """Impute with PyTorch loaded before, and told to use so many threads."""
    torch.set_num_threads(int(threads))
    survey = read_survey_file(Path(path))
    for method in methods:
        try:
            tables = complete_survey(survey, method, 3, 1).tables
        except MethodUnavailableError:
            continue
        filled = b"".join(np.ascontiguousarray(table).tobytes() for _, table in sorted(tables.items()))
        sys.stdout.write(f"{method} {hashlib.sha256(filled).hexdigest()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
