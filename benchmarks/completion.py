"""Completing somebody's own file: from a table with holes to completed tables on disk."""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.account import Account, account_for
from benchmarks.consistency import leave_unasked
from benchmarks.convergence import Convergence
from benchmarks.reuse import bounded
from datasets.errors import InputError
from datasets.files.survey_file import SurveyFile
from datasets.files.writers import write_completed, write_stacked
from datasets.prediction import check_prediction, complete, expectation, widen
from datasets.schema import UNORDERED, Floats
from datasets.table import Reason
from imputers import make_imputer
from imputers.base import Imputer
from imputers.design import sampled
from imputers.traces import tracing
from reports.drawing import png
from reports.traces import trace_figure


@dataclass(frozen=True, eq=False)
class Completion:
    """What is to be written of an imputed file.

    Parameters
    ----------
    tables : name of the table to its codes (n, p), NaN where a hole is left; expectations may lie between codes.
    filled : shape (n, p), True where a hole was filled.
    account : what became of all holes.
    told : one sentence on what was done.
    facts : what decided the tables, and R-hat of their chains, for the report.
    convergence : of the chains, if the method has some.
    decided : what the method decided for the user, a sentence or nothing.
    """

    tables: dict[str, Floats]
    filled: NDArray[np.bool_]
    account: Account
    told: str
    facts: Mapping[str, object]
    convergence: Convergence = field(default_factory=lambda: Convergence({}, {}))
    decided: str = ""


def check_rows(survey: SurveyFile, imputer: str) -> None:
    """Validate that a file has the rows that a method needs.

    Raises
    ------
    InputError
        If it has fewer than those below which the method's draws lose the relations between columns.
    """
    n, least = len(survey.dataset.values), make_imputer(imputer).least_rows
    if n < least:
        raise InputError(
            f"{imputer} needs {least:,} rows to keep the relations between columns, and there are {n:,}; take a method "
            "for small files, e.g. mice-pmm or mice-cart"
        )


def learn(survey: SurveyFile, imputer: str, seed: int) -> Imputer:
    """Fit a registered imputer on a file.

    Raises
    ------
    InputError
        If it cannot work on this table.
    """
    dataset, method = survey.dataset, make_imputer(imputer)
    design = sampled(method, dataset.strata, dataset.psu)
    return method.fit(dataset.values, schema=dataset.schema, weights=dataset.weights, random_state=seed, **design)


