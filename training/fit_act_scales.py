"""See how large the inputs of every linear layer of the embedded model become on training text, so that 8 bits cost little precision.

usage: python -m training.fit_act_scales TEXT.jsonl.xz [--passages 60] [--out models/act_scales.safetensors]

For each reading (masked, causal), layer and linear layer: the largest absolute value of each input over the passages, in float16
(SmoothQuant's `act_scales`). Numbers only; no text is in the file. Run it after training an adapter anew.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from desunt.lm import Context
from desunt.lm.adapters import ACT_SCALES, EmbeddedModel, build_embedded
from desunt.lm.int8 import Linear
from desunt.lm.llama import LINEAR_LAYERS, Llama
from desunt.record.document import Extent
from training import MODELS

# Every so manieth text gives a passage of so many characters from this one on, so many of them behind the word that is cut out.
EVERY, START, PASSAGE_CHARS, CHARS_AFTER = 60, 200, 1200, 200


class InputRange:
    """Keep the largest absolute value of each input of every linear layer that is read."""

    def __init__(self) -> None:
        self.max_by_weight: dict[int, Tensor] = {}

    def __call__(self, inputs: Tensor, weight: Linear) -> None:
        largest = inputs.reshape(-1, inputs.shape[-1]).float().abs().amax(0)
        self.max_by_weight[id(weight)] = torch.maximum(self.max_by_weight.get(id(weight), largest), largest)

    def by_name(self, llama: Llama) -> dict[str, Tensor]:
        linears = {f"{n}.{name}": getattr(layer, name) for n, layer in enumerate(llama.layers) for name in LINEAR_LAYERS}
        return {name: self.max_by_weight[id(weight)].half() for name, weight in (*linears.items(), ("lm_head", llama.lm_head))}


def main() -> None:
    """Read the passages with both readings and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--passages", type=int, default=60)
    parser.add_argument("--out", type=Path, default=MODELS / ACT_SCALES)
    args = parser.parse_args()
    model = build_embedded(int8=False)
    if not isinstance(model, EmbeddedModel):
        raise SystemExit("the masked adapter is not there: nothing to look at")
    scales = act_scales(model, list(islice(passages(args.text), args.passages)))
    save_file(scales, args.out)
    print(f"{args.out}: {len(scales)} linear layers, {args.out.stat().st_size // 1024} KiB")


def act_scales(model: EmbeddedModel, cut_words: list[tuple[Context, str]]) -> dict[str, Tensor]:
    """Return the scales of both readings by `reading.layer.name`, over contexts and the words that stand there; the model is observed."""
    masked, causal = InputRange(), InputRange()
    model.predictor.llama = replace(model.predictor.llama, observer=masked)
    model.causal.base = replace(model.causal.base, llama=replace(model.causal.base.llama, observer=causal))
    for context, word in cut_words:
        model.propose([context], 1)
        model.score(context, [word])
    ranges = {"masked": masked.by_name(model.predictor.llama), "causal": causal.by_name(model.causal.base.llama)}
    return {f"{reading}.{name}": largest for reading, named in ranges.items() for name, largest in named.items()}


def passages(path: Path) -> Iterator[tuple[Context, str]]:
    """Yield passages with a word cut out, and the word."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = json.loads(line)["text"][START : START + PASSAGE_CHARS]
            if number % EVERY or len(text) < PASSAGE_CHARS:
                continue
            before, _, rest = text[:-CHARS_AFTER].rpartition(" ")
            word, _, after = (rest + text[-CHARS_AFTER:]).partition(" ")
            if word.isalpha():
                yield Context(f"{before} ", f" {after}", Extent("character", max(1, len(word) - 1), len(word) + 1)), word


if __name__ == "__main__":
    main()
