"""Inference: whether the tables that a method completes may be analysed, by samples and masks drawn anew."""

from collections.abc import Sequence

from benchmarks.suite import DEFAULT_IMPUTERS, DEFAULT_MECHANISMS, Block, Suite
from benchmarks.suites import SUITES
from benchmarks.suites.gss import LANGUAGE_MODELS
from datasets.errors import InputError
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


@SUITES.register("gss-inference")
def gss_inference(imputers: Sequence[str] = (), mechanisms: Sequence[str] = ()) -> Suite:
    """Whether completed tables may be analysed: coverage by samples and masks drawn anew, and beside it by masks."""
    drawing = tuple(name for name in DEFAULT_IMPUTERS if not IMPUTERS[name].deterministic)
    chosen = tuple(imputers) or ("oracle", *SHOWN_TO_FAIL, *drawing)
    hidden = tuple(mechanisms) or DEFAULT_MECHANISMS
    fast = tuple(name for name in chosen if name.partition("(")[0] in FAST)
    slow = tuple(name for name in chosen if name not in fast)
    blocks = [
        *(block for name in POPULATIONS for block in _samples(name, fast, hidden, REPLICATES, LONG)),
        *(block for name in POPULATIONS for block in _samples(name, slow, hidden, FEWER, SHORT)),
        *_masks(tuple(name for name in chosen if name != "oracle"), hidden),
    ]
    return _suite("gss-inference", blocks)


@SUITES.register("gss-inference-quick")
def gss_inference_quick(imputers: Sequence[str] = (), mechanisms: Sequence[str] = (), samples: int = FEWEST) -> Suite:
    """As gss-inference on 25 samples with quick methods: two minutes, and no verdict but on what fails badly.

    Parameters
    ----------
    samples : of each population, as many for every method: ``--suite "gss-inference-quick(samples=100)"``.
    """
    chosen = tuple(imputers) or QUICK
    hidden = tuple(mechanisms) or ("mcar", "mar")
    return _suite(
        "gss-inference-quick",
        [block for name in POPULATIONS for block in _samples(name, chosen, hidden, samples, FEWEST)],
    )


def _samples(
    population: str, imputers: Sequence[str], mechanisms: Sequence[str], replicates: int, size: int
) -> list[Block]:
    """Blocks of a population's samples, so many in each, and in the last what is left."""
    if not imputers:
        return []
    sizes = {k + 1: min(size, replicates - k) for k in range(0, replicates, size)}
    tables = [f"samples(population={population!r}, first={first}, size={own})" for first, own in sizes.items()]
    return [Block(table, tuple(imputers), tuple(mechanisms), seeds=(1,), n_draws=DRAWS) for table in tables]


def _masks(imputers: Sequence[str], mechanisms: Sequence[str]) -> list[Block]:
    """Blocks of the survey, masked again and again."""
    if not imputers:
        return []
    tables = [f"gss2022-again(first={k + 1}, size={REPEATS})" for k in range(0, MASKS, REPEATS)]
    return [Block(table, tuple(imputers), tuple(mechanisms), seeds=(1,), n_draws=DRAWS) for table in tables]


def _suite(name: str, blocks: Sequence[Block]) -> Suite:
    """The suite, whose page is told what each table is a sample of.

    Raises
    ------
    InputError
        If a method fills nothing, so that no table of it can be analysed.
    """
    for request in dict.fromkeys(imputer for block in blocks for imputer in block.imputers):
        if request.partition("(")[0] in ("listwise", "pairwise"):
            raise InputError(f"suite {name!r} analyses completed tables, and {request} completes none; leave it out")
    designs = {block.table: _design(block.table) for block in blocks}
    return Suite(
        name,
        tuple(blocks),
        "inference",
        {
            "designs": designs,
            "survey": SURVEY,
            "failing": SHOWN_TO_FAIL,
            "independent": INDEPENDENT,
            "untested": LANGUAGE_MODELS,
        },
    )


def _design(table: str) -> str:
    return next((told for name, told in POPULATIONS.items() if repr(name) in table), SURVEY)
