"""The page of a recommendation: which imputer to take for one file and one analysis, what decided it, how to do it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from reports.boards import REPEAT, Board, Contest, boards_of, contest_of
from reports.facts import Facts, Manifest, board_facts
from reports.inference import ENOUGH, REFUTED, Inference, inference_of
from reports.page import Page, Section, Verbatim, plain
from reports.references import REFERENCES, SCORES
from reports.results import Record, lost, tidy
from reports.verdicts import board_verdict, code, names

LEAST_DRAWS = 20
NOMINAL, ERRORS = 0.95, 2.0  # coverage that is promised, and Monte-Carlo errors on either side of what was found
FEW_ROWS = 500
IN_R = {"mice-pmm": "pmm", "mice-cart": "cart"}


@dataclass(frozen=True, eq=False)
class Advice:
    """What is recommended.

    Parameters
    ----------
    contest, inference, boards : what it rests on.
    name : the imputer; empty if no method with random draws did its masks.
    ties : those that cannot be told apart from it.
    worse : those with random draws that are shown to serve the analysis worse than another.
    draws : how many completed tables to make.
    """

    contest: Contest
    inference: Inference | None
    boards: Mapping[str, Board]
    name: str
    ties: tuple[str, ...]
    worse: tuple[str, ...]
    draws: int


def advice_of(contest: Contest) -> Advice:
    """Choose: of the methods with random draws that are not shown to serve the analysis worse, the best place.

    The place is that on Distributions; of methods that share it those come first that state proper draws, and of these
    the least biased is taken, or without an analysis the fastest. A method is not passed over for being refuted: one
    whose masks scatter more would then win over one that is known to be less biased.
    """
    inference, boards = inference_of(contest), boards_of(contest)
    board = boards.get("distributions")
    draws, known = LEAST_DRAWS, contest.facts["imputers"]
    able = [] if board is None else [name for name in board.placed.index if not known[name]["deterministic"]]
    worse = () if inference is None else _shown_worse(inference, able)
    able = [name for name in able if name not in worse]
    if board is None or not able:
        return Advice(contest, inference, boards, "", (), worse, draws)
    rows = board.placed.loc[able]
    ties = list(rows.index[rows["place"] == rows["place"].min()])
    first = [name for name in ties if known[name]["proper"]] or ties
    judged = [] if inference is None else [tie for tie in first if tie in inference.table.index]
    if inference is not None and judged:
        name = str(inference.table.loc[judged, "bias"].abs().idxmin())
        fmi = inference.table.loc[name, "fmi"]
        draws = LEAST_DRAWS if np.isnan(fmi) else max(LEAST_DRAWS, ceil(100 * fmi))
    else:
        name = str(rows.loc[first, "seconds"].idxmin())
    return Advice(contest, inference, boards, name, tuple(tie for tie in ties if tie != name), worse, draws)


def recommendation_page(records: Sequence[Record], manifest: Manifest) -> tuple[Page, str]:
    """Compose the page of a file, and a Python script that does what it says; empty if nothing is recommended."""
    title = manifest["cells"][0]["dataset"]
    contest = contest_of(tidy(records), lost(records), board_facts(manifest, records, title))
    advice, about = advice_of(contest), manifest["about"]
    sections = [
        Section("Recommendation", (_recommended(advice, about), *_command(advice, about), _verdicts(advice))),
        Section("What this file cannot tell", (_limits(advice, about),)),
        Section("How it was tried", (_tried(contest, about),)),
    ]
    script = _script(advice, about) if advice.name else ""
    if advice.name:
        sections.insert(
            1, Section("Do it", ("`impute.py`, beside this page:", Verbatim(script), *_in_r(advice, about)))
        )
        sections.append(Section("For your methods section", _methods(advice, about)))
    boards = "The full tables, with intervals and costs: [leaderboard.md](leaderboard.md)."
    sections.append(Section("Boards", (boards,)))
    return Page(f"{about['file']}: which imputer to take", title, tuple(sections)), script


def _shown_worse(found: Inference, able: Sequence[str]) -> tuple[str, ...]:
    """Those of some imputers whose bias or coverage is worse than another's by more than two errors of either.

    What is left holds the best with high probability (Gupta 1965, Technometrics 7: subset selection).
    """
    known = found.table.loc[[name for name in able if name in found.table.index]]
    parts = ((known["bias"].abs(), known["bias-error"]), (NOMINAL - known["coverage"], known["coverage-error"]))
    least = [(size - ERRORS * error.fillna(0), (size + ERRORS * error.fillna(0)).min()) for size, error in parts]
    return tuple(known.index[np.any([low > bound for low, bound in least], axis=0)])


def _recommended(advice: Advice, about: Mapping[str, Any]) -> str:
    if not advice.name:
        return "**None can be recommended.** No method with random draws did all its masks."
    facts = advice.contest.facts["imputers"][advice.name]
    seconds = advice.boards["distributions"].placed.loc[advice.name, "seconds"]
    told = [f"**Take {code(advice.name)}, with {advice.draws} draws.** {plain(facts['summary'])}"]
    if advice.ties:
        told.append(
            f"On this file it cannot be told apart from {names(advice.ties)}; it is "
            + ("the least biased" if about["analysis"] else "the fastest")
            + (" of those with proper draws" if facts["proper"] else "")
            + f" ({seconds:.1f} s a table)."
        )
    else:
        told.append("On this file no other method that may be taken foresees hidden answers as well.")
    if not facts["proper"]:
        told.append("Its draws are not proper by its own account: intervals may come out too short.")
    if advice.worse:
        told.append(f"For `{about['analysis']}` the masks show {names(advice.worse)} to be worse.")
    refuted = _as_what(advice.inference).get(advice.name) if advice.inference else None
    if refuted:
        told.append(
            f"**Mind that the masks show it {refuted}, too**, by what is said below: they do not show that another "
            "that was tried would be better."
        )
    return " ".join(told)


def _command(advice: Advice, about: Mapping[str, Any]) -> list[Verbatim]:
    if not advice.name:
        return []
    files = [("schema", about["schema"]), *(("load", name) for name in about["load"])]
    schema = "".join(f" --{option} {shlex.quote(str(name))}" for option, name in files if name)
    return [
        Verbatim(
            f"python -m benchmarks impute {shlex.quote(str(about['file']))}{schema} "
            f"--imputer {shlex.quote(advice.name)} --draws {advice.draws} --out completed"
        )
    ]


def _verdicts(advice: Advice) -> str:
    lines = []
    if advice.inference is not None:
        lines.append(f"- **Inference** for this analysis: {_inference(advice.inference, advice.name)}")
    titles = {"distributions": "Distributions and relations", "values": "Values (one best answer for each hole)"}
    lines += [f"- **{titles[name]}**: {' '.join(board_verdict(board))}" for name, board in advice.boards.items()]
    return "\n".join(lines)


def _inference(found: Inference, name: str) -> str:
    """Whom the masks refute and as what, whom they do not, and what they say of the method that is recommended."""
    worst = _as_what(found)
    told = [f"{what}: {names([w for w in worst if worst[w] == what])}" for what in REFUTED if what in worst.values()]
    spared = [who for who, what in worst.items() if not what]
    told += [f"not refuted: {names(spared)}"] if spared else []
    if name in found.table.index:
        row = found.table.loc[name]
        told.append(
            f"{code(name)} has its largest bias, {_signed(row['bias'])} ± {row['bias-error']:.2f} standard errors "
            f"of the complete table, for {plain(str(row['worst']))}, and covers {row['coverage']:.2f} ± "
            f"{row['coverage-error']:.2f}"
        )
    return "; ".join(told) + "."


def _as_what(found: Inference) -> dict[str, str]:
    """As what the masks of some mechanism refute each imputer; empty for those they do not."""
    return {who: next((v for v in REFUTED[::-1] if v in set(own)), "") for who, own in found.verdicts.iterrows()}


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _limits(advice: Advice, about: Mapping[str, Any]) -> str:
    data, masks = advice.contest.facts["data"], _masks(advice.contest)
    lines = [
        "Masks hide answers that people gave. Whether those who kept silent would have answered otherwise than the "
        "model says is in no file; `python -m benchmarks sensitivity` shows how far an estimate would move.",
    ]
    floors = [f"{board.floor:.3f} on {name}" for name, board in advice.boards.items() if not np.isnan(board.floor)]
    if floors:
        lines.append(f"Gaps in skill below {' and '.join(floors)} are not told from zero.")
    if about["analysis"] and masks < ENOUGH:
        lines.append(
            f"{masks} masks of each kind can refute a method for this analysis, and show none valid; that takes "
            f"{ENOUGH}: give a longer --budget."
        )
    if not about["analysis"]:
        lines.append("No --analysis was given, so nothing was asked of intervals and bias of an estimate.")
    if data["rows"] < FEW_ROWS:
        lines.append(
            f"With {data['rows']} rows, what concerns rare answers or small groups is left open, whichever method wins."
        )
    return "\n".join(f"- {line}" for line in lines)


def _tried(contest: Contest, about: Mapping[str, Any]) -> str:
    facts, rate = contest.facts, contest.facts["cells"][0]["rate"]
    kinds = " and ".join(f"`{name}`" for name in dict.fromkeys(cell["mechanism"] for cell in facts["cells"]))
    run = [name for name in facts["imputers"] if REPEAT not in name]
    lines = [
        f"{facts['data']['rows']:,} of {about['rows']:,} rows × {facts['data']['columns']} columns; "
        f"in the whole file {about['silent']:,} cells were left blank by "
        "people who were asked.",
        f"{_masks(contest)} masks of each kind ({kinds}), {rate:.0%} of the observed cells of a column hidden; "
        f"{facts['draws']} draws each, in about {about['seconds']:g} seconds.",
        f"Methods: {', '.join(f'`{name}`' for name in run)}.",
        *(f"Left out: `{name}`, {plain(reason)}." for name, reason in sorted(about["left_out"].items())),
        *(f"Not used: `{name}`: {plain(reason)}" for name, reason in about["refused"].items()),
        "Rule: of the methods with random draws whose bias and coverage for the analysis are not shown to be worse "
        "than another's, by two Monte-Carlo errors of either (Gupta 1965), the best place on Distributions and "
        "relations; of those that share it the ones that state proper draws, and of these the least biased, or the "
        "fastest if there is no analysis. Draws: 20, or "
        "100 × the fraction of missing information, of which the masks make more, where that is more (White, "
        "Royston & Wood 2011).",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _masks(contest: Contest) -> int:
    """Masks of each kind."""
    return len({cell["seed"] for cell in contest.facts["cells"]})


def _script(advice: Advice, about: Mapping[str, Any]) -> str:
    schema = f'Path("{about["schema"]}")' if about["schema"] else "None"
    lines = [
        f'"""Complete {about["file"]} with {advice.name}, {advice.draws} draws."""',
        "",
        "from pathlib import Path",
        "",
        "from benchmarks.completion import complete_survey, write_completion",
        "from datasets.files.survey_file import read_survey_file",
    ]
    if about["load"]:
        lines.append("from datasets.registry import load_plugin")
    if about["analysis"]:
        lines += [
            "from metrics.design import Design",
            "from metrics.estimands import estimated, linear",
            "from metrics.pooling import pool",
        ]
    lines += [
        "",
        *(f"load_plugin(Path({name!r}))" for name in about["load"]),
        f"survey = read_survey_file(Path({str(about['file'])!r}), {schema})",
        f"completion = complete_survey(survey, {advice.name!r}, n_draws={advice.draws}, seed=1)",
        'write_completion(completion, survey, Path("completed"), "csv")',
    ]
    return "\n".join([*lines, *_pooling(advice, str(about["analysis"])), ""])


def _pooling(advice: Advice, analysis: str) -> list[str]:
    if not analysis:
        return []
    outcome, _, right = (part.strip() for part in analysis.partition("~"))
    covariates = [name.strip() for name in right.split("+")]
    return [
        "",
        f"# {analysis}: least squares with the errors of the survey's design, pooled by Rubin's rules",
        "dataset = survey.dataset",
        f"analysis, design = linear(dataset.schema, {outcome!r}, {covariates!r}), Design.of(dataset)",
        'draws = [table for name, table in completion.tables.items() if name.startswith("draw_")]',
        "found = [estimated(analysis, dataset.schema, table, design) for table in draws]",
        "pooled = pool([one.estimates for one in found], [one.variances for one in found], found[0].freedom)",
        "for name, estimate, low, high in zip(analysis.names, pooled.estimate, *pooled.interval(), strict=True):",
        '    print(f"{name}: {estimate:.3f} [{low:.3f}, {high:.3f}]")',
    ]


def _in_r(advice: Advice, about: Mapping[str, Any]) -> list[str | Verbatim]:
    """The same by R's mice, where it has the method."""
    method = IN_R.get(advice.name)
    if method is None:
        return []
    call = [
        "library(mice)",
        f'imputed <- mice(survey, m = {advice.draws}, method = "{method}", seed = 1)',
    ]
    if about["analysis"]:
        call.append(f"summary(pool(with(imputed, lm({about['analysis']}))), conf.int = TRUE)")
    return [
        "The same method in R, where `survey` is the file with missing codes as `NA` and unordered answers as factors:",
        Verbatim("\n".join(call)),
    ]


