"""A made-up experiment for the reports: invented methods of known quality, and all that must be told about them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from datasets.mechanisms import setting
from reports.facts import Facts
from reports.results import Record

NOMINAL = ["marital", "wrkstat", "relig", "cappun", "vote20"]
TARGETS = ["income16", "educ", "letin1a", "finrela", "marhomo"]
ORDERED = [
    *TARGETS,
    "degree",
    "childs",
    "class",
    "satfin",
    "health",
    "happy",
    "attend",
    "partyid",
    "polviews",
    "homosex",
]
METRICS = {
    "draw-accuracy": ("higher", 1, 0, 1, "fills", NOMINAL),
    "draw-rmse": ("lower", 0, 0, "inf", "fills", ORDERED),
    "log-score": ("lower", 0, 0, "inf", "probabilities", NOMINAL),
    "pooled-correlation-error": ("lower", 0, 0, "inf", "moments", ["(table)"]),
    "row-energy-skill": ("higher", 1, "-inf", 1, "fills", ["(table)"]),
    "value-skill": ("higher", 1, "-inf", 1, "fills", ["(table)"]),
    "variance-ratio": ("1", 1, 0, "inf", "fills", ORDERED),
}
HEADLINES = {  # title, place, kinds, board, whether it orders it
    "row-energy-skill": ("skill", 1, [], "distributions", True),
    "pooled-correlation-error": ("correlation error", 2, [], "distributions", False),
    "variance-ratio": ("variance ratio", 3, ["ordinal", "numeric"], "distributions", False),
    "value-skill": ("skill", 1, [], "values", True),
    "draw-rmse": ("RMSE", 2, ["ordinal", "numeric"], "values", False),
    "draw-accuracy": ("accuracy", 3, ["nominal", "text"], "values", False),
    "log-score": ("log score", 4, ["nominal", "ordinal"], "values", False),
}
INFLUENCED = ("row-energy-skill", "value-skill")
STRATA = [0, 0, 1, 1, 2, 2, 3, 3]
PAIRS = [f"{a}~{b}" for i, a in enumerate(TARGETS) for b in TARGETS[i:]]
Experiment = tuple[list[Record], Facts, list[dict]]


def invented_facts(imputers: Sequence[str], mechanisms: Sequence[str], rates: Sequence[float], seeds: int) -> Facts:
    columns = {
        name: {"kind": "nominal" if name in NOMINAL else "ordinal", "role": "target" if name in TARGETS else "item"}
        for name in [*ORDERED, *NOMINAL]
    }
    metrics = {
        name: dict(zip(("better", "best", "low", "high", "reads"), known[:5], strict=True))
        | {"trivial": "that of the mode | mean", "summary": f"What {name} says in one plain sentence."}
        for name, known in METRICS.items()
    }
    for name, known in HEADLINES.items():
        metrics[name]["headline"] = dict(zip(("title", "place", "kinds", "board", "primary"), known, strict=True))
    matrix = {"better": "lower", "best": 0, "low": "-inf", "high": "inf"}
    matrix |= {"reads": "moments", "trivial": "", "summary": ""}
    return Facts(
        suite="invented",
        command="python -m benchmarks run --suite invented",
        commit="0123abc",
        versions={"numpy": "2.0.2", "python": "3.11.9"},
        draws=5,
        data={"title": "gss2022", "source": "a file | of ours", "sha256": "ab" * 32, "rows": 3544, "columns": 24}
        | {"clusters": "8 primary sampling units within 4 strata", "strata": STRATA},
        metrics=metrics | {"target-covariance": matrix, "target-covariance-true": matrix},
        columns={name: known | {"question": f"What about {name}?"} for name, known in columns.items()},
        imputers={
            name: {
                "summary": f"Fills with {name}.",
                "family": f"family of {name}",
                "deterministic": False,
                "proper": name == "a",
                "uses_weights": False,
                "told": "",
                "defaults": "as published",
                "parameters": {"k": 5},
            }
            for name in imputers
        },
        cells=[
            {
                "dataset": "gss2022",
                "mechanism": mechanism,
                "setting": setting(mechanism),
                "rate": rate,
                "seed": seed,
                "imputer": imputer,
            }
            for mechanism in mechanisms
            for rate in rates
            for seed in range(seeds)
            for imputer in imputers
        ],
        published_targets={
            "label": "Llama-2-13b",
            "values": {"income16": 5.0528, "educ": 1.9605, "letin1a": 1.0497, "finrela": 0.7122, "marhomo": 0.9068},
            "note": "its masks and split are undocumented.",
        },
    )


def invented_scores(quality: float, rng: np.random.Generator) -> tuple[tuple[str, str, float], ...]:
    """Scores of one cell; quality 0 is poor, 1 is good."""
    level = {"draw-accuracy": 0.52 + 0.12 * quality, "variance-ratio": quality}
    level |= {metric: 0.3 * quality for metric in INFLUENCED}
    scores = [
        (metric, column, level.get(metric, 1 - 0.3 * quality) + float(rng.normal(0, 0.02)))
        for metric, known in METRICS.items()
        for column in known[5]
    ]
    for pair in PAIRS:
        a, b = pair.split("~")
        true = 4.0 if a == b else 1.0
        scores += [("target-covariance-true", pair, true), ("target-covariance", pair, true * (0.5 + 0.5 * quality))]
    cost = [("fit-seconds", 10 * quality**2), ("draw-seconds", 0.3), ("peak-memory-mb", 250.0)]
    return (*scores, *[(metric, "(table)", value) for metric, value in cost])


def invented_influence(rng: np.random.Generator) -> tuple[float, ...]:
    """Influence of eight clusters, which sums to zero."""
    noise = rng.normal(0, 0.002, len(STRATA))
    return tuple((noise - noise.mean()).tolist())


def invented_card(mechanism: str, rate: float, seed: int) -> dict:
    column = {"observed": 3400, "hidden": 1020, "rate": 0.3, "auc_drivers": 0.7, "auc_own": 0.55, "own_p": 0.4}
    column |= {"bias": -0.08, "least_chance": 0.2, "short": False}
    return {
        "dataset": "gss2022",
        "mechanism": mechanism,
        "rate": rate,
        "seed": seed,
        "dial": None if mechanism == "mcar" else 0.7,
        "realised_rate": 0.3,
        "complete_rows": 0.001,
        "columns": [{"column": name} | column for name in ORDERED],
    }


def invent(
    imputers: Sequence[str],
    mechanisms: Sequence[str] = ("mcar", "mar", "ni"),
    rates: Sequence[float] = (0.3,),
    seeds: int = 3,
) -> Experiment:
    """Records, facts and cards; the imputers improve in their order."""
    facts = invented_facts(imputers, mechanisms, rates, seeds)
    rng = np.random.default_rng(5)
    records = [
        Record(
            **cell,
            scores=invented_scores(imputers.index(cell["imputer"]) / len(imputers), rng),
            influences=tuple((metric, "(table)", invented_influence(rng)) for metric in INFLUENCED),
        )
        for cell in facts["cells"]
    ]
    cards = [invented_card(m, rate, seed) for m in mechanisms for rate in rates for seed in range(seeds)]
    return records, facts, cards


@pytest.fixture(scope="session")
def experiment() -> Experiment:
    """Five imputers that improve from a to e, 3 mechanisms × 3 seeds × 20 items."""
    return invent(["a", "b", "c", "d", "e"])


@pytest.fixture(scope="session")
def inventor() -> Callable[..., Experiment]:
    """The function that makes experiments."""
    return invent
