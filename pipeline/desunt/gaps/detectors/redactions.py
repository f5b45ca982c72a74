"""Redactions: long black bars and outlined white boxes that stand in the place of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.engines import EngineLine
from desunt.ocr.layout.pitch import Measure
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

# As shares: ink in the box of a bar (felt pen leaves light between its strokes), ink round an outlined box, ink within it.
LEAST_DARK, LEAST_SHARE, SOLID = 0.6, 0.6, 0.88
# Bold and blotted words of a few letters are as dark as felt pen.
LEAST_FELT = 4.5
LEAST_COVERED = 0.55
MANY = 12
OPAQUE, FULL, RAGGED_LINES = 0.3, 0.93, 1.8
LEAST_OUTLINE = 0.8
MOST_WITHIN = 0.03
# Filled share of a shape's end: cut off; and of one much longer than high, which a pen scribbled (an ellipse has 0.39).
LEAST_STRAIGHT, LEAST_BLUNT, LONG = 0.6, 0.44, 3.0
# Felt pen that lets the words through: share of ink in a box, against that of the page's words, and specks of paper in it, a letter. On a
# page so covered such boxes have 1.7-2.4 times the ink of its words, and four or more specks a letter. Type has about two specks a
# letter, a blot less than one.
MARKED, MORE_INK, SPECKLED, LEAST_MARKED, HIGH_LINE = 0.45, 1.5, 3.5, 2.5, 1.3
COARSE_HEIGHT = 12
EDGE = 0.01
# Share of its height that a box must have in common with a line it stands in.
BESIDE = 0.25


def find_withheld(ink: Ink, lines: Sequence[EngineLine], legible: Sequence[Box], measure: Measure) -> tuple[Box, ...]:
    """Return the boxes of redactions, top to bottom; only boxes beside or between lines of text count.

    `legible` holds the boxes of words that were read well.
    """
    found = [*_bars(ink, legible, measure), *_outlined(ink, measure)]
    return tuple(sorted((box for box in found if _among_text(box, lines, measure)), key=lambda box: (box.top, box.left)))


def _bars(ink: Ink, legible: Sequence[Box], measure: Measure) -> list[Box]:
    """Return the black bars.

    Solid black is always one, whatever an engine reads through it. Felt pen is not solid, and bold or blotted words are nearly as black:
    it counts where few places on the page are so dark, and no legible word stands there.
    """
    shares = {box: ink.share(box) for box in _dark_runs(ink, measure) if not _at_edge(box, ink.mask.shape)}
    least = LEAST_SHARE if len(shares) <= MANY else SOLID
    wide = {box: share for box, share in shares.items() if box.width >= LEAST_FELT * measure.letter}
    felt = (box for box, share in wide.items() if least <= share < SOLID and not _read(box, legible))
    return [*(box for box, share in shares.items() if share >= SOLID), *felt]


def _read(box: Box, legible: Sequence[Box]) -> bool:
    return sum(box.intersection(word) for word in legible) >= 0.3 * box.area


def _dark_runs(ink: Ink, measure: Measure) -> Iterator[Box]:
    """Yield what has the shape of a bar and is more ink than paper in every window of three letters."""
    import cv2

    factor = max(1, round(measure.height / COARSE_HEIGHT))
    height, width = (side // factor for side in ink.mask.shape)
    shares = cv2.resize(ink.mask[: height * factor, : width * factor] * np.uint8(100), (width, height), interpolation=cv2.INTER_AREA)
    letter, line = max(1, round(measure.letter / factor)), max(1, round(measure.height / factor))
    window = (3 * letter, max(3, round(0.6 * line)))
    seeds = np.asarray(cv2.blur(shares, window) >= 100 * LEAST_DARK, np.uint8)
    # From the windows that are dark all over, back to where the ink ends.
    dark = np.asarray(cv2.blur(shares, (max(1, letter // 2), max(1, line // 4))) >= 50, np.uint8)
    solid = np.asarray(cv2.dilate(seeds, np.ones(window[::-1], np.uint8)) & dark, np.uint8)
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((max(2, line // 3), max(2, letter // 2)), np.uint8)), np.uint8)
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    for number, (left, top, across, down, _) in enumerate(pieces.tolist()):
        box = Box(left * factor, top * factor, (left + across) * factor, (top + down) * factor)
        inside = labels[top : top + down, left : left + across] == number
        # A ragged shape much higher than a line is a blot.
        shaped = number and _is_bar(box, measure) and (inside.mean() >= FULL or box.height <= RAGGED_LINES * measure.height)
        if shaped and _straight(inside) and _opaque(box, ink):
            yield box


def _is_bar(box: Box, measure: Measure) -> bool:
    """Return whether the box has the shape of one: as high as letters and longer than high, or a block of several lines."""
    if box.width < 3.5 * measure.letter or box.height < 0.6 * measure.height:
        return False
    return box.width >= 1.8 * box.height or (box.height > 1.8 * measure.height and box.width >= 4 * measure.letter)


def _opaque(box: Box, ink: Ink) -> bool:
    """Return whether the darkest half of the box is black: redactions are meant to hide, spilt ink lets the paper through."""
    tones = ink.tone[box.top : box.bottom, box.left : box.right]
    return bool(np.median(tones) <= 200 * OPAQUE)


def looks_covered(ink: Ink, box: Box, measure: Measure) -> bool:
    """Return whether unread ink in a line is rather a stroke drawn over a word than a blot: black, and hardly higher than the line.

    In doubt it is: a redaction that is taken for a blot would be filled, a blot that is taken for a redaction is only left open.
    """
    if box.width < 2.5 * measure.letter or ink.share(box) < LEAST_COVERED or not _opaque(box, ink):
        return False
    reach, strip = round(0.5 * measure.height), max(1, round(0.3 * measure.height))
    above = Box(box.left, box.top - reach - strip, box.right, box.top - reach)
    below = Box(box.left, box.bottom + reach, box.right, box.bottom + reach + strip)
    return min(ink.share(above), ink.share(below)) < LEAST_COVERED


def looks_marked(ink: Ink, box: Box, usual: float, measure: Measure) -> bool:
    """Return whether what stands there lies under a censor's pen through which it shows; `usual` is the share of ink of the page's words.

    In doubt it does, as with `looks_covered`. Nothing that an engine reads there may be kept.
    """
    import cv2

    # The pen covers the whole height of a line; `now` and `some` are dark only in their own boxes.
    higher = max(0, round((HIGH_LINE * measure.height - box.height) / 2))
    around = Box(box.left, box.top - higher, box.right, box.bottom + higher)
    if box.width < LEAST_MARKED * measure.letter or ink.share(around) < max(MARKED, MORE_INK * usual):
        return False
    paper = np.ascontiguousarray(1 - ink.mask[max(0, box.top) : box.bottom, max(0, box.left) : box.right])
    return int(cv2.connectedComponents(paper, connectivity=4)[0]) >= SPECKLED * box.width / measure.letter


def _straight(inside: NDArray[np.bool_]) -> bool:
    """Return whether the ends of the shape are cut off rather than tapered: a blot is an ellipse, a bar is not."""
    filled = inside.sum(axis=0) / inside.shape[0]
    ends = max(1, len(filled) // 12)
    least = LEAST_BLUNT if len(filled) >= LONG * len(inside) else LEAST_STRAIGHT
    return bool(filled[:ends].mean() >= least or filled[-ends:].mean() >= least)


def _outlined(ink: Ink, measure: Measure) -> Iterator[Box]:
    """Yield blank rectangles with an outline of their own; the cells of a form share theirs, and stay out."""
    import cv2

    height, width = (side // 2 for side in ink.mask.shape)
    rows = ink.mask[: 2 * height : 2] | ink.mask[1 : 2 * height : 2]
    halved = rows[:, : 2 * width : 2] | rows[:, 1 : 2 * width : 2]
    _, _, holes, _ = cv2.connectedComponentsWithStats(1 - halved, connectivity=4)
    wide = holes[:, 2] >= 1.5 * measure.letter
    high = (holes[:, 3] >= 0.4 * measure.height) & (holes[:, 3] <= 6 * measure.height)
    full = holes[:, 4] >= 0.92 * holes[:, 2] * holes[:, 3]
    for left, top, across, down, _ in (2 * holes[wide & high & full]).tolist():
        box = Box(left, top, left + across, top + down)
        if not _at_edge(box, ink.mask.shape) and ink.share(box) <= MOST_WITHIN and _own_outline(box, ink, measure):
            yield box


def _own_outline(box: Box, ink: Ink, measure: Measure) -> bool:
    """Return whether ink goes round the box, and belongs to a shape hardly larger than the box."""
    thick = max(2, round(0.15 * measure.height))
    outer = Box(max(0, box.left - thick), max(0, box.top - thick), box.right + thick, box.bottom + thick)
    ring = ink.labels[outer.top : outer.bottom, outer.left : outer.right].copy()
    ring[box.top - outer.top : box.bottom - outer.top, box.left - outer.left : box.right - outer.left] = 0
    numbers, counts = np.unique(ring[ring > 0], return_counts=True)
    if not len(numbers):
        return False
    left, top, width, height, _ = ink.pieces[numbers[np.argmax(counts)]].tolist()
    room = measure.height
    own = left >= box.left - room and top >= box.top - room and left + width <= box.right + room and top + height <= box.bottom + room
    return own and int(counts.max()) >= LEAST_OUTLINE * 2 * (box.width + box.height)


def _at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    margin = EDGE * max(shape)
    return box.left < margin or box.top < margin or box.right > shape[1] - margin or box.bottom > shape[0] - margin


def _among_text(box: Box, lines: Sequence[EngineLine], measure: Measure) -> bool:
    """Return whether text stands beside the box on its own line, or above and below it in its column."""
    reach = 40 * measure.letter
    above = below = False
    for line in lines:
        if sum(len(word.text) for word in line.words) < 4:
            continue
        shared = min(box.bottom, line.box.bottom) - max(box.top, line.box.top)
        across = min(box.right, line.box.right) - max(box.left, line.box.left)
        if shared >= BESIDE * min(box.height, line.box.height) and across > -reach:
            return True
        if across > 0:
            above |= 0 < box.top - line.box.bottom < 3 * measure.height
            below |= 0 < line.box.top - box.bottom < 3 * measure.height
    return above and below
