"""The five target items of the General Social Survey 2022, with the sixty that tell most of them, in folds."""

from benchmarks.suite import FOLDS, Block, Suite
from benchmarks.suites import SUITES
from benchmarks.suites.gss import ABOUT, LANGUAGE_MODELS


@SUITES.register("gss-targets")
def gss_targets() -> Suite:
    """Three methods on five target items."""
    return _targets("gss-targets", ("mean", "latent-class", "gbm"))


@SUITES.register("gss-llm")
def gss_llm() -> Suite:
    """Language models on five target items."""
    return _targets("gss-llm", ("mean", "latent-class", "gbm", "masked-transformer", *LANGUAGE_MODELS))


def _targets(name: str, imputers: tuple[str, ...]) -> Suite:
    return Suite(name, (Block("gss2022-targets", imputers, FOLDS[:5], (0.2,), (1,)),), about=ABOUT)
