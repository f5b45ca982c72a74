"""Regions of a page: which rows are one paragraph, and which were not read at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from desunt.document import Extent, Reason
from desunt.gaps.pitch import Measure, around
from desunt.gaps.rows import UNREAD_LINES, Found, Judged, Row

# The next line lies at most so many usual distances below.
NEXT_LINE = 1.25
# Lines of one paragraph begin within so many letters, and stand at most so many heights of the type apart.
ALIGNED, WIDELY = 3.0, 3.2


def regions_of(rows: Sequence[Row], size: Measure) -> list[list[Row]]:
    """Return the rows by regions: those of one block together, and `UNREAD_LINES` or more unread rows below each other as one gap.

    Engines cut a paragraph into blocks where a stamp or a fold lies across it: blocks as close as their lines are one region.
    """
    regions: list[list[Row]] = []
    pitch = _pitch(rows)
    for members in _stacks(rows, size):
        if members[0].unread and len(members) >= UNREAD_LINES:
            regions.append([_one_of(members)])
        elif regions and _goes_on(regions[-1][-1], members[0], pitch, size) and not _is_region_of_its_own(regions[-1]):
            regions[-1].extend(members)
        else:
            regions.append(members)
    return regions


def _pitch(rows: Sequence[Row]) -> float:
    """Return the usual distance of a page's lines, from top to top, 0 where no two stand in one block."""
    steps = [
        below.box.top - above.box.top for above, below in pairwise(rows) if above.block == below.block and below.box.top > above.box.top
    ]
    return median(steps) if steps else 0.0


def _goes_on(above: Row, row: Row, pitch: float, size: Measure) -> bool:
    """Tell whether a row belongs to the region of the one above it: it is of its block, or the next line of its column in the middle of it.

    A line that ends no sentence goes on in the next one below it, however widely the lines are spaced.
    """
    if above.block == row.block:
        return True
    step = row.box.top - above.box.top
    across = min(above.box.right, row.box.right) - max(above.box.left, row.box.left)
    if row.unread or above.unread or step <= 0.5 * pitch or 2 * across <= max(above.box.width, row.box.width):
        return False
    aligned = abs(row.box.left - above.box.left) <= ALIGNED * size.letter
    return step <= NEXT_LINE * pitch or (aligned and step <= WIDELY * size.height and _breaks_off(above))


def _breaks_off(row: Row) -> bool:
    """Tell whether the last word of a row is read, and ends no sentence."""
    last = row.tokens[-1]
    return isinstance(last, Judged) and last.word.text.rstrip("\"'”’)")[-1:] not in tuple(".:;?!")


def _stacks(rows: Sequence[Row], size: Measure) -> list[list[Row]]:
    """Return runs of rows of one block, all read or all unread; unread rows also stand close below each other."""
    stacks: list[list[Row]] = []
    for row in rows:
        above = stacks[-1][-1] if stacks else None
        joins = above is not None and above.unread == row.unread and (above.block == row.block or row.unread)
        if joins and above is not None and row.unread:
            joins = -size.height <= row.box.top - above.box.bottom <= 3 * size.height and row.box.left < above.box.right
        if joins:
            stacks[-1].append(row)
        else:
            stacks.append([row])
    return stacks


def _is_region_of_its_own(rows: list[Row]) -> bool:
    gap = rows[0].tokens[0]
    return rows[0].unread and isinstance(gap, Found) and gap.extent.unit == "line" and gap.extent.least >= UNREAD_LINES


def _one_of(rows: list[Row]) -> Row:
    gaps = [token for row in rows for token in row.tokens if isinstance(token, Found)]
    readings = [gap.engine_reading for gap in gaps if gap.engine_reading]
    reason: Reason = "low-confidence" if readings else "illegible"
    gap = Found(around([gap.box for gap in gaps]), Extent("line", len(rows), len(rows)), reason, " ".join(readings) or None)
    return Row((gap,), rows[0].block, unread=True)
