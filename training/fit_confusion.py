"""Fit how readings go wrong, from engine output aligned with ground truth (channel `ink`) and from editors' corrections (`garbled`).

usage: fit_confusion.py --scans FOLDER... --corrections EDITORS.jsonl [--cache FOLDER] [--out models/confusion.json]

A folder of scans holds images with `NAME.gt.txt` beside them. Pieces of up to two letters are aligned with the cheapest path,
counted, and aligned again with the costs of the counts (Viterbi training, as in Ristad & Yianilos 1998). Only half of the
corrections are used, those whose document's hash is even, so that the other half can measure. The table is a few hundred
numbers; no text of the documents is in it.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from rapidfuzz.distance import Levenshtein

from desunt.evaluate.split import for_fitting
from desunt.lm.lexicon import bare
from desunt.restore.error_model import Confusion, cleaned, core
from training import MODELS
from training.aligned_ink import segments_of

Pairs: TypeAlias = list[tuple[str, str]]

ROUNDS = 6
# Strength of the back-off, in observations; and how often a confusion must be seen to have a number of its own.
BACK_OFF = 6.0
LEAST_SEEN = {"ink": 3, "garbled": 3}
# Words less sure than this are what becomes a gap.
UNSURE = 0.6
LONGEST_TEXT = 24
LETTERS = 60
# Two letters taken for one: known of every engine, too rare in a few pages to be counted. Each counts as seen once, either way.
CLASSICAL = (
    ("m", "rn"),
    ("d", "cl"),
    ("h", "li"),
    ("n", "ri"),
    ("w", "vv"),
    ("u", "ii"),
    ("k", "lc"),
    ("b", "lo"),
    ("H", "II"),
    ("N", "IV"),
)
# Handwritten pages: the engine does not read hands, its output there says nothing about type.
HANDWRITTEN = ("i083", "Lettre247")


def main() -> None:
    """Fit both channels and write the table."""
    args = _arguments()
    ink, pages = ink_pairs(args.scans, args.cache)
    garbled = garbled_pairs(args.corrections)
    channels = {
        "ink": _plain(fit(ink, LEAST_SEEN["ink"], optical=True)),
        "garbled": _plain(fit(garbled, LEAST_SEEN["garbled"], optical=False)),
    }
    about = {"ink": f"{len(ink)} doubtful words of {pages} pages", "garbled": f"{len(garbled)} editors' corrections, half of the file"}
    args.out.write_text(
        json.dumps({"schema": "desunt-confusion-1", "fitted_on": about, "channels": channels}, ensure_ascii=False, indent=1) + "\n"
    )
    print(about, {name: len(table["known"]) for name, table in channels.items()})  # type: ignore[arg-type]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=Path, nargs="+", required=True)
    parser.add_argument("--corrections", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(".cache/readings"))
    parser.add_argument("--out", type=Path, default=MODELS / "confusion.json")
    return parser.parse_args()


def ink_pairs(folders: Iterable[Path], cache: Path) -> tuple[Pairs, int]:
    """Return (text, reading) of the words the engine doubted or got wrong, and the number of pages."""
    images = [i for f in folders for i in sorted([*f.glob("*.png"), *f.glob("*.jpg")]) if not any(mark in i.name for mark in HANDWRITTEN)]
    segments = [segment for image in images for segment in segments_of(image, cache)]
    doubtful = [s for s in segments if s.confidence < UNSURE or bare(s.text) != bare(s.ink)]
    return _pairs((s.text, s.ink) for s in doubtful), len(images)


def garbled_pairs(path: Path) -> Pairs:
    """Return (editor's reading, garbled word) of the documents whose hash is even."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return _pairs((line["answer"], line["engine_reading"]) for line in lines if line["engine_reading"] and for_fitting(line["doc"]))


def _pairs(found: Iterable[tuple[str, str]]) -> Pairs:
    bared = ((bare(text), core(ink) if len(cleaned(ink).split()) > len(text.split()) else cleaned(ink)) for text, ink in found)
    return [(text, ink) for text, ink in bared if 0 < len(text) <= LONGEST_TEXT and ink and len(ink) <= 2 * LONGEST_TEXT]


def fit(pairs: Pairs, least_seen: int, *, optical: bool) -> Confusion:
    """Return the table that explains the pairs; `optical` ones also know the classical confusions of print."""
    start = Confusion({}, 0.2, 2.0, 3.5, 3.0, 3.0, 4.0, 0.1, math.log(LETTERS))
    table = _counted(start, Counter(piece for pair in pairs for piece in _blocks(*pair)), pairs, least_seen, optical=optical)
    for _ in range(ROUNDS):
        sense = [(text, ink) for text, ink in pairs if table.align(text, ink)[0] < math.log(LETTERS) * (len(ink) + 1) + 2.0]
        pieces = Counter(piece for pair in sense for piece in table.align(*pair)[1])
        table = _counted(table, pieces, sense, least_seen, optical=optical, junk=(1.0 + len(pairs) - len(sense)) / (2.0 + len(pairs)))
    return table


def _blocks(text: str, ink: str) -> list[tuple[str, str]]:
    """Return what differs in the plainest alignment, neighbours together: where confusions of two letters are found first."""
    found: list[tuple[str, str]] = []
    i = j = 0
    for match in Levenshtein.editops(text, ink).as_matching_blocks():
        if (match.a > i or match.b > j) and match.a - i <= 2 and match.b - j <= 2:
            found.append((text[i : match.a], ink[j : match.b]))
        found += [(sign, sign) for sign in text[match.a : match.a + match.size]]
        i, j = match.a + match.size, match.b + match.size
    return found


def _counted(
    table: Confusion, pieces: Counter[tuple[str, str]], pairs: Pairs, least_seen: int, *, optical: bool, junk: float = 0.1
) -> Confusion:
    """Return the table of the counted pieces, each smoothed towards the rate of its kind."""
    of_text = Counter(sign for text, _ in pairs for sign in text)
    of_text.update(text[i : i + 2] for text, _ in pairs for i in range(len(text) - 1))
    places = sum(len(text) + 1 for text, _ in pairs)
    kinds: Counter[str] = Counter()
    for piece, count in pieces.items():
        kinds[_kind(*piece)] += count
    rate = {kind: (kinds[kind] + 1.0) / (places + 10.0) for kind in ("same", "case", "swap", "lost", "added", "turned")}
    rate["swap"], rate["added"] = rate["swap"] / LETTERS, rate["added"] / LETTERS
    known = {}
    classical = Counter({pair: 1 for one, two in CLASSICAL for pair in ((one, two), (two, one)) if optical})
    for (text, ink), count in (pieces + classical).items():
        kind = _kind(text, ink)
        if count < least_seen and kind != "same" and (text, ink) not in classical:
            continue
        seen = of_text[text] if text else places
        backed = BACK_OFF * rate[kind] if kind in rate else 0.0
        known[text, ink] = round(-math.log(min(0.999, (count + backed) / (seen + BACK_OFF))), 3)
    return Confusion(known, **{kind: round(-math.log(rate[kind]), 3) for kind in rate}, junk=round(junk, 4), junk_letter=table.junk_letter)


def _kind(text: str, ink: str) -> str:
    if not ink:
        return "lost"
    if not text:
        return "added"
    if text == ink:
        return "same"
    if len(text) == len(ink) == 2 and text == ink[::-1]:
        return "turned"
    if len(text) == len(ink) == 1:
        return "case" if text.casefold() == ink.casefold() else "swap"
    return "pieces"


def _plain(table: Confusion) -> dict[str, object]:
    names = ("same", "case", "swap", "lost", "added", "turned", "junk", "junk_letter")
    known = sorted(([text, ink, cost] for (text, ink), cost in table.known.items()), key=lambda row: (row[0], row[1]))
    return {**{name: round(getattr(table, name), 4) for name in names}, "known": known}


if __name__ == "__main__":
    main()
