"""Study: a question, arms that fill the same hidden cells, and the contrasts between them that answer it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from datasets.errors import InputError
from reports.contrasts import Contrast

N_FOLDS, N_DRAWS = 5, 5
MODEL, LEARNER, NAME = "{model}", "{learner}", "{name}"
NO_MODEL = "(language model)"
LLM = "llm(model={model}, n_bins=24)"  # numbers of many values, which are beside the targets, in bins: to be quick
REMEDY = "give --model PATH_OR_ID: a folder with a model in safetensors, or its id on huggingface.co"


@dataclass(frozen=True)
class Items:
    """The five targets of the GSS 2022 with n items beside them, chosen by a criterion of `gss_features`."""

    n: int
    criterion: str = "mutual information"


@dataclass(frozen=True)
class Arm:
    """A table and what fills it.

    Parameters
    ----------
    label : unique in the study; ``{name}`` stands for the name of each model that is given.
    data : items of the GSS 2022, or the name of a registered dataset.
    imputer : a request; ``{model}`` stands for the model that is given, ``{learner}`` for what the study's
        learner is, unless a model or another imputer is given.
    """

    label: str
    data: Items | str
    imputer: str


@dataclass(frozen=True)
class Study:
    """A question, and how it is answered.

    Parameters
    ----------
    name : also the name of the results folder.
    arms : what is run, each on the same folds of the targets, `N_FOLDS` in number.
    answers : contrasts that make up the answer's sentence; further ones stand in the grid only.
    learner : request that ``{learner}`` stands for.
    note : what limits the answer, for the page.
    """

    name: str
    question: str
    arms: tuple[Arm, ...]
    answers: tuple[Contrast, ...]
    further: tuple[Contrast, ...] = ()
    learner: str = ""
    note: str = ""

    def uses(self, placeholder: str) -> bool:
        """Whether any arm has a place for this."""
        return any(placeholder in arm.label + arm.imputer for arm in self.arms)


def with_learners(study: Study, models: Sequence[str], imputers: Sequence[str]) -> Study:
    """The study with models and imputers of the user's in the places that it has for them.

    An arm with a place for a model stands once for each model, if it carries the model's name, or keeps its place
    if there is none, see `lacks_model`.

    Raises
    ------
    InputError
        If the study has no such place, or place for one only.
    """
    several = study.uses(NAME)
    if imputers and not study.uses(LEARNER):
        raise InputError(f"suite {study.name!r} compares imputers of its own; leave out --imputers")
    if models and not (study.uses(MODEL) or study.uses(LEARNER)):
        raise InputError(f"suite {study.name!r} has no place for a language model; leave out --model")
    if len(models) + len(imputers) > 1 and not several:
        raise InputError(
            f"suite {study.name!r} looks at one learner at a time; found {', '.join((*models, *imputers))}: "
            "run it once for each, with one --model or one imputer in --imputers and an --out of its own"
        )
    names = [short_name(model) for model in models]
    if len(set(names)) < len(names):
        raise InputError(f"--model was given {', '.join(models)}, of which two have the same name; rename a folder")
    learner = imputers[0] if imputers else LLM.replace(MODEL, repr(models[0])) if models else study.learner
    arms = [replace(arm, imputer=arm.imputer.replace(LEARNER, learner)) for arm in study.arms]
    return replace(
        study,
        arms=tuple(filled for arm in arms for filled in _filled(arm, models)),
        answers=tuple(named for contrast in study.answers for named in _named(contrast, names)),
        further=tuple(named for contrast in study.further for named in _named(contrast, names)),
    )


def lacks_model(arm: Arm) -> bool:
    """Whether an arm still waits for a language model."""
    return MODEL in arm.imputer


def short_name(model: str) -> str:
    """Last part of a model's id or path.

    Examples
    --------
    >>> short_name("meta-llama/Llama-2-13b-hf")
    'Llama-2-13b-hf'
    """
    return PurePath(model).name or model


def _filled(arm: Arm, models: Sequence[str]) -> list[Arm]:
    """The arm, or one for each model if it has a place for one."""
    if not lacks_model(arm):
        return [arm]
    labels = [arm.label.replace(NAME, short_name(model)) for model in models]
    requests = [arm.imputer.replace(MODEL, repr(model)) for model in models]
    filled = [Arm(label, arm.data, request) for label, request in zip(labels, requests, strict=True)]
    return filled or [replace(arm, label=arm.label.replace(NAME, NO_MODEL))]


def _named(contrast: Contrast, names: Sequence[str]) -> list[Contrast]:
    """The contrast, or one for each model if it speaks of them by name."""
    if NAME not in contrast.change:
        return [contrast]
    return [
        replace(
            contrast,
            change=contrast.change.replace(NAME, name),
            before=contrast.before.replace(NAME, name),
            after=contrast.after.replace(NAME, name),
        )
        for name in names or [NO_MODEL]
    ]
