"""The founding experiment's first question: language models side by side."""

from benchmarks.study import CARRIED, CHOSEN, Arm, items, language_model, short_name, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

OWN, BOOSTED = "masked-transformer", "chained LightGBM"


@SUITES.register("study-models")
def study_models(model: tuple[str, ...] = (CARRIED,), rows: int | None = None) -> Suite:
    """Study: which language model imputes best."""
    table, names = items(20), {given: short_name(given) for given in model}
    arms = [Arm("column means", table, "mean"), Arm(BOOSTED, table, "gbm"), Arm(OWN, table, OWN)]
    for given, name in names.items():
        arms.append(Arm(name, table, language_model(given)))
        arms.append(Arm(untrained(name), table, language_model(given, ", weights='random'")))
    return study(
        "study-models",
        "Which language model imputes best?",
        arms,
        (
            Contrast(f"taking {OWN} for {BOOSTED}", BOOSTED, OWN),
            *(Contrast(f"taking {name} for {BOOSTED}", BOOSTED, name) for name in names.values()),
            *(Contrast(f"pre-training {name}", untrained(name), name) for name in names.values()),
        ),
        (
            *(Contrast(f"taking {name} for {OWN}", OWN, name) for name in names.values()),
            *(
                Contrast(f"taking {name} for {BOOSTED}", BOOSTED, name, by)
                for by in ("distribution", "covariance")
                for name in (OWN, *names.values())
            ),
            *(
                Contrast(f"pre-training {name}", untrained(name), name, by)
                for by in ("distribution", "covariance")
                for name in names.values()
            ),
            Contrast(f"taking {OWN} for column means", "column means", OWN),
        ),
        model=model,
        rows=rows,
        note=f"{CHOSEN} Of random weights all are trained, of pre-trained ones an adapter alone.",
    )


def untrained(name: str) -> str:
    """Label of the arm of random weights of a model's shape."""
    return f"{name}, random weights"
