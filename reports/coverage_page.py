"""The page of inference: verdicts on every method, why they can be trusted, and the estimands that decide them."""

from collections.abc import Sequence
from itertools import product
from math import isfinite

import numpy as np
import pandas as pd

from reports.coverage import (
    BIASED,
    ENOUGH,
    REFUTED,
    SLIGHT,
    SURE,
    UNTESTED,
    VALID,
    by_law,
    combined,
    complete,
    judged,
    method_verdicts,
    smallest_told,
)
from reports.facts import Manifest
from reports.page import Block, Cell, Grid, Head, Page, Section, Verbatim, Views, grid
from reports.results import Record, collect
from reports.verdicts import names

NORMAL_THEORY, NORMAL, IGNORABLE = "gaussian-em", "Gaussian", ("mcar", "mar")  # where it must be valid
RULES = f"""\
All tests of bias of a method together have a level of 5 %, and so have those of coverage (Holm 1979): over estimands,
mechanisms and populations.

- **biased**: the pooled estimate of an estimand differs from that before masking beyond chance, and by {SLIGHT:g}
  standard errors of the complete table at least, which take 0.4 points off a coverage of 95 %;
- **too sure**: intervals of an estimand hold the population's value in less than 95 % of the replicates beyond chance
  (exact binomial test);
- **untested**: not run, fewer than {ENOUGH} replicates, or an estimand that complete tables fail to cover;
- **valid**: every other estimand. Nothing was found by so many replicates, which is not that nothing is there."""
PROOF = """\
Complete tables and the oracle are tested on both sides. The oracle knows the law and estimates nothing, so that the
variance of its estimates is Ū − (1 − 1/m) B and the one by Rubin's rules is too wide (Meng 1994). Its rows must be
independent, so that it proves nothing on a clustered sample. `gaussian-em` is right where its model is."""
HEADS = {
    "coverage": Head(
        "coverage", "Share of 95 % intervals by Rubin's rules that hold the population's value; mean over estimands."
    ),
    "lowest": Head("lowest", "Coverage of the estimand that is covered least, with its Monte-Carlo standard error."),
    "bias": Head(
        "largest bias", "Of the pooled estimate, in standard errors of the complete table, with its Monte-Carlo error."
    ),
    "ratio": Head("SE ratio", "Standard error as stated over the true one; below 1 is too sure. Mean over estimands."),
    "width": Head("width", "Interval over that of the complete table; mean over estimands."),
    "fmi": Head("FMI", "Fraction of missing information as the draws state it; mean over estimands."),
}


def inference_page(records: Sequence[Record], manifest: Manifest) -> Page:
    """Compose the page of a suite of replicates; what its tables are samples of stands in ``about["designs"]``."""
    about = manifest["about"]
    titles = {t["data"]["title"]: about["designs"][name] for name, t in manifest["tables"].items() if "data" in t}
    found = combined([record for record in records if record.status == "done"], titles)
    rows = judged(found)
    sections = [
        Section("May the completed tables be analysed?", (*_verdicts(rows, manifest), RULES, _resolution(rows))),
        Section("Is the machinery right?", (_proof(found, rows, manifest), PROOF)),
        Section("Kinds of estimands", _kinds(rows, _places(rows, manifest))),
        Section("Estimands that refute a method", (_refuting(rows),)),
        Section("The survey itself, where the sample is given", _given(found, about["survey"])),
        Section("How it was run", tuple(_how(records, manifest))),
    ]
    return Page("Inference: may the completed tables be analysed?", "inference", tuple(sections))


def _verdicts(rows: pd.DataFrame, manifest: Manifest) -> list[Block]:
    """Verdicts of every method, those that the fewest refute first; what failed."""
    verdicts = method_verdicts(rows)
    places = _places(rows, manifest)
    methods = {**dict.fromkeys(_order(rows, verdicts)), **dict.fromkeys(cell["imputer"] for cell in manifest["cells"])}
    heads = ["imputer", *(f"{design}, {setting}" for design, setting in places)]
    shown: list[tuple[Cell | str, ...]]
    shown = [(name, *(_verdict(rows, verdicts, name, *place) for place in places)) for name in methods]
    told = "In brackets the lowest coverage, and after a slash the largest bias, of an estimand."
    rows_each = manifest["about"].get("rows")
    if rows_each:
        told += f" Samples, and the survey where it is given, are thinned to {rows_each:,} respondents."
    untested = manifest["about"].get("untested", ())
    if untested:
        told += f" Untested, and in no suite of replicates for what a sample would take them: {names(untested)}."
    return [grid(heads, shown), told]


