"""One model for all items against one for each target."""

from benchmarks.study import CHOSEN, Arm, items, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast


@SUITES.register("study-joint")
def study_joint(rows: int | None = None) -> Suite:
    """Study: one model for all items, or one for each target."""
    joint, each = "one model in one run", "a model per target"
    change = "training one model a target and not one for all items"
    return study(
        "study-joint",
        "One model for all items, or one for each target?",
        (Arm(joint, items(20), "masked-transformer"), Arm(each, items(20), "masked-transformer-per-target")),
        (Contrast(change, joint, each), Contrast(change, joint, each, "covariance")),
        rows=rows,
        note=CHOSEN,
    )
