"""Type that has faded to a shadow: places of a line that are darker than bare paper, though nothing there is dark enough for ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from desunt.gaps.detectors.blots import TextBand, column_runs
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.filters import is_bilevel
from desunt.ocr.preprocessing.ink import PAPER_GRAY, InkMask
from desunt.record.document import Box

ShadeMap = NDArray[np.float32]
# How wide a faded passage is at the least, the room at its sides that belongs to its neighbours, and how near its parts are to each other.
MIN_WIDTH_LETTERS, SIDE_ROOM_LETTERS, MERGE_DISTANCE_LETTERS = 2.5, 0.6, 2
# The run of dark letters a passage begins with.
MIN_DARK_LETTERS = 1
# The patches over which shade is measured.
PATCH_LETTERS, PATCH_HEIGHTS = 2, 0.7
# How much darker than the paper between the lines: in deviations of that paper, and in grays at the least (`PAPER_GRAY` is black).
MIN_DEVIATIONS, MIN_SHADE_GRAYS = 4.0, 2.4
# What makes the median absolute deviation that of a normal distribution.
MAD_TO_DEVIATION = 1.4826
# Fewer patches of bare paper do not show how much it varies.
MIN_PAPER_PATCHES = 200
# How far from a line the one above and below stand, and how far from the margin they begin.
MAX_LINE_DISTANCE_HEIGHTS, MAX_INDENT_LETTERS = 4, 3
# What is accounted for already covers more than this share of a passage.
MAX_COVERED_SHARE = 0.1
# Grays as a scan has them, bare paper white.
PAPER_TO_WHITE = np.minimum(np.arange(256) * 5 // 4, 255).astype(np.uint8)


def find_faded_text(ink: InkMask, bands: Sequence[TextBand], covered: Sequence[Box], metrics: TypeMetrics) -> tuple[tuple[Box, ...], ...]:
    """Return for each band the boxes of faded type between and before its words; `covered` holds what is accounted for already.

    Shade is measured over patches of two letters, against the median and the deviation (1.4826 MAD, Rousseeuw & Croux 1993) of equal
    patches of the page that hold no ink. A bilevel scan has no shades but specks, and gives none.
    """
    import cv2

    nothing: tuple[tuple[Box, ...], ...] = tuple(() for _ in bands)
    if not metrics.monospaced or is_bilevel(cv2.LUT(ink.gray, PAPER_TO_WHITE)):
        return nothing
    shade, paper = _shades(ink, metrics)
    if len(paper) < MIN_PAPER_PATCHES:
        return nothing
    usual = float(np.median(paper))
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(paper - usual)))
    min_shade = usual + max(MIN_SHADE_GRAYS, MIN_DEVIATIONS * deviation)
    spans = (_wide_spaces(band, metrics, with_start=_is_among_full_lines(bands, n, metrics)) for n, band in enumerate(bands))
    return tuple(
        tuple(_faded_boxes(shade, band, band_spans, covered, metrics, min_shade)) for band, band_spans in zip(bands, spans, strict=True)
    )


def _shades(ink: InkMask, metrics: TypeMetrics) -> tuple[ShadeMap, ShadeMap]:
    """Return how dark the patch round each pixel is (`PAPER_GRAY` is black), and that of those without ink on a grid of half letters."""
    import cv2

    across, down = round(PATCH_LETTERS * metrics.advance) | 1, round(PATCH_HEIGHTS * metrics.height) | 1
    mean_gray = cv2.blur(ink.gray.astype(np.float32), (across, down))
    near_ink = cv2.dilate(ink.mask, np.ones((down | 1, across | 1), np.uint8))
    step = max(1, round(metrics.advance / 2))
    shade = np.asarray(float(PAPER_GRAY) - mean_gray, np.float32)
    return shade, shade[::step, ::step][near_ink[::step, ::step] == 0]


def _is_among_full_lines(bands: Sequence[TextBand], number: int, metrics: TypeMetrics) -> bool:
    """Say whether the line above and the line below begin at the margin: only there is a space before the first word a loss."""
    boxes = bands[number].boxes
    beside = [bands[n] for n in (number - 1, number + 1) if boxes and 0 <= n < len(bands) and bands[n].boxes]
    near = [band for band in beside if abs(band.boxes[0].top - boxes[0].top) <= MAX_LINE_DISTANCE_HEIGHTS * metrics.height]
    return len(near) == 2 and all(band.boxes[0].left <= band.left + MAX_INDENT_LETTERS * metrics.advance for band in near)


def _faded_boxes(
    shade: ShadeMap, band: TextBand, spans: Iterator[tuple[Box, float]], covered: Sequence[Box], metrics: TypeMetrics, min_shade: float
) -> Iterator[Box]:
    for span, pivot in spans:
        box = _dark_passage(shade, span, band.slope, pivot, metrics, min_shade)
        if box and not any(box.intersection(other) > MAX_COVERED_SHARE * box.area for other in covered):
            yield box


def _wide_spaces(band: TextBand, metrics: TypeMetrics, *, with_start: bool) -> Iterator[tuple[Box, float]]:
    """Yield the wide spaces of a line, as high as its letters, and the x where that height was taken."""
    room = SIDE_ROOM_LETTERS * metrics.advance
    edges = [(band.left, band.boxes[0].left)] if band.boxes and with_start else []
    edges += [(a.right, b.left) for a, b in zip(band.boxes, band.boxes[1:], strict=False)]
    for number, (left, right) in enumerate(edges):
        if right - left - 2 * room < MIN_WIDTH_LETTERS * metrics.advance:
            continue
        near = band.boxes[max(0, number - 1) : number + 1]
        middle = float(np.median([(box.top + box.bottom) / 2 for box in near]))
        half = metrics.height / 2
        pivot = sum(box.left + box.right for box in near) / (2 * len(near))
        yield Box(round(left + room), round(middle - half), round(right - room), round(middle + half)), pivot


def _dark_passage(shade: ShadeMap, span: Box, slope: float, pivot: float, metrics: TypeMetrics, min_shade: float) -> Box | None:
    """Return the passage of the span that is darker than bare paper, widened to whole letters; None if it is too short."""
    height, width = shade.shape
    xs = np.arange(max(0, span.left), min(span.right, width))
    ys = np.clip((span.top + span.bottom) // 2 + np.rint(slope * (xs - pivot)).astype(int), 0, height - 1)
    runs = column_runs(shade[ys, xs] >= min_shade, MERGE_DISTANCE_LETTERS * metrics.advance)
    if not runs:
        return None
    (first, first_end), (_, end) = runs[0], runs[-1]
    left, right = int(xs[first]), int(xs[end - 1]) + 1
    if right - left < MIN_WIDTH_LETTERS * metrics.advance or first_end - first < MIN_DARK_LETTERS * metrics.advance:
        return None
    middles, half = ys[first:end], span.height // 2
    return Box(left, max(0, int(middles.min()) - half), right, min(height, int(middles.max()) + half))
