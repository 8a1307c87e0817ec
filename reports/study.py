"""The page of a study: its question, the answer in a sentence, the arms and the contrasts between them."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from reports.contrasts import (
    YARDSTICKS,
    ArmResult,
    Contrast,
    Estimate,
    bracketed,
    corrected_interval,
    judged,
    per_fold,
    sentence,
)
from reports.facts import Manifest
from reports.page import Block, Cell, Grid, Head, Page, Section, Verbatim, grid
from reports.results import Record, collect

METHOD = (
    "Brackets are 95 % intervals: Student's t of one paired difference a fold, its variance times (1/k + test/train) "
    "in place of 1/k, as {k} folds share most of their training cells (Nadeau and Bengio 2003, Machine Learning 52). "
    "They cover which cells were hidden and the random numbers of the methods. They do not cover who was interviewed, "
    "other targets or surveys, other settings of the methods, or respondents who really kept silent: hidden cells are "
    "answered ones, hidden completely at random. Nor are they widened for being several."
)


def study_page(records: Sequence[Record], manifest: Manifest) -> Page:
    """Compose the page of a study; what it asks and compares is what `benchmarks.study.study` puts into ``about``."""
    about = manifest["about"]
    arms = [_result(arm, records, manifest) for arm in about["arms"]]
    answers, further = ([Contrast.of(known) for known in about[name]] for name in ("answers", "further"))
    how = _how(records, manifest)
    return answer_page(manifest["suite"], about["question"], arms, answers, further, about["test_share"], how)


def _result(arm: Mapping[str, str], records: Sequence[Record], manifest: Manifest) -> ArmResult:
    """An arm with the records of its folds, or with what went wrong in the first that is not done."""
    names = manifest["about"]["models"]
    request, table = _shortened(arm["imputer"], names), manifest["tables"].get(arm["table"], {})
    lacking = table.get("lacking", "")
    if lacking or "data" not in table:
        return ArmResult(arm["label"], "–", request, (), lacking)
    title = table["data"]["title"]
    own = [record for record in records if (record.dataset, record.imputer) == (title, arm["imputer"])]
    lost = [f"{record.mechanism} {record.status}: {record.message.splitlines()[0]}" for record in own if record.message]
    told = _shortened("; ".join(lost[:1]), names)
    return ArmResult(arm["label"], title, request, () if lost else tuple(own), told)


def _shortened(text: str, names: Mapping[str, str]) -> str:
    """The text with the names of models in place of their folders, which mean nothing on another machine."""
    for model, name in names.items():
        text = text.replace(model, name) if "/" in model else text
    return text


def _how(records: Sequence[Record], manifest: Manifest) -> list[Block]:
    """How a study was run."""
    about, made = manifest["about"], collect(records)
    tables = [table["data"] for table in manifest["tables"].values() if "data" in table]
    listed = "\n".join(
        f"- {data['title']}: {data['rows']} rows, {data['columns']} items; source {data['source']}" for data in tables
    )
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return [
        Verbatim(_shortened(manifest["command"], about["models"])),
        f"Arms on the same respondents fill the same cells: each target's observed cells are parted into "
        f"{1 / about['test_share']:.0f} folds, by one shuffle for all tables, and hidden fold by fold. "
        f"{manifest['draws']} draws of each imputer.",
        f"Tables:\n\n{listed}",
        *([about["note"]] if about["note"] else []),
        f"Versions: {versions}. Commit {made.commit}, on {made.machine}.",
    ]


def answer_page(
    title: str,
    question: str,
    arms: Sequence[ArmResult],
    answers: Sequence[Contrast],
    further: Sequence[Contrast],
    test_share: float,
    how: Sequence[Block],
) -> Page:
    """Compose the page that answers a question by contrasts between arms.

    Parameters
    ----------
    title : name of the study.
    arms : in the order of the page.
    answers, further : contrasts of the answer's sentence, and others for the grid.
    test_share : as in `corrected_interval`.
    how : what stands under how it was run.
    """
    by_label = {arm.label: arm for arm in arms}
    found = {contrast: judged(contrast, by_label, test_share) for contrast in (*answers, *further)}
    compared = [(contrast, estimate) for contrast in answers if (estimate := found[contrast]) is not None]
    yardsticks = [name for name in YARDSTICKS if any(name == contrast.yardstick for contrast in found)]
    folds = max((len(arm.records) for arm in arms), default=0)
    lost = [f"- {arm.label}: {' '.join(arm.lacking.split())}" for arm in arms if arm.lacking]
    answer: list[Block] = [f"**{question}**", sentence(compared)]
    answer += ["Not run, and so not compared:\n\n" + "\n".join(lost)] if lost else []
    sections = (
        Section("Answer", (*answer, METHOD.format(k=folds))),
        Section("Arms", (_arms_grid(arms, yardsticks, test_share),)),
        Section("Contrasts", (_contrasts_grid(found),)),
        Section("How it was run", tuple(how)),
    )
    return Page(f"{title}: {question}", title, sections)


def _arms_grid(arms: Sequence[ArmResult], yardsticks: Sequence[str], test_share: float) -> Grid:
    """A row an arm: each yardstick with its interval, its targets where it has several, seconds, what was run."""
    targets = {name: _targets(arms, name) for name in yardsticks}
    heads = [Head("arm", numeric=False)]
    for name in yardsticks:
        heads += [Head(f"{YARDSTICKS[name].name} [95 %]"), *(Head(f"{name}: {target}") for target in targets[name])]
    rows: list[tuple[Cell | str, ...]] = []
    for arm in arms:
        row: list[Cell] = []
        for name in yardsticks:
            row += [_score_cell(arm, name, test_share), *(_target_cell(arm, name, target) for target in targets[name])]
        seconds = [_seconds(record) for record in arm.records]
        row += [Cell(f"{fmean(seconds):.1f}", fmean(seconds)) if seconds else Cell("–")]
        rows.append((arm.label, *row, arm.data, arm.imputer))
    return grid([*heads, Head("seconds", "of one fold: fitting and drawing"), "data", "imputer"], rows)


def _targets(arms: Sequence[ArmResult], yardstick: str) -> list[str]:
    """Targets that a yardstick judges one by one, if there are several, in order of first appearance."""
    scores = [YARDSTICKS[yardstick].scores(record) for arm in arms for record in arm.records]
    names = dict.fromkeys(name for found in scores for name in found)
    return list(names) if len(names) > 1 else []


def _score_cell(arm: ArmResult, yardstick: str, test_share: float) -> Cell:
    scores = per_fold(arm, yardstick)
    if not scores:
        return Cell("–")
    estimate = corrected_interval(list(scores.values()), test_share)
    return Cell(bracketed(estimate, YARDSTICKS[yardstick].digits), estimate.value)


def _target_cell(arm: ArmResult, yardstick: str, target: str) -> Cell:
    found = [YARDSTICKS[yardstick].scores(record) for record in arm.records]
    scores = [score[target] for score in found if target in score]
    return Cell(f"{fmean(scores):.{YARDSTICKS[yardstick].digits}f}", fmean(scores)) if scores else Cell("–")


def _seconds(record: Record) -> float:
    return sum(value for metric, _, value in record.scores if metric in ("fit-seconds", "draw-seconds"))


def _contrasts_grid(found: Mapping[Contrast, Estimate | None]) -> Grid:
    head = Head("difference [95 %]", "after less before, fold by fold")
    rows = [_contrast_row(contrast, estimate) for contrast, estimate in found.items()]
    return grid(("change", "from", "to", "judged by", head, "verdict"), rows)


def _contrast_row(contrast: Contrast, estimate: Estimate | None) -> tuple[Cell | str, ...]:
    yardstick = YARDSTICKS[contrast.yardstick]
    before, after = (" less ".join(pair) for pair in zip(*contrast.pairs, strict=True))
    front = (contrast.change, before, after, yardstick.name)
    if estimate is None:
        return (*front, Cell("–"), "not run")
    better = (estimate.value < 0) == (yardstick.better == "lower")
    verdict = "cannot be told from chance" if estimate.uncertain else "better" if better else "worse"
    text = bracketed(estimate, yardstick.digits, sign="+")
    return (*front, Cell(text, estimate.value), Cell(verdict, verdict, strong=not estimate.uncertain))