def _methods(advice: Advice, about: Mapping[str, Any]) -> tuple[str, ...]:
    facts = advice.contest.facts
    base = advice.name.partition("(")[0]
    own = REFERENCES.get(base)
    cited = f" ({own.short})" if own else ""
    version = facts["commit"][:12]
    how = ", ".join(f"{name} = {value}" for name, value in facts["imputers"][advice.name]["parameters"].items())
    judged = (
        f" and by bias and coverage of the coefficients of {about['analysis']} with the sample given (Vink & van "
        "Buuren 2014)"
        if about["analysis"]
        else ""
    )
    text = (
        f"Item nonresponse in {plain(str(about['file']))} ({about['silent']:,} cells of {about['rows']:,} "
        f"respondents) was multiply imputed, with {advice.draws} completed tables, by {code(advice.name)}{cited} as "
        f"implemented in imputation-benchmark (commit {version}; {how or 'no settings'}; seed 1). The method was "
        f"chosen among {_candidates(facts)} on {_masks(advice.contest)} masks of each kind "
        f"({', '.join(dict.fromkeys(cell['mechanism'] for cell in facts['cells']))}) of answers that had been given, "
        f"by the energy score of each respondent's hidden answers (Gneiting & Raftery 2007){judged}. Estimates from "
        "completed tables are pooled by Rubin's rules (Rubin 1987; Barnard & Rubin 1999)."
    )
    listed = sorted([*([own.full] if own else []), *SCORES])
    return text, "\n".join(f"- {line}" for line in listed)


def _candidates(facts: Facts) -> int:
    return len([name for name in facts["imputers"] if REPEAT not in name])
