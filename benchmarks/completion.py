"""Completing somebody's own file: from a table with holes to completed tables on disk."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.files.survey_file import SurveyFile
from datasets.files.writers import write_completed
from datasets.prediction import check_prediction, complete, expectation, point
from datasets.schema import UNORDERED, Floats
from imputers import make_imputer


@dataclass(frozen=True, eq=False)
class Completion:
    """What is to be written of an imputed file.

    Parameters
    ----------
    tables : name of the table to its codes (n, p); expectations may lie between codes.
    imputed : shape (n, p), True where a cell was a hole.
    told : one sentence on what was done.
    """

    tables: dict[str, Floats]
    imputed: NDArray[np.bool_]
    told: str


def complete_survey(survey: SurveyFile, imputer: str, n_draws: int, seed: int) -> Completion:
    """Fill the holes of a file with a registered imputer.

    Raises
    ------
    InputError
        If the imputer fills nothing, or cannot work on this table.
    """
    values, schema = survey.dataset.values, survey.dataset.schema
    imputed = np.isnan(values)
    if not imputed.any():
        names = [f"draw_{number}" for number in range(1, n_draws + 1)]
        whole = dict.fromkeys([*names, "point", "expected"], values)
        return Completion(whole, imputed, f"{survey.path.name} has no holes: its tables come back as they are")
    method = make_imputer(imputer)
    method.fit(values, schema=schema, weights=survey.dataset.weights, random_state=seed)
    prediction = method.impute(values, n_draws=n_draws)
    if prediction.draws is None:
        raise InputError(f"{imputer} analyses and fills nothing; choose an imputer that fills, see `list`")
    check_prediction(prediction, values, schema)
    tables = {f"draw_{number}": complete(values, fills) for number, fills in enumerate(prediction.draws, start=1)}
    best = point(prediction, values, schema)
    unordered = np.isin(np.nonzero(imputed)[1], schema.where(*UNORDERED))
    tables["point"] = complete(values, best)
    tables["expected"] = complete(values, np.where(unordered, best, expectation(prediction, values, schema)))
    equal = f" ({imputer} has no distribution: all draws are equal)" if method.deterministic else ""
    return Completion(tables, imputed, f"{imputed.sum():,} holes filled by {imputer}, {n_draws} draws{equal}")


def write_completion(completion: Completion, survey: SurveyFile, out: Path, suffix: str) -> list[Path]:
    """Write every table and the flags into a folder, all of them or none.

    Raises
    ------
    InputError
        If the folder cannot be written, or the format is unknown or cannot hold the table.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out) as staging:
            written = _write_all(completion, survey, Path(staging), suffix)
            return [path.replace(out / path.name) for path in written]
    except OSError as error:
        raise InputError(f"--out {out}: cannot write there ({error.strerror}); choose another folder") from None


def _write_all(completion: Completion, survey: SurveyFile, folder: Path, suffix: str) -> list[Path]:
    paths = []
    for name, codes in completion.tables.items():
        paths.append(folder / f"{name}.{suffix}")
        write_completed(survey, codes, paths[-1])
    flags = survey.typed.notna() & False
    for j, name in enumerate(survey.dataset.schema.names):
        flags[name] = completion.imputed[:, j]
    paths.append(folder / "flags.csv")
    flags.astype(int).to_csv(paths[-1], index=False)
    return paths
