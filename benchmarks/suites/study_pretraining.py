"""What pre-training brings to a language model, by its size, and whether it remembers the survey."""

from benchmarks.study import CARRIED, Arm, language_model, short_name, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

OWN = "masked-transformer"
CORE, TWIN = "gss2022-core(n=10)", "gss2022-core(n=10, respondents='twin')"
RANDOM = ", weights='random'"
WORDINGS = {"numbers": "numbers", "opaque codes": "codes", "permuted labels": "permuted"}
BY = ("nrmse", "distribution", "covariance")


@SUITES.register("study-pretraining")
def study_pretraining(model: tuple[str, ...] = (CARRIED,), rows: int | None = None) -> Suite:
    """Study: does pre-training help, does it change the covariances, and is it memory of the survey."""
    names = {given: short_name(given) for given in model}
    arms = [Arm(OWN, CORE, OWN), *(arm for given, name in names.items() for arm in _arms(given, name))]
    return study(
        "study-pretraining",
        "Does pre-training help, and does it change the covariances?",
        arms,
        [contrast for name in names.values() for contrast in _answers(name)],
        [contrast for name in names.values() for contrast in _further(name)],
        model=model,
        rows=rows,
        note="Ten items of the core table stand beside the targets, those that told most about them in the 605 "
        "respondents of the survey's oversample, who are not in the tables. The twin's respondents are drawn from a "
        "latent-class model of that table, so that what a model remembers of the survey's respondents is of no use "
        "there. Of random weights all are trained, of pre-trained ones an adapter alone.",
    )


def _arms(model: str, name: str) -> list[Arm]:
    """Pre-trained and random weights on the survey and its twin, and the other wordings on the survey."""
    return [
        Arm(f"{name}, in words", CORE, language_model(model)),
        Arm(f"{name}, random weights", CORE, language_model(model, RANDOM)),
        *(
            Arm(f"{name}, {label}", CORE, language_model(model, f", wording={wording!r}"))
            for label, wording in WORDINGS.items()
        ),
        Arm(f"{name}, twin", TWIN, language_model(model)),
        Arm(f"{name}, random weights, twin", TWIN, language_model(model, RANDOM)),
    ]


def _answers(name: str) -> list[Contrast]:
    words, random = f"{name}, in words", f"{name}, random weights"
    twin = (f"{name}, random weights, twin", f"{name}, twin")
    return [
        *(Contrast(f"pre-training {name}", random, words, by) for by in BY),
        *(Contrast(f"words in place of {label}", f"{name}, {label}", words) for label in WORDINGS),
        Contrast(f"pre-training {name}, beyond what it does on the twin,", random, words, "nrmse", twin),
    ]


def _further(name: str) -> list[Contrast]:
    words, random = f"{name}, in words", f"{name}, random weights"
    twin = (f"{name}, random weights, twin", f"{name}, twin")
    return [
        *(
            Contrast(f"words in place of {label}", f"{name}, {label}", words, by)
            for label in WORDINGS
            for by in ("distribution", "covariance")
        ),
        *(Contrast(f"pre-training {name} on the twin", *twin, by) for by in BY),
        *(
            Contrast(f"pre-training {name}, beyond what it does on the twin", random, words, by, twin)
            for by in ("distribution", "covariance")
        ),
        *(Contrast(f"taking {name} for {OWN}", OWN, words, by) for by in BY),
    ]
