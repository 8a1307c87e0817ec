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
FEW_ROWS = 500
IN_R = {"mice-pmm": "pmm", "mice-cart": "cart"}


@dataclass(frozen=True, eq=False)
class Advice:
    """What is recommended.

    Parameters
    ----------
    contest, inference, boards : what it rests on.
    name : the imputer; empty if none can be recommended.
    ties : those that cannot be told apart from it.
    refuted : those that the analysis rules out.
    draws : how many completed tables to make.
    """

    contest: Contest
    inference: Inference | None
    boards: Mapping[str, Board]
    name: str
    ties: tuple[str, ...]
    refuted: tuple[str, ...]
    draws: int


def advice_of(contest: Contest) -> Advice:
    """Choose: of the methods with random draws that the analysis does not refute, the best place on Distributions.

    Of methods that share it those come first that state proper draws, and of these the fastest is taken.
    """
    inference, boards = inference_of(contest), boards_of(contest)
    board = boards.get("distributions")
    refuted = () if inference is None else tuple(_refuted(inference))
    draws = LEAST_DRAWS
    if board is None or board.placed.empty:
        return Advice(contest, inference, boards, "", (), refuted, draws)
    known = contest.facts["imputers"]
    able = [name for name in board.placed.index if not known[name]["deterministic"] and name not in refuted]
    if not able:
        return Advice(contest, inference, boards, "", (), refuted, draws)
    rows = board.placed.loc[able]
    ties = list(rows.index[rows["place"] == rows["place"].min()])
    first = [name for name in ties if known[name]["proper"]] or ties
    name = str(rows.loc[first, "seconds"].idxmin())
    if inference is not None and name in inference.table.index:
        fmi = inference.table.loc[name, "fmi"]
        draws = LEAST_DRAWS if np.isnan(fmi) else max(LEAST_DRAWS, ceil(100 * fmi))
    return Advice(contest, inference, boards, name, tuple(tie for tie in ties if tie != name), refuted, draws)


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


def _refuted(found: Inference) -> list[str]:
    """Imputers that some mechanism shows to be biased or too sure."""
    return list(found.verdicts.index[found.verdicts.isin(REFUTED).any(axis=1)])


def _recommended(advice: Advice, about: Mapping[str, Any]) -> str:
    if not advice.name:
        ruled = [f"{names(advice.refuted)} are refuted for `{about['analysis']}`."] if advice.refuted else []
        least = [] if advice.inference is None else _least_biased(advice.inference, advice.contest.facts)
        return " ".join(
            ["**None can be recommended.**", *ruled, "No other method with random draws did all its masks.", *least]
        )
    facts = advice.contest.facts["imputers"][advice.name]
    seconds = advice.boards["distributions"].placed.loc[advice.name, "seconds"]
    told = [f"**Take {code(advice.name)}, with {advice.draws} draws.** {plain(facts['summary'])}"]
    if advice.ties:
        told.append(
            f"On this file it cannot be told apart from {names(advice.ties)}; it is "
            + ("the fastest of those with proper draws" if facts["proper"] else "the fastest")
            + f" ({seconds:.1f} s a table)."
        )
    else:
        told.append("On this file no other method that may be taken foresees hidden answers as well.")
    if not facts["proper"]:
        told.append("Its draws are not proper by its own account: intervals may come out too short.")
    if advice.refuted:
        told.append(f"For `{about['analysis']}` the masks rule out {names(advice.refuted)}.")
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
    worst = {who: next((v for v in REFUTED[::-1] if v in set(own)), "") for who, own in found.verdicts.iterrows()}
    told = [f"{what}: {names([w for w in worst if worst[w] == what])}" for what in REFUTED if what in worst.values()]
    spared = [who for who, what in worst.items() if not what]
    told += [f"not refuted: {names(spared)}"] if spared else []
    if name in found.table.index:
        told.append(_of_method(found, name))
    return "; ".join(told) + "."


def _of_method(found: Inference, name: str) -> str:
    row = found.table.loc[name]
    return (
        f"{code(name)} has its largest bias, {_signed(row['bias'])} ± {row['bias-error']:.2f} standard errors of the "
        f"complete table, for {plain(str(row['worst']))}, and covers {row['coverage']:.2f} ± "
        f"{row['coverage-error']:.2f}"
    )


def _least_biased(found: Inference, facts: Facts) -> list[str]:
    """Of methods with random draws the one with the smallest bias, for whoever must take one."""
    able = [who for who in found.table.index if not facts["imputers"][who]["deterministic"]]
    if not able:
        return []
    name = str(found.table.loc[able, "bias"].abs().idxmin())
    return [f"Least biased of those that were tried: {_of_method(found, name)}."]


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
        "Rule: of the methods with random draws that the analysis does not refute, the best place on Distributions "
        "and relations; of those that share it the ones that state proper draws, and of these the fastest. Draws: 20, "
        "or 100 × the fraction of missing information, of which the masks make more, where that is more (White, "
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
