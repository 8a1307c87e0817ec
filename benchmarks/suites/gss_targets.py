"""The five target items of the General Social Survey 2022, with the sixty that tell most of them, in folds."""

from benchmarks.suite import FOLDS, PUBLISHED_DRAWS, Block, Suite
from benchmarks.suites import SUITES
from benchmarks.suites.gss import ABOUT, LANGUAGE_MODELS


@SUITES.register("gss-targets")
def gss_targets() -> Suite:
    """Three methods on five target items, one of them twice."""
    return _targets("gss-targets", ("mean", "latent-class", "gbm", "gbm#2"))


@SUITES.register("gss-llm")
def gss_llm() -> Suite:
    """Language models on five target items."""
    return _targets("gss-llm", ("mean", "latent-class", "gbm", "masked-transformer", *LANGUAGE_MODELS))


def _targets(name: str, imputers: tuple[str, ...]) -> Suite:
    block = Block("gss2022-targets", imputers, FOLDS[:5], (0.2,), (1,), PUBLISHED_DRAWS)
    return Suite(name, (block,), about=ABOUT)
