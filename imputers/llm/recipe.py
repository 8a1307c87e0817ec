"""How a language model is fine-tuned: length, pace, and what is hidden and asked."""

import math
from dataclasses import dataclass

from datasets.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How long, how fast and on what to learn; the number of steps depends on the table alone, never on time.

    Parameters
    ----------
    passes : how often each respondent is learned from, every time with other answers hidden.
    fewest_steps : gradient steps at least: a short table is passed through more often.
    batch_size : respondents in a gradient step.
    learning_rate : of AdamW (Loshchilov & Hutter 2019, ICLR) at its height: it rises in the first ``warm_up`` of all
        steps and falls along a cosine to zero.
    warm_up, weight_decay : share of steps, and AdamW's decay.
    n_targets : answers asked of a respondent at most in a step, of those hidden.
    least_hidden, most_hidden : the share of a respondent's observed answers that is hidden is uniform between the two.
    most_tokens : read at once, padding included; a batch with more is read in parts, to the same effect.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    passes: float = 3.0
    fewest_steps: int = 1
    batch_size: int = 32
    learning_rate: float = 2e-4
    warm_up: float = 0.03
    weight_decay: float = 0.01
    n_targets: int = 8
    least_hidden: float = 0.05
    most_hidden: float = 0.95
    most_tokens: int = 4096

    def __post_init__(self) -> None:
        for name in ("passes", "fewest_steps", "batch_size", "learning_rate", "n_targets", "most_tokens"):
            if not getattr(self, name) > 0:
                raise InputError(f"fine-tuning: {name} is {getattr(self, name)!r}; it must be above zero")
        if not 0 <= self.least_hidden <= self.most_hidden <= 1 or not 0 <= self.warm_up <= 1:
            raise InputError(
                f"fine-tuning: shares are least_hidden {self.least_hidden}, most_hidden {self.most_hidden} and warm_up "
                f"{self.warm_up}; wanted 0 ≤ least ≤ most ≤ 1, and warm_up from 0 to 1"
            )

    def n_steps(self, n_respondents: int) -> int:
        """Number of gradient steps."""
        return max(self.fewest_steps, math.ceil(self.passes * n_respondents / self.batch_size))

    def rate(self, step: int, n_steps: int) -> float:
        """Learning rate of step 0…n_steps - 1."""
        rising = math.ceil(self.warm_up * n_steps)
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising) / (n_steps - rising))) / 2


def usual_learning_rate(n_parameters: int) -> float:
    """Learning rate for a model of this many weights: 2e-4 at ten billion, and falling as their fourth root.

    2e-4 is what Dettmers et al. (2023, arXiv 2305.14314) take for 7 and 13 billion. That it falls is a rule of thumb,
    drawn from there to the 3e-3 at which a model of a quarter of a million weights was seen to learn; no rates were
    compared.
    """
    return 2e-4 * (1e10 / n_parameters) ** 0.25
