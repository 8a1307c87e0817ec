"""A linear layer with a low-rank adapter in one step; peft takes four more passes over its output."""

from typing import Any

import torch
from peft import LoraConfig
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx


class LowRankLinear(Linear):
    """peft's layer; the same numbers, in fewer operations, where inputs and weights have one format of numbers."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: ANN401 - as peft's
        """``x Wᵀ + b + scaling · x Aᵀ Bᵀ``, shape (…, out)."""
        base = self.get_base_layer()
        [name] = self.active_adapters
        down, up, dropout = self.lora_A[name].weight, self.lora_B[name].weight, self.lora_dropout[name]
        alike = type(base) is nn.Linear and x.dtype == base.weight.dtype == _computed(x)
        if not alike or self.merged or self.disable_adapters or not isinstance(dropout, nn.Identity):
            return super().forward(x, *args, **kwargs)
        return _LowRank.apply(x, base.weight, base.bias, down, up, self.scaling[name])


def _computed(x: Tensor) -> torch.dtype:
    """Format of the products of this tensor: its own, or that of an autocast."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


class _LowRank(torch.autograd.Function):
    """The adapter's matrices are kept in a format of their own, and are multiplied in that of the inputs."""

    @staticmethod
    def forward(
        context: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scaling: float
    ) -> Tensor:
        context.kept, context.scaling = down.dtype, scaling  # type: ignore[attr-defined]
        down, up = down.to(x.dtype), up.to(x.dtype)
        inner = nn.functional.linear(x, down)
        context.save_for_backward(x, inner, weight, down, up)
        out = nn.functional.linear(x, weight, bias)
        out.flatten(0, -2).addmm_(inner.flatten(0, -2), up.T, alpha=scaling)
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - it bears what was kept
        x, inner, weight, down, up = context.saved_tensors
        slope = gradients[0].flatten(0, -2)
        through = (slope @ up).mul_(context.scaling)
        own = (slope @ weight).addmm_(through, down).view_as(x) if context.needs_input_grad[0] else None
        of_down = (through.T @ x.flatten(0, -2)).to(context.kept)
        of_up = (slope.T @ inner.flatten(0, -2)).mul_(context.scaling).to(context.kept)
        return own, None, None, of_down, of_up, None


def with_low_rank_layers(config: LoraConfig) -> LoraConfig:
    """Let this configuration of peft put `LowRankLinear` on linear layers."""
    config._register_custom_module({nn.Linear: LowRankLinear})
    return config