def _verdict(rows: pd.DataFrame, verdicts: pd.DataFrame, imputer: str, design: str, setting: str) -> Cell:
    own = rows[(rows["imputer"] == imputer) & (rows["design"] == design) & (rows["setting"] == setting)]
    if own.empty:
        return Cell(UNTESTED, UNTESTED)
    word = str(verdicts.at[imputer, (design, setting)])
    worst = own.loc[own["bias"].abs().idxmax(), "bias"]
    return Cell(f"{word} ({_share(own['coverage'].min())} / {_signed(worst)})", word, strong=word in REFUTED)


def _order(rows: pd.DataFrame, verdicts: pd.DataFrame) -> list[str]:
    """Methods by how many verdicts refute them, then by the width of their intervals."""
    if rows.empty:
        return []
    refuted = verdicts.isin(REFUTED).sum(axis=1)
    width = rows.groupby("imputer")["relative-width"].mean()
    return sorted(verdicts.index, key=lambda name: (refuted[name], width[name], name))


def _places(rows: pd.DataFrame, manifest: Manifest) -> list[tuple[str, str]]:
    """Populations and mechanisms that have been run, in the order of the suite."""
    there = {*zip(rows["design"], rows["setting"], strict=True)}
    designs = dict.fromkeys(manifest["about"]["designs"].values())
    settings = dict.fromkeys(cell["setting"] for cell in manifest["cells"])
    return [place for place in product(designs, settings) if place in there]


def _resolution(rows: pd.DataFrame) -> str:
    """What so many replicates can tell."""
    if rows.empty:
        return "No replicate of a known population has been analysed."
    told = []
    for replicates, own in sorted(rows.groupby("replicates"), reverse=True):
        least = smallest_told(int(replicates), int(own.groupby("imputer").size().max()))
        told.append(f"{_share(least) if isfinite(least) else 'none'} with {replicates:.0f}")
    return (
        "Coverage that is told from .95 with a power of 80 %, among all tests of a method, by number of replicates: "
        f"{', '.join(told[:3])}."
    )


def _proof(found: pd.DataFrame, rows: pd.DataFrame, manifest: Manifest) -> Grid:
    """Checks of the machinery: what must cover does, what must fail is seen to fail."""
    checks = [("complete tables", design, *_chance(own)) for design, own in complete(found).groupby("design")]
    law = by_law(found)
    law = law[law["design"].isin(manifest["about"]["independent"])]
    checks += [
        ("oracle, exact variance", f"{design}, {setting}", *_chance(own))
        for (design, setting), own in law.groupby(["design", "setting"])
    ]
    verdicts = method_verdicts(rows)
    wanted = {NORMAL_THEORY: (VALID,), **dict.fromkeys(manifest["about"]["failing"], REFUTED)}
    for name, design, setting in rows[["imputer", "design", "setting"]].drop_duplicates().itertuples(index=False):
        if name in wanted and (name != NORMAL_THEORY or (design == NORMAL and setting in IGNORABLE)):
            word = verdicts.at[name, (design, setting)]
            verdict = "pass" if word in wanted[name] else UNTESTED if word == UNTESTED else "miss"
            checks.append((name, f"{design}, {setting}", f"wanted {' or '.join(wanted[name])}, found {word}", verdict))
    shown = [
        (who, where, told, Cell(verdict, verdict, strong=verdict == "miss")) for who, where, told, verdict in checks
    ]
    return grid(["what", "where", "found", "verdict"], shown)


def _chance(own: pd.DataFrame) -> tuple[str, str]:
    """Mean and range of coverages, the estimands beyond chance, and whether there are none."""
    beyond = own[~own["inside"]]
    named = [f"{name} {_share(value)}" for name, value in zip(beyond["estimand"], beyond["coverage"], strict=True)]
    low, high = (_share(own["coverage"].agg(which)) for which in ("min", "max"))
    told = f"mean {_share(own['coverage'].mean(), 4)}, {low} to {high} over {len(own)} estimands, "
    told += f"{own['replicates'].max():.0f} replicates"
    return told + (f"; beyond chance: {', '.join(named)}" if named else ""), "miss" if named else "pass"


