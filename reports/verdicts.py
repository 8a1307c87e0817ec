"""Verdicts: at most three sentences for each purpose, none of which compares what lies below the resolution floor."""

from collections.abc import Sequence

import numpy as np

from reports.boards import Board
from reports.inference import Inference
from reports.page import plain

FEW = 6  # names in a sentence; of more, their number is told
ORACLE = "oracle"


def board_verdict(board: Board) -> list[str]:
    """What a board that is ordered by a score says: who is best, who is worse than no model, what nobody can beat."""
    placed = board.placed.drop(index=ORACLE, errors="ignore")
    if placed.empty:
        return ["No method has all the scores that order this board."]
    if np.isnan(board.floor):
        return ["One mask and no clusters of respondents: nothing here can be told apart."]
    return [_best(board), *_poor(board), *_ceiling(board)]


def inference_verdict(found: Inference) -> list[str]:
    """What the board Inference says: of the mechanism that refutes the fewest methods, and of the one with the most."""
    refuted = {setting: found.refuted(setting) for setting in found.verdicts}
    mild, harsh = (pick(refuted, key=lambda name: len(refuted[name])) for pick in (min, max))
    own = found.verdicts[mild]
    valid, clean = (list(own.index[own == verdict]) for verdict in ("valid", "untested"))
    told = [f"Valid under {plain(mild)}: {names(valid)}."] if valid else []
    if clean:
        one = found.masks == 1
        masks, refute = ("One mask", "it does") if one else (f"{found.masks} masks", "they do")
        told.append(
            f"{masks} of one sample {'is' if one else 'are'} too few to show a method valid; under {plain(mild)} "
            f"{refute} not refute {names(clean)}."
        )
    shown = {verdict: list(own.index[own == verdict]) for verdict in ("biased", "too sure")}
    refusals = [f"{verdict}: {names(who)}" for verdict, who in shown.items() if who]
    if refusals:
        told.append(f"Under {plain(mild)}, {'; '.join(refusals)}.")
    if len(refuted[harsh]) > len(refuted[mild]):
        biased = int((found.verdicts[harsh] == "biased").sum())
        told.append(
            f"Under {plain(harsh)}, {len(refuted[harsh])} of {len(own)} are refuted, {biased} of them as biased."
        )
    return told[:3]


def names(found: Sequence[str]) -> str:
    """Names in a sentence; of many, the first of them and how many more."""
    shown = [code(name) for name in found[:FEW]]
    if len(found) > FEW:
        return f"{', '.join(shown)} and {len(found) - FEW} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def code(name: str) -> str:
    """A name as code."""
    return f"`{name.replace('`', '')}`"


def _best(board: Board) -> str:
    table = board.placed.drop(index=ORACLE, errors="ignore")
    first = list(table.index[table["place"] == table["place"].iloc[0]])
    scores = table.loc[first, "score"]
    if len(first) > 1:
        ends = list(dict.fromkeys([_number(scores.min()), _number(scores.max())]))
        return f"{names(first)} cannot be told apart from the best: skill {' to '.join(ends)}."
    best = table.loc[first[0]]
    told = f"{code(first[0])} is best: skill {_number(best['score'])} [{_number(best['low'])}, {_number(best['high'])}]"
    lead = best["score"] - table["score"].iloc[1] if len(table) > 1 else 0
    if lead > board.floor:
        return f"{told}, {_number(lead)} ahead of {code(table.index[1])}."
    return f"{told}."


def _poor(board: Board) -> list[str]:
    """Methods that do worse than the items' own marginals, beyond the resolution floor."""
    poor = board.placed[board.placed["score"] < -board.floor]
    if poor.empty:
        return []
    verb = "does" if len(poor) == 1 else "do"
    return [f"{names(list(poor.index))} {verb} worse than answers drawn from each item's own distribution."]


def _ceiling(board: Board) -> list[str]:
    """How near the best come to the oracle, where there is one."""
    if ORACLE not in board.placed.index or len(board.placed) < 2:
        return []
    top, best = board.placed.loc[ORACLE, "score"], board.placed.drop(index=ORACLE)["score"].max()
    gap = f"the best reach {_number(best)}" if top - best > board.floor else "the best cannot be told from it"
    return [f"Who knows the population's law has {_number(top)}; {gap}."]


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
