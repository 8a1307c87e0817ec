"""The founding experiment's first question: language models side by side."""

from benchmarks.study import CHOSEN, LLM, NO_MODEL, REMEDY, Arm, items, short_name, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

OWN = "masked-transformer"


@SUITES.register("study-models")
def study_models(model: tuple[str, ...] = (), rows: int | None = None) -> Suite:
    """Study: which language model imputes best."""
    names = [short_name(given) for given in model] or [NO_MODEL]
    arms = [Arm(name, items(20), LLM.format(model=repr(given))) for name, given in zip(names, model, strict=False)]
    return study(
        "study-models",
        "Which language model imputes best?",
        (
            Arm("column means", items(20), "mean"),
            Arm("chained LightGBM", items(20), "gbm"),
            Arm(OWN, items(20), OWN),
            *(arms or [Arm(NO_MODEL, items(20), LLM, REMEDY)]),
        ),
        (
            Contrast(f"taking {OWN} for chained LightGBM", "chained LightGBM", OWN),
            *(Contrast(f"taking {name} for {OWN}", OWN, name) for name in names),
        ),
        (
            *(Contrast(f"taking {name} for chained LightGBM", "chained LightGBM", name) for name in names),
            Contrast(f"taking {OWN} for column means", "column means", OWN),
            Contrast(f"taking {OWN} for chained LightGBM", "chained LightGBM", OWN, "covariance"),
            *(Contrast(f"taking {name} for {OWN}", OWN, name, "covariance") for name in names),
        ),
        model=model,
        rows=rows,
        note=CHOSEN,
    )
