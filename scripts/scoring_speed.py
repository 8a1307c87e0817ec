"""Measure how fast answers are scored over one reading of a respondent's context, against the usual ways to ask.

Usage: ``python -m scripts.scoring_speed --model PATH``, or with random weights ``--tokenizer PATH --hidden 256 --layers
4``; the table is shown and, with ``--out``, written.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from tabulate import tabulate
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from datasets import DATASETS
from datasets.schema import Floats
from datasets.selection.ranking import SELECTABLE
from imputers.llm.option_scores import option_log_probabilities
from imputers.llm.packing import Block, pack
from imputers.llm.prompt import Script, Tokens
from imputers.llm.reading import log_likelihoods
from imputers.shared.vocabulary import Vocabulary

LEGEND = """\
Respondents have told random answers and are asked items of the core table. A full pass is an ordinary one, with all
logits of its tokens. To generate is to write as many tokens as the respondent's own answer has; every written answer is
one draw and no probability. Seconds are those of the processor, or of the clock on a GPU; differences are from the
first row, in log-probability."""

ANSWERS = (1, 5, 20)  # the likeliest; the draws of an imputation; shares with a standard error of .11 at most
Scores = list[Floats]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Task:
    """Whom to ask what: contexts of n respondents, the items asked (n, p), and what they answered (n, p)."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    script: Script
    contexts: list[Tokens]
    asked: NDArray[np.bool_]
    answers: NDArray[np.intp]


def main(arguments: Sequence[str] | None = None) -> None:
    """Time every way of asking and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", type=Path, help="folder with weights and tokenizer; else a Llama of random weights")
    parser.add_argument("--tokenizer", type=Path, help="folder of the tokenizer, for random weights")
    parser.add_argument("--hidden", type=int, default=256, help="width, for random weights")
    parser.add_argument("--layers", type=int, default=4, help="depth, for random weights")
    parser.add_argument("--context", type=int, default=24, help="answers that a respondent has told")
    parser.add_argument("--questions", default="1,8", help="numbers of questions to each respondent")
    parser.add_argument("--people", type=int, default=4, help="respondents")
    parser.add_argument("--data", type=Path, help="NORC's GSS2022.dta or its zip")
    parser.add_argument("--out", type=Path, help="markdown file; by default the table is only shown")
    options = parser.parse_args(arguments)
    if not (options.model or options.tokenizer):
        parser.error("give --model, or --tokenizer for random weights")
    tokenizer = AutoTokenizer.from_pretrained(options.model or options.tokenizer)
    model = load(options.model) if options.model else random_llama(len(tokenizer), options.hidden, options.layers)
    tables = [
        measure(survey_task(model, tokenizer, options.data, options.people, options.context, n_questions))
        for n_questions in map(int, options.questions.split(","))
    ]
    text = "\n\n".join(["# Speed of scoring options", LEGEND, *tables])
    sys.stdout.write(text + "\n")
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> PreTrainedModel:
    """A model as it is."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder)
    return on_device(model)


def random_llama(n_tokens: int, hidden: int, layers: int) -> PreTrainedModel:
    """A Llama of this size, heads of 64; the time does not depend on the weights."""
    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=hidden,
        intermediate_size=8 * hidden // 3,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        max_position_embeddings=4096,
    )
    return on_device(LlamaForCausalLM(config))


def on_device(model: PreTrainedModel) -> PreTrainedModel:
    """The model, not to be trained, on the GPU if there is one."""
    model.to(device="cuda" if torch.cuda.is_available() else "cpu")
    return model.eval()


def survey_task(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: Path | None,
    people: int,
    n_context: int,
    n_questions: int,
) -> Task:
    """Random respondents, and of each some random answers as context and some of the core table to ask."""
    dataset = SELECTABLE["gss2022"](data)
    common = np.flatnonzero((~np.isnan(dataset.values)).mean(axis=0) > 0.1)
    schema, values = dataset.schema.take(common), dataset.values[:, common]
    core = np.isin(schema.names, DATASETS["gss2022"](data).schema.names)
    vocabulary = Vocabulary.fit(schema, values, n_bins=24)
    script = Script.make(vocabulary.items, tokenizer)
    rng = np.random.default_rng(1)
    rows = rng.choice(len(values), people, replace=False)
    answers = np.column_stack([item.encode(values[rows, j]) for j, item in enumerate(vocabulary.items)])
    contexts, asked = [], np.zeros(answers.shape, dtype=bool)
    for i, own in enumerate(answers):
        asked[i, rng.permutation(np.flatnonzero((own >= 0) & core))[:n_questions]] = True
        told = rng.permutation(np.flatnonzero((own >= 0) & ~core))[:n_context]
        contexts.append(script.context(own, told))
    return Task(model, tokenizer, script, contexts, asked, answers)


