"""What Tesseract made of known text: a page's output aligned with its transcript, letter by letter, cut where both have a space.

Used by fit_confusion.py and fit_calibration.py; readings are cached as TSV files, since the engine takes seconds a page.
"""

from __future__ import annotations

import csv
import os
import re
import statistics
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

# A line of the output that is less like every line of the transcript than this is not on it.
LEAST_ALIKE = 62.0
# Stands in the transcript for what its maker could not read: segments that hold it are left out.
UNKNOWN = "\ufffc"
LABEL = re.compile(r"⟦(?:HAND|STAMP|STRUCK): (.*)⟧$|⟦FORM⟧ ?|⟦HAND⟧|⟦STAMP⟧")
MARK = re.compile(r"⟦\?⟧|\S*⟦~⟧|⟦REDACTED⟧")
QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and what the engine read there; `confidence` 0-1 of its worst word, `letters` its width in mean letters.

    `before` and `after` are the engine's own text round it, as a reader of the page would have it.
    """

    text: str
    ink: str
    confidence: float
    letters: float
    before: str
    after: str
    page: str


def segments_of(image: Path, cache: Path) -> Iterator[Segment]:
    """Yield the segments of one page that has `image.gt.txt` beside it."""
    truth = _truth(image.with_suffix("").with_name(image.stem + ".gt.txt"))
    lines = _lines(_read(image, cache))
    texts = [" ".join(word["text"] for word in line) for line in lines]
    wide = _letter_width(lines)
    for number, line in enumerate(lines):
        best = max(truth, key=lambda wanted: fuzz.ratio(wanted, texts[number]))
        if fuzz.ratio(best, texts[number]) < LEAST_ALIKE:
            continue
        before, after = " ".join(texts[max(0, number - 8) : number]), " ".join(texts[number + 1 : number + 9])
        for (t0, t1), (i0, i1) in _cuts(best, texts[number]):
            words = _words_between(line, i0, i1)
            text, ink = best[t0:t1], texts[number][i0:i1]
            if UNKNOWN in text or not words or not text.strip():
                continue
            yield Segment(
                text=text, ink=ink, confidence=min(float(word["conf"]) for word in words) / 100, letters=_width(words) / wide,
                before=f"{before} {texts[number][:i0]}"[-900:], after=f"{texts[number][i1:]} {after}"[:900], page=image.stem,
            )  # fmt: skip


def _truth(path: Path) -> list[str]:
    text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8")).translate(QUOTES)
    lines = (LABEL.sub(lambda match: match[1] or "", line.strip()) for line in text.splitlines())
    return [" ".join(MARK.sub(UNKNOWN, line).split()) for line in lines if line.strip()]


def _read(image: Path, cache: Path) -> list[dict[str, str]]:
    target = cache / f"{image.parent.name}-{image.stem}"
    if not target.with_name(target.name + ".tsv").exists():
        cache.mkdir(parents=True, exist_ok=True)
        limited = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        subprocess.run(["tesseract", str(image), str(target), "--psm", "3", "tsv"], check=True, capture_output=True, env=limited)
    with target.with_name(target.name + ".tsv").open(encoding="utf-8") as stream:
        return [
            row for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE) if row["level"] == "5" and row["text"].strip()
        ]


def _lines(rows: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    lines: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        word = {**row, "text": unicodedata.normalize("NFC", row["text"]).translate(QUOTES)}
        lines.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(word)
    return list(lines.values())


def _letter_width(lines: list[list[dict[str, str]]]) -> float:
    """Return the page's width of one letter in pixels, by the words that were read well."""
    sure = [word for line in lines for word in line if float(word["conf"]) > 85 and len(word["text"]) > 3]
    return statistics.median(int(word["width"]) / len(word["text"]) for word in sure or [w for line in lines for w in line])


def _cuts(text: str, ink: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the spans of text and ink between spaces that both have at the same place."""
    start = (0, 0)
    for block in Levenshtein.opcodes(text, ink):
        if block.tag != "equal":
            continue
        for offset in range(block.src_end - block.src_start):
            t, i = block.src_start + offset, block.dest_start + offset
            if text[t] == " ":
                yield (start[0], t), (start[1], i)
                start = (t + 1, i + 1)
    yield (start[0], len(text)), (start[1], len(ink))


def _words_between(line: list[dict[str, str]], start: int, end: int) -> list[dict[str, str]]:
    found, place = [], 0
    for word in line:
        if place < end and place + len(word["text"]) > start:
            found.append(word)
        place += len(word["text"]) + 1
    return found


def _width(words: list[dict[str, str]]) -> int:
    return max(int(word["left"]) + int(word["width"]) for word in words) - min(int(word["left"]) for word in words)
