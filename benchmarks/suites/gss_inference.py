"""Inference: whether the tables that a method completes may be analysed, by samples and masks drawn anew."""

from collections.abc import Iterable, Sequence

from benchmarks.suite import DEFAULT_IMPUTERS, DEFAULT_MECHANISMS, Block, Suite, is_language_model
from benchmarks.suites import SUITES
from benchmarks.suites.gss import LANGUAGE_MODELS
from datasets.errors import InputError
from datasets.request import parse_request
from imputers import IMPUTERS

DRAWS = 10
POPULATIONS = {  # as pages call them
    "gss2022-twin": "twin",
    "gaussian": "Gaussian",
    "gss2022-twin-clustered": "clustered twin",
}
INDEPENDENT = ("twin", "Gaussian")  # rows, so that the oracle is exact
SURVEY = "survey, given"
FAST = (  # under a second of one core for ten draws of 1,000 rows
    "oracle",
    "mean",
    "regression",
    "hot-deck",
    "knn",
    "stochastic-regression",
    "gaussian-em",
    "latent-class",
    "mice-pmm",
    "mice",
)
SHOWN_TO_FAIL = ("mean", "regression")
QUICK = ("oracle", *SHOWN_TO_FAIL, "gaussian-em", "mice-pmm")
REPLICATES, FEWER, MASKS, FEWEST = 1000, 200, 100, 25
LONG, SHORT, REPEATS = 250, 20, 5  # replicates in a cell of a fast and a slow method, and masks in a cell of the survey
ALONE = 1  # replicates in a cell of a language model


@SUITES.register("gss-inference")
def gss_inference(imputers: Sequence[str] = (), mechanisms: Sequence[str] = (), rows: int | None = None) -> Suite:
    """Whether completed tables may be analysed: coverage by samples and masks drawn anew, and beside it by masks.

    Parameters
    ----------
    rows : respondents of each sample, and of the survey; None takes 1,000, and the whole survey.
    """
    drawing = tuple(name for name in DEFAULT_IMPUTERS if not IMPUTERS[name].deterministic)
    chosen = tuple(imputers) or ("oracle", *SHOWN_TO_FAIL, *drawing)
    hidden = tuple(mechanisms) or DEFAULT_MECHANISMS
    fast = tuple(name for name in chosen if parse_request(name).name in FAST)
    slow = tuple(name for name in chosen if name not in fast)
    blocks = [
        *_samples(POPULATIONS, fast, hidden, REPLICATES, LONG, rows),
        *_samples(POPULATIONS, slow, hidden, FEWER, SHORT, rows),
        *_masks(tuple(name for name in chosen if name != "oracle"), hidden, rows),
    ]
    return _suite("gss-inference", blocks, rows)


@SUITES.register("gss-inference-quick")
def gss_inference_quick(
    imputers: Sequence[str] = (),
    mechanisms: Sequence[str] = (),
    rows: int | None = None,
    samples: int = FEWEST,
    population: str | None = None,
) -> Suite:
    """As gss-inference on 25 samples with quick methods: two minutes, and no verdict but on what fails badly.

    Parameters
    ----------
    rows : respondents of each sample; None takes 1,000.
    samples : of each population, as many for every method: ``--suite "gss-inference-quick(samples=100)"``.
    population : the only one; None takes all.

    Raises
    ------
    InputError
        If a method fills nothing, or there is no such population.
    """
    if population is not None and population not in POPULATIONS:
        raise InputError(
            f"suite 'gss-inference-quick' has no population {population!r}; it has " + ", ".join(POPULATIONS)
        )
    chosen, hidden = tuple(imputers) or QUICK, tuple(mechanisms) or ("mcar", "mar")
    populations = POPULATIONS if population is None else (population,)
    return _suite("gss-inference-quick", _samples(populations, chosen, hidden, samples, FEWEST, rows), rows)


def _samples(
    populations: Iterable[str],
    imputers: Sequence[str],
    mechanisms: Sequence[str],
    replicates: int,
    size: int,
    rows: int | None,
) -> list[Block]:
    """Blocks of populations' samples, so many in each and in the last what is left; language models have one."""
    speaking = tuple(request for request in imputers if is_language_model(request))
    others = tuple(request for request in imputers if request not in speaking)
    return [
        Block(
            f"samples(population={population!r}, first={first}, size={min(own, replicates + 1 - first)})",
            requests,
            tuple(mechanisms),
            seeds=(1,),
            n_draws=DRAWS,
            rows=rows,
        )
        for population in populations
        for requests, own in ((others, size), (speaking, ALONE))
        if requests
        for first in range(1, replicates + 1, own)
    ]


def _masks(imputers: Sequence[str], mechanisms: Sequence[str], rows: int | None) -> list[Block]:
    """Blocks of the survey, masked again and again."""
    if not imputers:
        return []
    tables = [f"gss2022-again(first={k + 1}, size={REPEATS})" for k in range(0, MASKS, REPEATS)]
    return [Block(table, tuple(imputers), tuple(mechanisms), seeds=(1,), n_draws=DRAWS, rows=rows) for table in tables]


def _suite(name: str, blocks: Sequence[Block], rows: int | None = None) -> Suite:
    """The suite, whose page is told what each table is a sample of.

    Raises
    ------
    InputError
        If a method fills nothing, so that no table of it can be analysed.
    """
    for request in dict.fromkeys(imputer for block in blocks for imputer in block.imputers):
        if parse_request(request).name in ("listwise", "pairwise"):
            raise InputError(f"suite {name!r} analyses completed tables, and {request} completes none; leave it out")
    designs = {block.table: _design(block.table) for block in blocks}
    return Suite(
        name,
        tuple(blocks),
        "inference",
        {
            "designs": designs,
            "rows": rows,
            "survey": SURVEY,
            "failing": SHOWN_TO_FAIL,
            "independent": INDEPENDENT,
            "untested": LANGUAGE_MODELS,
        },
    )


def _design(table: str) -> str:
    return next((told for name, told in POPULATIONS.items() if repr(name) in table), SURVEY)
