"""Regions of a page: which lines are one paragraph, which were not read at all, and what each region is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import TypeAlias

from desunt.gaps.lines import MIN_UNREAD_LINES, DraftGap, DraftLine, DraftToken
from desunt.ocr.engines import EngineWord
from desunt.ocr.layout import LayoutLine, classify_lines, measure_geometry, median_metrics, reading_order
from desunt.ocr.layout.page_geometry import PageGeometry
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import Mask
from desunt.record.document import Box, Extent, Reason, RegionKind

TypedRegion: TypeAlias = tuple[RegionKind, list[DraftLine]]
# How far below the one above the next line of a region lies, in usual distances of lines.
MIN_LEADING_SHARE, MAX_LEADING_SHARE = 0.5, 1.25
# How far apart lines of one paragraph begin, and stand, at most.
MAX_INDENT_LETTERS, MAX_PARAGRAPH_LEADING_HEIGHTS = 3.0, 3.2
# How far unread lines of one stack overlap, and stand apart at most, in heights of the type.
MAX_UNREAD_OVERLAP_HEIGHTS, MAX_UNREAD_DISTANCE_HEIGHTS = 1, 3
CLOSING_QUOTES, SENTENCE_ENDS = "\"'”’)", tuple(".:;?!")
# When the regions of a page are read: text first, then what stands beside it in the margin, then the footer.
READING_RANKS: dict[RegionKind, int] = {"margin": 1, "footer": 2}


def group_into_regions(lines: Sequence[DraftLine], metrics: TypeMetrics) -> list[list[DraftLine]]:
    """Return the lines by regions: those of one block together, and several unread lines below each other as one gap.

    Engines cut a paragraph into blocks where a stamp or a fold lies across it: blocks as close as their lines are one region.
    """
    regions: list[list[DraftLine]] = []
    leading = _usual_leading(lines)
    for stack in _stacks(lines, metrics):
        if stack[0].unread and len(stack) >= MIN_UNREAD_LINES:
            regions.append([_merge(stack)])
        elif regions and not _is_unread_block(regions[-1]) and _continues(regions[-1][-1], stack[0], leading, metrics):
            regions[-1].extend(stack)
        else:
            regions.append(stack)
    return regions


def _usual_leading(lines: Sequence[DraftLine]) -> float:
    """Return the usual distance of a page's lines, from top to top, 0 where no two stand in one block."""
    pairs = ((above.box, below.box) for above, below in pairwise(lines) if above.block == below.block)
    distances = [below.top - above.top for above, below in pairs if below.top > above.top]
    return median(distances) if distances else 0.0


def _continues(above: DraftLine, line: DraftLine, leading: float, metrics: TypeMetrics) -> bool:
    """Tell whether a line belongs to the region of the one above it: it is of its block, or the next of its column in the middle of it.

    A line that ends no sentence goes on in the next one below it, however widely the lines are spaced.
    """
    if above.block == line.block:
        return True
    distance = line.box.top - above.box.top
    shared_width = min(above.box.right, line.box.right) - max(above.box.left, line.box.left)
    is_narrow = 2 * shared_width <= max(above.box.width, line.box.width)
    if line.unread or above.unread or distance <= MIN_LEADING_SHARE * leading or is_narrow:
        return False
    is_aligned = abs(line.box.left - above.box.left) <= MAX_INDENT_LETTERS * metrics.advance
    is_paragraph = is_aligned and distance <= MAX_PARAGRAPH_LEADING_HEIGHTS * metrics.height
    return distance <= MAX_LEADING_SHARE * leading or (is_paragraph and _ends_mid_sentence(above))


def _ends_mid_sentence(line: DraftLine) -> bool:
    """Tell whether the last word of a line is read, and ends no sentence."""
    last = line.tokens[-1]
    return isinstance(last, EngineWord) and last.text.rstrip(CLOSING_QUOTES)[-1:] not in SENTENCE_ENDS


def _stacks(lines: Sequence[DraftLine], metrics: TypeMetrics) -> list[list[DraftLine]]:
    """Return runs of lines of one block, all read or all unread; unread lines also stand close below each other."""
    stacks: list[list[DraftLine]] = []
    for line in lines:
        if stacks and _is_stacked(stacks[-1][-1], line, metrics):
            stacks[-1].append(line)
        else:
            stacks.append([line])
    return stacks


def _is_stacked(above: DraftLine, line: DraftLine, metrics: TypeMetrics) -> bool:
    if above.unread != line.unread:
        return False
    if not line.unread:
        return above.block == line.block
    distance = line.box.top - above.box.bottom
    is_close = -MAX_UNREAD_OVERLAP_HEIGHTS * metrics.height <= distance <= MAX_UNREAD_DISTANCE_HEIGHTS * metrics.height
    return is_close and line.box.left < above.box.right


def _is_unread_block(lines: Sequence[DraftLine]) -> bool:
    gap = lines[0].tokens[0]
    return lines[0].unread and isinstance(gap, DraftGap) and gap.extent.unit == "line" and gap.extent.least >= MIN_UNREAD_LINES


