"""See how loud the inputs of every map of the embedded model become on training text, so that it can be rounded to 8 bits with little loss.

usage: fit_loudness.py TEXT.jsonl.xz [--passages 60] [--out models/loudness.safetensors]

For each reading (masked, causal), layer and map: the largest absolute value of each input over the passages, in float16. Numbers only; no
text is in the file. Run it after training an adapter anew.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from desunt.lm import Context, llama, load_model
from desunt.lm import adapters as adapter
from desunt.lm.beam_search import fill
from desunt.lm.gap_constraint import shape_of
from desunt.lm.int8 import Map, mapped
from desunt.record.document import Extent
from training import MODELS

EVERY, START, LENGTH, AFTER = 60, 200, 1200, 200


def main() -> None:
    """Read the passages with both readings and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--passages", type=int, default=60)
    parser.add_argument("--out", type=Path, default=MODELS / adapter.LOUDNESS)
    args = parser.parse_args()
    adapter.pays = lambda: False  # the exact model is what is looked at
    model = load_model("embedded")
    assert isinstance(model, adapter.EmbeddedModel)
    seen: dict[int, Tensor] = {}

    def watched(inputs: Tensor, weight: Map) -> Tensor:
        most = inputs.reshape(-1, inputs.shape[-1]).float().abs().amax(0)
        seen[id(weight)] = torch.maximum(seen.get(id(weight), most), most)
        return mapped(inputs, weight)

    llama.mapped = watched
    found: dict[str, Tensor] = {}
    for reading, one in (("masked", model.reader.llama), ("causal", model.causal.base.llama)):
        seen.clear()
        for context, text in islice(passages(args.text), args.passages):
            if reading == "masked":
                fill(model.reader, *model.reader.sides(context), shape_of(context))
            else:
                model.score(context, [text])
        maps = {f"{n}.{name}": getattr(layer, name) for n, layer in enumerate(one.layers) for name in llama.MAPS}
        found |= {f"{reading}.{name}": seen[id(weight)].half() for name, weight in (*maps.items(), ("head", one.head))}
    save_file(found, args.out)
    print(f"{args.out}: {len(found)} maps, {args.out.stat().st_size // 1024} KiB")


def passages(path: Path) -> Iterator[tuple[Context, str]]:
    """Yield passages with a word cut out, and the word."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = json.loads(line)["text"][START : START + LENGTH]
            if number % EVERY or len(text) < LENGTH:
                continue
            before, _, rest = text[:-AFTER].rpartition(" ")
            word, _, after = (rest + text[-AFTER:]).partition(" ")
            if word.isalpha():
                yield Context(f"{before} ", f" {after}", Extent("character", max(1, len(word) - 1), len(word) + 1)), word


if __name__ == "__main__":
    main()
