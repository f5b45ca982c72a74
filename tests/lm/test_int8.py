"""Linear layers in 8 bits: near the exact ones, each row by itself, and nothing divided by nothing."""

from __future__ import annotations

import pytest
import torch

from desunt.lm import Context
from desunt.lm.adapters import ACT_SCALES, read_lora, with_lora
from desunt.lm.causal import CausalModel
from desunt.lm.int8 import linear, quantize
from desunt.lm.llama import LINEAR_LAYERS
from desunt.lm.model_files import model_file
from desunt.record.document import Extent
from tests.support.tiny_models import small_embedded

CONTEXT = Context("The ambassador discussed the ", " with Marshal Stalin at the conference.", Extent("character", 3, 8))
TEXTS = ["port", "treaty", "text", "railway"]


@pytest.fixture
def weight():
    torch.manual_seed(1)
    return torch.randn(48, 32)


def test_a_product_is_within_two_parts_in_a_hundred(weight):
    inputs = torch.randn(3, 5, 32)
    exact, found = linear(inputs, weight), linear(inputs, quantize(weight))
    assert found.shape == exact.shape
    assert 0 < ((found - exact).square().mean() / exact.square().mean()).sqrt() < 0.02


def test_an_outlier_in_one_row_costs_no_other_row_anything(weight):
    inputs = torch.randn(4, 32)
    with_outlier = torch.cat((inputs, 1000 * torch.randn(1, 32)))
    assert torch.equal(quantize(weight)(inputs), quantize(weight)(with_outlier)[:4])


def test_an_output_with_small_weights_keeps_its_precision(weight):
    weight[7] /= 10_000
    inputs = torch.randn(20, 32)
    exact, found = linear(inputs, weight)[:, 7], quantize(weight)(inputs)[:, 7]
    assert (found - exact).norm() < 0.03 * exact.norm()


def test_nothing_stays_nothing(weight):
    weight[3] = 0
    assert quantize(weight)(torch.zeros(2, 32)).abs().max() == 0
    assert quantize(weight)(torch.randn(2, 32))[:, 3].abs().max() == 0


def test_the_inputs_keep_their_type(weight):
    assert quantize(weight.bfloat16())(torch.randn(2, 32).bfloat16()).dtype == torch.bfloat16


def test_quantizing_again_changes_nothing(weight):
    once = quantize(weight)
    assert quantize(once) is once


def test_inputs_known_to_grow_large_are_scaled_down_before_they_are_rounded(weight):
    inputs = torch.randn(50, 32)
    inputs[:, 5] *= 300
    exact = linear(inputs, weight)
    plain, smoothed = quantize(weight)(inputs), quantize(weight, inputs.abs().amax(0))(inputs)
    assert (smoothed - exact).norm() < 0.5 * (plain - exact).norm()


def test_every_linear_layer_of_the_shipped_model_has_its_act_scales():
    scales = {reading: read_lora(model_file(ACT_SCALES))[0] for reading in ("masked", "causal")}
    for reading, values in scales.items():
        names = {f"{reading}.lm_head"} | {f"{reading}.{layer}.{name}" for layer in range(30) for name in LINEAR_LAYERS}
        assert names <= set(values)
        assert all(torch.isfinite(values[name]).all() and values[name].max() > 0 for name in names)


def test_a_whole_model_in_8_bits_reads_nearly_the_same(tmp_path):
    small = small_embedded(tmp_path)
    exact = small.causal.score(CONTEXT, TEXTS)
    quantized = CausalModel(with_lora(small.base, small.adapter, {}))
    same = CausalModel(with_lora(small.base, small.adapter))
    assert quantized.score(CONTEXT, TEXTS) == pytest.approx(same.score(CONTEXT, TEXTS), rel=0.02)
    assert quantized.score(CONTEXT, TEXTS) != same.score(CONTEXT, TEXTS) != exact


def test_no_adapter_is_added_to_what_is_quantized(tmp_path):
    small = small_embedded(tmp_path)
    quantized = with_lora(small.base, small.adapter, {})
    with pytest.raises(TypeError, match="before the layers are quantized"):
        with_lora(quantized, small.adapter)
