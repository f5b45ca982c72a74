"""Time ONNX Runtime against torch on the products that the embedded model spends its time on, and say what int8 costs in accuracy.

usage: try_onnx.py [--rows 8 64 160 300] [--repeats 20] [--gaps FILE.jsonl --limit 60]

(Needs `pip install onnx onnxruntime` beside desunt)

A token passes 30 layers of four products each; they are most of a reading's time. The weights are those of the tuned causal reading, the
inputs random with the spread of normed hidden states. For each number of rows: milliseconds of all 120 products on one thread, and the
error of one product relative to float32's (root mean square). With `--gaps`, how often the right word is found by the shipped model, and
by the same with the causal reading's products in 8 bits (a scale for each row: kinder than ONNX Runtime's one for all rows).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from desunt.evaluate.gap_metrics import hits, outcome
from desunt.evaluate.gaps import Selection, select
from desunt.lexicon import load_lexicon
from desunt.lm import GapModel, load_model
from desunt.lm.adapter import CAUSAL, EmbeddedModel, tuned
from desunt.lm.causal import read_base
from desunt.places import model_file
from desunt.restore import restore
from desunt.restore.gap_lines import GapLine, questions

Values = NDArray[np.float32]
MAPS = ("query_key_value", "output", "gate_up", "down")


def main() -> None:
    """Print a table, a row for each way to multiply."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[8, 64, 160, 300])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--gaps", type=Path)
    parser.add_argument("--limit", type=int, default=60)
    args = parser.parse_args()
    torch.set_num_threads(1)
    llama = tuned(read_base(), model_file(CAUSAL)).llama
    weights = [getattr(llama.layers[15], name).float().numpy() for name in MAPS]
    print("| by | " + " | ".join(f"{rows} rows, ms" for rows in args.rows) + " | error |\n|---|" + "---|" * (len(args.rows) + 1))
    ways = {
        "torch bfloat16": by_torch(torch.bfloat16),
        "torch float32": by_torch(torch.float32),
        "torch int8": by_torch_int8,
        "ONNX Runtime float32": by_onnx(int8=False),
        "ONNX Runtime int8": by_onnx(int8=True),
    }
    for name, way in ways.items():
        times, errors = zip(*(measured(way, weights, rows, args.repeats) for rows in args.rows), strict=True)
        print(f"| {name} | " + " | ".join(f"{ms:.0f}" for ms in times) + f" | {np.mean(errors):.4f} |")
    if args.gaps:
        compare_hits(select([args.gaps], Selection("word1", args.limit, "fitting")))


Multiply = Callable[[Values], Values]


def measured(way: Callable[[Values], Multiply], weights: Sequence[Values], rows: int, repeats: int) -> tuple[float, float]:
    """Return milliseconds of the products of 30 layers, and their mean relative error."""
    total, errors = 0.0, []
    for weight in weights:
        inputs = np.random.default_rng(1).standard_normal((rows, weight.shape[1])).astype(np.float32)
        multiply, exact = way(weight), inputs @ weight.T
        found = multiply(inputs)
        errors.append(float(np.sqrt(((found - exact) ** 2).mean() / (exact**2).mean())))
        start = time.perf_counter()
        for _ in range(repeats):
            multiply(inputs)
        total += 30 * 1000 * (time.perf_counter() - start) / repeats
    return total, float(np.mean(errors))


def by_torch(kind: torch.dtype) -> Callable[[Values], Multiply]:
    """Multiply as desunt does; inputs change their type too, which costs next to nothing."""

    def way(weight: Values) -> Multiply:
        kept = torch.from_numpy(weight).to(kind)

        def multiply(inputs: Values) -> Values:
            product: Values = torch.nn.functional.linear(torch.from_numpy(inputs).to(kind), kept).float().numpy()
            return product

        return multiply

    return way


def by_torch_int8(weight: Values) -> Multiply:
    """Multiply in 8 bits with a scale for each row of inputs and each column of weights, bfloat16 outside."""
    exact = torch.from_numpy(weight)
    scales = exact.abs().amax(1) / 127
    kept = (exact / scales[:, None]).round().to(torch.int8).t()

    def multiply(inputs: Values) -> Values:
        rows = torch.from_numpy(inputs).bfloat16().float()
        sizes = rows.abs().amax(-1, keepdim=True) / 127
        product = torch._int_mm((rows / sizes).round().to(torch.int8), kept).float() * sizes * scales
        found: Values = product.bfloat16().float().numpy()
        return found

    return multiply


def compare_hits(lines: Sequence[GapLine]) -> None:
    """Print hits at 1 and 5 over the gaps, and how many first candidates are the same."""
    lexicon = load_lexicon(None)
    found = []
    for model in (load_model("embedded", models=None, rescore=True), in_int8(load_model("embedded", models=None, rescore=True))):
        opinions = restore(questions(lines), model, lexicon=lexicon)
        found.append(
            [outcome(one.task or "", one.answer or "", got.candidates, refused=False) for one, got in zip(lines, opinions, strict=True)]
        )
    for name, outcomes in zip(("bfloat16", "int8"), found, strict=True):
        print(f"{name}: " + ", ".join(f"hit@{k} {100 * hits(outcomes, k).mean():.1f}%" for k in (1, 5, 20)) + f", n = {len(outcomes)}")
    moved = sum(a.probability != b.probability or a.right != b.right for a, b in zip(*found, strict=True))
    print(f"first candidates that changed in probability or rightness: {moved}")


def in_int8(model: GapModel) -> GapModel:
    """Return the embedded model with the maps of its causal reading multiplied in 8 bits."""
    assert isinstance(model, EmbeddedModel)
    base = model.causal.base
    layers = tuple(replace(layer, **{name: Rounded(getattr(layer, name)) for name in MAPS}) for layer in base.llama.layers)
    model.causal.base = replace(base, llama=replace(base.llama, layers=layers))
    return model


class Rounded:
    """A map in 8 bits that torch's `linear` takes for a tensor."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.multiply = by_torch_int8(weight.float().numpy())

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> torch.Tensor:
        inputs, weight = args[:2]
        found = weight.multiply(inputs.reshape(-1, inputs.shape[-1]).float().numpy())
        return torch.from_numpy(found).to(inputs.dtype).view(*inputs.shape[:-1], -1)


def by_onnx(*, int8: bool) -> Callable[[Values], Multiply]:
    """Multiply by a graph of one node; with `int8` as `quantize_dynamic` makes it, a scale for each column of weights."""

    def way(weight: Values) -> Multiply:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "product.onnx"
            onnx.save(graph(weight), path)
            if int8:
                quantize_dynamic(path, path.with_suffix(".int8.onnx"), weight_type=QuantType.QInt8, per_channel=True)
                path = path.with_suffix(".int8.onnx")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

        def multiply(inputs: Values) -> Values:
            product: Values = session.run(None, {"x": inputs})[0]
            return product

        return multiply

    return way


def graph(weight: Values) -> onnx.ModelProto:
    """Return x W^T as an ONNX model."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size]) for name, size in zip("xy", weight.shape[::-1], strict=True)
    ]
    body = helper.make_graph([node], "product", ends[:1], ends[1:], [numpy_helper.from_array(np.ascontiguousarray(weight.T), "w")])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main()
