"""Pictures of pages made easier to read: light, borders, specks, tilt and size; each step a pure function of pixels.

Grey pixels are (height, width) bytes, 0 black; ink masks are the same shape, 1 where ink is. Lengths are in pixels of the array
given; sizes of specks and blurs are shares of the letter height, so that a page gives the same result at any resolution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

PAPER = 255
LETTERS_ACROSS = 85.0  # a typed page is about 85 letter heights wide: ten letters an inch on 8.5 inches
WIDEST_TILT = 10.0  # degrees
LEFT, TOP, WIDTH, HEIGHT, AREA = range(5)  # columns of OpenCV's table of connected components


def grey(pixels: Pixels) -> Pixels:
    """Return luminance: grey pixels as they are, RGB weighted as in Rec. 601."""
    import cv2

    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def is_bilevel(page: Pixels) -> bool:
    """Say whether the scan knows ink and paper only, a few pixels of edges apart."""
    import cv2

    # Photographs have half tones on 13-92% of their pixels, bilevel scans that were resized up to 15%, all of them edges.
    middle = cv2.countNonZero(cv2.inRange(page, (41,), (214,))) / page.size
    if middle <= 0.01:
        return True
    steps = cv2.absdiff(page[:, 1:], page[:, :-1])
    return middle <= cv2.countNonZero(cv2.inRange(steps, (61,), (255,))) / page.size


def flattened(page: Pixels) -> Pixels:
    """Divide by the paper's own brightness, so that stains and shadows become paper."""
    import cv2

    height, width = page.shape
    small_size = _fit(page, 600)
    small = cv2.resize(page, small_size, interpolation=cv2.INTER_AREA)
    reach = max(15, min(small.shape) // 20 | 1)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    paper = cv2.resize(cv2.medianBlur(paper, min(reach, 31)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(page, np.maximum(paper, 1), scale=245), np.uint8)


def ink_of(page: Pixels) -> Pixels:
    """Return the ink mask by Otsu's threshold."""
    import cv2

    level, _ = cv2.threshold(page, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (page <= min(level, 200)).view(np.uint8)


def letter_height(ink: Pixels) -> float:
    """Return the height that half of the ink belongs to, among pieces that may be letters of a typed page."""
    import cv2

    expected = min(ink.shape) / LETTERS_ACROSS
    pieces = cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:]
    heights, areas = pieces[:, HEIGHT], pieces[:, AREA]
    letters = (heights > 0.4 * expected) & (heights < 2.5 * expected) & (pieces[:, WIDTH] < 5 * expected)
    if not letters.any():
        return float(expected)
    order = np.argsort(heights[letters], kind="stable")
    grown = np.cumsum(areas[letters][order])
    return float(heights[letters][order][np.searchsorted(grown, grown[-1] / 2)])


def border_painted(page: Pixels) -> Pixels:
    """Paint dark stretches along the edges (the scanner's bed, a neighbouring page) as paper.

    Only what stays solid when letters and lines are wiped out is a border, so that text running into the edge is kept.
    """
    import cv2

    small = cv2.resize(page, _fit(page, 500), interpolation=cv2.INTER_AREA)
    dark = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0) < 110, np.uint8)
    solid = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    count, labels, pieces, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    height, width = solid.shape
    at_edge = (pieces[:, LEFT] <= 1) | (pieces[:, TOP] <= 1)
    at_edge |= (pieces[:, LEFT] + pieces[:, WIDTH] >= width - 1) | (pieces[:, TOP] + pieces[:, HEIGHT] >= height - 1)
    border = at_edge & (pieces[:, AREA] > 0.002 * height * width) & (np.arange(count) > 0)
    if not border.any():
        return page
    mask = cv2.dilate(border[labels].astype(np.uint8), np.ones((5, 5), np.uint8))
    mask = cv2.resize(mask, page.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(mask > 0, np.uint8(PAPER), page)


def speckle(page: Pixels, letter: float) -> float:
    """Return how many specks there are for each piece of a letter's size."""
    import cv2

    areas = cv2.connectedComponentsWithStats(ink_of(page), connectivity=8)[2][1:, AREA]
    return float((areas < 0.033 * letter**2).sum() / max(1, (areas >= 0.067 * letter**2).sum()))


def despeckled(page: Pixels, letter: float) -> Pixels:
    """Paint specks as paper: those too small for a full stop, and larger ones that stand away from any letter."""
    import cv2

    count, labels, pieces, _ = cv2.connectedComponentsWithStats(ink_of(page), connectivity=8)
    areas = pieces[:, AREA] / letter**2
    kept = areas >= 0.067
    kept[0] = False
    near = cv2.dilate(kept[labels].astype(np.uint8), _disc(0.2 * letter))
    touched = np.zeros(count, bool)
    touched[np.unique(labels[near > 0])] = True
    kept |= touched & (areas >= 0.013)
    kept[0] = False
    return _only(page, kept[labels])


def speckle_melted(page: Pixels, letter: float) -> Pixels:
    """Paint dense speckle as paper: what does not stay dark and of a letter's size when the page is seen out of focus."""
    import cv2

    ink = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.05 * letter) < 128, np.uint8)
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    kept = pieces[:, AREA] >= 0.11 * letter**2
    kept[0] = False
    return _only(page, kept[labels])


