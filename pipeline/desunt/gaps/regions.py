"""Regions of a page: which rows are one paragraph, and which were not read at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median

from desunt.gaps.lines import UNREAD_LINES, Found, Judged, Row
from desunt.ocr.engines import EngineWord
from desunt.ocr.layout import Shape, kinds_of, reading_order, sheet_of, type_of
from desunt.ocr.layout.page_geometry import Mask, Sheet
from desunt.ocr.layout.pitch import Measure, around
from desunt.record.document import Extent, Reason, RegionKind

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
    gap = Found(around([gap.box for gap in gaps]), _lines([gap.extent for gap in gaps]), reason, " ".join(readings) or None)
    return Row((gap,), rows[0].block, unread=True)


def _lines(extents: Sequence[Extent]) -> Extent:
    """Return how many lines gaps of unread rows hold together; one in letters is a line."""
    lines = [extent if extent.unit == "line" else Extent("line", 1, 1) for extent in extents]
    most = [extent.most for extent in lines if extent.most is not None]
    return Extent("line", sum(extent.least for extent in lines), sum(most) if len(most) == len(lines) else None)


def regions_with_kinds(stacks: Sequence[list[Row]], size: Measure, mask: Mask, *, keep: bool = False) -> list[tuple[RegionKind, list[Row]]]:
    """Return the regions of a page with their kinds in reading order: a stack is taken apart where the kind of its lines changes.

    `mask` is 1 on ink. Notes in the margin are read behind the text they stand beside, footers at the end; text that such a note cut in
    two is one region again. With `keep` the stacks stay as they are, and one whose lines are of several kinds is `body`.
    """
    shapes = [[_shape(row) for row in rows] for rows in stacks]
    seen = [[shape for shape in found if shape] for found in shapes]
    usual = type_of([word for found in seen for shape in found for word in shape.words])
    kinds: list[tuple[RegionKind, list[Row]]] = [(_kind(rows), rows) for rows in stacks]
    if usual is None:
        return kinds
    text = [found if kind == "body" else [] for found, (kind, _) in zip(seen, kinds, strict=True)]
    height, width = mask.shape
    sheet = sheet_of([shape for found in text for shape in found], usual, width, height, mask)
    lines = kinds_of(text, sheet)
    if keep:
        return [(found[0] if len(set(found)) == 1 else kind, rows) for (kind, rows), found in zip(kinds, lines, strict=True)]
    regions = [
        region
        for (kind, rows), found, shown in zip(kinds, lines, shapes, strict=True)
        for region in ([(kind, rows)] if kind != "body" else _by_kind(rows, shown, found))
    ]
    order = reading_order([(around([row.box for row in rows]), len(rows)) for _, rows in regions])
    turned = sorted((regions[place] for place in order), key=lambda region: _turn(region[0], region[1], sheet))
    return _joined(turned, _pitch([row for rows in stacks for row in rows]), size)


def _joined(regions: Sequence[tuple[RegionKind, list[Row]]], pitch: float, size: Measure) -> list[tuple[RegionKind, list[Row]]]:
    """Return the regions with those joined that are running text and go on in each other."""
    joined: list[tuple[RegionKind, list[Row]]] = []
    for kind, rows in regions:
        if joined and joined[-1][0] == kind == "body" and _goes_on(joined[-1][1][-1], rows[0], pitch, size):
            joined[-1][1].extend(rows)
        else:
            joined.append((kind, list(rows)))
    return joined


def _by_kind(rows: Sequence[Row], shapes: Sequence[Shape | None], found: Sequence[RegionKind]) -> Iterator[tuple[RegionKind, list[Row]]]:
    """Yield runs of rows of one kind; a row that shows nothing of what it is goes with the one above."""
    kinds, rest = list[RegionKind](), iter(found)
    for shape in shapes:
        kinds.append(next(rest) if shape else kinds[-1] if kinds else found[0] if found else "body")
    for kind, group in groupby(zip(kinds, rows, strict=True), key=lambda pair: pair[0]):
        yield kind, [row for _, row in group]


def _turn(kind: RegionKind, rows: Sequence[Row], sheet: Sheet) -> int:
    """Return when a region is read: text first, then what stands beside it in the margin, then the footer."""
    above = sheet.block is not None and around([row.box for row in rows]).bottom <= sheet.block.top
    return 2 if kind == "footer" else 1 if kind == "margin" and not above else 0


def _shape(row: Row) -> Shape | None:
    """Return what the kind of a row is told by; None where it has nothing but gaps in which nothing was read."""
    words = tuple(word for token in row.tokens if (word := _word(token)))
    tilt = 0.0
    if row.baseline and row.baseline[0][0] < row.baseline[1][0]:
        (left, top), (right, bottom) = row.baseline
        tilt = (bottom - top) / (right - left)
    return Shape(words, around([word.box for word in words]), tilt) if words else None


def _word(token: Judged | Found) -> EngineWord | None:
    if isinstance(token, Judged):
        return token.word
    return EngineWord(token.engine_reading, token.box, 0.0) if token.engine_reading else None


def _kind(rows: Sequence[Row]) -> RegionKind:
    if all(row.unread for row in rows):
        return "unread"
    tokens = [token for row in rows for token in row.tokens]
    reasons = {token.reason if isinstance(token, Found) else "read" for token in tokens}
    return "withheld" if reasons == {"withheld"} else "handwriting" if reasons == {"handwriting"} else "body"