def _kinds(rows: pd.DataFrame, places: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    """Coverage, bias and errors by kind of estimand; a view for each population and mechanism."""
    views = []
    for design, setting in places:
        own = rows[(rows["design"] == design) & (rows["setting"] == setting)]
        shown = [_kind_row(name, kind, part) for (name, kind), part in own.groupby(["imputer", "kind"], sort=False)]
        views.append((f"{design}, {setting}", grid(["imputer", "estimands", *HEADS.values()], shown)))
    return (Views("population and mechanism", tuple(views)),) if views else ()


def _kind_row(imputer: str, kind: str, own: pd.DataFrame) -> tuple[Cell | str, ...]:
    lowest, worst = own.loc[own["coverage"].idxmin()], own.loc[own["bias"].abs().idxmax()]
    return (
        imputer,
        f"{kind} ({len(own)})",
        _number(own["coverage"].mean(), _share(own["coverage"].mean())),
        _number(lowest["coverage"], f"{_share(lowest['coverage'])} ({_share(lowest['coverage-error'])})"),
        _number(abs(worst["bias"]), f"{_signed(worst['bias'])} ({worst['bias-error']:.2f})"),
        _number(own["se-ratio"].mean(), f"{own['se-ratio'].mean():.2f}"),
        _number(own["relative-width"].mean(), f"{own['relative-width'].mean():.2f}"),
        _number(own["fmi"].mean(), _share(own["fmi"].mean())),
    )


def _refuting(rows: pd.DataFrame) -> Block:
    """Of each method, population and mechanism the estimands that are biased or too sure, worst first."""
    bad = rows[rows["verdict"].isin(REFUTED)]
    if bad.empty:
        return "None."
    heads: list[Head | str] = [
        "imputer",
        "population",
        "mechanism",
        "biased",
        "too sure",
        "furthest off",
        "covered least",
    ]
    shown = []
    for (imputer, design, setting), own in bad.groupby(["imputer", "design", "setting"]):
        counts = [Cell(str(n), n) for n in ((own["verdict"] == word).sum() for word in (BIASED, SURE))]
        off, low = own.loc[own["bias"].abs().idxmax()], own.loc[own["coverage"].idxmin()]
        told = f"{off['estimand']}: {_signed(off['bias'])} ({off['bias-error']:.2f})"
        held = f"{low['estimand']}: {_share(low['coverage'])} ({_share(low['coverage-error'])})"
        shown.append((imputer, design, setting, *counts, told, held))
    heads[3:5] = [Head("biased"), Head("too sure")]
    return grid(heads, shown)


def _given(found: pd.DataFrame, survey: str) -> tuple[Block, ...]:
    """Coverage of the estimate before masking, by T = (1 + 1/m) B."""
    own = found[found["design"] == survey]
    if own.empty:
        return ("Not run: the survey's file is not there, or it was not asked for.",)
    heads: list[Head | str] = [
        "imputer",
        "mechanism",
        Head("masks"),
        Head("coverage", "Share of intervals that hold the estimate before masking; mean over estimands."),
        Head("lowest", "Of the estimand that is covered least."),
        Head("largest bias", "In design-based standard errors of the complete table, with its Monte-Carlo error."),
        Head("width", "Interval over that of the complete table; mean over estimands. Equal draws have none."),
    ]
    shown = []
    for (imputer, setting), part in own.groupby(["imputer", "setting"]):
        scale = np.sqrt(part["complete-variance"])
        bias, width = part["shift"] / scale, (part["sample-width"] / (2 * 1.96 * scale)).mean()
        noise = np.sqrt((part["shift-square"] - part["shift"] ** 2).clip(lower=0) / (part["replicates"] - 1)) / scale
        at, held = bias.abs().idxmax(), part["sample-coverage"]
        error = np.sqrt(held.min() * (1 - held.min()) / part["replicates"].max())
        lowest = f"{_share(held.min())} ({_share(error)})"
        largest = f"{_signed(bias[at])} ({noise[at]:.2f}), {part.at[at, 'estimand']}"
        shown.append((
            imputer, setting, _number(part["replicates"].max(), f"{part['replicates'].max():.0f}"),
            _number(held.mean(), _share(held.mean())), _number(held.min(), lowest),
            _number(abs(bias[at]), largest), _number(width, f"{width:.2f}"),
        ))  # fmt: skip
    told = (
        "The sample is fixed and masks alone repeat, so the variance of a pooled estimate is (1 + 1/m) B with m - 1 "
        "degrees of freedom, and what is to be held is the estimate before masking, with the survey's weights, strata "
        "and primary sampling units (Vink & van Buuren 2014). It says nothing of the sampling error, and no verdict "
        "rests on it."
    )
    return told, grid(heads, shown)


def _how(records: Sequence[Record], manifest: Manifest) -> list[Block]:
    made = collect(records)
    lost = [f"{r.imputer} on {r.dataset}, {r.mechanism}: {r.message.splitlines()[0]}" for r in records if r.message]
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return [
        Verbatim(manifest["command"]),
        f"{manifest['draws']} draws of each imputer. Estimates are pooled by Rubin's rules with the degrees of freedom "
        "of Barnard & Rubin (1999), shares as logits and correlations as Fisher's z; standard errors are by Taylor "
        "linearisation.",
        *(["Not done, and so left out:\n\n" + "\n".join(f"- {line}" for line in dict.fromkeys(lost))] if lost else []),
        f"Versions: {versions}. Commit {made.commit}, on {made.machine}.",
    ]


def _number(value: float, text: str) -> Cell:
    return Cell("–" if np.isnan(value) else text, None if np.isnan(value) else float(value))


def _share(value: float, digits: int = 3) -> str:
    """A number from 0 to 1 without its leading zero."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if value < 1 else text


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
