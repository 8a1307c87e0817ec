"""The five target items of the General Social Survey 2022, with the items that tell most of them, in folds."""

from benchmarks.study import items
from benchmarks.suite import FOLDS, PUBLISHED_DRAWS, Block, Suite
from benchmarks.suites import SUITES
from benchmarks.suites.gss import ABOUT, LANGUAGE_MODELS

CARRIED = ("smollm2-135m", "smollm2-135m-zero-shot", "smollm2-135m(weights='random')")
BESIDE = ("mean", "mice-pmm", "gbm", "gbm#2", "masked-transformer")


@SUITES.register("gss-targets")
def gss_targets() -> Suite:
    """Three methods on five target items, one of them twice."""
    imputers = ("mean", "latent-class", "gbm", "gbm#2")
    block = Block("gss2022-targets", imputers, FOLDS[:5], (0.2,), (1,), PUBLISHED_DRAWS)
    return Suite("gss-targets", (block,), about=ABOUT)


@SUITES.register("gss-llm")
def gss_llm() -> Suite:
    """A pre-trained language model, the same as it is and untrained, and others, on five target items with twenty."""
    block = Block(items(20), (*BESIDE, *CARRIED, *LANGUAGE_MODELS), FOLDS[:5], (0.2,), (1,))
    return Suite("gss-llm", (block,), about=ABOUT)
