"""Filling new rows with what was learned from others: a fitted imputer and the meaning of its columns in one folder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.files.file_table import FileFacts
from datasets.files.schema_file import IGNORE, write_schema
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.schema import Column, Floats, Kind, Schema
from imputers.base import Imputer
from imputers.fitted import load_fitted, save_fitted

SCHEMA = "schema.toml"


@dataclass(frozen=True, eq=False)
class Reused:
    """A file of new rows, and what is to fill it.

    Parameters
    ----------
    survey : the new file, its columns those that were learned from.
    imputer : fitted on other rows.
    request : what it was made from.
    """

    survey: SurveyFile
    imputer: Imputer
    request: str


def store(survey: SurveyFile, imputer: Imputer, request: str, folder: Path) -> None:
    """Store a fitted imputer and what the columns of its file mean, so that new files are read the same way.

    Raises
    ------
    InputError
        If the method cannot be stored, or the folder cannot be written.
    """
    save_fitted(imputer, request, folder)
    facts = survey.table.facts
    kept = FileFacts(
        missing_texts=facts.missing_texts, missing_codes=facts.missing_codes, decimal=facts.decimal, others=IGNORE
    )
    unbounded = Schema(tuple(replace(column, low=None, high=None) for column in survey.dataset.schema))
    rules = {"asked_if": survey.asked_if, "check": _within(survey)}
    write_schema(unbounded, survey.typed, {}, folder / SCHEMA, kept, rules=rules)


def recall(folder: Path, path: Path) -> Reused:
    """Read a new file as the one was read that an imputer was fitted on, with that imputer.

    Raises
    ------
    InputError
        If the folder holds no fitted imputer, or the file lacks a column or holds answers that were none then.
    """
    imputer, request = load_fitted(folder)
    try:
        survey = read_survey_file(path, folder / SCHEMA, fewest=0)
    except InputError as error:
        raise InputError(f"{path} does not fit what {folder} was learned from: {error}") from None
    known, found = imputer.full_schema_, survey.dataset.schema
    if [*map(_meaning, known)] != [*map(_meaning, found.take(_order(known, found)))]:
        raise InputError(f"{folder}: {SCHEMA} is not that of the fitted imputer; store it anew with impute --save")
    return Reused(_in_order(survey, known), imputer, request)


def bounded(X: Floats, schema: Schema) -> tuple[Floats, dict[str, int]]:
    """Codes (n, p) within the limits of a schema, and by column how many numbers were beyond them."""
    within = np.column_stack(
        [column.bounded(x) if column.kind is Kind.NUMERIC else x for column, x in zip(schema, X.T, strict=True)]
    )
    beyond = ((within != X) & ~np.isnan(X)).sum(axis=0)
    return within, {name: int(count) for name, count in zip(schema.names, beyond, strict=True) if count}


def _within(survey: SurveyFile) -> Mapping[str, Condition]:
    """Checks that ask about used columns alone, and stand with one."""
    used = set(survey.dataset.schema.names)
    return {name: check for name, check in survey.checks.items() if {name, *check.names} <= used}


def _meaning(column: Column) -> tuple[str, Kind, dict[float, str]]:
    return column.name, column.kind, dict(column.labels)


def _order(known: Schema, found: Schema) -> list[int]:
    return [found.names.index(name) for name in known.names if name in found.names]


def _in_order(survey: SurveyFile, known: Schema) -> SurveyFile:
    """A survey whose columns stand in the order of a schema."""
    dataset = survey.dataset
    order = _order(known, dataset.schema)
    return replace(
        survey,
        dataset=replace(
            dataset,
            schema=dataset.schema.take(order),
            values=dataset.values[:, order],
            reasons=dataset.reasons[:, order],
        ),
    )
