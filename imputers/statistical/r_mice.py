"""The bridge to R: multiple imputation by R's own mice, in a process of its own that sees codes and nothing else."""

import io
import shutil
import subprocess
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd

from datasets.errors import MethodUnavailableError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.chained import stacked
from imputers.shared.ranges import COUNT

ASK = 'cat(nzchar(system.file(package = "mice")))'
VERSIONS = 'cat(format(getRversion()), format(packageVersion("mice")))'

# The program stands here, and not in a file of its own, so that an edit to it changes the version of this method.
# Codes come in and fills go out through pipes: nothing is written to disk.
PROGRAM = """
given <- as.numeric(commandArgs(trailingOnly = TRUE))
draws <- given[1]; iterations <- given[2]; seed <- given[3]; fitted <- given[4]; nominal <- given[-(1:4)]
sink(stderr()) # what packages print must not stand among the fills
library(mice)
table <- codes <- read.csv(file("stdin"), header = FALSE)
new <- seq_len(nrow(table)) > fitted
for (j in nominal) table[[j]] <- factor(table[[j]], levels = sort(unique(table[[j]][!new])))
result <- mice(table, m = draws, maxit = iterations, seed = seed, ignore = new, printFlag = FALSE,
               remove.collinear = FALSE, nnet.MaxNWts = 1e6)
asked <- if (any(new)) new else !new
holes <- t(is.na(codes[asked, ])) # transposed, as holes are numbered row by row
number <- function(x) if (is.factor(x)) as.numeric(as.character(x)) else x
fills <- sapply(seq_len(draws), function(draw) t(sapply(complete(result, draw), number)[asked, , drop = FALSE])[holes])
sink()
write.table(matrix(fills, ncol = draws), sep = ",", row.names = FALSE, col.names = FALSE)
"""


@IMPUTERS.register("r-mice")
class RMice(Imputer):
    """R's own mice, run through Rscript: the reference for chained equations.

    Van Buuren & Groothuis-Oudshoorn 2011 (Journal of Statistical Software 45:3). Needs Rscript on the path and the R
    package ``mice`` (3.12 or later). All is as R has it by default: predictive mean matching with 5 donors, logistic
    regression for nominal items of two levels and multinomial logit for more, items visited from left to right. Two
    settings differ. Ordinal items go in as numbers and are matched, because proportional odds (``polr``, R's default
    for ordered factors) takes too long on a survey of some thousand respondents. And columns that
    nearly repeat each other stay in, because those that R takes out keep their holes; each regression still leaves
    out predictors that depend linearly on others, or repeat the item itself.

    Assumes linear, additive effects, people predicted alike answering alike, and missingness at random. New rows are
    stacked below the fitted ones and do not inform the models (``ignore``); a level that only they have counts as
    missing there. Draws are proper. The seed of R's generator is drawn from the generator handed in; another version
    of R or ``mice`` may give other draws. Survey weights are not used. Expectation and probabilities are the mean of
    the draws and the shares among them: with 5 draws, more noise than in ``mice``, which averages its models'
    forecasts.

    Parameters
    ----------
    max_iter : iterations over the items.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice), ordinal items matched"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
    }

    def __init__(self, max_iter: int = 5) -> None:
        self.max_iter = max_iter

    @classmethod
    def versions(cls) -> Mapping[str, str]:
        """Versions of R and of its package ``mice``."""
        return dict(zip(("R", "mice of R"), run_r(find_rscript(), VERSIONS, [], "").split(), strict=True))

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.program_ = find_rscript()
        self.table_ = X.copy()

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        nominal = self.schema_.where(Kind.NOMINAL) + 1  # R counts from one
        numbers = [n_draws, self.max_iter, int(rng.integers(2**31 - 1)), len(self.table_), *nominal]
        codes = pd.DataFrame(stacked(self.table_, X)).to_csv(header=False, index=False)
        written = run_r(self.program_, PROGRAM, [str(number) for number in numbers], codes)
        fills = pd.read_csv(io.StringIO(written), header=None, float_precision="round_trip").to_numpy(float).T
        columns = np.nonzero(np.isnan(X))[1]
        if fills.shape != (n_draws, len(columns)) or np.isnan(fills).any():
            raise RuntimeError(
                f"r-mice: R gave fills of shape {fills.shape}, {int(np.isnan(fills).sum())} of them empty; "
                f"{n_draws} draws for {len(columns)} holes were wanted"
            )
        for j in self.schema_.where(Kind.NUMERIC):
            fills[:, columns == j] = self.schema_.columns[j].snap(fills[:, columns == j])  # R writes 15 digits
        return Prediction(fills)


def find_rscript() -> str:
    """Path of Rscript on a machine that has R's mice.

    Raises
    ------
    MethodUnavailableError
        If R or its package ``mice`` is not there; the message says how to get both.
    """
    program = shutil.which("Rscript")
    if program is None:
        missing = "there is no Rscript on the path"
    elif run_r(program, ASK, [], "") != "TRUE":
        missing = f"{program} has no package mice"
    else:
        return program
    raise MethodUnavailableError(
        f"r-mice is unavailable: {missing}; install r-base and the R package mice "
        "(apt install r-base r-cran-mice, or install.packages('mice') in R)"
    )


def run_r(rscript: str, program: str, arguments: list[str], given: str) -> str:
    """Run an R program on standard input and give what it wrote to standard output.

    Raises
    ------
    RuntimeError
        If R stops with an error; the message holds what R said.
    """
    ended = subprocess.run(
        [rscript, "-e", program, *arguments], input=given, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"r-mice: R stopped with status {ended.returncode}: {ended.stderr.strip()[-2000:]}")
    return ended.stdout
