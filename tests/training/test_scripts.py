"""The scripts that fit the models: each can be loaded, and writes what the product reads."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from training import MODELS, fit_act_scales, fit_calibration, fit_confusion

from desunt.lm import Context
from desunt.lm.adapters import with_lora
from desunt.lm.causal import CausalModel
from desunt.lm.llama import LINEAR_LAYERS
from desunt.record.document import Extent
from desunt.restore.calibration import read_calibration
from desunt.restore.error_model import read_error_model
from desunt.restore.gap_query import GAP_EVIDENCE_KINDS
from tests.support.tiny_models import small_embedded

SCRIPTS = sorted(path.stem for path in (MODELS.parent / "training").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_can_be_loaded(name: str) -> None:
    assert importlib.import_module(f"training.{name}").__doc__


def test_every_linear_layer_of_both_readings_is_observed(tmp_path: Path) -> None:
    small = small_embedded(tmp_path)
    context = Context("The ambassador discussed the ", " with Marshal Stalin.", Extent("character", 3, 8))
    before = small.model.propose([context], 5), small.model.score(context, ["port"])
    scales = fit_act_scales.act_scales(small.model, [(context, "port"), (context, "treaty")])
    layers = [f"{layer}.{name}" for layer in range(2) for name in LINEAR_LAYERS]
    assert scales.keys() == {f"{reading}.{name}" for reading in ("masked", "causal") for name in (*layers, "lm_head")}
    assert all(torch.isfinite(largest).all() and largest.max() > 0 for largest in scales.values())
    assert (small.model.propose([context], 5), small.model.score(context, ["port"])) == before
    causal = {name.removeprefix("causal."): largest for name, largest in scales.items() if name.startswith("causal.")}
    smoothed = CausalModel(with_lora(small.base, small.adapter, causal))
    exact = CausalModel(with_lora(small.base, small.adapter))
    assert smoothed.score(context, ["port"]) == pytest.approx(exact.score(context, ["port"]), rel=0.02)


def test_the_fitted_error_model_is_what_restore_reads(tmp_path: Path) -> None:
    pairs = [("Ambassador", "Arnbassador"), ("Moscow", "Moscow"), ("modern", "rnodern"), ("the", "tne")] * 5
    model = fit_confusion.fit(pairs, 3, optical=True)
    path = tmp_path / "confusion.json"
    path.write_text(json.dumps({"channels": {"ink": fit_confusion.as_json(model)}}))
    stored = read_error_model(path, "ink")
    assert stored.costs == dict(model.costs)
    assert stored.costs["m", "rn"] < stored.costs["w", "vv"]
    assert stored.noise_per_letter == pytest.approx(math.log(60), abs=1e-4)


def test_the_fitted_weights_put_the_truth_first_and_are_what_restore_reads(tmp_path: Path) -> None:
    random, names = np.random.default_rng(1), ["context", "length"]
    pools = [np.column_stack([[0.0, *random.normal(-3, 1, 4)], random.normal(0, 1, 5)]) for _ in range(40)]
    weights = fit_calibration.fit_weights([(pool, 0) for pool in pools], names)
    assert weights[0] > 0.5
    assert all((pool @ weights).argmax() == 0 for pool in pools if (pool @ [1.0, 0.0]).argmax() == 0 and abs(weights[1]) < 0.05)
    fit: fit_calibration.KindFit = {
        "n": 40, "weights": dict.fromkeys(fit_calibration.FEATURE_NAMES, 0.5), "none_weights": [0.0, -1.0, 0.5, 0.0],
    }  # fmt: skip
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"models": {"other": dict.fromkeys(GAP_EVIDENCE_KINDS, fit_calibration._cautious(fit))}}))
    stored = read_calibration(path, "anything").fits["ink"]
    assert stored.weights.oov_words == 0.35
    assert stored.none_weights[0] == pytest.approx(math.log(2), abs=1e-4)
