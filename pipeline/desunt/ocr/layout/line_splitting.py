"""Lines that an engine read across what does not belong together: a margin note and the line beside it, a stamp, cells of a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.engines import EngineLine, EngineWord, box_around
from desunt.ocr.layout.line_repair import slope_in
from desunt.ocr.layout.type_metrics import Type, across, middle

Mask = NDArray[np.uint8]

# No typist leaves so many letters free within a sentence; beside what is no type at all less room is enough.
WIDE, NARROW = 4.0, 3.0
# Type on both sides is of two lines where it stands so many heights apart, and of two kinds where one is so much taller.
APART, TALLER = 0.5, 1.9
# Across so many letters an engine joins what it doubts itself.
FAR, DOUBTED = 30.0, 0.6
# Marks without a letter or digit are cells of a table (dashes) where the engine is so sure of them.
SURE_MARK = 0.8
# So many letters beside each other are text, whatever their boxes look like.
MANY = 10
# A rule fills its column of pixels so far above and below the line's middle, in heights, and is no
# broader than so many letters; over so many lines it rules a table.
REACH, FULL, BROAD, TABLE_ROWS = 1.2, 0.97, 0.5, 4
NEIGHBOURS = 2
# Of a shorter line, in letters, the baseline shows no slope.
LONG = 10.0


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Words of a line with no wide gap between them; `is_type` says that some of them may be of the page's type."""

    words: tuple[EngineWord, ...]
    is_type: bool
    confidence: float
    height: float

    @property
    def letters(self) -> int:
        return sum(char.isalnum() for word in self.words for char in word.text)


@dataclass(frozen=True, slots=True)
class Page:
    """What is known of a page: its type, its usual slope, where it has ink (1; None if unknown), and the columns of its tables' rules."""

    size: Type
    slope: float
    mask: Mask | None = None
    tables: tuple[int, ...] = ()


def parts_of(line: EngineLine, page: Page, *, is_mended: bool = False) -> tuple[tuple[EngineWord, ...], ...]:
    """Return the words of a line in parts that do not belong together, left to right; one part where there is no evidence against it.

    A line that was mended follows its own course already, however its boxes stand: only far gaps and rules part it.
    """
    chunks = _chunks(line, page.size)
    slope = _slope(line, page)
    parts = [list(chunks[0].words)]
    for left, right in pairwise(chunks):
        if _is_far(left, right, page) or (not is_mended and _differs(left, right, slope, page.size)):
            parts.append(list(right.words))
        else:
            parts[-1].extend(right.words)
    return tuple(tuple(part) for part in parts)


def rules_of_tables(lines: Sequence[EngineLine], size: Type, mask: Mask | None) -> tuple[int, ...]:
    """Return the columns, in pixels, of upright rules that part words of so many lines that they rule a table."""
    if mask is None:
        return ()
    found = [
        (number, place)
        for number, line in enumerate(lines)
        for left, right in pairwise(_chunks(line, size))
        if left.is_type and right.is_type
        for place in _rules(left.words[-1], right.words[0], size, mask)
    ]
    near = 2 * size.letter
    return tuple(place for _, place in found if len({row for row, other in found if abs(place - other) <= near}) >= TABLE_ROWS)


def _slope(line: EngineLine, page: Page) -> float:
    """Return the line's own slope where its baseline or its words show it, else the page's usual one."""
    if line.baseline and line.box.width >= LONG * page.size.letter:
        (left, top), (right, bottom) = line.baseline
        return (bottom - top) / max(1, right - left)
    return slope_in([line], page.size) or page.slope


def _chunks(line: EngineLine, size: Type) -> list[_Chunk]:
    groups = [[line.words[0]]]
    for one, other in pairwise(line.words):
        if other.box.left - one.box.right >= NARROW * size.letter:
            groups.append([other])
        else:
            groups[-1].append(other)
    return [_chunk(group, size) for group in groups]


