"""Type that has faded to a shadow: places of a line that are darker than bare paper, though nothing there is dark enough for ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from desunt.gaps.detectors.blots import Band, stretches
from desunt.ocr.layout.pitch import Measure
from desunt.ocr.preprocessing.filters import is_bilevel
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

Plane = NDArray[np.float32]
# In letters: the least a faded passage is wide, and the space at its sides that belongs to its neighbours.
LEAST_WIDTH, ROOM = 2.5, 0.6
# How much darker than the paper between the lines: in deviations of that paper, and in hundredths of its brightness at the least.
DEVIATIONS, LEAST_SHADE = 4.0, 1.2
# Fewer patches of bare paper do not show how much it varies.
LEAST_PATCHES = 200
BARE = 200.0
# Tones as a scan has them, bare paper white.
TO_WHITE = np.minimum(np.arange(256) * 5 // 4, 255).astype(np.uint8)


def find_faint(ink: Ink, bands: Sequence[Band], taken: Sequence[Box], measure: Measure) -> tuple[tuple[Box, ...], ...]:
    """Return for each band the boxes of faded type between and before its words; `taken` holds what is accounted for already.

    Shade is measured over patches of two letters, against the median and the deviation (1.4826 MAD, Rousseeuw & Croux 1993) of equal
    patches of the page that hold no ink. A bilevel scan has no shades but specks, and gives none.
    """
    import cv2

    nothing: tuple[tuple[Box, ...], ...] = tuple(() for _ in bands)
    if not measure.fixed or is_bilevel(cv2.LUT(ink.tone, TO_WHITE)):
        return nothing
    shade, known = _shades(ink, measure)
    if len(known) < LEAST_PATCHES:
        return nothing
    usual = float(np.median(known))
    least = usual + max(2 * LEAST_SHADE, DEVIATIONS * 1.4826 * float(np.median(np.abs(known - usual))))
    opens = [_beside_full_line(bands, n, measure) for n in range(len(bands))]
    return tuple(tuple(_faint(shade, band, taken, measure, least, opens[n])) for n, band in enumerate(bands))


def _shades(ink: Ink, measure: Measure) -> tuple[Plane, Plane]:
    """Return how dark the patch round each pixel is (200 is black), and how dark are those without ink on a grid of half letters."""
    import cv2

    across, down = round(2 * measure.letter) | 1, round(0.7 * measure.height) | 1
    tone = cv2.blur(ink.tone.astype(np.float32), (across, down))
    near = cv2.dilate(ink.mask, np.ones((down | 1, across | 1), np.uint8))
    step = max(1, round(measure.letter / 2))
    shade = np.asarray(BARE - tone, np.float32)
    return shade, shade[::step, ::step][near[::step, ::step] == 0]


def _beside_full_line(bands: Sequence[Band], number: int, measure: Measure) -> bool:
    """Say whether the line above and the line below begin at the margin: only there is a space before the first word a loss."""
    beside = [bands[n] for n in (number - 1, number + 1) if 0 <= n < len(bands) and bands[n].boxes]
    own = bands[number].boxes
    near = [band for band in beside if own and abs(band.boxes[0].top - own[0].top) <= 4 * measure.height]
    return len(near) == 2 and all(band.boxes[0].left <= band.left + 3 * measure.letter for band in near)


def _faint(shade: Plane, band: Band, taken: Sequence[Box], measure: Measure, least: float, opens: bool) -> Iterator[Box]:
    for span, pivot in _holes(band, measure, opens):
        box = _darkest(shade, span, band.slope, pivot, measure, least)
        if box and not any(box.intersection(other) > 0.1 * box.area for other in taken):
            yield box


def _holes(band: Band, measure: Measure, opens: bool) -> Iterator[tuple[Box, float]]:
    """Yield the wide spaces of a line, as high as its letters, and the x where that height was taken."""
    room = ROOM * measure.letter
    edges = [(band.left, band.boxes[0].left)] if band.boxes and opens else []
    edges += [(a.right, b.left) for a, b in zip(band.boxes, band.boxes[1:], strict=False)]
    for number, (left, right) in enumerate(edges):
        if right - left - 2 * room < LEAST_WIDTH * measure.letter:
            continue
        near = band.boxes[max(0, number - 1) : number + 1]
        middle = float(np.median([(box.top + box.bottom) / 2 for box in near]))
        half = measure.height / 2
        pivot = sum(box.left + box.right for box in near) / (2 * len(near))
        yield Box(round(left + room), round(middle - half), round(right - room), round(middle + half)), pivot


def _darkest(shade: Plane, span: Box, slope: float, pivot: float, measure: Measure, least: float) -> Box | None:
    """Return the stretch of the span that is darker than bare paper, widened to whole letters; None if it is too short."""
    height, width = shade.shape
    across = np.arange(max(0, span.left), min(span.right, width))
    middle = np.clip((span.top + span.bottom) // 2 + np.rint(slope * (across - pivot)).astype(int), 0, height - 1)
    dark = stretches(shade[middle, across] >= least, joined=2 * measure.letter)
    if not dark:
        return None
    start, stop = int(across[dark[0][0]]), int(across[dark[-1][1] - 1]) + 1
    if stop - start < LEAST_WIDTH * measure.letter or any(b - a < measure.letter for a, b in dark[:1]):
        return None
    at = slice(dark[0][0], dark[-1][1])
    half = span.height // 2
    return Box(start, max(0, int(middle[at].min()) - half), stop, min(height, int(middle[at].max()) + half))
