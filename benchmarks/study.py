"""Studies: suites that answer a question by contrasts between arms that fill the same hidden cells."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath

from benchmarks.suite import FOLDS, Block, Suite
from datasets.errors import InputError
from reports.contrasts import Contrast

N_FOLDS = 5
CARRIED = "smollm2-135m"  # the language model that everybody can install
LLM = "llm(model={model}, n_bins=24{settings})"  # numbers of many values, which are beside the targets, in bins
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
    rows : respondents of its table; None takes as many as the study does.
    """

    label: str
    dataset: str
    imputer: str
    rows: int | None = None


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
    masks = FOLDS[:N_FOLDS], (1 / N_FOLDS,), (1,)
    blocks = tuple(Block(arm.dataset, (arm.imputer,), *masks, 5, arm.rows or rows) for arm in arms)
    about = {
        "question": question,
        "arms": [asdict(arm) | {"table": block.table} for arm, block in zip(arms, blocks, strict=True)],
        "answers": [asdict(contrast) for contrast in answers],
        "further": [asdict(contrast) for contrast in further],
        "test_share": 1 / N_FOLDS,
        "models": names,
        "note": note,
    }
    return Suite(name, blocks, "study", about)


def language_model(model: str, settings: str = "") -> str:
    """Request for a fine-tuned language model.

    Parameters
    ----------
    model : its name, folder, GGUF file or id.
    settings : parameters, each with a comma before it.
    """
    return LLM.format(model=repr(model), settings=settings)


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
    return imputers[0] if imputers else language_model(model[0]) if model else usual


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
