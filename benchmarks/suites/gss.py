"""The core table of the General Social Survey 2022: 24 items of 3,544 respondents."""

from typing import TYPE_CHECKING

from benchmarks.suite import AGAIN, DEFAULT_IMPUTERS, PUBLISHED_DRAWS, QUICK_IMPUTERS, Block, Suite
from benchmarks.suites import SUITES
from imputers import IMPUTERS

if TYPE_CHECKING:
    from reports.facts import PublishedFacts

LANGUAGE_MODELS = ("llama2-13b", "llama2-7b", "llama3.1-8b", "mistral-7b", "qwen2.5-7b")
APART = (
    "oracle",
    "llm",
    "llm-zero-shot",
    "llm-few-shot",
    "smollm2-135m",
    "smollm2-135m-zero-shot",
    "tabpfn",
    "tabicl",
    "masked-transformer-per-target",
    "narfcs",
    "narfcs-pmm",
    "mice-design",
    "mice-pmm-design",
)  # want a known population, a model or a departure named, take hours, or are for a study
FOUNDING_EXPERIMENT: "PublishedFacts" = {
    "label": "Llama-2-13b, fine-tuned (founding experiment)",
    "values": {"income16": 5.0528, "educ": 1.9605, "letin1a": 1.0497, "finrela": 0.7122, "marhomo": 0.9068},
    "note": "published figures of the founding experiment; the masks and the split behind them are undocumented",
}
ABOUT = {"published_targets": FOUNDING_EXPERIMENT}


@SUITES.register("gss")
def gss() -> Suite:
    """The usual methods and language models, three mechanisms, three seeds."""
    block = Block("gss2022", (*DEFAULT_IMPUTERS, *AGAIN, *LANGUAGE_MODELS), n_draws=PUBLISHED_DRAWS)
    return Suite("gss", (block,), about=ABOUT)


@SUITES.register("gss-smoke")
def gss_smoke() -> Suite:
    """Quick methods, one seed: a minute."""
    return Suite("gss-smoke", (Block("gss2022", QUICK_IMPUTERS, ("mcar", "mar"), seeds=(1,)),), about=ABOUT)


@SUITES.register("gss-full")
def gss_full() -> Suite:
    """As gss at three rates, with ten seeds."""
    imputers = (*DEFAULT_IMPUTERS, *AGAIN, *LANGUAGE_MODELS)
    block = Block("gss2022", imputers, rates=(0.1, 0.3, 0.5), seeds=tuple(range(1, 11)), n_draws=PUBLISHED_DRAWS)
    return Suite("gss-full", (block,), about=ABOUT)


@SUITES.register("gss-all")
def gss_all() -> Suite:
    """Every method that needs no model named."""
    imputers = (*(name for name in IMPUTERS if name not in APART), *AGAIN)
    return Suite("gss-all", (Block("gss2022", imputers, n_draws=PUBLISHED_DRAWS),), about=ABOUT)


@SUITES.register("gss-systematic")
def gss_systematic() -> Suite:
    """Each item hidden in all of one age group, region, or another stretch of a driver."""
    imputers = ("mean", "knn", "mice-pmm", "mice-cart", "mice-rf", "gbm", "masked-transformer", "datawig", "aimnet")
    block = Block("gss2022", (*imputers, *AGAIN), ("systematic",), n_draws=PUBLISHED_DRAWS)
    return Suite("gss-systematic", (block,), about=ABOUT)
