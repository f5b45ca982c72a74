"""Text that the first engine passed over or made nothing of: the second engine reads it where its detector saw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from desunt.ocr.confidence.comparison_features import recovered_features
from desunt.ocr.confidence.legibility import FeatureMatrix
from desunt.ocr.confidence.voting import CombinedResult, SecondPass, combine
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.engines.line_images import RecognizedWord, TextQuad, crop
from desunt.record.document import Box

# A word of this legibility stands: what lies under it is not read a third time, and nothing takes its place.
STANDING_LEGIBILITY = 0.3
# How wide a missed span is at the least, and the room kept at its sides.
MIN_SPAN_LETTERS, SIDE_ROOM_LETTERS = 2.0, 0.25
# Share of a quad's height that its letters have: the detector leaves white round them.
LETTER_HEIGHT_SHARE = 0.65
# Share of its height that a word has in common with its line, and how far from it it may stand, in heights of the line.
MIN_SHARED_HEIGHT, MAX_DISTANCE_HEIGHTS = 0.5, 5.0
# How far below the last line of its block the next one begins at most.
MAX_LEADING_HEIGHTS = 1.5


@dataclass(frozen=True, slots=True)
class RecoveredSpan:
    """A part of a quad where no word stands, what the second engine recognises there, and that as words with their boxes on the page."""

    quad: TextQuad
    recognized: tuple[RecognizedWord, ...]
    words: tuple[EngineWord, ...]


def combine_and_recover(result: OcrResult, features: FeatureMatrix, second_pass: SecondPass) -> OcrResult:
    """Return the result after the second engine has looked at the page; its words carry their legibility, see `combine`.

    Each word stands as the likelier engine has it, and words that only the second read stand in their line or in one of their own.
    """
    combined, context = combine(result, features, second_pass)
    spans = read_missed_spans(combined, second_pass)
    rows = (
        np.array([recovered_features(span.recognized, place, span.quad.width, context) for place in range(len(span.words))])
        for span in spans
    )
    return insert_spans(combined.result, spans, [second_pass.legibility.recovered.predict_proba(row).tolist() for row in rows])


def read_missed_spans(combined: CombinedResult, second_pass: SecondPass) -> tuple[RecoveredSpan, ...]:
    """Return the parts of quads where no word stands, with what the second engine reads there; nothing where it reads nothing."""
    standing = [word.box for word in combined.result.words if word.legibility >= STANDING_LEGIBILITY]
    parts = [part for quad in combined.quads for part in _uncovered_parts(quad, standing, second_pass)]
    recognized = second_pass.reader.recognize([crop(second_pass.page, part) for part in parts])
    return tuple(RecoveredSpan(part, seen, _words(part, seen, second_pass)) for part, seen in zip(parts, recognized, strict=True) if seen)


def insert_spans(result: OcrResult, spans: Sequence[RecoveredSpan], legibility: Sequence[Sequence[float]]) -> OcrResult:
    """Return the result with spans, `legibility` that of their words.

    Hopeless words of the first engine make room where those of the second are likelier in sum.
    """
    lines = list(result.lines)
    for span, scores in zip(spans, legibility, strict=True):
        words = tuple(replace(word, legibility=score) for word, score in zip(span.words, scores, strict=True))
        lines = _insert_span(lines, span.quad, words)
    filled = (line for line in lines if line.words)
    return replace(result, lines=tuple(replace(line, box=Box.enclosing(word.box for word in line.words)) for line in filled))


def _words(quad: TextQuad, recognized: Sequence[RecognizedWord], second_pass: SecondPass) -> tuple[EngineWord, ...]:
    height, width = second_pass.page.shape
    words = []
    for word in recognized:
        part = quad.part(word.start, word.end)
        left, top, right, bottom = part.bounds
        white = (1 - LETTER_HEIGHT_SHARE) / 2 * part.height
        box = Box(max(0, round(left)), max(0, round(top + white)), min(width, round(right) + 1), min(height, round(bottom - white) + 1))
        words.append(EngineWord(word.text, box, word.min_confidence, second_pass.reader.name))
    return tuple(words)


def _uncovered_parts(quad: TextQuad, standing: Sequence[Box], second_pass: SecondPass) -> Iterator[TextQuad]:
    """Yield the parts of a quad between the words that stand in it."""
    covered = sorted(_ends(quad, box) for box in standing if quad.holds(box))
    edges = [0.0, *(end for pair in covered for end in pair), 1.0]
    advance, (height, width) = second_pass.metrics.advance, second_pass.page.shape
    room = SIDE_ROOM_LETTERS * advance / quad.width
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - start) * quad.width >= MIN_SPAN_LETTERS * advance:
            part = quad.part(max(0.0, start - room), min(1.0, end + room)) if covered else quad
            if part.clipped(width, height):
                yield part


def _ends(quad: TextQuad, box: Box) -> tuple[float, float]:
    """Return between which shares of a quad's width a box stands."""
    middle = (box.top + box.bottom) / 2
    return quad.shares_at(box.left, middle)[0], quad.shares_at(box.right, middle)[0]