def complete_survey(
    survey: SurveyFile,
    imputer: str,
    n_draws: int,
    seed: int,
    *,
    fitted: Imputer | None = None,
    fill_not_asked: bool = False,
    watch: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> Completion:
    """Fill the holes of a file with a registered imputer.

    The imputer learns from all holes alike; those of questions that were not asked are left empty, unless they are
    wanted: those that were not asked by the file, and, draw by draw, those that were not asked by what was filled into
    their filter.

    Parameters
    ----------
    survey : the file.
    imputer : what fills, as a request.
    n_draws : completed tables.
    seed : of the fit and of the draws.
    fitted : the imputer, fitted on this file or on other rows of the same columns; None fits one on this file.
    fill_not_asked : also fill cells of questions that were not asked.
    watch : gives the context in which the method learns, and that in which it draws, by what it does.

    Raises
    ------
    InputError
        If the imputer fills nothing, or cannot work on this table.
    """
    values, reasons = survey.dataset.values, survey.dataset.reasons
    filled = np.isnan(values) if fill_not_asked else np.isnan(values) & (reasons != Reason.NOT_ASKED)
    facts: dict[str, object] = {**survey.dataset.origin, "rows": len(values), "imputer": imputer, "draws": n_draws}
    facts |= {"seed": seed, "fill_not_asked": fill_not_asked}
    if not filled.any():
        return _as_it_is(survey, filled, n_draws, facts)
    if fitted is None:
        with watch(f"{imputer} learns"):
            fitted = learn(survey, imputer, seed)
    with watch(f"{imputer} draws"), tracing() as visits:
        tables = _tables(survey, fitted, n_draws, seed, filled)
    convergence = Convergence.of(visits, fitted.schema_, 1 if fitted.deterministic else n_draws)
    if convergence.traces:
        facts["convergence"] = convergence.as_json()
    tables = tables if fill_not_asked else _with_filters(survey, tables)
    drawn = [tables[name] for name in _draw_names(n_draws)]
    filled = filled & ~np.isnan(drawn).all(axis=0)
    equal = f" ({imputer} has no distribution: all draws are equal)" if fitted.deterministic else ""
    told = f"{_number(filled.sum(), 'hole')} filled by {imputer}, {_number(n_draws, 'draw')}{equal}"
    account = account_for(survey, filled, drawn)
    return Completion(tables, filled, account, told, facts, convergence, fitted.decided())


def _as_it_is(survey: SurveyFile, filled: NDArray[np.bool_], n_draws: int, facts: Mapping[str, object]) -> Completion:
    """What is to be written of a file without a hole to fill."""
    values = survey.dataset.values
    tables = dict.fromkeys([*_draw_names(n_draws), "point", "expected"], values)
    told = f"{survey.path.name} has no holes to fill: its tables come back as they are"
    return Completion(tables, filled, account_for(survey, filled, [values]), told, facts)


def _with_filters(survey: SurveyFile, tables: Mapping[str, Floats]) -> dict[str, Floats]:
    """Tables without fills where their own filled filters say not asked; expectations, which are none, as the point."""
    left = {name: leave_unasked(survey, codes) for name, codes in tables.items() if name != "expected"}
    return left | {"expected": np.where(np.isnan(left["point"]), np.nan, tables["expected"])}


def _number(count: int, of: str) -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def _draw_names(n_draws: int) -> list[str]:
    return [f"draw_{number}" for number in range(1, n_draws + 1)]


def _tables(
    survey: SurveyFile, method: Imputer, n_draws: int, seed: int, filled: NDArray[np.bool_]
) -> dict[str, Floats]:
    """Every table with these of its holes filled."""
    values, schema = bounded(survey.dataset.values, method.full_schema_)[0], method.full_schema_
    prediction = method.impute(values, n_draws=n_draws, random_state=seed, asked=filled)
    check_prediction(prediction, values, schema, n_draws, filled)
    whole = widen(prediction, values, filled)
    if whole.draws is None:
        raise InputError(
            f"{type(method).__name__} analyses and fills nothing; choose an imputer that fills, see `list`"
        )
    best = method.best(whole, values)
    unordered = np.isin(np.nonzero(np.isnan(values))[1], schema.where(*UNORDERED))
    fills = dict(zip(_draw_names(n_draws), whole.draws, strict=True))
    fills |= {"point": best, "expected": np.where(unordered, best, expectation(whole, values, schema))}
    return {name: np.where(filled | ~np.isnan(values), complete(values, own), np.nan) for name, own in fills.items()}


def check_folder(out: Path) -> None:
    """Make a folder, and make sure that it can be written to.

    Raises
    ------
    InputError
        If it cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out):
            pass
    except OSError as error:
        raise _unwritable(out, error) from None


def write_completion(
    completion: Completion, survey: SurveyFile, out: Path, suffix: str, *, stacked: bool = False
) -> list[Path]:
    """Write every table, the flags and the report into a folder, all of them or none.

    Draws are files of their own, or stacked in one, ``draws``, with a column that counts them.

    Raises
    ------
    InputError
        If the folder cannot be written, or the format is unknown or cannot hold the table.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out) as staging:
            written = _write_all(completion, survey, Path(staging), suffix, stacked)
            return [path.replace(out / path.name) for path in written]
    except OSError as error:
        raise _unwritable(out, error) from None


def _unwritable(out: Path, error: OSError) -> InputError:
    return InputError(f"--out {out}: cannot write there ({error.strerror}); choose another folder")


def _write_all(completion: Completion, survey: SurveyFile, folder: Path, suffix: str, stacked: bool) -> list[Path]:
    paths = []
    alone = dict(completion.tables)
    if stacked:
        draws = [alone.pop(name) for name in completion.tables if name.startswith("draw_")]
        paths.append(folder / f"draws.{suffix}")
        write_stacked(survey, draws, paths[-1])
    for name, codes in alone.items():
        paths.append(folder / f"{name}.{suffix}")
        write_completed(survey, codes, paths[-1])
    flags = survey.typed.notna() & False
    for j, name in enumerate(survey.dataset.schema.names):
        flags[name] = completion.filled[:, j]
    paths.append(folder / "flags.csv")
    flags.astype(int).to_csv(paths[-1], index=False)
    report = {
        **completion.facts,
        **completion.account.as_json(),
        "decided": [*survey.notes, *([completion.decided] if completion.decided else [])],
    }
    paths.append(folder / "report.json")
    paths[-1].write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if completion.convergence.traces:
        paths.append(folder / "traces.png")
        paths[-1].write_bytes(png(trace_figure(completion.convergence.traces, completion.convergence.r_hats)))
    return paths
