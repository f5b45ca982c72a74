"""Where there is ink on a page, and which ink belongs to letters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.preprocessing.filters import grey
from desunt.record.document import Box

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]
# Columns of a component table: left, top, width, height, area.
Components = NDArray[np.int64]

BACKGROUND_SIDE = 400
DARKEST_PAPER = 0.85
DARKEST, LIGHTEST = 0.45, 0.85
# A scan with fewer pixels between black and white is bilevel.
LEAST_TONED = 0.002


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of one page: `mask` is 1 on ink (height, width), `sums` its integral image (height + 1, width + 1).

    `tone` is the brightness against the paper under it: 200 is bare paper, 0 black; a bilevel scan has no tones between.

    `labels` numbers the connected pieces from 1 (0 is paper), `pieces` holds left, top, width, height, area of each, row 0 the paper.
    """

    mask: Mask
    tone: Pixels
    sums: NDArray[np.int32]
    labels: NDArray[np.int32]
    pieces: Components

    def share(self, box: Box) -> float:
        """Return the share of the box that is ink, 0-1; the box is cut to the page."""
        height, width = self.mask.shape
        left, right = sorted((min(max(box.left, 0), width), min(max(box.right, 0), width)))
        top, bottom = sorted((min(max(box.top, 0), height), min(max(box.bottom, 0), height)))
        area = (right - left) * (bottom - top)
        total = int(self.sums[bottom, right]) - int(self.sums[top, right]) - int(self.sums[bottom, left]) + int(self.sums[top, left])
        return total / area if area else 0.0


def find_ink(pixels: Pixels) -> Ink:
    """Find the ink of a page, grey (height, width) or RGB (height, width, 3).

    Each pixel is compared with the paper round it (a closing of the shrunken page), so that toned and unevenly lit pages
    need no fixed threshold; the threshold on that ratio is Otsu's (1979), kept within sensible bounds.
    """
    import cv2

    page = grey(pixels)
    tone = np.asarray(cv2.divide(page, np.maximum(_paper(page), 1), scale=200), np.uint8)
    mask = _dark(tone)
    sums = cv2.integral(mask, sdepth=cv2.CV_32S)
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return Ink(mask, tone, np.asarray(sums, np.int32), np.asarray(labels, np.int32), np.asarray(pieces, np.int64))


def _dark(tone: Pixels) -> Mask:
    import cv2

    threshold = 100.0
    if cv2.countNonZero(cv2.inRange(tone, (40,), (159,))) >= LEAST_TONED * tone.size:
        threshold, _ = cv2.threshold(tone, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (tone <= min(max(threshold, 200 * DARKEST), 200 * LIGHTEST)).view(np.uint8)


def _paper(page: Pixels) -> Pixels:
    """Return the brightness of the paper under each pixel: a closing of the shrunken page removes the letters."""
    import cv2

    height, width = page.shape
    factor = max(1.0, max(height, width) / BACKGROUND_SIDE)
    small = cv2.resize(page, (max(1, round(width / factor)), max(1, round(height / factor))), interpolation=cv2.INTER_AREA)
    bright = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8))
    bright = cv2.blur(bright, (15, 15))
    # A wholly black area (a redaction, a border) must not count as dark paper.
    bright = np.maximum(bright, np.uint8(DARKEST_PAPER * np.percentile(bright, 90)))
    return np.asarray(cv2.resize(bright, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