def _insert_span(lines: list[EngineLine], quad: TextQuad, words: tuple[EngineWord, ...]) -> list[EngineLine]:
    """Return the lines with the words of a span, if they are likelier than the hopeless ones that stand there.

    Those are no alternatives to them: a quad may run under a redaction, and what was read there must not be kept with a word beside it.
    """
    rivals = [word for line in lines for word in line.words if word.legibility < STANDING_LEGIBILITY and quad.holds(word.box)]
    if _expected_letters(words) <= _expected_letters(rivals):
        return lines
    place = _line_of(lines, quad, rivals)
    lines = [replace(line, words=tuple(word for word in line.words if word not in rivals)) for line in lines]
    if place is None:
        return _insert_line(lines, words)
    merged = tuple(sorted((*lines[place].words, *words), key=lambda word: word.box.left))
    return [*lines[:place], replace(lines[place], words=merged), *lines[place + 1 :]]


def _expected_letters(words: Sequence[EngineWord]) -> float:
    """Return how many letters are probably right."""
    return sum(word.legibility * len(word.text) for word in words)


def _line_of(lines: Sequence[EngineLine], quad: TextQuad, rivals: Sequence[EngineWord]) -> int | None:
    """Return the line a span belongs to: that of the words it replaces, or one at its height beside it; None if there is none."""
    left, top, right, bottom = quad.bounds
    votes: list[tuple[float, int]] = []
    for place, line in enumerate(lines):
        boxes = [word.box for word in line.words]
        near = [box for box in boxes if abs(max(box.left - right, left - box.right)) < MAX_DISTANCE_HEIGHTS * box.height]
        level = sum(min(box.bottom, bottom) - max(box.top, top) >= MIN_SHARED_HEIGHT * min(box.height, bottom - top) for box in near)
        votes.append((level + 2 * sum(word in rivals for word in line.words), place))
    most, place = max(votes, default=(0, 0), key=lambda vote: vote[0])
    return place if most else None


def _insert_line(lines: list[EngineLine], words: tuple[EngineWord, ...]) -> list[EngineLine]:
    """Return the lines with a new one, before the first below it in its column."""
    box = Box.enclosing(word.box for word in words)
    below = (n for n, line in enumerate(lines) if _shares_column(line.box, box) and line.box.top > box.top)
    place = next(below, len(lines))
    return [*lines[:place], EngineLine(words, box, _block_at(lines, place, box)), *lines[place:]]


def _block_at(lines: Sequence[EngineLine], place: int, box: Box) -> int:
    """Return the block of a line that comes at that place: that of the line above if it follows at once, else a new one."""
    if place:
        above = lines[place - 1]
        if above.box.top <= box.top < above.box.bottom + MAX_LEADING_HEIGHTS * box.height and _shares_column(above.box, box):
            return above.block
    return max((line.block for line in lines), default=0) + 1


def _shares_column(box: Box, other: Box) -> bool:
    return min(box.right, other.right) > max(box.left, other.left)
