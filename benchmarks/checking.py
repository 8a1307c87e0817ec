"""Checking an imputer: each rule of the contract in a fresh process with limits."""

import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer
from rich.console import Console

from benchmarks.commands.plugins import load_plugins
from benchmarks.isolation import End, Outcome, apart, fork_server
from benchmarks.processes import Limits
from datasets.errors import InputError
from datasets.schema import Floats, Schema
from imputers.threads import ONE_THREAD, variables

if TYPE_CHECKING:
    from imputers.base import Imputer
    from imputers.conformance import Check

PRELOADED = ("benchmarks.worker", "sklearn.linear_model", "sklearn.tree", "scipy.stats", "lightgbm", "torch")
UNSEEN = "predicts the same where nobody checks"
Judge = Callable[[Limits, BaseContext], Outcome]


def check_imputer(name: str, files: tuple[Path, ...], limits: Limits, console: Console) -> None:
    """Apply every rule to an imputer and tell each verdict; exit with status 1 if one is broken.

    Parameters
    ----------
    name : as registered.
    files : that register it, with whole paths: each process has a working folder of its own.
    limits : of each rule.
    console : told to.

    Raises
    ------
    InputError
        If there is no such imputer, or a file cannot be loaded.
    """
    from imputers.conformance import CHECKS, ISOLATED, example_table

    find = partial(_imputer, name, files)
    with fork_server(preloaded(), ONE_THREAD | {"PYTHONHASHSEED": "1"}) as forks:
        found = apart(partial(_registered, name, files), limits, forks)
        if found.end is End.DONE and found.message:
            raise InputError(found.message)
        ends = {"can be loaded": found}
        _tell(console, "can be loaded", found)
        if found.end is End.DONE:
            judged = {rule.__name__.replace("_", " "): partial(_judge, rule, find) for rule in CHECKS}
            judged[UNSEEN] = partial(_unseen, find, *example_table())
            judged |= {rule.__name__.replace("_", " "): partial(_judge, rule, find) for rule in ISOLATED}
            for title, judge in judged.items():
                ends[title] = _applied(judge, ends, limits, forks)
                _tell(console, title, ends[title])
    _conclude(console, name, ends)


def preloaded() -> tuple[str, ...]:
    """Modules that every process of a check would import: slow libraries, rules, and all that is registered."""
    from benchmarks.suites import SUITES
    from datasets import DATASETS
    from datasets.mechanisms import MECHANISMS
    from imputers import IMPUTERS
    from metrics import METRICS

    registered = frozenset().union(*(each.modules for each in (IMPUTERS, METRICS, MECHANISMS, DATASETS, SUITES)))
    return (*PRELOADED, "imputers.conformance", __name__, *sorted(registered))


def _applied(judge: Judge, ends: dict[str, Outcome], limits: Limits, forks: BaseContext) -> Outcome:
    """Apply a rule, unless one before ran out of time, as all others would.

    What is lacking on this machine was lacking for the first rule, too: later on it is an excuse.
    """
    before = [outcome.end for outcome in ends.values()]
    if End.OVER_TIME in before:
        return Outcome(End.UNAVAILABLE, "a rule before took longer than --time-limit")
    outcome = judge(limits, forks)
    if outcome.end is End.UNAVAILABLE and before[1:2] == [End.DONE]:
        return Outcome(End.FAILED, f"what it lacks here was not lacking before: {outcome.message}")
    return outcome


def _tell(console: Console, title: str, outcome: Outcome) -> None:
    shown = {End.DONE: "[green]pass[/green]", End.UNAVAILABLE: "[yellow]skip[/yellow]"}
    console.print(shown.get(outcome.end, "[red]FAIL[/red]"), title)
    if outcome.end not in shown:
        console.print(f"     {outcome.message}", markup=False, highlight=False)


def _conclude(console: Console, name: str, ends: dict[str, Outcome]) -> None:
    lacking = [outcome.message for outcome in ends.values() if outcome.end is End.UNAVAILABLE]
    kept = sum(outcome.end is End.DONE for outcome in ends.values())
    console.print(f"{name}: {kept} of {len(ends)} rules kept", markup=False)
    if lacking:
        console.print(f"{len(lacking)} not checked: {lacking[0]}", markup=False, highlight=False)
    if kept + len(lacking) < len(ends):
        raise typer.Exit(1)


def _imputer(name: str, files: tuple[Path, ...]) -> "type[Imputer]":
    from imputers import IMPUTERS

    load_plugins(list(files))
    return IMPUTERS[IMPUTERS.check(name)]


def _registered(name: str, files: tuple[Path, ...]) -> str:
    """What is wrong with the request: no such file, or no such name; empty if nothing is."""
    try:
        _imputer(name, files)
    except InputError as error:
        return str(error)
    return ""


def _judge(rule: "Check", find: Callable[[], "type[Imputer]"], limits: Limits, forks: BaseContext) -> Outcome:
    outcome = apart(partial(_broken, rule, find), limits, forks)
    return Outcome(End.FAILED, outcome.message) if outcome.end is End.DONE and outcome.message else outcome


def _broken(rule: "Check", find: Callable[[], "type[Imputer]"]) -> str:
    """How an imputer broke a rule; empty if it kept it."""
    from imputers.conformance import ConformanceError

    try:
        rule(find())
    except ConformanceError as broken:
        return str(broken)
    return ""


def _unseen(
    find: Callable[[], "type[Imputer]"], schema: Schema, X: Floats, limits: Limits, forks: BaseContext
) -> Outcome:
    """Compare the prediction of a check with that of a process that looks like no check.

    The second process has another hash seed and other global generators, and none of the code that checks is among
    the callers of the imputer.
    """
    seen = apart(partial(_fingerprint, find, schema, X), limits, forks)
    with variables({"PYTHONHASHSEED": "2"}):
        other = apart(partial(_fingerprint_elsewhere, find, schema, X), limits, get_context("spawn"))
    if End.DONE not in {seen.end} & {other.end}:
        return other if seen.end is End.DONE else seen
    if seen.message != other.message:
        told = "another process, with another hash seed, other global generators and no check, got another prediction"
        return Outcome(End.FAILED, told)
    return seen


def _fingerprint(find: Callable[[], "type[Imputer]"], schema: Schema, X: Floats) -> str:
    from imputers.conformance.rule import fingerprint, predict

    return fingerprint(predict(find(), X, schema))


def _fingerprint_elsewhere(find: Callable[[], "type[Imputer]"], schema: Schema, X: Floats) -> str:
    make = find()
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002 - what a method may not depend on
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(2)
    with ThreadPoolExecutor(1) as thread:  # whose first caller is the imputer's own method
        imputer = thread.submit(make().fit, X, schema=schema, random_state=1).result()
        prediction = thread.submit(imputer.impute, X, n_draws=3).result()
    from imputers.conformance.rule import fingerprint

    return fingerprint(prediction)