def softened(page: Pixels, sigma: float) -> Pixels:
    """Blur by a Gaussian of that deviation in pixels."""
    import cv2

    return page if sigma < 0.3 else np.asarray(cv2.GaussianBlur(page, (0, 0), sigma), np.uint8)


def tilt(ink: Pixels, letter: float) -> float:
    """Return by how many degrees the lines of text fall to the right (clockwise), within 10 degrees either way; 0 without text.

    The rows' ink is summed along every slope: where lines fall on each other, the sums differ most from row to row (projection
    profile; Postl 1986).
    """
    import cv2

    _, labels, pieces, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    letters = (pieces[:, HEIGHT] > 0.3 * letter) & (pieces[:, HEIGHT] < 2.5 * letter) & (pieces[:, WIDTH] < 8 * letter)
    letters[0] = False
    if letters.sum() < 20:
        return 0.0
    places = np.flatnonzero(letters[labels])
    ys, xs = np.divmod(places[:: max(1, len(places) // 200_000)], ink.shape[1])
    # Whole rows beat against the width of the bins, which would favour an angle of 0: the points are spread over their pixels.
    rows = ys + np.arange(len(ys)) * 0.618034 % 1
    columns = xs - ink.shape[1] / 2
    best = 0.0
    for reach, pace in ((WIDEST_TILT, 0.5), (0.5, 0.1), (0.1, 0.02)):
        slopes = best + np.arange(-round(reach / pace), round(reach / pace) + 1) * pace
        # The finer the angle, the finer the rows: coarse rows keep the coarse search from missing the peak.
        width = max(1.0, letter / 6 if pace > 0.3 else letter / 15)
        best = float(slopes[int(np.argmax([_contrast(rows, columns, slope, width) for slope in slopes]))])
    return best


def _contrast(rows: NDArray[np.float64], columns: NDArray[np.float64], degrees: float, width: float) -> float:
    turned = (rows - columns * np.tan(np.radians(degrees))) / width
    sums = np.bincount((turned - turned.min()).astype(np.int64)).astype(np.float64)
    return float(np.square(np.diff(sums)).sum())


def warped(page: Pixels, matrix: NDArray[np.float64], size: tuple[int, int]) -> Pixels:
    """Return the page moved by a (2, 3) affine matrix of edge coordinates (0 is the left edge of the first pixel) into (width, height)."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    only_scaled = np.allclose(matrix, np.eye(2, 3) * scale)
    if only_scaled and size == (round(page.shape[1] * scale), round(page.shape[0] * scale)):
        return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    if scale < 1:
        # Sampling is not averaging: what is finer than the new grid must go first.
        page = softened(page, 0.4 / scale)
    # OpenCV counts from the middle of the first pixel.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return np.asarray(
        cv2.warpAffine(page, centred, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=PAPER), np.uint8
    )


def _only(page: Pixels, kept: NDArray[np.bool_]) -> Pixels:
    """Return the page with everything but the kept ink, and its edges, as paper."""
    import cv2

    return np.where(cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, page, np.uint8(PAPER))


def _disc(radius: float) -> Pixels:
    import cv2

    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _fit(page: Pixels, shorter: int) -> tuple[int, int]:
    """Return (width, height) of the page with its shorter side at most about that long."""
    height, width = page.shape
    divisor = max(1, min(height, width) // shorter)
    return max(1, width // divisor), max(1, height // divisor)
