"""The page of a study: its question, the answer in a sentence, the arms and the contrasts between them."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from reports.contrasts import (
    YARDSTICKS,
    ArmResult,
    Contrast,
    Estimate,
    bracketed,
    corrected_interval,
    difference,
    per_fold,
    sentence,
)
from reports.page import Block, Cell, Grid, Head, Page, Section

if TYPE_CHECKING:
    from reports.results import Record

METHOD = (
    "Brackets are 95 % intervals: Student's t of one paired difference a fold, its variance times (1/k + test/train) "
    "in place of 1/k, as {k} folds share most of their training cells (Nadeau and Bengio 2003, Machine Learning 52). "
    "They cover which cells were hidden and the random numbers of the methods. They do not cover who was interviewed, "
    "other targets or surveys, other settings of the methods, or respondents who really kept silent: hidden cells are "
    "answered ones, hidden completely at random. Nor are they widened for being several."
)


def study_page(
    title: str,
    question: str,
    arms: Sequence[ArmResult],
    answers: Sequence[Contrast],
    further: Sequence[Contrast],
    test_share: float,
    how: Sequence[Block],
) -> Page:
    """Compose the page of a study.

    Parameters
    ----------
    title : name of the study.
    arms : in the order of the page.
    answers, further : contrasts of the answer's sentence, and others for the grid.
    test_share : as in `corrected_interval`.
    how : what stands under how it was run.
    """
    by_label = {arm.label: arm for arm in arms}
    found = {
        contrast: difference(by_label[contrast.before], by_label[contrast.after], contrast.yardstick, test_share)
        for contrast in (*answers, *further)
    }
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
    heads += [
        Head("seconds", "of one fold: fitting and drawing"),
        *(Head(t, numeric=False) for t in ("data", "imputer")),
    ]
    rows = []
    for arm in arms:
        row = [Cell(arm.label, arm.label)]
        for name in yardsticks:
            row += [_score_cell(arm, name, test_share), *(_target_cell(arm, name, target) for target in targets[name])]
        seconds = [_seconds(record) for record in arm.records]
        row += [Cell(f"{fmean(seconds):.1f}", fmean(seconds)) if seconds else Cell("–")]
        rows.append((*row, Cell(arm.data, arm.data), Cell(arm.imputer, arm.imputer)))
    return Grid(tuple(heads), tuple(rows))


def _targets(arms: Sequence[ArmResult], yardstick: str) -> list[str]:
    """Targets that a yardstick judges one by one, if there are several, in order of first appearance."""
    scores = [YARDSTICKS[yardstick].scores(record) for arm in arms for record in arm.records]
    names = dict.fromkeys(name for found in scores for name in found)
    return list(names) if len(names) > 1 else []


def _score_cell(arm: ArmResult, yardstick: str, test_share: float) -> Cell:
    scores = per_fold(arm, yardstick)
    if not scores:
        return Cell("–")
    estimate = corrected_interval(scores, test_share)
    return Cell(bracketed(estimate, YARDSTICKS[yardstick].digits), estimate.value)


def _target_cell(arm: ArmResult, yardstick: str, target: str) -> Cell:
    found = [YARDSTICKS[yardstick].scores(record) for record in arm.records]
    scores = [score[target] for score in found if target in score]
    return Cell(f"{fmean(scores):.{YARDSTICKS[yardstick].digits}f}", fmean(scores)) if scores else Cell("–")


def _seconds(record: "Record") -> float:
    return sum(value for metric, _, value in record.scores if metric in ("fit-seconds", "draw-seconds"))


def _contrasts_grid(found: Mapping[Contrast, Estimate | None]) -> Grid:
    texts = ("change", "from", "to", "judged by")
    heads = [Head(text, numeric=False) for text in texts]
    heads += [Head("difference [95 %]", "after less before, fold by fold"), Head("verdict", numeric=False)]
    return Grid(tuple(heads), tuple(_contrast_row(contrast, estimate) for contrast, estimate in found.items()))


def _contrast_row(contrast: Contrast, estimate: Estimate | None) -> tuple[Cell, ...]:
    yardstick = YARDSTICKS[contrast.yardstick]
    front = [Cell(t, t) for t in (contrast.change, contrast.before, contrast.after, yardstick.name)]
    if estimate is None:
        return (*front, Cell("–"), Cell("not run", "not run"))
    better = (estimate.value < 0) == (yardstick.better == "lower")
    verdict = "cannot be told from chance" if estimate.uncertain else "better" if better else "worse"
    text = bracketed(estimate, yardstick.digits, sign="+")
    return (*front, Cell(text, estimate.value), Cell(verdict, verdict, strong=not estimate.uncertain))