def _merge(lines: Sequence[DraftLine]) -> DraftLine:
    gaps = [gap for line in lines for gap in line.gaps]
    readings = [gap.engine_reading for gap in gaps if gap.engine_reading]
    reason: Reason = "low-confidence" if readings else "illegible"
    extent = _sum_of_lines([gap.extent for gap in gaps])
    return DraftLine(
        (DraftGap(Box.enclosing(gap.box for gap in gaps), extent, reason, " ".join(readings) or None),), lines[0].block, unread=True
    )


def _sum_of_lines(extents: Sequence[Extent]) -> Extent:
    """Return how many lines gaps of unread lines hold together; one in letters is a line."""
    lines = [extent if extent.unit == "line" else Extent("line", 1, 1) for extent in extents]
    most = [extent.most for extent in lines if extent.most is not None]
    return Extent("line", sum(extent.least for extent in lines), sum(most) if len(most) == len(lines) else None)


def classify_regions(
    regions: Sequence[list[DraftLine]], metrics: TypeMetrics, mask: Mask, *, keep_regions: bool = False
) -> list[TypedRegion]:
    """Return the regions of a page with their kinds in reading order: a region is taken apart where the kind of its lines changes.

    `mask` is 1 on ink. Notes in the margin are read behind the text they stand beside, footers at the end; text that such a note cut in
    two is one region again. With `keep_regions` the regions stay as they are, and one whose lines are of several kinds is `body`.
    """
    layout = [[_layout_line(line) for line in lines] for lines in regions]
    read_lines = [[line for line in lines if line] for lines in layout]
    typed = [(_kind_by_tokens(lines), lines) for lines in regions]
    layout_metrics = median_metrics([word for lines in read_lines for line in lines for word in line.words])
    if layout_metrics is None:
        return typed
    text = [lines if kind == "body" else [] for lines, (kind, _) in zip(read_lines, typed, strict=True)]
    height, width = mask.shape
    geometry = measure_geometry([line for lines in text for line in lines], layout_metrics, width, height, mask)
    kinds = classify_lines(text, geometry)
    if keep_regions:
        return [(own[0] if len(set(own)) == 1 else kind, lines) for (kind, lines), own in zip(typed, kinds, strict=True)]
    split = [
        part
        for (kind, lines), own, layout_lines in zip(typed, kinds, layout, strict=True)
        for part in ([(kind, lines)] if kind != "body" else _split_by_kind(lines, layout_lines, own))
    ]
    order = reading_order([(Box.enclosing(line.box for line in lines), len(lines)) for _, lines in split])
    ordered = sorted((split[place] for place in order), key=lambda region: _reading_rank(region[0], region[1], geometry))
    return _rejoin_text(ordered, _usual_leading([line for lines in regions for line in lines]), metrics)


def _rejoin_text(regions: Sequence[TypedRegion], leading: float, metrics: TypeMetrics) -> list[TypedRegion]:
    """Return the regions with those joined that are running text and go on in each other."""
    joined: list[TypedRegion] = []
    for kind, lines in regions:
        if joined and joined[-1][0] == kind == "body" and _continues(joined[-1][1][-1], lines[0], leading, metrics):
            joined[-1][1].extend(lines)
        else:
            joined.append((kind, list(lines)))
    return joined


def _split_by_kind(
    lines: Sequence[DraftLine], layout_lines: Sequence[LayoutLine | None], read_kinds: Sequence[RegionKind]
) -> Iterator[TypedRegion]:
    """Yield runs of lines of one kind; a line that shows nothing of what it is goes with the one above."""
    kinds, rest = list[RegionKind](), iter(read_kinds)
    for layout_line in layout_lines:
        kinds.append(next(rest) if layout_line else kinds[-1] if kinds else read_kinds[0] if read_kinds else "body")
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        yield kind, [line for _, line in group]


def _reading_rank(kind: RegionKind, lines: Sequence[DraftLine], geometry: PageGeometry) -> int:
    is_above = geometry.block is not None and Box.enclosing(line.box for line in lines).bottom <= geometry.block.top
    return 0 if kind == "margin" and is_above else READING_RANKS.get(kind, 0)


def _layout_line(line: DraftLine) -> LayoutLine | None:
    """Return what the kind of a line is told by; None where it has nothing but gaps in which nothing was read."""
    words = tuple(word for token in line.tokens if (word := _as_word(token)))
    tilt = 0.0
    if line.baseline and line.baseline[0][0] < line.baseline[1][0]:
        (left, top), (right, bottom) = line.baseline
        tilt = (bottom - top) / (right - left)
    return LayoutLine(words, Box.enclosing(word.box for word in words), tilt) if words else None


def _as_word(token: DraftToken) -> EngineWord | None:
    if isinstance(token, EngineWord):
        return token
    return EngineWord(token.engine_reading, token.box, 0.0) if token.engine_reading else None


def _kind_by_tokens(lines: Sequence[DraftLine]) -> RegionKind:
    if all(line.unread for line in lines):
        return "unread"
    reasons = {token.reason if isinstance(token, DraftGap) else "read" for line in lines for token in line.tokens}
    return "withheld" if reasons == {"withheld"} else "handwriting" if reasons == {"handwriting"} else "body"
