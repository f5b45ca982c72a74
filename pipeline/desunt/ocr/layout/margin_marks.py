"""Marks in the left margin that an engine read as the beginning of the line beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.type_metrics import TypeMetrics

# The left edge of the text is where enough of the lines near by begin, and not too small a share of them. Only lines of several words, read
# with this confidence, count.
NEAR_LINES, MIN_ALIGNED_LINES, MIN_ALIGNED_SHARE, MAX_OFFSET_LETTERS = 12, 4, 0.4, 1.0
MIN_WORDS, MIN_WORD_CONFIDENCE = 4, 0.5
# The leftmost edge of a page is shared by several lines.
MIN_LEFTMOST_LINES = 3
# A mark stands so far left of the text; what an engine is this sure of in the page's type is text wherever it stands.
MIN_DISTANCE_LETTERS, MIN_TEXT_CONFIDENCE = 0.4, 0.6
# The numbers and letters of paragraphs are text too.
PARAGRAPH_NUMBER = re.compile(r"^\W?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)]\W?$")


def text_left_edges(lines: Sequence[EngineLine], metrics: TypeMetrics) -> list[int | None]:
    """Return for each line where the text near it begins, in pixels; None where its lines begin here and there."""
    starts = [_start(line, metrics) for line in lines]
    leftmost = _leftmost_edge([start for start in starts if start is not None], metrics)
    edges: list[int | None] = []
    for place in range(len(lines)):
        near = [start for start in starts[max(0, place - NEAR_LINES // 2) : place + NEAR_LINES // 2 + 1] if start is not None]
        edge = _shared_edge(near, metrics)
        edges.append(None if edge is None or leftmost is None else min(edge, leftmost))
    return edges


def count_margin_marks(line: EngineLine, edge: int | None, metrics: TypeMetrics) -> int:
    """Return how many of the first words of a line stand in the margin: marks that the engine doubts, left of where the text begins."""
    if edge is None:
        return 0
    max_right = edge - MIN_DISTANCE_LETTERS * metrics.advance
    count = next((place for place, word in enumerate(line.words) if word.box.right > max_right), len(line.words))
    return 0 if count == len(line.words) or any(_is_text(word, metrics) for word in line.words[:count]) else count


def _is_text(word: EngineWord, metrics: TypeMetrics) -> bool:
    return bool(PARAGRAPH_NUMBER.match(word.text)) or (metrics.matches(word) and word.confidence >= MIN_TEXT_CONFIDENCE)


def _start(line: EngineLine, metrics: TypeMetrics) -> int | None:
    lefts = [word.box.left for word in line.words if metrics.matches(word) and word.confidence >= MIN_WORD_CONFIDENCE]
    return min(lefts) if len(lefts) >= MIN_WORDS else None


def _leftmost_edge(starts: Sequence[int], metrics: TypeMetrics) -> int | None:
    """Return the leftmost edge that several lines of the page share, a letter for its slope allowed: indented lines show no margin."""
    near = MAX_OFFSET_LETTERS * metrics.advance
    shared = [start for start in starts if sum(abs(other - start) <= near for other in starts) >= MIN_LEFTMOST_LINES]
    return min(shared) + round(metrics.advance) if shared else None


def _shared_edge(starts: Sequence[int], metrics: TypeMetrics) -> int | None:
    aligned = [[other for other in starts if abs(other - start) <= MAX_OFFSET_LETTERS * metrics.advance] for start in starts]
    most = max(aligned, key=len, default=[])
    return min(most) if len(most) >= max(MIN_ALIGNED_LINES, MIN_ALIGNED_SHARE * len(starts)) else None
