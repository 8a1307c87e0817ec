"""What a processor computes fastest in: float32, or bfloat16 where it has instructions for it."""

import logging
import math
import time
from functools import cache

import torch

SIZE = (512, 576, 1536)  # rows, width and inner width of a product such as a small model's layer makes
ROUNDS = 10
GAIN = 1.5  # how much faster bfloat16 must be to be taken: it has three digits where float32 has seven

logger = logging.getLogger(__name__)


@cache
def fastest_precision() -> str:
    """``"bfloat16"`` if a timed matrix product is clearly faster in it, else ``"float32"``; timed once, and logged.

    A processor with fast instructions for it gains twofold and more, so that the choice, and with it the numbers, do
    not hang on a few per cent of a measurement.
    """
    float32, bfloat16 = product_rates(torch.float32, torch.bfloat16)
    chosen = "bfloat16" if bfloat16 > GAIN * float32 else "float32"
    logger.info(
        "the processor multiplies matrices at %.0f GFLOP/s in float32 and %.0f in bfloat16; language models are read "
        "in %s (precision='…' chooses otherwise)",
        float32 / 1e9,
        bfloat16 / 1e9,
        chosen,
    )
    return chosen


def product_rates(*kinds: torch.dtype) -> list[float]:
    """Operations a second of one core in a matrix product, the best of some rounds in each of these number formats.

    By the processor's time, and the formats in turns, so that what else runs on the machine slows all of them alike.
    """
    rows, width, inner = SIZE
    pairs = [(torch.ones(rows, width, dtype=kind), torch.ones(inner, width, dtype=kind)) for kind in kinds]
    seconds = [math.inf] * len(kinds)
    for _ in range(ROUNDS):
        for place, (left, right) in enumerate(pairs):
            start = time.process_time()
            torch.nn.functional.linear(left, right)
            seconds[place] = min(seconds[place], time.process_time() - start)
    return [2 * rows * width * inner / least for least in seconds]
