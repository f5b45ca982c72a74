"""Maps in 8 bits: near the exact ones, each row by itself, and nothing divided by nothing."""

from __future__ import annotations

import pytest
import torch

from desunt.lm import Context
from desunt.lm.adapters import LOUDNESS, read_adapter, tuned
from desunt.lm.causal import CausalModel
from desunt.lm.int8 import mapped, rounded
from desunt.lm.llama import MAPS
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
    exact, found = mapped(inputs, weight), mapped(inputs, rounded(weight))
    assert found.shape == exact.shape
    assert 0 < ((found - exact).square().mean() / exact.square().mean()).sqrt() < 0.02


def test_an_outlier_in_one_row_costs_no_other_row_anything(weight):
    inputs = torch.randn(4, 32)
    loud = torch.cat((inputs, 1000 * torch.randn(1, 32)))
    assert torch.equal(rounded(weight)(inputs), rounded(weight)(loud)[:4])


def test_an_output_with_small_weights_keeps_its_precision(weight):
    weight[7] /= 10_000
    inputs = torch.randn(20, 32)
    exact, found = mapped(inputs, weight)[:, 7], rounded(weight)(inputs)[:, 7]
    assert (found - exact).norm() < 0.03 * exact.norm()


def test_nothing_stays_nothing(weight):
    weight[3] = 0
    assert rounded(weight)(torch.zeros(2, 32)).abs().max() == 0
    assert rounded(weight)(torch.randn(2, 32))[:, 3].abs().max() == 0


def test_the_inputs_keep_their_type(weight):
    assert rounded(weight.bfloat16())(torch.randn(2, 32).bfloat16()).dtype == torch.bfloat16


def test_rounding_again_changes_nothing(weight):
    once = rounded(weight)
    assert rounded(once) is once


def test_what_is_known_to_be_loud_is_made_quieter_before_it_is_rounded(weight):
    inputs = torch.randn(50, 32)
    inputs[:, 5] *= 300
    exact = mapped(inputs, weight)
    plain, knowing = rounded(weight)(inputs), rounded(weight, inputs.abs().amax(0))(inputs)
    assert (knowing - exact).norm() < 0.5 * (plain - exact).norm()


def test_every_map_of_the_shipped_model_has_its_loudness():
    found = {reading: read_adapter(model_file(LOUDNESS))[0] for reading in ("masked", "causal")}
    for reading, values in found.items():
        names = {f"{reading}.head"} | {f"{reading}.{layer}.{name}" for layer in range(30) for name in MAPS}
        assert names <= set(values)
        assert all(torch.isfinite(values[name]).all() and values[name].max() > 0 for name in names)


def test_a_whole_model_in_8_bits_reads_nearly_the_same(tmp_path):
    small = small_embedded(tmp_path)
    exact = small.causal.score(CONTEXT, TEXTS)
    narrow = CausalModel(tuned(small.base, small.adapter, {}))
    same = CausalModel(tuned(small.base, small.adapter))
    assert narrow.score(CONTEXT, TEXTS) == pytest.approx(same.score(CONTEXT, TEXTS), rel=0.02)
    assert narrow.score(CONTEXT, TEXTS) != same.score(CONTEXT, TEXTS) != exact


def test_no_adapter_is_added_to_what_is_rounded(tmp_path):
    small = small_embedded(tmp_path)
    narrow = tuned(small.base, small.adapter, {})
    with pytest.raises(TypeError, match="before rounding"):
        tuned(narrow, small.adapter)
