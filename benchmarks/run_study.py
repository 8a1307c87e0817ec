"""Running a study: its arms on the same hidden cells, what is missing of them, and the page."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.manifest import library_versions
from benchmarks.progress import Progress
from benchmarks.run import Outcome, check_names, compute, plan
from benchmarks.store import Store
from benchmarks.study import N_DRAWS, N_FOLDS, REMEDY, Arm, Items, Study, lacks_model, short_name, with_learners
from benchmarks.suites import FOLDS, Suite
from benchmarks.supervisor import Limits
from benchmarks.worker import Job
from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError, MethodUnavailableError
from datasets.selection.criteria import by_wording
from datasets.surveys.gss_features import CRITERIA, WORDING, with_items
from datasets.surveys.thinning import thinned
from datasets.table import Dataset
from reports.contrasts import ArmResult
from reports.html import to_html
from reports.markdown import to_markdown
from reports.page import Block, Verbatim
from reports.results import Record
from reports.study import study_page


@dataclass(frozen=True)
class Chosen:
    """What the user puts into the places of a study.

    Parameters
    ----------
    models : folders or ids of language models.
    imputers : requests.
    data : file of the General Social Survey; None to look for it.
    rows : respondents of each table, evenly spaced; None takes all.
    plugins : files that register imputers.
    """

    models: tuple[str, ...] = ()
    imputers: tuple[str, ...] = ()
    data: Path | None = None
    rows: int | None = None
    plugins: tuple[Path, ...] = ()


def ready(study: Study, chosen: Chosen) -> Study:
    """Give a study with what is chosen in its places and every name resolved, before any work starts.

    Raises
    ------
    InputError
        If what is chosen does not fit the study, a name is unknown, or nothing is left to compare.
    """
    study = with_learners(study, chosen.models, chosen.imputers)
    for arm in study.arms:
        if not lacks_model(arm):
            check_names(_suite(study, arm))
    _check_something_is_left(study, _without_model(study))
    return study


def run_study(study: Study, chosen: Chosen, out: Path, *, n_jobs: int, limits: Limits, progress: Progress) -> Outcome:
    """Run what is missing of a study that is `ready`; write ``<study>.md`` and ``.html`` below ``out/<study>/``.

    Raises
    ------
    InputError
        If so little of its data and weights can be had that nothing is left to compare.
    """
    tables, lacking = _tables(study, chosen)
    _check_something_is_left(study, lacking)
    store = Store(out / "store")
    jobs: list[Job] = []
    for arm in study.arms:
        if arm.label not in lacking:
            jobs += plan(_suite(study, arm), tables[arm.data], store, chosen.plugins)[0]
    records = compute(jobs, n_jobs, limits, progress)
    arms = [_result(arm, tables.get(arm.data), lacking.get(arm.label, ""), records, chosen) for arm in study.arms]
    how = _how(study, chosen, tables.values())
    page = study_page(study.name, study.question, arms, study.answers, study.further, 1 / N_FOLDS, how)
    folder = out / study.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{study.name}.html").write_text(to_html(page, {}), encoding="utf-8")
    (folder / f"{study.name}.md").write_text(to_markdown(page), encoding="utf-8")
    counts = [sum(record.status == status for record in records) for status in ("done", "failed", "unavailable")]
    return Outcome(folder / f"{study.name}.md", len(records), *counts)


def _suite(study: Study, arm: Arm) -> Suite:
    data = arm.data if isinstance(arm.data, str) else "gss2022"
    return Suite(study.name, data, FOLDS[:N_FOLDS], (1 / N_FOLDS,), (1,), (arm.imputer,), N_DRAWS)


def _without_model(study: Study) -> dict[str, str]:
    """Arms that wait for a model, by label, with what to do."""
    return {arm.label: REMEDY for arm in study.arms if lacks_model(arm)}


def _tables(study: Study, chosen: Chosen) -> tuple[dict[Items | str, Dataset], dict[str, str]]:
    """Tables of the arms, by what they were asked for, and why arms cannot run, by label."""
    tables: dict[Items | str, Dataset] = {}
    lacking = _without_model(study)
    for arm in study.arms:
        try:
            if arm.label not in lacking and arm.data not in tables:
                table = _load(arm.data, chosen)
                tables[arm.data] = table if chosen.rows is None else thinned(table, chosen.rows)
        except (DataUnavailableError, MethodUnavailableError) as unavailable:
            lacking[arm.label] = str(unavailable)
    return tables, lacking


def _load(data: Items | str, chosen: Chosen) -> Dataset:
    if isinstance(data, str):
        return DATASETS[data](None)
    if data.criterion == WORDING and chosen.models:
        from imputers.llm.scoring.wording_states import mean_states

        model = chosen.models[0]
        name = f"{WORDING} to {short_name(model)}"
        return with_items(chosen.data, data.n, name, by_wording(mean_states(model)))
    return with_items(chosen.data, data.n, data.criterion, CRITERIA[data.criterion])


def _check_something_is_left(study: Study, lacking: Mapping[str, str]) -> None:
    """See that two arms of any contrast of the answer can run.

    Raises
    ------
    InputError
        If not, with all that is lacking.
    """
    if all(contrast.before in lacking or contrast.after in lacking for contrast in study.answers):
        reasons = "; ".join(dict.fromkeys(lacking.values()))
        raise InputError(f"suite {study.name!r}: nothing is left to compare; {reasons}")


def _result(arm: Arm, table: Dataset | None, lacking: str, records: Sequence[Record], chosen: Chosen) -> ArmResult:
    """An arm with the records of its folds, or with what went wrong in the first that is not done."""
    request = _without_places(arm.imputer, chosen)
    if table is None or lacking:
        return ArmResult(arm.label, "–" if table is None else table.title, request, (), lacking)
    own = [record for record in records if (record.dataset, record.imputer) == (table.title, arm.imputer)]
    lost = [f"{record.mechanism} {record.status}: {record.message.splitlines()[0]}" for record in own if record.message]
    told = _without_places("; ".join(lost[:1]), chosen)
    return ArmResult(arm.label, table.title, request, () if lost else tuple(own), told)


def _without_places(text: str, chosen: Chosen) -> str:
    """The text with the names of models in place of their folders, which mean nothing on another machine."""
    for model in chosen.models:
        text = text.replace(model, short_name(model)) if "/" in model else text
    return text


def _how(study: Study, chosen: Chosen, tables: Collection[Dataset]) -> list[Block]:
    """How a study was run."""
    given = [f"--model {short_name(model)}" for model in chosen.models]
    given += [f"--rows {chosen.rows}"] if chosen.rows is not None else []
    given += [f"--imputers {shlex.quote(','.join(chosen.imputers))}"] if chosen.imputers else []
    listed = "\n".join(
        f"- {table.title}: {len(table.values)} rows, {len(table.schema)} items; source "
        f"{table.origin.get('file', 'made by this package')}"
        for table in tables
    )
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    return [
        Verbatim(" ".join(["python -m benchmarks run --suite", study.name, *given])),
        f"Every arm fills the same cells: each target's observed cells are parted into {N_FOLDS} folds, by one shuffle "
        f"for all tables, and hidden fold by fold. {N_DRAWS} draws of each imputer.",
        f"Tables:\n\n{listed}",
        *([study.note] if study.note else []),
        f"Versions: {versions}.",
    ]
