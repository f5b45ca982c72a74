"""Lines that an engine read across what does not belong together: a margin note and the line beside it, a stamp, cells of a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.line_repair import usual_slope
from desunt.ocr.layout.type_metrics import TypeMetrics, center_x, center_y
from desunt.ocr.preprocessing.ink import Mask
from desunt.record.document import Box

# No typist leaves more room within a sentence; beside what is no type at all less is enough.
MIN_WIDE_GAP_LETTERS, MIN_CHUNK_GAP_LETTERS = 4.0, 3.0
# Type on both sides of a wide gap is of two lines where it stands this far from one course, and of two kinds where one is taller by this
# ratio, and each side has some letters.
MIN_LINE_OFFSET_HEIGHTS, MIN_KIND_RATIO, MIN_KIND_GAP_LETTERS, MIN_KIND_LETTERS = 0.5, 1.9, 8.0, 2
# Across more room an engine joins what it doubts itself: one side is read with less confidence.
MIN_FAR_GAP_LETTERS, MIN_SURE_CONFIDENCE = 30.0, 0.6
# Marks without a letter or digit are cells of a table (dashes) where the engine is this sure of them; digits and marks there are so high.
MIN_MARK_CONFIDENCE, MIN_CELL_HEIGHT, MAX_CELL_HEIGHT = 0.8, 0.6, 1.4
# Letters beside each other are text, whatever their boxes look like, from this number on; and from a lower one if the engine is sure.
MIN_TEXT_LETTERS, MIN_SURE_TEXT_LETTERS = 10, 3
# A rule fills this share of its column of pixels, this far above and below the line's middle, and is no broader.
RULE_REACH_HEIGHTS, MIN_RULE_FILL, MAX_RULE_LETTERS = 1.2, 0.97, 0.5
# Rules below each other rule a table: how far apart at most, over how many lines at the least.
MAX_TABLE_OFFSET_LETTERS, MIN_TABLE_LINES = 2, 4
# How many words on each side of a gap show their course; of a shorter line the baseline shows no slope.
COURSE_WORDS, MIN_SLOPE_LETTERS = 2, 10.0


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Words of a line with no wide gap between them; `is_type` says that some of them may be of the page's type."""

    words: tuple[EngineWord, ...]
    is_type: bool
    confidence: float
    height: float

    @property
    def letters(self) -> int:
        return sum(word.letters for word in self.words)


@dataclass(frozen=True, slots=True)
class LineContext:
    """What is known of a line's page: type, usual slope, where it has ink (1; None if unknown), and the columns of its tables' rules."""

    metrics: TypeMetrics
    slope: float
    mask: Mask | None = None
    table_rules: tuple[int, ...] = ()


def split_line(line: EngineLine, context: LineContext, *, is_repaired: bool = False) -> tuple[tuple[EngineWord, ...], ...]:
    """Return the words of a line in parts that do not belong together, left to right; one part where there is no evidence against it.

    A line that was repaired follows its own course already, however its boxes stand: only far gaps and rules part it.
    """
    chunks = _chunks(line, context.metrics)
    slope = _slope(line, context)
    parts = [list(chunks[0].words)]
    for left, right in pairwise(chunks):
        if _are_far_apart(left, right, context) or (not is_repaired and _are_different(left, right, slope, context.metrics)):
            parts.append(list(right.words))
        else:
            parts[-1].extend(right.words)
    return tuple(tuple(part) for part in parts)


def table_rulings(lines: Sequence[EngineLine], metrics: TypeMetrics, mask: Mask | None) -> tuple[int, ...]:
    """Return the columns, in pixels, of upright rules that part words of so many lines that they rule a table."""
    if mask is None:
        return ()
    rules = [
        (number, x)
        for number, line in enumerate(lines)
        for left, right in pairwise(_chunks(line, metrics))
        if left.is_type and right.is_type
        for x in _rules(left.words[-1], right.words[0], metrics, mask)
    ]
    near = MAX_TABLE_OFFSET_LETTERS * metrics.advance
    return tuple(x for _, x in rules if len({row for row, other in rules if abs(x - other) <= near}) >= MIN_TABLE_LINES)


def _slope(line: EngineLine, context: LineContext) -> float:
    """Return the line's own slope where its baseline or its words show it, else the page's usual one."""
    if line.baseline and line.box.width >= MIN_SLOPE_LETTERS * context.metrics.advance:
        (left, top), (right, bottom) = line.baseline
        return (bottom - top) / max(1, right - left)
    return usual_slope([line], context.metrics) or context.slope


def _chunks(line: EngineLine, metrics: TypeMetrics) -> list[_Chunk]:
    groups = [[line.words[0]]]
    for word, following in pairwise(line.words):
        if following.box.left - word.box.right >= MIN_CHUNK_GAP_LETTERS * metrics.advance:
            groups.append([following])
        else:
            groups[-1].append(following)
    return [_chunk(group, metrics) for group in groups]


