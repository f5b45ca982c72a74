"""Redactions: long black bars and outlined white boxes that stand in the place of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.engines import EngineLine
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import EDGE_SHARE, PAPER_GRAY, InkMask
from desunt.record.document import Box

# The height of type on the shrunken page on which bars are looked for.
SHRUNKEN_HEIGHT_PIXELS = 12
# Share of ink in every window of a bar, and in its box: solid black, or felt pen, which leaves light between its strokes.
MIN_WINDOW_INK, MIN_SOLID_INK, MIN_FELT_INK = 0.6, 0.88, 0.6
# Bold and blotted words of a few letters are as dark as felt pen, and so is all on a page with more dark places; no legible words cover so
# much of one.
MIN_FELT_LETTERS, MAX_FELT_PLACES, MAX_LEGIBLE_SHARE = 4.5, 12, 0.3
# A bar is this wide and high, and longer than high; what is higher than a line is this wide.
MIN_BAR_LETTERS, MIN_BAR_HEIGHT, MIN_BAR_ASPECT, HIGH_BAR_HEIGHT, MIN_HIGH_BAR_LETTERS = 3.5, 0.6, 1.8, 1.8, 4
# The darkest half of a bar is no brighter, against the paper.
MAX_BRIGHTNESS = 0.3
# A shape that fills less of its box is ragged; much higher than a line it is a blot.
MIN_FULL_SHARE, MAX_RAGGED_HEIGHT = 0.93, 1.8
# Filled share of a shape's end: cut off; and of one much longer than high, which a pen scribbled (an ellipse has 0.39).
MIN_CUT_END, MIN_SCRIBBLED_END, MIN_SCRIBBLED_ASPECT = 0.6, 0.44, 3.0
# An outlined box: its width and height in letters and heights, how much of its rectangle it fills, how much ink is in it, and how much of
# its outline is drawn.
MIN_BOX_LETTERS, MIN_BOX_HEIGHT, MAX_BOX_HEIGHT = 1.5, 0.4, 6
MIN_RECTANGLE_SHARE, MAX_INSIDE_INK, MIN_OUTLINE_SHARE, OUTLINE_HEIGHTS = 0.92, 0.03, 0.8, 0.15
# A stroke over a word: its width, and the share of ink in its box, and below that of a strip of this height, so far above or below.
MIN_STRUCK_LETTERS, MIN_STRUCK_INK, STRIP_HEIGHT, STRIP_DISTANCE = 2.5, 0.55, 0.3, 0.5
# Felt pen that lets the words through: share of ink in a box, as such and against that of the page's words, and specks of paper in it, a
# letter. On a page so covered such boxes have 1.7-2.4 times the ink of its words, and four or more specks a letter. Type has about two
# specks a letter, a blot less than one. The pen covers the whole height of a line.
MIN_MARKER_INK, MIN_MARKER_INK_RATIO, MIN_SPECKS_A_LETTER, MIN_MARKER_LETTERS, MARKER_HEIGHT = 0.45, 1.5, 3.5, 2.5, 1.3
# What a box must have in common with a line it stands in, as a share of the lower one's height; how far from it it may stand beside it, and
# below or above it. A line of fewer characters is no text.
MIN_SHARED_HEIGHT, MAX_SIDE_DISTANCE_LETTERS, MAX_LINE_DISTANCE_HEIGHTS, MIN_LINE_CHARACTERS = 0.25, 40, 3, 4


def find_redactions(ink: InkMask, lines: Sequence[EngineLine], legible: Sequence[Box], metrics: TypeMetrics) -> tuple[Box, ...]:
    """Return the boxes of redactions, top to bottom; only boxes beside or between lines of text count.

    `legible` holds the boxes of words that were read well.
    """
    boxes = [*_bars(ink, legible, metrics), *_outlined_boxes(ink, metrics)]
    return tuple(sorted((box for box in boxes if _is_among_text(box, lines, metrics)), key=lambda box: (box.top, box.left)))


def _bars(ink: InkMask, legible: Sequence[Box], metrics: TypeMetrics) -> list[Box]:
    """Return the black bars.

    Solid black is always one, whatever an engine reads through it. Felt pen is not solid, and bold or blotted words are nearly as black:
    it counts where few places on the page are so dark, and no legible word stands there.
    """
    shares = {box: ink.share(box) for box in _dark_boxes(ink, metrics) if not _is_at_edge(box, ink.mask.shape)}
    min_ink = MIN_FELT_INK if len(shares) <= MAX_FELT_PLACES else MIN_SOLID_INK
    felt = (
        box
        for box, share in shares.items()
        if min_ink <= share < MIN_SOLID_INK and box.width >= MIN_FELT_LETTERS * metrics.advance and not _is_legible(box, legible)
    )
    return [*(box for box, share in shares.items() if share >= MIN_SOLID_INK), *felt]


def _is_legible(box: Box, legible: Sequence[Box]) -> bool:
    return sum(box.intersection(word) for word in legible) >= MAX_LEGIBLE_SHARE * box.area


def _dark_boxes(ink: InkMask, metrics: TypeMetrics) -> Iterator[Box]:
    """Yield what has the shape of a bar and is more ink than paper in every window of three letters."""
    import cv2

    factor = max(1, round(metrics.height / SHRUNKEN_HEIGHT_PIXELS))
    height, width = (side // factor for side in ink.mask.shape)
    ink_percent = cv2.resize(ink.mask[: height * factor, : width * factor] * np.uint8(100), (width, height), interpolation=cv2.INTER_AREA)
    solid = _solid_mask(np.asarray(ink_percent, np.uint8), max(1, round(metrics.advance / factor)), max(1, round(metrics.height / factor)))
    _, labels, components, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    for number, (left, top, across, down, _) in enumerate(components.tolist()):
        box = Box(left * factor, top * factor, (left + across) * factor, (top + down) * factor)
        inside = labels[top : top + down, left : left + across] == number
        is_bar = number and _is_bar_sized(box, metrics)
        is_bar = is_bar and (inside.mean() >= MIN_FULL_SHARE or box.height <= MAX_RAGGED_HEIGHT * metrics.height)
        if is_bar and _has_square_end(inside) and _is_opaque(box, ink):
            yield box


def _solid_mask(ink_percent: NDArray[np.uint8], letter: int, line: int) -> NDArray[np.uint8]:
    """Return 1 where a page of shares of ink (0-100) is dark all over; `letter` and `line` are the size of the type in its pixels."""
    import cv2

    window = (3 * letter, max(3, round(0.6 * line)))
    seeds = np.asarray(cv2.blur(ink_percent, window) >= 100 * MIN_WINDOW_INK, np.uint8)
    # From the windows that are dark all over, back to where the ink ends.
    dark = np.asarray(cv2.blur(ink_percent, (max(1, letter // 2), max(1, line // 4))) >= 50, np.uint8)
    solid = np.asarray(cv2.dilate(seeds, np.ones(window[::-1], np.uint8)) & dark, np.uint8)
    return np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((max(2, line // 3), max(2, letter // 2)), np.uint8)), np.uint8)


def _is_bar_sized(box: Box, metrics: TypeMetrics) -> bool:
    """Return whether the box has the size of a bar: as high as letters and longer than high, or a block of several lines."""
    if box.width < MIN_BAR_LETTERS * metrics.advance or box.height < MIN_BAR_HEIGHT * metrics.height:
        return False
    is_block = box.height > HIGH_BAR_HEIGHT * metrics.height and box.width >= MIN_HIGH_BAR_LETTERS * metrics.advance
    return box.width >= MIN_BAR_ASPECT * box.height or is_block


def _is_opaque(box: Box, ink: InkMask) -> bool:
    """Return whether the darkest half of the box is black: redactions are meant to hide, spilt ink lets the paper through."""
    return bool(np.median(ink.gray[box.top : box.bottom, box.left : box.right]) <= PAPER_GRAY * MAX_BRIGHTNESS)


def is_struck_out(ink: InkMask, box: Box, metrics: TypeMetrics) -> bool:
    """Return whether unread ink in a line is rather a stroke drawn over a word than a blot: black, and hardly higher than the line.

    In doubt it is: a redaction that is taken for a blot would be filled, a blot that is taken for a redaction is only left open.
    """
    if box.width < MIN_STRUCK_LETTERS * metrics.advance or ink.share(box) < MIN_STRUCK_INK or not _is_opaque(box, ink):
        return False
    distance, strip = round(STRIP_DISTANCE * metrics.height), max(1, round(STRIP_HEIGHT * metrics.height))
    above = Box(box.left, box.top - distance - strip, box.right, box.top - distance)
    below = Box(box.left, box.bottom + distance, box.right, box.bottom + distance + strip)
    return min(ink.share(above), ink.share(below)) < MIN_STRUCK_INK


def is_under_marker(ink: InkMask, box: Box, usual_share: float, metrics: TypeMetrics) -> bool:
    """Return whether what stands there lies under a censor's pen through which it shows; `usual_share` is that of ink of the page's words.

    In doubt it does, as with `is_struck_out`. Nothing that an engine reads there may be kept.
    """
    import cv2

    # `now` and `some` are dark only in their own boxes.
    missing = max(0, round((MARKER_HEIGHT * metrics.height - box.height) / 2))
    line_box = Box(box.left, box.top - missing, box.right, box.bottom + missing)
    min_ink = max(MIN_MARKER_INK, MIN_MARKER_INK_RATIO * usual_share)
    if box.width < MIN_MARKER_LETTERS * metrics.advance or ink.share(line_box) < min_ink:
        return False
    paper = np.ascontiguousarray(1 - ink.mask[max(0, box.top) : box.bottom, max(0, box.left) : box.right])
    return int(cv2.connectedComponents(paper, connectivity=4)[0]) >= MIN_SPECKS_A_LETTER * box.width / metrics.advance


def _has_square_end(inside: NDArray[np.bool_]) -> bool:
    """Return whether an end of the shape is cut off rather than tapered: a blot is an ellipse, a bar is not."""
    filled = inside.sum(axis=0) / inside.shape[0]
    end = max(1, len(filled) // 12)
    min_filled = MIN_SCRIBBLED_END if len(filled) >= MIN_SCRIBBLED_ASPECT * len(inside) else MIN_CUT_END
    return bool(filled[:end].mean() >= min_filled or filled[-end:].mean() >= min_filled)


def _outlined_boxes(ink: InkMask, metrics: TypeMetrics) -> Iterator[Box]:
    """Yield blank rectangles with an outline of their own; the cells of a form share theirs, and stay out."""
    import cv2

    height, width = (side // 2 for side in ink.mask.shape)
    rows = ink.mask[: 2 * height : 2] | ink.mask[1 : 2 * height : 2]
    halved = rows[:, : 2 * width : 2] | rows[:, 1 : 2 * width : 2]
    _, _, holes, _ = cv2.connectedComponentsWithStats(1 - halved, connectivity=4)
    is_wide = holes[:, 2] >= MIN_BOX_LETTERS * metrics.advance
    is_high = (holes[:, 3] >= MIN_BOX_HEIGHT * metrics.height) & (holes[:, 3] <= MAX_BOX_HEIGHT * metrics.height)
    is_rectangle = holes[:, 4] >= MIN_RECTANGLE_SHARE * holes[:, 2] * holes[:, 3]
    for left, top, across, down, _ in (2 * holes[is_wide & is_high & is_rectangle]).tolist():
        box = Box(left, top, left + across, top + down)
        if not _is_at_edge(box, ink.mask.shape) and ink.share(box) <= MAX_INSIDE_INK and _has_own_outline(box, ink, metrics):
            yield box


def _has_own_outline(box: Box, ink: InkMask, metrics: TypeMetrics) -> bool:
    """Return whether ink goes round the box, and belongs to a shape hardly larger than the box."""
    thickness = max(2, round(OUTLINE_HEIGHTS * metrics.height))
    outer = Box(max(0, box.left - thickness), max(0, box.top - thickness), box.right + thickness, box.bottom + thickness)
    ring = ink.labels[outer.top : outer.bottom, outer.left : outer.right].copy()
    ring[box.top - outer.top : box.bottom - outer.top, box.left - outer.left : box.right - outer.left] = 0
    labels, pixels = np.unique(ring[ring > 0], return_counts=True)
    if not len(labels):
        return False
    left, top, width, height, _ = ink.components[labels[np.argmax(pixels)]].tolist()
    room = metrics.height
    is_own = left >= box.left - room and top >= box.top - room and left + width <= box.right + room and top + height <= box.bottom + room
    return is_own and int(pixels.max()) >= MIN_OUTLINE_SHARE * 2 * (box.width + box.height)


def _is_at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    edge = EDGE_SHARE * max(shape)
    return box.left < edge or box.top < edge or box.right > shape[1] - edge or box.bottom > shape[0] - edge


def _is_among_text(box: Box, lines: Sequence[EngineLine], metrics: TypeMetrics) -> bool:
    """Return whether text stands beside the box on its own line, or above and below it in its column."""
    above = below = False
    for line in lines:
        if sum(len(word.text) for word in line.words) < MIN_LINE_CHARACTERS:
            continue
        shared_height = min(box.bottom, line.box.bottom) - max(box.top, line.box.top)
        shared_width = min(box.right, line.box.right) - max(box.left, line.box.left)
        is_level = shared_height >= MIN_SHARED_HEIGHT * min(box.height, line.box.height)
        if is_level and shared_width > -MAX_SIDE_DISTANCE_LETTERS * metrics.advance:
            return True
        if shared_width > 0:
            above |= 0 < box.top - line.box.bottom < MAX_LINE_DISTANCE_HEIGHTS * metrics.height
            below |= 0 < line.box.top - box.bottom < MAX_LINE_DISTANCE_HEIGHTS * metrics.height
    return above and below
