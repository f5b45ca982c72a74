"""Time ONNX Runtime against torch on the products that the embedded model spends its time on.

usage: try_onnx.py [--rows 8 64 160 300] [--repeats 20]

(Needs `pip install onnx onnxruntime` beside desunt)

A token passes 30 layers of four products each; they are most of a reading's time. The weights are those of the tuned causal reading, the
inputs random with the spread of normed hidden states. For each number of rows: milliseconds of all 120 products on one thread, and the
error of one product relative to float32's (root mean square).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from desunt.lm.adapters import CAUSAL, tuned
from desunt.lm.causal import read_base
from desunt.lm.int8 import rounded
from desunt.lm.model_files import model_file

Values = NDArray[np.float32]
MAPS = ("query_key_value", "output", "gate_up", "down")


def main() -> None:
    """Print a table, a row for each way to multiply."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[8, 64, 160, 300])
    parser.add_argument("--repeats", type=int, default=20)
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
    """Multiply as desunt does where the processor has the instructions for it."""
    kept = rounded(torch.from_numpy(weight))
    return lambda inputs: kept(torch.from_numpy(inputs).bfloat16()).float().numpy()


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
