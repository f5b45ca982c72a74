"""Pages made easier to read: light, borders, specks, skew and size; each step a pure function of pixels.

Grey pixels are (height, width) bytes, 0 black; ink masks are the same shape, 1 where ink is. Lengths are in pixels of the array
given; sizes of specks and blurs are shares of the letter height, so that a page gives the same result at any resolution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

PAPER = 255
# The width of a typed page in letter heights: ten letters an inch on 8.5 inches.
PAGE_WIDTH_LETTERS = 85.0
MAX_SKEW_DEGREES = 10.0
# A blur by less changes nothing that can be seen.
MIN_BLUR_PIXELS = 0.3
# Areas in squares of the letter height: a component of a letter's size, what is surely a speck, the least full stop, and what stays dark
# out of focus.
LETTER_AREA, SPECK_AREA, FULL_STOP_AREA, BLURRED_LETTER_AREA = 0.067, 0.033, 0.013, 0.11
LEFT, TOP, WIDTH, HEIGHT, AREA = range(5)  # columns of OpenCV's table of connected components


def to_gray(pixels: Pixels) -> Pixels:
    """Return luminance: grey pixels as they are, RGB weighted as in Rec. 601."""
    import cv2

    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def is_bilevel(page: Pixels) -> bool:
    """Say whether the scan knows ink and paper only, a few pixels of edges apart."""
    import cv2

    # Photographs have half tones on 13-92% of their pixels, bilevel scans that were resized up to 15%, all of them edges.
    halftone_share = cv2.countNonZero(cv2.inRange(page, (41,), (214,))) / page.size
    if halftone_share <= 0.01:
        return True
    differences = cv2.absdiff(page[:, 1:], page[:, :-1])
    return halftone_share <= cv2.countNonZero(cv2.inRange(differences, (61,), (255,))) / page.size


def normalize_background(page: Pixels) -> Pixels:
    """Divide by the paper's own brightness, so that stains and shadows become paper."""
    import cv2

    height, width = page.shape
    small_size = _shrunken_size(page, 600)
    small = cv2.resize(page, small_size, interpolation=cv2.INTER_AREA)
    kernel_side = max(15, min(small.shape) // 20 | 1)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel_side, kernel_side)))
    paper = cv2.resize(cv2.medianBlur(paper, min(kernel_side, 31)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(page, np.maximum(paper, 1), scale=245), np.uint8)


def otsu_mask(page: Pixels) -> Pixels:
    """Return the ink mask by Otsu's threshold."""
    import cv2

    threshold, _ = cv2.threshold(page, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (page <= min(threshold, 200)).view(np.uint8)


def component_letter_height(ink: Pixels) -> float:
    """Return the height that half of the ink belongs to, among pieces that may be letters of a typed page."""
    import cv2

    expected = min(ink.shape) / PAGE_WIDTH_LETTERS
    components = cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:]
    heights, areas = components[:, HEIGHT], components[:, AREA]
    is_letter = (heights > 0.4 * expected) & (heights < 2.5 * expected) & (components[:, WIDTH] < 5 * expected)
    if not is_letter.any():
        return float(expected)
    order = np.argsort(heights[is_letter], kind="stable")
    cumulated = np.cumsum(areas[is_letter][order])
    return float(heights[is_letter][order][np.searchsorted(cumulated, cumulated[-1] / 2)])


def remove_border(page: Pixels) -> Pixels:
    """Paint dark stretches along the edges (the scanner's bed, a neighbouring page) as paper.

    Only what stays solid when letters and lines are wiped out is a border, so that text running into the edge is kept.
    """
    import cv2

    small = cv2.resize(page, _shrunken_size(page, 500), interpolation=cv2.INTER_AREA)
    dark = np.asarray(gaussian_blur(small, 1.0) < 110, np.uint8)
    solid = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    count, labels, components, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    height, width = solid.shape
    at_edge = (components[:, LEFT] <= 1) | (components[:, TOP] <= 1)
    at_edge |= (components[:, LEFT] + components[:, WIDTH] >= width - 1) | (components[:, TOP] + components[:, HEIGHT] >= height - 1)
    is_border = at_edge & (components[:, AREA] > 0.002 * height * width) & (np.arange(count) > 0)
    if not is_border.any():
        return page
    mask = cv2.dilate(is_border[labels].astype(np.uint8), np.ones((5, 5), np.uint8))
    mask = cv2.resize(mask, page.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(mask > 0, np.uint8(PAPER), page)


def speckle_density(page: Pixels, letter_height: float) -> float:
    """Return how many specks there are for each piece of a letter's size."""
    import cv2

    areas = cv2.connectedComponentsWithStats(otsu_mask(page), connectivity=8)[2][1:, AREA]
    return float((areas < SPECK_AREA * letter_height**2).sum() / max(1, (areas >= LETTER_AREA * letter_height**2).sum()))


def despeckle(page: Pixels, letter_height: float) -> Pixels:
    """Paint specks as paper: those too small for a full stop, and larger ones that stand away from any letter."""
    import cv2

    count, labels, components, _ = cv2.connectedComponentsWithStats(otsu_mask(page), connectivity=8)
    areas = components[:, AREA] / letter_height**2
    is_ink = areas >= LETTER_AREA
    is_ink[0] = False
    near_letters = cv2.dilate(is_ink[labels].astype(np.uint8), _disc(0.2 * letter_height))
    touches_letter = np.zeros(count, bool)
    touches_letter[np.unique(labels[near_letters > 0])] = True
    is_ink |= touches_letter & (areas >= FULL_STOP_AREA)
    is_ink[0] = False
    return _keep_ink(page, is_ink[labels])


def despeckle_by_blur(page: Pixels, letter_height: float) -> Pixels:
    """Paint dense speckle as paper: what does not stay dark and of a letter's size when the page is seen out of focus."""
    import cv2

    ink = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.05 * letter_height) < 128, np.uint8)
    _, labels, components, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    is_letter = components[:, AREA] >= BLURRED_LETTER_AREA * letter_height**2
    is_letter[0] = False
    return _keep_ink(page, is_letter[labels])


def gaussian_blur(page: Pixels, sigma: float) -> Pixels:
    """Blur by a Gaussian of that deviation in pixels."""
    import cv2

    return page if sigma < MIN_BLUR_PIXELS else np.asarray(cv2.GaussianBlur(page, (0, 0), sigma), np.uint8)


def skew_angle(ink: Pixels, letter_height: float) -> float:
    """Return by how many degrees the lines of text fall to the right (clockwise), within 10 degrees either way; 0 without text.

    The rows' ink is summed along every slope: where lines fall on each other, the sums differ most from row to row (projection
    profile; Postl 1986).
    """
    import cv2

    _, labels, components, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    is_letter = (
        (components[:, HEIGHT] > 0.3 * letter_height)
        & (components[:, HEIGHT] < 2.5 * letter_height)
        & (components[:, WIDTH] < 8 * letter_height)
    )
    is_letter[0] = False
    if is_letter.sum() < 20:
        return 0.0
    pixels = np.flatnonzero(is_letter[labels])
    ys, xs = np.divmod(pixels[:: max(1, len(pixels) // 200_000)], ink.shape[1])
    # Whole rows beat against the width of the bins, which would favour an angle of 0: the points are spread over their pixels.
    rows = ys + np.arange(len(ys)) * 0.618034 % 1
    columns = xs - ink.shape[1] / 2
    angle = 0.0
    for reach, step in ((MAX_SKEW_DEGREES, 0.5), (0.5, 0.1), (0.1, 0.02)):
        angles = angle + np.arange(-round(reach / step), round(reach / step) + 1) * step
        # The finer the angle, the finer the rows: coarse rows keep the coarse search from missing the peak.
        width = max(1.0, letter_height / 6 if step > 0.3 else letter_height / 15)
        angle = float(angles[int(np.argmax([_row_contrast(rows, columns, candidate, width) for candidate in angles]))])
    return angle


def _row_contrast(rows: NDArray[np.float64], columns: NDArray[np.float64], degrees: float, width: float) -> float:
    rows_of_points = (rows - columns * np.tan(np.radians(degrees))) / width
    row_sums = np.bincount((rows_of_points - rows_of_points.min()).astype(np.int64)).astype(np.float64)
    return float(np.square(np.diff(row_sums)).sum())


def warp_affine(page: Pixels, matrix: NDArray[np.float64], size: tuple[int, int]) -> Pixels:
    """Return the page moved by a (2, 3) affine matrix of edge coordinates (0 is the left edge of the first pixel) into (width, height)."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    is_scaling = np.allclose(matrix, np.eye(2, 3) * scale)
    if is_scaling and size == (round(page.shape[1] * scale), round(page.shape[0] * scale)):
        return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    if scale < 1:
        # Sampling is not averaging: what is finer than the new grid must go first.
        page = gaussian_blur(page, 0.4 / scale)
    # OpenCV counts from the middle of the first pixel.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return np.asarray(
        cv2.warpAffine(page, centred, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=PAPER), np.uint8
    )


def _keep_ink(page: Pixels, is_kept: NDArray[np.bool_]) -> Pixels:
    """Return the page with everything but the kept ink, and its edges, as paper."""
    import cv2

    return np.where(cv2.dilate(is_kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, page, np.uint8(PAPER))


def _disc(radius: float) -> Pixels:
    import cv2

    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _shrunken_size(page: Pixels, shorter: int) -> tuple[int, int]:
    """Return (width, height) of the page with its shorter side at most about that long."""
    height, width = page.shape
    divisor = max(1, min(height, width) // shorter)
    return max(1, width // divisor), max(1, height // divisor)
