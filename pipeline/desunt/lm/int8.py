"""Linear layers in 8 bits: half the memory of bfloat16, and products in two thirds of its time.

A scale for each row of inputs and for each output ("vector-wise" in Dettmers et al. 2022, arXiv 2208.07339, section 2.1): no outlier of one
row costs another its precision, and a row's result does not depend on what it is read with. Inputs that are known to grow large are scaled
down and their weights up before both are rounded (SmoothQuant, Xiao et al. 2023, arXiv 2211.10438, equation 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

INT8_MAX = 127
# Outputs that are rounded at a time: single precision of a whole vocabulary would be a hundred megabytes, three times over.
QUANTIZE_ROWS = 4096
# No row is divided by nothing.
MIN_ROW_MAX = 1e-8
# SmoothQuant's share of the difficulty that goes from the inputs to the weights, 0-1. On 4,776 tokens of cables all layers cost
# 0.063 nats a token without it.
ALPHA, EPS = 0.65, 1e-5


@dataclass(frozen=True, slots=True)
class QuantizedLinear:
    """A linear layer from i inputs to o outputs: `weight` (i, o) whole numbers from -127 to 127, `weight_scales` (o,), `input_scales` (i,)
    what inputs are multiplied with before they are rounded.
    """

    weight: Tensor
    weight_scales: Tensor
    input_scales: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the outputs of (..., i) as (..., o), in the inputs' type."""
        import torch

        rows = inputs.reshape(-1, inputs.shape[-1]).float() * self.input_scales
        row_scales = rows.abs().amax(-1, keepdim=True).clamp_min(MIN_ROW_MAX) / INT8_MAX
        products = torch._int_mm((rows / row_scales).round_().to(torch.int8), self.weight)
        return (products * row_scales).mul_(self.weight_scales).to(inputs.dtype).view(*inputs.shape[:-1], len(self.weight_scales))


Linear: TypeAlias = "Tensor | QuantizedLinear"


def quantize(weight: Linear, act_scales: Tensor | None = None) -> QuantizedLinear:
    """Return a layer (o, i) in 8 bits; what is so already stays. `act_scales` (i,) is the most that each input has been seen to be."""
    import torch

    if isinstance(weight, QuantizedLinear):
        return weight
    smoothing = torch.ones(weight.shape[1]) if act_scales is None else _smoothing_scales(weight, act_scales)
    rounded, scales = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight))
    for rounded_part, part, scale in zip(*(torch.split(rows, QUANTIZE_ROWS) for rows in (rounded, weight, scales)), strict=True):
        exact = part.float() * smoothing
        scale.copy_(exact.abs().amax(1).clamp_min(MIN_ROW_MAX) / INT8_MAX)
        rounded_part.copy_((exact / scale[:, None]).round_())
    return QuantizedLinear(rounded.t(), scales, 1 / smoothing)


def _smoothing_scales(weight: Tensor, act_scales: Tensor) -> Tensor:
    weight_max = weight.abs().amax(0).float().clamp_min(EPS)
    return (act_scales.float().clamp_min(EPS) ** ALPHA / weight_max ** (1 - ALPHA)).clamp_min(EPS)


def linear(inputs: Tensor, weight: Linear) -> Tensor:
    """Return the outputs of a layer, in 8 bits or exact."""
    import torch

    return weight(inputs) if isinstance(weight, QuantizedLinear) else torch.nn.functional.linear(inputs, weight)


def has_int8_kernels() -> bool:
    """Tell whether this processor multiplies whole numbers of 8 bits faster than others."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))
