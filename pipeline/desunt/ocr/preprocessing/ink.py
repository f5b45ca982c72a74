"""Where there is ink on a page, and which ink belongs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.preprocessing.filters import Pixels, to_gray
from desunt.record.document import Box

Mask = NDArray[np.uint8]
# Columns of a component table: left, top, width, height, area.
Components = NDArray[np.int64]

# What bare paper is in `InkMask.gray`: paper lighter than its surroundings has room above it.
PAPER_GRAY = 200
# The longer side, in pixels, of the shrunken page on which the paper's brightness is taken.
PAPER_SIDE_PIXELS = 400
# No paper counts as darker than this share of the page's bright paper.
MIN_PAPER_BRIGHTNESS = 0.85
# The threshold between ink and paper, as shares of the paper's brightness; a bilevel scan has any between, and gets this gray.
MIN_THRESHOLD, MAX_THRESHOLD, BILEVEL_THRESHOLD_GRAY = 0.45, 0.85, 100.0
# Share of the page's longer side that is its edge: borders, photographs, the dark beside the sheet.
EDGE_SHARE = 0.01
# The shape of a rule: its width in heights, or its height in widths.
RULE_WIDTH_HEIGHTS, RULE_HEIGHT_WIDTHS = 12, 6
# A scan with a smaller share of pixels between black and white is bilevel.
MIN_HALFTONE_SHARE = 0.002


@dataclass(frozen=True, slots=True)
class InkMask:
    """The ink of one page: `mask` is 1 on ink (height, width), `integral` its integral image (height + 1, width + 1).

    `gray` is the brightness against the paper under it: `PAPER_GRAY` is bare paper, 0 black; a bilevel scan has no tones between.

    `labels` numbers the connected components from 1 (0 is paper), `components` holds left, top, width, height, area of each; row 0 is the
    paper.
    """

    mask: Mask
    gray: Pixels
    integral: NDArray[np.int32]
    labels: NDArray[np.int32]
    components: Components

    def share(self, box: Box) -> float:
        """Return the share of the box that is ink, 0-1; the box is cut to the page."""
        height, width = self.mask.shape
        left, right = sorted((min(max(box.left, 0), width), min(max(box.right, 0), width)))
        top, bottom = sorted((min(max(box.top, 0), height), min(max(box.bottom, 0), height)))
        area, sums = (right - left) * (bottom - top), self.integral
        total = int(sums[bottom, right]) - int(sums[top, right]) - int(sums[bottom, left]) + int(sums[top, left])
        return total / area if area else 0.0

    def labels_in(self, box: Box) -> NDArray[np.int32]:
        """Return the label of each ink pixel in a box; the box is cut to the page."""
        inside = self.labels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
        return inside[inside > 0]

    def is_at_edge(self, components: Components) -> NDArray[np.bool_]:
        """Return which rows of a component table reach the edge of the page."""
        left, top, width, height = (components[:, column] for column in range(4))
        page_height, page_width = self.mask.shape
        edge = EDGE_SHARE * max(page_height, page_width)
        return np.asarray((left < edge) | (top < edge) | (left + width > page_width - edge) | (top + height > page_height - edge))


def bounding_box(components: Components) -> Box:
    """Return the smallest box around rows of a component table, of which there is at least one."""
    right, bottom = components[:, 0] + components[:, 2], components[:, 1] + components[:, 3]
    return Box(int(components[:, 0].min()), int(components[:, 1].min()), int(right.max()), int(bottom.max()))


def binarize(pixels: Pixels) -> InkMask:
    """Find the ink of a page, grey (height, width) or RGB (height, width, 3).

    Each pixel is compared with the paper round it (a closing of the shrunken page), so that toned and unevenly lit pages
    need no fixed threshold; the threshold on that ratio is Otsu's (1979), kept within sensible bounds.
    """
    import cv2

    page = to_gray(pixels)
    gray = np.asarray(cv2.divide(page, np.maximum(_paper_brightness(page), 1), scale=PAPER_GRAY), np.uint8)
    mask = _threshold(gray)
    integral = cv2.integral(mask, sdepth=cv2.CV_32S)
    _, labels, components, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return InkMask(mask, gray, np.asarray(integral, np.int32), np.asarray(labels, np.int32), np.asarray(components, np.int64))


def _threshold(gray: Pixels) -> Mask:
    import cv2

    level = BILEVEL_THRESHOLD_GRAY
    if cv2.countNonZero(cv2.inRange(gray, (40,), (159,))) >= MIN_HALFTONE_SHARE * gray.size:
        level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (gray <= min(max(level, PAPER_GRAY * MIN_THRESHOLD), PAPER_GRAY * MAX_THRESHOLD)).view(np.uint8)


def _paper_brightness(page: Pixels) -> Pixels:
    """Return the brightness of the paper under each pixel: a closing of the shrunken page removes the letters."""
    import cv2

    height, width = page.shape
    factor = max(1.0, max(height, width) / PAPER_SIDE_PIXELS)
    small = cv2.resize(page, (max(1, round(width / factor)), max(1, round(height / factor))), interpolation=cv2.INTER_AREA)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8))
    paper = cv2.blur(paper, (15, 15))
    # A wholly black area (a redaction, a border) must not count as dark paper.
    paper = np.maximum(paper, np.uint8(MIN_PAPER_BRIGHTNESS * np.percentile(paper, 90)))
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
