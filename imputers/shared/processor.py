"""What a processor computes fastest in: float32, or bfloat16 where it has instructions for it."""

import logging
import time
from functools import cache

import torch

SIZE = (512, 576, 1536)  # rows, width and inner width of a product such as a small model's layer makes
ROUNDS = 5
GAIN = 1.2  # how much faster bfloat16 must be to be taken: it has three digits where float32 has seven

logger = logging.getLogger(__name__)


@cache
def fastest_precision() -> str:
    """``"bfloat16"`` if a timed matrix product is clearly faster in it, else ``"float32"``; timed once, and logged."""
    rates = {name: product_rate(kind) for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16))}
    chosen = "bfloat16" if rates["bfloat16"] > GAIN * rates["float32"] else "float32"
    logger.info(
        "the processor multiplies matrices at %.0f GFLOP/s in float32 and %.0f in bfloat16; language models are read "
        "in %s (precision='…' chooses otherwise)",
        rates["float32"] / 1e9,
        rates["bfloat16"] / 1e9,
        chosen,
    )
    return chosen


def product_rate(kind: torch.dtype) -> float:
    """Operations a second of one core in a matrix product in this number format, the best of some rounds.

    By the processor's time, so that what else runs on the machine does not choose a number format, and so the numbers.
    """
    rows, width, inner = SIZE
    left, right = torch.ones(rows, width, dtype=kind), torch.ones(inner, width, dtype=kind)
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        torch.nn.functional.linear(left, right)
        seconds.append(time.process_time() - start)
    return 2 * rows * width * inner / min(seconds)