def _chunk(words: Sequence[EngineWord], metrics: TypeMetrics) -> _Chunk:
    lettered = [word for word in words if word.letters] or words
    is_type = any(metrics.matches(word) or _is_cell(word, metrics) for word in words)
    return _Chunk(tuple(words), is_type, median(word.confidence for word in lettered), median(word.box.height for word in lettered))


def _is_cell(word: EngineWord, metrics: TypeMetrics) -> bool:
    """Tell whether a short word may be a table's: a digit, or a mark the engine is sure of."""
    is_low = word.box.height <= MAX_CELL_HEIGHT * metrics.height
    if word.letters:
        return is_low and MIN_CELL_HEIGHT * metrics.height <= word.box.height
    return is_low and word.confidence >= MIN_MARK_CONFIDENCE


def _gap_letters(left: _Chunk, right: _Chunk, metrics: TypeMetrics) -> float:
    return (right.words[0].box.left - left.words[-1].box.right) / metrics.advance


def _are_far_apart(left: _Chunk, right: _Chunk, context: LineContext) -> bool:
    """Tell whether a rule stands between two chunks that is no table's, or so much room that the engine doubts one of them."""
    metrics, gap = context.metrics, _gap_letters(left, right, context.metrics)
    if gap >= MIN_FAR_GAP_LETTERS and min(left.confidence, right.confidence) < MIN_SURE_CONFIDENCE:
        return True
    if gap < MIN_WIDE_GAP_LETTERS or context.mask is None:
        return False
    near = MAX_TABLE_OFFSET_LETTERS * metrics.advance
    rules = _rules(left.words[-1], right.words[0], metrics, context.mask)
    return any(all(abs(rule - table_rule) > near for table_rule in context.table_rules) for rule in rules)


def _are_different(left: _Chunk, right: _Chunk, slope: float, metrics: TypeMetrics) -> bool:
    """Tell whether one of two chunks is no type, or they stand on different lines, or are in type of different size."""
    if left.is_type is not right.is_type:
        return not _is_text(right if left.is_type else left)
    gap = _gap_letters(left, right, metrics)
    if gap >= MIN_WIDE_GAP_LETTERS and _line_offset(left, right, slope) > MIN_LINE_OFFSET_HEIGHTS * metrics.height:
        return True
    low, high = sorted((left.height, right.height))
    return gap >= MIN_KIND_GAP_LETTERS and high > MIN_KIND_RATIO * low and min(left.letters, right.letters) >= MIN_KIND_LETTERS


def _is_text(chunk: _Chunk) -> bool:
    """Tell whether what is too tall or low for the type is text for all that: noise over a word makes its box tall."""
    is_sure = chunk.letters >= MIN_SURE_TEXT_LETTERS and chunk.confidence >= MIN_MARK_CONFIDENCE
    return chunk.letters >= MIN_TEXT_LETTERS or is_sure


def _line_offset(left: _Chunk, right: _Chunk, slope: float) -> float:
    """Return how far, in pixels, the words on both sides of a gap stand from one course."""
    sides = left.words[-COURSE_WORDS:], right.words[:COURSE_WORDS]
    left_course, right_course = (median(center_y(word.box) - slope * center_x(word) for word in side) for side in sides)
    return abs(left_course - right_course)


def _rules(left: EngineWord, right: EngineWord, metrics: TypeMetrics, mask: Mask) -> list[int]:
    """Return the column, in pixels, of the one upright rule between two words, if there is one.

    Broad ink is a blot or a redaction, and two rules are the sides of a box that stands in the line: neither parts it.
    """
    reach, start, end = RULE_REACH_HEIGHTS * metrics.height, left.box.right, right.box.left
    middle = (center_y(left.box) + center_y(right.box)) / 2
    between = mask[max(0, round(middle - reach)) : round(middle + reach), start:end]
    if not between.size:
        return []
    full = np.flatnonzero(between.mean(axis=0) >= MIN_RULE_FILL)
    strokes = np.split(full, np.flatnonzero(np.diff(full) > 1) + 1) if full.size else []
    if len(strokes) != 1 or len(strokes[0]) > MAX_RULE_LETTERS * metrics.advance:
        return []
    return [start + int(strokes[0][0])]


def sub_line(words: tuple[EngineWord, ...], line: EngineLine) -> EngineLine:
    """Return a line of some words of another; its baseline is that stretch of the other's."""
    box = Box.enclosing(word.box for word in words)
    if line.baseline is None or line.baseline[0][0] >= line.baseline[1][0]:
        return EngineLine(words, box, line.block)
    (x0, y0), (x1, y1) = line.baseline
    ends = [(x, round(y0 + (y1 - y0) * (x - x0) / (x1 - x0))) for x in (box.left, box.right)]
    return EngineLine(words, box, line.block, (ends[0], ends[1]))
