"""What Tesseract made of known text: a page's output aligned with its transcript, letter by letter, cut where both have a space.

Used by fit_confusion.py and fit_calibration.py; readings are cached as TSV files, since the engine takes seconds a page.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from desunt.lm.lexicon import strip_punctuation

Word: TypeAlias = dict[str, str]  # a row of Tesseract's table
# A line of the output that is less like every line of the transcript than this, in per cent, is not on it.
MIN_SIMILARITY = 62.0
# Words less sure than this are what becomes a gap.
DOUBTFUL_CONFIDENCE = 0.6
# Stands in the transcript for what its maker could not read: segments that hold it are left out.
UNKNOWN = "\ufffc"
LABEL = re.compile(r"⟦(?:HAND|STAMP|STRUCK): (.*)⟧$|⟦FORM⟧ ?|⟦HAND⟧|⟦STAMP⟧")
MARK = re.compile(r"⟦\?⟧|\S*⟦~⟧|⟦REDACTED⟧")
QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})
# Handwritten pages: the engine does not read hands, its output there says nothing about type.
HANDWRITTEN = ("i083", "Lettre247")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and what the engine read there; `confidence` 0-1 of its worst word, `page` the name of its image."""

    text: str
    reading: str
    confidence: float
    page: str

    @property
    def is_doubtful(self) -> bool:
        """Say whether the engine was not sure of the segment, or got it wrong."""
        return self.confidence < DOUBTFUL_CONFIDENCE or strip_punctuation(self.text) != strip_punctuation(self.reading)


def typed_images(folders: Iterable[Path]) -> list[Path]:
    """Return the images of the folders, handwritten pages left out."""
    images = (image for folder in folders for image in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]))
    return [image for image in images if not any(mark in image.name for mark in HANDWRITTEN)]


def segments_of(image: Path, cache: Path) -> Iterator[Segment]:
    """Yield the segments of one page that has `image.gt.txt` beside it."""
    transcript = _read_transcript(image.with_suffix("").with_name(image.stem + ".gt.txt"))
    for words in _lines(_read_words(image, cache)):
        output = " ".join(word["text"] for word in words)
        best = max(transcript, key=lambda line: fuzz.ratio(line, output))
        if fuzz.ratio(best, output) < MIN_SIMILARITY:
            continue
        for (text_start, text_end), (start, end) in _cut_at_spaces(best, output):
            text, covered = best[text_start:text_end], _words_between(words, start, end)
            if UNKNOWN not in text and covered and text.strip():
                yield Segment(text, output[start:end], min(float(word["conf"]) for word in covered) / 100, image.stem)


def _read_transcript(path: Path) -> list[str]:
    text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8")).translate(QUOTES)
    lines = (LABEL.sub(lambda match: match[1] or "", line.strip()) for line in text.splitlines())
    return [" ".join(MARK.sub(UNKNOWN, line).split()) for line in lines if line.strip()]


def _read_words(image: Path, cache: Path) -> list[Word]:
    target = cache / f"{image.parent.name}-{image.stem}"
    if not target.with_name(target.name + ".tsv").exists():
        cache.mkdir(parents=True, exist_ok=True)
        limited = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        subprocess.run(["tesseract", str(image), str(target), "--psm", "3", "tsv"], check=True, capture_output=True, env=limited)
    with target.with_name(target.name + ".tsv").open(encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if row["level"] == "5" and row["text"].strip()]


def _lines(words: list[Word]) -> list[list[Word]]:
    lines: dict[tuple[str, ...], list[Word]] = {}
    for word in words:
        normalised = {**word, "text": unicodedata.normalize("NFC", word["text"]).translate(QUOTES)}
        lines.setdefault((word["block_num"], word["par_num"], word["line_num"]), []).append(normalised)
    return list(lines.values())


def _cut_at_spaces(text: str, output: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the spans of text and output between spaces that both have at the same place."""
    start = (0, 0)
    for block in Levenshtein.opcodes(text, output):
        if block.tag != "equal":
            continue
        for offset in range(block.src_end - block.src_start):
            t, o = block.src_start + offset, block.dest_start + offset
            if text[t] == " ":
                yield (start[0], t), (start[1], o)
                start = (t + 1, o + 1)
    yield (start[0], len(text)), (start[1], len(output))


def _words_between(words: list[Word], start: int, end: int) -> list[Word]:
    covered, place = [], 0
    for word in words:
        if place < end and place + len(word["text"]) > start:
            covered.append(word)
        place += len(word["text"]) + 1
    return covered
