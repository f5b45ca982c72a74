"""Train the n-gram model, evidence beside the language model and baseline, on JSON lines of texts.

usage: python -m training.train_ngram --texts FILE.jsonl.xz... [--documents 30000] [--out models/ngram.npz]

With fewer documents every n-th is taken, so that all years are there. All 29,343 documents of frus-train: 58 CPU-seconds, 1.4 GB of
memory, a file of 16 MB.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path

from desunt.lm.ngram import NgramModel
from training import MODELS


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--documents", type=int, default=30_000, help="documents a file")
    parser.add_argument("--out", type=Path, default=MODELS / "ngram.npz")
    args = parser.parse_args()
    model = NgramModel.train(read_texts(args.texts, args.documents))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    model.save(args.out)
    print(f"{args.out}: {len(model.words)} words, {sum(len(table.keys) for table in model.tables)} n-grams")


def read_texts(paths: Sequence[Path], documents: int) -> Iterator[str]:
    """Yield so many texts of each file, evenly spread over it."""
    for path in paths:
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            total = sum(1 for _ in stream)
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            step = max(1, total // documents)
            yield from (json.loads(line)["text"] for number, line in enumerate(stream) if number % step == 0)


if __name__ == "__main__":
    main()
