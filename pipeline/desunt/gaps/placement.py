"""Where gaps stand that are in none of the engine's lines: beside the words of one, or in lines of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from desunt.gaps.detectors.missed_text import MissedText
from desunt.gaps.lines import MERGE_DISTANCE_LETTERS, DraftGap, DraftLine, PageContext, insert_gaps
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.record.document import Box, Extent, Reason

# What stands this near to the words of a line is of the line, unless it is higher than this, in heights of type.
MAX_LINE_DISTANCE_LETTERS, MAX_LINE_HEIGHTS = 12.0, 2.0
# How far lines of one block stand apart at most, in heights of a line; from line to line, in heights of type.
MAX_BLOCK_DISTANCE_HEIGHTS, LEADING_HEIGHTS = 1.5, 1.5
# How much of a word or a gap must lie under another to be in one place with it.
MIN_SHARED_AREA = 0.1
# Heights of type between two unread lines that are one place (type of two spaces), and how much of the narrower one lies in its column.
MAX_MERGE_HEIGHTS, MIN_SHARED_WIDTH = 2.0, 0.5
# How many of the lines that a place would hold if all stood close it holds at the least.
WIDELY_SPACED_SHARE = 0.6
MISREAD_REASONS: tuple[Reason, ...] = ("low-confidence", "illegible")


def place_missed_text(lines: Sequence[DraftLine], missed: MissedText, context: PageContext) -> list[DraftLine]:
    """Return the lines with a place of missed text: of the words it stands beside if it is type, else a line nobody read.

    Outside the text area a place is of no line: notes in the margin have their own. What a whole line says nobody knows: its extent is in
    lines, and it is never filled.
    """
    box, metrics, area = missed.box, context.metrics, context.text_area
    if missed.kind == "hand":
        return insert_line(lines, DraftGap(box, Extent("line", 1, None), "handwriting"), unread=False, own_block=True)
    distances = [_distance(line, box, metrics) for line in lines]
    nearest = min(distances, default=inf)
    if nearest <= MAX_LINE_DISTANCE_LETTERS * metrics.advance:
        place = distances.index(nearest)
        is_in_line = missed.kind == "type" and area.left <= box.left < box.right <= area.right
        if lines[place].unread or (is_in_line and lines[place].words):
            return [*lines[:place], _widen(lines[place], box, context), *lines[place + 1 :]]
    return insert_line(lines, DraftGap(box, _line_count(box, metrics), "illegible"), unread=True, own_block=True)


def insert_line(lines: Sequence[DraftLine], gap: DraftGap, *, unread: bool, own_block: bool = False) -> list[DraftLine]:
    """Return the lines with one more for a gap that lies in none, before the first line below it in its column.

    It is of the block of that line; with `own_block` of a block of its own, unless it stands between two lines of one block.
    """
    place = next((place for place, line in enumerate(lines) if _is_below(line, gap.box)), len(lines))
    near = lines[place : place + 1] or lines[-1:]
    block = near[0].block if near else 1
    if own_block and not _is_within_block(lines[max(0, place - 1) : place + 1], gap.box):
        block = 1 + max((line.block for line in lines), default=0)
    return [*lines[:place], DraftLine((gap,), block, unread=unread), *lines[place:]]


def merge_unread_lines(lines: Sequence[DraftLine], metrics: TypeMetrics) -> list[DraftLine]:
    """Return the lines with those unread ones that overlap made one: where ink lies over several lines, nobody can tell them apart.

    Lines between which a word was read stay as they are.
    """
    words = [word.box for line in lines for word in line.words]
    merged: list[DraftLine] = []
    for line in lines:
        new = line
        while (place := _touching_line(new, merged, words, metrics)) is not None:
            new = _merge(merged.pop(place), new, metrics)
        merged.append(new)
    return merged


def _line_count(box: Box, metrics: TypeMetrics) -> Extent:
    """Return how many lines of type a box may hold: of several nobody can say how widely they stand, nor whether one is blank."""
    count = max(1, round(box.height / (LEADING_HEIGHTS * metrics.height)))
    return Extent("line", max(1, round(WIDELY_SPACED_SHARE * count)), count + 1) if count > 1 else Extent("line", 1, 1)


def _is_below(line: DraftLine, box: Box) -> bool:
    shared_width = min(line.box.right, box.right) - max(line.box.left, box.left)
    return shared_width > 0 and line.box.top + line.box.bottom > box.top + box.bottom


def _is_within_block(lines: Sequence[DraftLine], box: Box) -> bool:
    """Return whether the box stands between two lines of one block, hardly farther from them than lines are from each other."""
    if len(lines) < 2 or lines[0].block != lines[1].block:
        return False
    above, below = lines[0].box, lines[1].box
    return max(box.top - above.bottom, below.top - box.bottom) <= MAX_BLOCK_DISTANCE_HEIGHTS * max(above.height, below.height)


def _distance(line: DraftLine, box: Box, metrics: TypeMetrics) -> float:
    """Return how far the box stands from the nearest token of the line at its height, in pixels."""
    level = [other for other in (token.box for token in line.tokens) if _is_level(other, box, metrics)]
    return min((max(0, box.left - other.right, other.left - box.right) for other in level), default=inf)


def _is_level(box: Box, other: Box, metrics: TypeMetrics) -> bool:
    is_low = max(box.height, other.height) <= MAX_LINE_HEIGHTS * metrics.height
    return is_low and abs(box.top + box.bottom - other.top - other.bottom) <= metrics.height


def _widen(line: DraftLine, box: Box, context: PageContext) -> DraftLine:
    """Return the line with a gap at the box: that of the gap it touches, or of an unread line's, is made wider."""
    metrics = context.metrics
    for gap in line.gaps:
        distance = max(box.left - gap.box.right, gap.box.left - box.right)
        touches = distance <= MERGE_DISTANCE_LETTERS * metrics.advance and _is_level(gap.box, box, metrics)
        if line.unread or (touches and gap.reason in MISREAD_REASONS):
            union = gap.box.union(box)
            extent = gap.extent if gap.extent.unit == "line" else metrics.letters_in(union.width)
            wider = replace(gap, box=union, extent=extent)
            return replace(line, tokens=tuple(wider if token is gap else token for token in line.tokens))
    return insert_gaps(line, [context.gap(box, "illegible")])


