"""Fit how readings go wrong, from engine output aligned with ground truth (channel `ink`) and from editors' corrections (`garbled`).

usage: python -m training.fit_confusion --scans FOLDER... --corrections EDITORS.jsonl [--cache FOLDER] [--out models/confusion.json]

A folder of scans holds images with `NAME.gt.txt` beside them. Edits of up to two letters are aligned with the cheapest path,
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

from desunt.evaluate.split import is_for_fitting
from desunt.lm.lexicon import strip_punctuation
from desunt.restore.error_model import ErrorModel, longest_part, strip_marks
from training import MODELS
from training.aligned_readings import segments_of, typed_images

Pairs: TypeAlias = list[tuple[str, str]]

ROUNDS = 6
# Strength of the back-off, in observations; and how often a confusion must be seen to have a number of its own.
BACK_OFF = 6.0
MIN_COUNT = {"ink": 3, "garbled": 3}
# The kinds of edits that have a cost of their own each.
EDIT_KINDS = ("match", "case_change", "substitution", "deletion", "insertion", "transposition")
MAX_TEXT_LETTERS = 24
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


def main() -> None:
    """Fit both channels and write the table."""
    args = _arguments()
    ink, pages = ink_pairs(args.scans, args.cache)
    garbled = garbled_pairs(args.corrections)
    channels = {
        "ink": as_json(fit(ink, MIN_COUNT["ink"], optical=True)),
        "garbled": as_json(fit(garbled, MIN_COUNT["garbled"], optical=False)),
    }
    fitted_on = {"ink": f"{len(ink)} doubtful words of {pages} pages", "garbled": f"{len(garbled)} editors' corrections, half of the file"}
    args.out.write_text(
        json.dumps({"schema": "desunt-confusion-2", "fitted_on": fitted_on, "channels": channels}, ensure_ascii=False, indent=1) + "\n"
    )
    print(fitted_on)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=Path, nargs="+", required=True)
    parser.add_argument("--corrections", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(".cache/readings"))
    parser.add_argument("--out", type=Path, default=MODELS / "confusion.json")
    return parser.parse_args()


def ink_pairs(folders: Iterable[Path], cache: Path) -> tuple[Pairs, int]:
    """Return (text, reading) of the words the engine doubted or got wrong, and the number of pages."""
    images = typed_images(folders)
    doubtful = [s for image in images for s in segments_of(image, cache) if s.is_doubtful]
    return _pairs((s.text, s.reading) for s in doubtful), len(images)


def garbled_pairs(path: Path) -> Pairs:
    """Return (editor's reading, garbled word) of the documents whose hash is even."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return _pairs((line["answer"], line["engine_reading"]) for line in lines if line["engine_reading"] and is_for_fitting(line["doc"]))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Pairs:
    stripped = ((strip_punctuation(text), _strip_reading(text, reading)) for text, reading in pairs)
    return [(text, reading) for text, reading in stripped if 0 < len(text) <= MAX_TEXT_LETTERS and 0 < len(reading) <= 2 * MAX_TEXT_LETTERS]


def _strip_reading(text: str, reading: str) -> str:
    marks_off = strip_marks(reading)
    return longest_part(reading) if len(marks_off.split()) > len(text.split()) else marks_off


def fit(pairs: Pairs, min_count: int, *, optical: bool) -> ErrorModel:
    """Return the error model that explains the pairs; `optical` ones also know the classical confusions of print."""
    start = ErrorModel({}, 0.2, 2.0, 3.5, 3.0, 3.0, 4.0, 0.1, math.log(LETTERS))
    model = _estimate(start, Counter(edit for pair in pairs for edit in _blocks(*pair)), pairs, min_count, optical=optical)
    for _ in range(ROUNDS):
        related = [
            (text, reading) for text, reading in pairs if model.align(text, reading)[0] < math.log(LETTERS) * (len(reading) + 1) + 2.0
        ]
        edits = Counter(edit for pair in related for edit in model.align(*pair)[1])
        noise = (1.0 + len(pairs) - len(related)) / (2.0 + len(pairs))
        model = _estimate(model, edits, related, min_count, optical=optical, noise=noise)
    return model


def _blocks(text: str, reading: str) -> list[tuple[str, str]]:
    """Return what differs in the plainest alignment, neighbours together: where confusions of two letters are found first."""
    edits: list[tuple[str, str]] = []
    i = j = 0
    for match in Levenshtein.editops(text, reading).as_matching_blocks():
        if (match.a > i or match.b > j) and match.a - i <= 2 and match.b - j <= 2:
            edits.append((text[i : match.a], reading[j : match.b]))
        edits += [(char, char) for char in text[match.a : match.a + match.size]]
        i, j = match.a + match.size, match.b + match.size
    return edits


def _estimate(
    model: ErrorModel, edits: Counter[tuple[str, str]], pairs: Pairs, min_count: int, *, optical: bool, noise: float = 0.1
) -> ErrorModel:
    """Return the model of the counted edits, each smoothed towards the rate of its kind."""
    text_counts = Counter(char for text, _ in pairs for char in text)
    text_counts.update(text[i : i + 2] for text, _ in pairs for i in range(len(text) - 1))
    places = sum(len(text) + 1 for text, _ in pairs)
    kinds: Counter[str] = Counter()
    for edit, count in edits.items():
        kinds[_kind(*edit)] += count
    rates = {kind: (kinds[kind] + 1.0) / (places + 10.0) for kind in EDIT_KINDS}
    rates["substitution"], rates["insertion"] = rates["substitution"] / LETTERS, rates["insertion"] / LETTERS
    costs = {}
    classical = Counter({pair: 1 for one, two in CLASSICAL for pair in ((one, two), (two, one)) if optical})
    for (text, reading), count in (edits + classical).items():
        kind = _kind(text, reading)
        if count < min_count and kind != "match" and (text, reading) not in classical:
            continue
        total = text_counts[text] if text else places
        back_off = BACK_OFF * rates[kind] if kind in rates else 0.0
        costs[text, reading] = round(-math.log(min(0.999, (count + back_off) / (total + BACK_OFF))), 3)
    kind_costs = {kind: round(-math.log(rate), 3) for kind, rate in rates.items()}
    return ErrorModel(costs, **kind_costs, noise=round(noise, 4), noise_per_letter=model.noise_per_letter)


def _kind(text: str, reading: str) -> str:
    if not reading:
        return "deletion"
    if not text:
        return "insertion"
    if text == reading:
        return "match"
    if len(text) == len(reading) == 2 and text == reading[::-1]:
        return "transposition"
    if len(text) == len(reading) == 1:
        return "case_change" if text.casefold() == reading.casefold() else "substitution"
    return "several letters"


def as_json(model: ErrorModel) -> dict[str, object]:
    """Return the model as the file has it, its costs in order."""
    costs = sorted(([text, reading, cost] for (text, reading), cost in model.costs.items()), key=lambda row: (row[0], row[1]))
    return {**{name: round(getattr(model, name), 4) for name in (*EDIT_KINDS, "noise", "noise_per_letter")}, "costs": costs}


if __name__ == "__main__":
    main()
