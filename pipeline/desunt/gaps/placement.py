"""Where gaps stand that are in none of the engine's lines: beside the words of one, or in lines of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from desunt.gaps.detectors.missed_text import Passed
from desunt.gaps.lines import CLOSE, Found, Row, with_gaps
from desunt.ocr.layout.pitch import Measure
from desunt.record.document import Box, Extent, Reason

# What stands so near (in letters) to the words of a line is of the line; what is higher than so many heights is of none.
REACH, TALLEST = 12.0, 2.0
# How far lines of one block stand apart, in heights of a line; and from line to line, in heights of type.
NEXT_LINE, PITCH = 1.5, 1.5
# How much of a word or a gap must lie under another to be in one place with it.
SHARED = 0.1
# Heights of type between two unread lines that are one place (type of two spaces), and how many of the lines that a place would hold
# if all stood close it holds at the least.
CLOSELY, WIDELY = 2.0, 0.6
MISREAD: tuple[Reason, ...] = ("low-confidence", "illegible")


def with_passed(rows: Sequence[Row], passed: Passed, area: Box, size: Measure) -> list[Row]:
    """Return the rows with a place of text that was passed over: of the words it stands beside if it is type, else a line nobody read.

    Outside `area`, where text stands, a place is of no line: notes in the margin have their own. What a whole line says nobody knows: its
    extent is in lines, and it is never filled.
    """
    box = passed.box
    if passed.kind == "hand":
        return with_row(rows, Found(box, Extent("line", 1, None), "handwriting"), unread=False, own=True)
    place = min(range(len(rows)), key=lambda n: _apart(rows[n], box, size), default=None)
    beside = None if place is None or _apart(rows[place], box, size) > REACH * size.letter else rows[place]
    in_line = passed.kind == "type" and area.left <= box.left < box.right <= area.right
    if place is None or beside is None or not (beside.unread or (in_line and beside.words)):
        return with_row(rows, Found(box, _lines(box, size), "illegible"), unread=True, own=True)
    return [*rows[:place], _widened(beside, box, size), *rows[place + 1 :]]


def with_row(rows: Sequence[Row], gap: Found, *, unread: bool, own: bool = False) -> list[Row]:
    """Return the rows with one more for a gap that lies in none, before the first row below it in its column.

    It is of the block of that row; with `own` of a block of its own, unless it stands between two lines of one block.
    """
    place = next((place for place, row in enumerate(rows) if _is_below(row, gap.box)), len(rows))
    near = rows[place : place + 1] or rows[-1:]
    block = near[0].block if near else 1
    if own and not _is_within(rows[max(0, place - 1) : place + 1], gap.box):
        block = 1 + max((row.block for row in rows), default=0)
    return [*rows[:place], Row((gap,), block, unread=unread), *rows[place:]]


def joined(rows: Sequence[Row], size: Measure) -> list[Row]:
    """Return the rows with those unread ones that overlap made one: where ink lies over several lines, nobody can tell them apart.

    Rows between which a word was read stay as they are.
    """
    words = [item.box for row in rows for item in row.words]
    left: list[Row] = []
    for row in rows:
        new = row
        while (other := _touching(new, left, words, size)) is not None:
            new, left[other : other + 1] = _one(left[other], new, size), []
        left.append(new)
    return left


def _lines(box: Box, size: Measure) -> Extent:
    """Return how many lines of type a box may hold: of several nobody can say how widely they stand, nor whether one is blank."""
    count = max(1, round(box.height / (PITCH * size.height)))
    return Extent("line", max(1, round(WIDELY * count)), count + 1) if count > 1 else Extent("line", 1, 1)


def _is_below(row: Row, box: Box) -> bool:
    across = min(row.box.right, box.right) - max(row.box.left, box.left)
    return across > 0 and row.box.top + row.box.bottom > box.top + box.bottom


def _is_within(beside: Sequence[Row], box: Box) -> bool:
    """Return whether the box stands between two rows of one block, hardly farther from them than lines are from each other."""
    if len(beside) < 2 or beside[0].block != beside[1].block:
        return False
    above, below = beside[0].box, beside[1].box
    return max(box.top - above.bottom, below.top - box.bottom) <= NEXT_LINE * max(above.height, below.height)


def _apart(row: Row, box: Box, size: Measure) -> float:
    """Return how far the box stands from the nearest token of the row at its height, in pixels."""
    level = [other for other in (token.box for token in row.tokens) if _on_one_line(other, box, size)]
    return min((max(0, box.left - other.right, other.left - box.right) for other in level), default=inf)


def _on_one_line(box: Box, other: Box, size: Measure) -> bool:
    return max(box.height, other.height) <= TALLEST * size.height and abs(box.top + box.bottom - other.top - other.bottom) <= size.height


def _widened(row: Row, box: Box, size: Measure) -> Row:
    """Return the row with a gap at the box: that of the gap it touches, or of an unread line's, is made wider."""
    for token in row.tokens:
        touches = max(box.left - token.box.right, token.box.left - box.right) <= CLOSE * size.letter and _on_one_line(token.box, box, size)
        if isinstance(token, Found) and (row.unread or (touches and token.reason in MISREAD)):
            whole = token.box.union(box)
            extent = token.extent if token.extent.unit == "line" else size.letters(whole.width)
            return replace(row, tokens=tuple(replace(token, box=whole, extent=extent) if one is token else one for one in row.tokens))
    return with_gaps(row, [Found(box, size.letters(box.width), "illegible")])


def _touching(row: Row, others: Sequence[Row], words: Sequence[Box], size: Measure) -> int | None:
    """Return which of the others is unread and in one place with an unread row, None if none is."""
    for place, other in enumerate(others if row.unread else ()):
        whole = row.box.union(other.box)
        if other.unread and _in_one_place(row, other, size) and not any(whole.intersection(word) > SHARED * word.area for word in words):
            return place
    return None


def _in_one_place(row: Row, other: Row, size: Measure) -> bool:
    """Return whether two unread rows, of one of which the engine made nothing, overlap or stand close above each other."""
    if all(isinstance(token, Found) and token.engine_reading for token in (*row.tokens, *other.tokens)):
        return False
    across = min(row.box.right, other.box.right) - max(row.box.left, other.box.left)
    down = max(row.box.top - other.box.bottom, other.box.top - row.box.bottom)
    close = down <= CLOSELY * size.height and across >= 0.5 * min(row.box.width, other.box.width)
    return close or row.box.intersection(other.box) > SHARED * min(row.box.area, other.box.area)


def _one(row: Row, other: Row, size: Measure) -> Row:
    gaps = [token for token in (*row.tokens, *other.tokens) if isinstance(token, Found)]
    readings = [gap.engine_reading for gap in gaps if gap.engine_reading]
    whole = row.box.union(other.box)
    reason: Reason = "low-confidence" if readings else "illegible"
    return replace(row, tokens=(Found(whole, _lines(whole, size), reason, " ".join(readings) or None),))