def _touching_line(line: DraftLine, others: Sequence[DraftLine], words: Sequence[Box], metrics: TypeMetrics) -> int | None:
    """Return which of the others is unread and in one place with an unread line, None if none is."""
    for place, other in enumerate(others if line.unread else ()):
        union = line.box.union(other.box)
        holds_word = any(union.intersection(word) > MIN_SHARED_AREA * word.area for word in words)
        if other.unread and not holds_word and _are_in_one_place(line, other, metrics):
            return place
    return None


def _are_in_one_place(line: DraftLine, other: DraftLine, metrics: TypeMetrics) -> bool:
    """Return whether two unread lines, of one of which the engine made nothing, overlap or stand close above each other."""
    if all(isinstance(token, DraftGap) and token.engine_reading for token in (*line.tokens, *other.tokens)):
        return False
    shared_width = min(line.box.right, other.box.right) - max(line.box.left, other.box.left)
    distance = max(line.box.top - other.box.bottom, other.box.top - line.box.bottom)
    is_close = distance <= MAX_MERGE_HEIGHTS * metrics.height and shared_width >= MIN_SHARED_WIDTH * min(line.box.width, other.box.width)
    return is_close or line.box.intersection(other.box) > MIN_SHARED_AREA * min(line.box.area, other.box.area)


def _merge(line: DraftLine, other: DraftLine, metrics: TypeMetrics) -> DraftLine:
    readings = [gap.engine_reading for gap in (*line.gaps, *other.gaps) if gap.engine_reading]
    union = line.box.union(other.box)
    reason: Reason = "low-confidence" if readings else "illegible"
    return replace(line, tokens=(DraftGap(union, _line_count(union, metrics), reason, " ".join(readings) or None),))