def _chunk(words: Sequence[EngineWord], size: Type) -> _Chunk:
    lettered = [word for word in words if any(map(str.isalnum, word.text))] or words
    is_type = any(size.is_of_it(word) or _is_cell(word, size) for word in words)
    return _Chunk(tuple(words), is_type, median(word.confidence for word in lettered), median(word.box.height for word in lettered))


def _is_cell(word: EngineWord, size: Type) -> bool:
    """Tell whether a short word may be a table's: a digit, or a mark the engine is sure of."""
    if any(map(str.isalnum, word.text)):
        return 0.6 * size.height <= word.box.height <= 1.4 * size.height
    return word.confidence >= SURE_MARK and word.box.height <= 1.4 * size.height


def _gap(left: _Chunk, right: _Chunk, size: Type) -> float:
    return (right.words[0].box.left - left.words[-1].box.right) / size.letter


def _is_far(left: _Chunk, right: _Chunk, page: Page) -> bool:
    """Tell whether a rule stands between two chunks that is no table's, or so much room that the engine doubts one of them."""
    gap = _gap(left, right, page.size)
    if gap >= FAR and min(left.confidence, right.confidence) < DOUBTED:
        return True
    if gap < WIDE or page.mask is None:
        return False
    rules = _rules(left.words[-1], right.words[0], page.size, page.mask)
    return any(all(abs(rule - table) > 2 * page.size.letter for table in page.tables) for rule in rules)


def _differs(left: _Chunk, right: _Chunk, slope: float, size: Type) -> bool:
    """Tell whether one of two chunks is no type, or they stand on different lines, or are in type of different size."""
    if left.is_type is not right.is_type:
        return not _is_word(right if left.is_type else left)
    gap = _gap(left, right, size)
    if gap >= WIDE and _rise(left, right, slope) > APART * size.height:
        return True
    low, high = sorted((left.height, right.height))
    return gap >= 2 * WIDE and high > TALLER * low and min(left.letters, right.letters) >= 2


def _is_word(chunk: _Chunk) -> bool:
    """Tell whether what is too tall or low for the type is text for all that: noise over a word makes its box tall."""
    return chunk.letters >= MANY or (chunk.letters >= 3 and chunk.confidence >= SURE_MARK)


def _rise(left: _Chunk, right: _Chunk, slope: float) -> float:
    """Return how far, in pixels, the words on both sides of a gap stand from one course."""
    sides = left.words[-NEIGHBOURS:], right.words[:NEIGHBOURS]
    one, other = (median(middle(word.box) - slope * across(word) for word in side) for side in sides)
    return abs(one - other)


def _rules(left: EngineWord, right: EngineWord, size: Type, mask: Mask) -> list[int]:
    """Return the column, in pixels, of the one upright rule between two words, if there is one.

    Broad ink is a blot or a redaction, and two rules are the sides of a box that stands in the line: neither parts it.
    """
    height, start, end = REACH * size.height, left.box.right, right.box.left
    line = (middle(left.box) + middle(right.box)) / 2
    between = mask[max(0, round(line - height)) : round(line + height), start:end]
    if not between.size:
        return []
    full = np.flatnonzero(between.mean(axis=0) >= FULL)
    strokes = np.split(full, np.flatnonzero(np.diff(full) > 1) + 1) if full.size else []
    if len(strokes) != 1 or len(strokes[0]) > BROAD * size.letter:
        return []
    return [start + int(strokes[0][0])]


def line_of(words: tuple[EngineWord, ...], line: EngineLine) -> EngineLine:
    """Return a line of some words of another; its baseline is that stretch of the other's."""
    box = box_around(words)
    if line.baseline is None or line.baseline[0][0] >= line.baseline[1][0]:
        return EngineLine(words, box, line.block)
    (x0, y0), (x1, y1) = line.baseline
    ends = [(x, round(y0 + (y1 - y0) * (x - x0) / (x1 - x0))) for x in (box.left, box.right)]
    return EngineLine(words, box, line.block, (ends[0], ends[1]))
