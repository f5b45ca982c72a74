"""Marks in the left margin that an engine read as the beginning of the line beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.type_metrics import Type

# The left edge of the text is where so many of so many lines near by begin, within so many letters; only lines of so many words count.
NEAR_LINES, LEAST_LINES, LEAST_SHARE, ALIGNED, WORDS = 12, 4, 0.4, 1.0, 4
# What an engine is so sure of in the page's type is text wherever it stands, and so are the numbers and letters of paragraphs.
SURE, LIKELY = 0.6, 0.5
COUNTED = re.compile(r"^\W?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)]\W?$")
FREE = 0.4
SHARED = 3


def left_edges(lines: Sequence[EngineLine], size: Type) -> list[int | None]:
    """Return for each line where the text near it begins, in pixels; None where its lines begin here and there."""
    starts = [_start(line, size) for line in lines]
    leftmost = _leftmost([start for start in starts if start is not None], size)
    edges: list[int | None] = []
    for place in range(len(lines)):
        near = [start for start in starts[max(0, place - NEAR_LINES // 2) : place + NEAR_LINES // 2 + 1] if start is not None]
        edge = _edge(near, size)
        edges.append(None if edge is None or leftmost is None else min(edge, leftmost))
    return edges


def in_margin(line: EngineLine, edge: int | None, size: Type) -> int:
    """Return how many of the first words of a line stand in the margin: marks that the engine doubts, left of where the text begins."""
    if edge is None:
        return 0
    count = 0
    for word in line.words:
        if word.box.right > edge - FREE * size.letter:
            break
        count += 1
    marks = line.words[:count]
    return 0 if count == len(line.words) or any(_is_text(word, size) for word in marks) else count


def _is_text(word: EngineWord, size: Type) -> bool:
    return bool(COUNTED.match(word.text)) or (size.is_of_it(word) and word.confidence >= SURE)


def _start(line: EngineLine, size: Type) -> int | None:
    sure = [word.box.left for word in line.words if size.is_of_it(word) and word.confidence >= LIKELY]
    return min(sure) if len(sure) >= WORDS else None


def _leftmost(starts: Sequence[int], size: Type) -> int | None:
    """Return the leftmost edge that several lines of the page share, a letter for its slope allowed: indented lines show no margin."""
    shared = [start for start in starts if sum(abs(other - start) <= ALIGNED * size.letter for other in starts) >= SHARED]
    return min(shared) + round(size.letter) if shared else None


def _edge(starts: Sequence[int], size: Type) -> int | None:
    aligned = [[other for other in starts if abs(other - start) <= ALIGNED * size.letter] for start in starts]
    most = max(aligned, key=len, default=[])
    return min(most) if len(most) >= max(LEAST_LINES, LEAST_SHARE * len(starts)) else None
