"""What words bring to a language model, as labels of answers and as free text."""

from benchmarks.study import CARRIED, Arm, language_model, short_name, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from benchmarks.suites.study_pretraining import CORE, OWN
from reports.contrasts import Contrast

MODAL, GRAMS = "Restaurant: the most common city", "Restaurant: runs of characters"


@SUITES.register("study-text")
def study_text(model: tuple[str, ...] = (CARRIED,), rows: int | None = None) -> Suite:
    """Study: do words help, as labels of answers and as free text."""
    names = {given: short_name(given) for given in model}
    arms = [Arm(f"GSS: {OWN}", CORE, OWN), Arm(MODAL, "restaurant", "mean"), Arm(GRAMS, "restaurant", "ngram-logistic")]
    for given, name in names.items():
        arms += [
            Arm(f"GSS: {name}, numbers", CORE, language_model(given, ", wording='numbers'")),
            Arm(f"GSS: {name}, words", CORE, language_model(given)),
            Arm(f"Restaurant: {name}, opaque codes", "restaurant", language_model(given, ", wording='codes'")),
            Arm(f"Restaurant: {name}, text", "restaurant", language_model(given)),
        ]
    return study(
        "study-text",
        "Do words help, as labels of answers and as free text?",
        arms,
        [contrast for name in names.values() for contrast in _answers(name)]
        + [
            Contrast(
                "reading a restaurant by runs of characters and not taking the most common city",
                MODAL,
                GRAMS,
                "accuracy",
            )
        ],
        [contrast for name in names.values() for contrast in _further(name)],
        model=model,
        rows=rows,
        note="Ten items of the core table of the General Social Survey stand beside the targets, as in "
        "study-pretraining. Restaurant's target is the city, one of 49 strings, told from four others.",
    )


def _answers(name: str) -> list[Contrast]:
    return [
        *(
            Contrast(
                f"giving {name} labels in words and not in numbers", f"GSS: {name}, numbers", f"GSS: {name}, words", by
            )
            for by in ("nrmse", "distribution", "covariance")
        ),
        Contrast(
            f"giving {name} a restaurant's name, address and phone as text and not as opaque codes",
            f"Restaurant: {name}, opaque codes",
            f"Restaurant: {name}, text",
            "accuracy",
        ),
    ]


def _further(name: str) -> list[Contrast]:
    return [
        Contrast(f"taking {name} for runs of characters", GRAMS, f"Restaurant: {name}, text", "accuracy"),
        Contrast(f"taking {name} for {OWN}", f"GSS: {OWN}", f"GSS: {name}, words"),
    ]
