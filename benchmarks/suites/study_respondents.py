"""The learning curve: what more respondents bring to a language model, and to what it competes with."""

from itertools import pairwise

from benchmarks.study import CARRIED, CHOSEN, Arm, items, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

SIZES = (250, 500, 1000, 2000)
EVERYBODY = 3544
RIVALS = ("gbm", "masked-transformer", "mice-pmm")
UNTRAINED = f"{CARRIED}(weights='random')"


@SUITES.register("study-respondents")
def study_respondents(rows: int | None = None) -> Suite:
    """Study: how much more would more respondents bring."""
    most = rows or EVERYBODY
    sizes = (*(size for size in SIZES if size < most), most)
    methods = (CARRIED, UNTRAINED, *RIVALS)
    steps, rivals = [*pairwise(sizes)], [name for name in methods if name != CARRIED]
    return study(
        "study-respondents",
        "How much do more respondents bring to a language model?",
        [
            Arm(_label(name, size), items(20), name, None if size == EVERYBODY else size)
            for size in sizes
            for name in methods
        ],
        (
            *(
                Contrast(f"going from {a:,} to {b:,} respondents", _label(CARRIED, a), _label(CARRIED, b))
                for a, b in steps
            ),
            *(
                Contrast(f"with {most:,}, taking {CARRIED} for {name}", _label(name, most), _label(CARRIED, most))
                for name in rivals
            ),
        ),
        (
            *(
                Contrast(f"going from {a:,} to {b:,}, {name}", _label(name, a), _label(name, b))
                for name in rivals
                for a, b in steps
            ),
            *(
                Contrast(f"with {size:,}, taking {CARRIED} for {name}", _label(name, size), _label(CARRIED, size), by)
                for by in ("nrmse", "distribution", "covariance")
                for size in sizes
                for name in rivals
                if (size, by) != (most, "nrmse")
            ),
        ),
        note=f"{CHOSEN} Each number of respondents is a table of its own, evenly spaced in the order of the file, with "
        "hidden cells of its own: what differs between two numbers is the cells too, and the intervals hold that.",
    )


def _label(name: str, size: int) -> str:
    return f"{name}, {size:,} respondents"
