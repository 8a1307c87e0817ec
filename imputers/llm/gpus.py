"""Graphics processors that a language model may be run on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """A graphics processor, by its maker's data sheet; H100 and H200 are those with the SXM socket.

    Parameters
    ----------
    name : as its driver says it, among other words.
    gigabytes : memory.
    teraflops : 10¹² operations a second at most, on dense matrices in bfloat16 with sums in float32.
    """

    name: str
    gigabytes: int
    teraflops: float


GPUS = (
    Gpu("RTX 4090", 24, 165),
    Gpu("A100", 40, 312),
    Gpu("L40S", 48, 362),
    Gpu("A100", 80, 312),
    Gpu("H100", 80, 989),
    Gpu("H200", 141, 989),
)
