"""Studies: suites that answer a question by contrasts between arms that fill the same hidden cells."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath

from benchmarks.suite import FOLDS, Block, Suite
from datasets.errors import InputError
from reports.contrasts import Contrast

N_FOLDS = 5
NO_MODEL = "(language model)"
LLM = "llm(model={model}, n_bins=24)"  # numbers of many values, which are beside the targets, in bins: to be quick
REMEDY = "give --model PATH_OR_ID: a folder with a model in safetensors, or its id on huggingface.co"
CHOSEN = (
    "Items are chosen by the answers of the 605 respondents of the survey's oversample, who are not in the tables; "
    "recodings of a target are never among them."
)


@dataclass(frozen=True)
class Arm:
    """A table and what fills it.

    Parameters
    ----------
    label : unique in the study.
    dataset, imputer : requests.
    lacking : why the arm cannot be run; empty if it can.
    """

    label: str
    dataset: str
    imputer: str
    lacking: str = ""


def study(
    name: str,
    question: str,
    arms: Sequence[Arm],
    answers: Sequence[Contrast],
    further: Sequence[Contrast] = (),
    *,
    model: Sequence[str] = (),
    rows: int | None = None,
    note: str = "",
) -> Suite:
    """A suite that answers a question: each arm is a block on the same folds of the targets, `N_FOLDS` in number.

    Parameters
    ----------
    answers : contrasts that make up the answer's sentence; further ones stand in the grid only.
    model : language models that the arms use.
    rows : respondents of each table; None takes all.
    note : what limits the answer, for the page.

    Raises
    ------
    InputError
        If two models have the same name.
    """
    names = {given: short_name(given) for given in model}
    if len(set(names.values())) < len(model):
        raise InputError(f"--model was given {', '.join(model)}, of which two have the same name; rename a folder")
    blocks = [Block(a.dataset, (a.imputer,), FOLDS[:N_FOLDS], (1 / N_FOLDS,), (1,), 5, rows) for a in arms]
    lacking = {arm.label for arm in arms if arm.lacking}
    left = any(not {contrast.before, contrast.after} & lacking for contrast in answers)
    about = {
        "question": question,
        "arms": [asdict(arm) | {"table": block.table} for arm, block in zip(arms, blocks, strict=True)],
        "answers": [asdict(contrast) for contrast in answers],
        "further": [asdict(contrast) for contrast in further],
        "test_share": 1 / N_FOLDS,
        "models": names,
        "note": note,
    }
    runnable = tuple(block for arm, block in zip(arms, blocks, strict=True) if not arm.lacking)
    return Suite(name, runnable, "study", about, "" if left else f"nothing is left to compare; {REMEDY}")


def model_arm(label: str, dataset: str, request: str, model: Sequence[str]) -> Arm:
    """An arm of the one model that is given, in the place ``{model}`` of a request; or one that lacks it."""
    if not model:
        return Arm(label, dataset, request, REMEDY)
    return Arm(label, dataset, request.format(model=repr(model[0])))


def one_learner(name: str, model: Sequence[str], imputers: Sequence[str] = ()) -> None:
    """See that a study is given one learner at most.

    Raises
    ------
    InputError
        If it is given several.
    """
    if len(model) + len(imputers) > 1:
        raise InputError(
            f"suite {name!r} looks at one learner at a time; found {', '.join((*model, *imputers))}: "
            "run it once for each, with one --model or one imputer in --imputers and an --out of its own"
        )


def learner(name: str, model: Sequence[str], imputers: Sequence[str], usual: str) -> str:
    """The imputer that a study looks at: the one that is given, the language model that is given, or the usual one."""
    one_learner(name, model, imputers)
    return imputers[0] if imputers else LLM.format(model=repr(model[0])) if model else usual


def items(n: int, criterion: str = "mutual information") -> str:
    """Request for the five targets of the GSS 2022 with n items beside them."""
    return f"gss2022-items(n={n}, criterion={criterion!r})"


def short_name(model: str) -> str:
    """Last part of a model's id or path.

    Examples
    --------
    >>> short_name("meta-llama/Llama-2-13b-hf")
    'Llama-2-13b-hf'
    """
    return PurePath(model).name or model
