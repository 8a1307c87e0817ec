"""How many items a learner should be shown, and which: two studies with one learner."""

from itertools import pairwise

from benchmarks.data import worded
from benchmarks.study import CHOSEN, Arm, items, learner, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

TARGETS = ("income16", "educ", "letin1a", "finrela", "marhomo")
FOCUSED = f"masked-transformer(targets={TARGETS})"  # what it learns is the same, however many items it reads
SIZES = (5, 10, 20, 40, 80)
CRITERIA = ("chance", "mutual information", "correlation", "lasso", "similar wording")


@SUITES.register("study-features")
def study_features(model: tuple[str, ...] = (), imputers: tuple[str, ...] = (), rows: int | None = None) -> Suite:
    """Study: do more features help."""
    imputer = learner("study-features", model, imputers, FOCUSED)
    return study(
        "study-features",
        "Do more features help?",
        [Arm(f"{n} items", items(n), imputer) for n in SIZES],
        (
            Contrast("going from 5 to 80 items", "5 items", "80 items"),
            Contrast("going from 40 to 80", "40 items", "80 items"),
        ),
        (
            *(Contrast(f"going from {a} to {b} items", f"{a} items", f"{b} items") for a, b in pairwise(SIZES[:4])),
            Contrast("going from 5 to 80 items", "5 items", "80 items", "covariance"),
        ),
        model=model,
        rows=rows,
        note=f"{CHOSEN} They are added in the order of their mutual information with any of the targets.",
    )


@SUITES.register("study-selection")
def study_selection(model: tuple[str, ...] = (), imputers: tuple[str, ...] = (), rows: int | None = None) -> Suite:
    """Study: how should the features be chosen."""
    imputer = learner("study-selection", model, imputers, FOCUSED)
    tables = {criterion: items(20, criterion) for criterion in CRITERIA}
    if model:
        tables["similar wording"] = worded(20, model[0])
    return study(
        "study-selection",
        "How should the features be chosen?",
        [Arm(f"by {criterion}", table, imputer) for criterion, table in tables.items()],
        (
            Contrast("choosing 20 items by mutual information and not by chance", "by chance", "by mutual information"),
            Contrast("choosing them by correlation", "by chance", "by correlation"),
            Contrast("choosing them by lasso", "by chance", "by lasso"),
            Contrast("choosing them by similar wording", "by chance", "by similar wording"),
            Contrast("going from mutual information to the lasso", "by mutual information", "by lasso"),
        ),
        (
            Contrast("going from mutual information to correlation", "by mutual information", "by correlation"),
            Contrast("going from the lasso to similar wording", "by lasso", "by similar wording"),
        ),
        model=model,
        rows=rows,
        note=f"{CHOSEN} Chance is one draw of items, and no interval covers another draw. Wording is compared "
        "by runs of characters, or by the mean hidden states of the model that is given.",
    )
