"""How a language model is fine-tuned: length, pace, and what is hidden and asked."""

import math
from dataclasses import dataclass

from datasets.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How long, how fast and on what to learn; the number of steps depends on the table alone, never on time.

    Parameters
    ----------
    n_epochs : how often each respondent is learned from, every time with other answers hidden.
    min_steps : gradient steps at least: a short table is passed through more often.
    batch_size : respondents in a gradient step.
    learning_rate : of AdamW (Loshchilov & Hutter 2019, ICLR) at its height: it rises in the first ``warmup_ratio`` of
        all steps and falls along a cosine to zero.
    warmup_ratio, weight_decay : share of steps, and AdamW's decay.
    n_targets : answers asked of a respondent at most in a step, of those hidden.
    min_hidden, max_hidden : the share of a respondent's observed answers that is hidden is uniform between the two.
    max_tokens : read at once, padding included; a batch with more is read in micro-batches, to the same effect.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    n_epochs: float = 3.0
    min_steps: int = 1
    batch_size: int = 32
    learning_rate: float = 2e-4
    warmup_ratio: float = 0.03
    weight_decay: float = 0.01
    n_targets: int = 8
    min_hidden: float = 0.05
    max_hidden: float = 0.5
    max_tokens: int = 4096

    def __post_init__(self) -> None:
        for name in ("n_epochs", "min_steps", "batch_size", "learning_rate", "n_targets", "max_tokens"):
            if not getattr(self, name) > 0:
                raise InputError(f"fine-tuning: {name} is {getattr(self, name)!r}; it must be above zero")
        if not 0 <= self.min_hidden <= self.max_hidden <= 1 or not 0 <= self.warmup_ratio <= 1:
            raise InputError(
                f"fine-tuning: shares are min_hidden {self.min_hidden}, max_hidden {self.max_hidden} and warmup_ratio "
                f"{self.warmup_ratio}; wanted 0 ≤ min ≤ max ≤ 1, and warmup_ratio from 0 to 1"
            )

    def n_steps(self, n_respondents: int) -> int:
        """Number of gradient steps."""
        return max(self.min_steps, math.ceil(self.n_epochs * n_respondents / self.batch_size))

    def rate(self, step: int, n_steps: int) -> float:
        """Learning rate of step 0…n_steps - 1."""
        rising = math.ceil(self.warmup_ratio * n_steps)
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising) / (n_steps - rising))) / 2


def usual_max_tokens(device: str) -> int:
    """Tokens read at once on a kind of device: a processor gains nothing from more, and keeps less in memory."""
    return 512 if device == "cpu" else 4096


def usual_learning_rate(n_parameters: int) -> float:
    """Learning rate for a model of this many weights: 2e-4 at ten billion, for less more by the root; 3e-3 at most.

    2e-4 is what Dettmers et al. (2023, arXiv 2305.14314) take for 7 and 13 billion. That it falls with size is a rule
    of thumb, its power what suited 135 million on a sample of the GSS's synthetic twin.
    """
    return min(2e-4 * (1e10 / n_parameters) ** 0.5, 3e-3)