def measure(task: Task) -> str:
    """Title and table of one task."""
    ways: dict[str, Callable[[Task], Scores]] = {
        "options, over one reading of the context": shared_prefix,
        "options, a full pass each": full_passes,
        "options, each with the context, in batches": batched_passes,
    }
    rows = []
    first, fastest = timed(shared_prefix, task)
    for name, way in ways.items():
        scores, seconds = (first, fastest) if way is shared_prefix else timed(way, task)
        difference = max(np.abs(a - b).max() for a, b in zip(scores, first, strict=True) if a.size)
        rows.append([name, seconds, seconds / fastest, f"{difference:.1e}"])
    for n_answers in ANSWERS:
        read_as, seconds = timed(partial(generate_and_parse, n_answers), task)
        name = f"generate {n_answers} and parse, a question at a time"
        rows.append([name, seconds, seconds / fastest, f"{read_as:.0%} are answers"])
    n, n_options = len(task.contexts), sum(scores.size for scores in first)
    n_questions = int(task.asked.sum())
    title = (
        f"{n} respondents × {n_questions // n} questions, {n_options / n_questions:.1f} options each, "
        f"{np.mean([len(context) for context in task.contexts]):.0f} tokens of context, "
        f"{task.model.num_parameters() / 1e6:.1f} million parameters on {task.model.device}"
    )
    return f"## {title}\n\n{tabulate(rows, ['', 'seconds', 'ratio', 'difference'], tablefmt='pipe', floatfmt='.2f')}"


def timed(way: Callable[[Task], Result], task: Task) -> tuple[Result, float]:
    """What a way of asking gives, and how many seconds it takes."""
    clock = time.perf_counter if task.model.device.type == "cuda" else time.process_time
    with torch.no_grad():
        start = clock()
        result = way(task)  # ends with numbers on the processor, so that a GPU has finished
    return result, clock() - start


def shared_prefix(task: Task) -> Scores:
    """The project's own way."""
    return option_log_probabilities(task.model, task.script, task.contexts, task.asked)


def full_passes(task: Task) -> Scores:
    """One ordinary forward pass per option."""

    def score(context: Tokens, stem: Tokens, option: Tokens) -> float:
        tokens = torch.tensor([context + stem + option], device=task.model.device)
        shares = task.model(input_ids=tokens).logits[0, -len(option) - 1 : -1].float().log_softmax(dim=1)
        return float(shares.gather(1, tokens[0, -len(option) :, None]).sum())

    return [
        np.array([[score(task.contexts[i], stem, option) for option in options] for i in np.flatnonzero(asked)])
        for stem, options, asked in zip(task.script.stems, task.script.options, task.asked.T, strict=True)
    ]


def batched_passes(task: Task) -> Scores:
    """A question's options in one padded batch, each behind a context of its own, with their own logits only."""

    def score(context: Tokens, stem: Tokens, options: Sequence[Tokens]) -> Floats:
        blocks = [[Block.make(stem, [option])] for option in options]
        return log_likelihoods(task.model, pack([context] * len(options), blocks)).cpu().numpy()

    return [
        np.array([score(task.contexts[i], stem, options) for i in np.flatnonzero(asked)])
        for stem, options, asked in zip(task.script.stems, task.script.options, task.asked.T, strict=True)
    ]


def generate_and_parse(n_answers: int, task: Task) -> float:
    """Share of written answers that are one of the options."""
    understood: list[bool] = []
    for i, j in np.argwhere(task.asked):
        options = task.script.options[j]
        n_tokens = len(options[task.answers[i, j]])
        tokens = torch.tensor([task.contexts[i] + task.script.stems[j]], device=task.model.device)
        written = task.model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            min_new_tokens=n_tokens,
            max_new_tokens=n_tokens,
            do_sample=n_answers > 1,
            num_return_sequences=n_answers,
            pad_token_id=0,
        )
        answers = task.tokenizer.batch_decode(list(map(list, options)))
        understood.extend(text in answers for text in task.tokenizer.batch_decode(written[:, tokens.shape[1] :]))
    return float(np.mean(understood))


if __name__ == "__main__":
    main()
