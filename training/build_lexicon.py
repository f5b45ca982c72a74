"""Count the words of a text collection: `models/lexicon.tsv.xz`.

    python -m training.build_lexicon frus-train.jsonl.xz [--least 5] [--out models/lexicon.tsv.xz]

The input has one JSON object a line with the key `text`. The table has one word a line: its spelling, a tab, and how often it
was seen in any case; most frequent first. The spelling is the most frequent one, but in small letters where these are no
exception: `Stalin` always has its capital, `foreign` has it in offices only. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from training import MODELS

# A word that is written in small letters so often has no capital of its own.
MIN_LOWERCASE_SHARE = 0.08
WORD = re.compile(r"[^\W\d_]+(?:['.&-][^\W\d_]+)*")


def read_texts(path: Path) -> Iterator[str]:
    """Yield the texts of the collection."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)["text"]


def count_spellings(texts: Iterable[str]) -> Counter[str]:
    """Return how often each spelling was seen."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(WORD.findall(text.replace("’", "'")))
    return counts


def build_table(counts: Counter[str], least: int) -> list[tuple[str, int]]:
    """Return (spelling, count over all cases), most frequent first."""
    spellings: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for word, number in counts.items():
        spellings[word.casefold()].append((number, word))
    rows = [(usual_spelling(forms), sum(number for number, _ in forms)) for forms in spellings.values()]
    return sorted((row for row in rows if row[1] >= least), key=lambda row: (-row[1], row[0]))


def usual_spelling(forms: list[tuple[int, str]]) -> str:
    """Return how a word is written where nothing else is known; `forms` are counts and spellings that differ in case only."""
    lowercase = sum(number for number, form in forms if form.islower())
    if lowercase >= MIN_LOWERCASE_SHARE * sum(number for number, _ in forms):
        return max(form for form in forms if form[1].islower())[1]
    return max(forms)[1]


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--least", type=int, default=5)
    parser.add_argument("--out", type=Path, default=MODELS / "lexicon.tsv.xz")
    args = parser.parse_args()
    rows = build_table(count_spellings(read_texts(args.collection)), args.least)
    content = "".join(f"{word}\t{number}\n" for word, number in rows)
    args.out.write_bytes(lzma.compress(content.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{args.out}: {len(rows)} words, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
