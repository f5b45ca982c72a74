"""Text that was passed over: ink that stands in lines as the page's type does, and lies in no word and no gap.

Letters are not looked for one by one, for they may run together, be broken, or have a marker drawn over them: lines are, as ridges of ink.
A place counts by the contrast of its ink with what is above and below, against that of the page's own words. What is no writing
differs in one thing or another: speckle is thinner than strokes and hardly denser along a line, rules and edges are low and whole,
punch holes are solid, pictures, seals and signatures are pieces far higher than a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from desunt.gaps.detectors.handwriting import apart, is_penned
from desunt.ocr.layout.pitch import Measure
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

Mask = NDArray[np.uint8]
Plane = NDArray[np.float32]
# Shares of the type: the least stroke in heights, the least piece in letters times heights, and what of a piece makes it a read one.
STROKE, LEAST_PIECE, HALF = 0.08, 0.05, 0.5
EDGE = 0.01
# Room at the sides of a box that belongs to it, in letters and heights.
ASIDE, ABOVE = 0.25, 0.12
# The height of type on the shrunken page, in pixels.
COARSE = 14
# Ink is counted in windows of so many letters by so many heights, and compared with windows so many heights above and below.
WINDOW, STRIP, APART = 2.0, 0.45, 0.85
JOINED = 2.0
# The usual contrast of the middle of a word; on a page with fewer words, and on darker ones, this.
USUAL, LEAST_WORDS = 0.36, 20
LEAST_SHARE = 0.1
# The box of a ridge holds the rows with such a share of the ink of its fullest, and the columns with so much in one place.
ROW, COLUMN = 0.2, 0.3
# In heights: a line, one that is so long (in letters) that it has some tall letter in it, and the ridge of one.
LOWEST, LOWEST_LONG, LONG, LEAST_RIDGE = 0.6, 0.7, 10, 0.4
# What is so much higher than a line is a picture, a frame or a signature, unless letters of the size of type stand among it.
TALL, MOSTLY, LETTERS = 2.5, 0.75, 0.25
# Type is hardly higher or lower than the page's own, and so are its pieces; what is not must be wider, in letters.
TYPED, TYPED_STROKES, TYPED_HIGH, LEAST_OTHER = (0.65, 1.5), (0.6, 1.9), 1.35, 2.5


@dataclass(frozen=True, slots=True)
class Passed:
    """A place with text that was passed over: such as the page's type, a pen's, or something other (stamps, type under a marker)."""

    box: Box
    kind: Literal["type", "hand", "other"]


@dataclass(frozen=True, slots=True)
class Ridges:
    """The page shrunken by `factor`: its ink (shares, 0-1), and how much more of it there is along a line than above and below."""

    ink: Plane
    contrast: Plane
    factor: int


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: type of so many times the page's size, and by how much a place must stand out.

    A ridge begins at the share `begins` of the usual contrast and has at least the mean `contrast`; its place is `shortest` letters wide,
    up to `highest` heights high, `long` times wider than high, keeps the share `kept` of its ink (speckle is thinner than strokes), and
    has `strokes` in a row for each letter (a rule has none but its own, a punch hole one).
    """

    scale: float
    begins: float
    contrast: float
    shortest: float
    highest: float
    long: float
    kept: float
    strokes: tuple[float, float]


# Words that stand out; stamps, which are larger than type; what is broken or faded, which only a longer line shows; and what need not
# stand out, for an engine saw a word there too.
CLEAR = Search(1.0, 0.4, 0.65, 1.8, 2.6, 0.0, 0.8, (0.55, 9.0))
STAMPS = Search(1.8, 0.4, 0.65, 1.8, 2.6, 1.5, 0.8, (0.55, 9.0))
BROKEN = Search(1.0, 0.25, 0.38, 5.0, 1.8, 1.5, 0.72, (0.45, 1.3))
DOUBTED = Search(1.0, 0.0, 0.0, 1.4, 2.6, 0.0, 0.85, (0.55, 2.0))


def find_passed_over(ink: Ink, covered: Sequence[Box], read: Sequence[Box], seen: Sequence[Box], measure: Measure) -> tuple[Passed, ...]:
    """Return the places of text outside `covered`, the boxes of words and gaps, top to bottom.

    `read` holds the boxes of words that were read well; they show what the page's type looks like. `seen` holds all that an engine took
    for words: what it made of them was dropped where nothing covers them, and there less ink is enough.
    """
    strokes = _strokes(ink, measure)
    usual = _usual(_ridges(strokes, measure), read)
    left = _uncovered(strokes, ink, covered, measure)
    found: list[Passed] = []
    for search in (CLEAR, STAMPS, BROKEN, DOUBTED) if left.any() else ():
        size = replace(measure, height=search.scale * measure.height, letter=search.scale * measure.letter)
        lines = _lines(_ridges(left, size), usual, size, search) if search is not DOUBTED else _doubted(seen, left, size)
        places = [one for box in lines if (one := _passed(ink, left, box, size, search))]
        new = places if search in (CLEAR, DOUBTED) else [replace(one, kind="other") for one in places if one.kind != "hand"]
        found += [one for one in new if not any(one.box.intersection(other.box) for other in found)]
    penned = [Passed(box, "hand") for box in apart([one.box for one in found if one.kind == "hand"])]
    return tuple(sorted((*penned, *(one for one in found if one.kind != "hand")), key=lambda one: (one.box.top, one.box.left)))


def _doubted(seen: Sequence[Box], left: Mask, measure: Measure) -> Iterator[Box]:
    """Yield the boxes of those of an engine's words that are in no gap and hold ink, as far as the ink goes."""
    for box in seen:
        inside = left[box.top : box.bottom, box.left : box.right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if len(rows):
            fitted = Box(box.left + int(columns[0]), box.top + int(rows[0]), box.left + int(columns[-1]) + 1, box.top + int(rows[-1]) + 1)
            if fitted.height >= LOWEST_LONG * measure.height and _is_text_sized(fitted, measure.letter, measure.height, DOUBTED):
                yield fitted


def _strokes(ink: Ink, measure: Measure) -> Mask:
    """Return the ink that is as thick as the strokes of type, without specks, rules, and what reaches the edge of the scan."""
    import cv2

    left, top, wide, high, area = (ink.pieces[:, column] for column in range(5))
    page_height, page_width = ink.mask.shape
    edge = EDGE * max(ink.mask.shape)
    inside = (left >= edge) & (top >= edge) & (left + wide <= page_width - edge) & (top + high <= page_height - edge)
    flat = (wide > 12 * high) & (high < 0.5 * measure.height)
    upright = (high > 6 * np.maximum(wide, 0.2 * measure.letter)) & (high > 1.5 * measure.height)
    kept = inside & ~flat & ~upright & (area >= LEAST_PIECE * measure.height * measure.letter)
    kept[0] = False
    mask: Mask = np.asarray(kept[ink.labels], np.uint8)
    thick = round(STROKE * measure.height)
    if thick < 2:
        return mask
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thick, thick))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, pen), np.uint8)


def _uncovered(strokes: Mask, ink: Ink, covered: Sequence[Box], measure: Measure) -> Mask:
    """Return the strokes outside the boxes, and of letters that stand half in one nothing."""
    across, down = round(ASIDE * measure.letter), round(ABOVE * measure.height)
    under = np.zeros(strokes.shape, np.bool_)
    for box in covered:
        under[max(0, box.top - down) : box.bottom + down, max(0, box.left - across) : box.right + across] = True
    counts = np.bincount(ink.labels[under], minlength=len(ink.pieces))
    read = (counts >= HALF * ink.pieces[:, 4]) & (ink.pieces[:, 3] <= TALL * measure.height)
    return np.asarray(strokes * ~(under | read[ink.labels]), np.uint8)


def _ridges(strokes: Mask, measure: Measure) -> Ridges:
    import cv2

    factor = max(1, round(measure.height / COARSE))
    height, width = (side // factor for side in strokes.shape)
    shares = cv2.resize(strokes[: height * factor, : width * factor].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    window = (max(3, round(WINDOW * measure.letter / factor)) | 1, max(3, round(STRIP * measure.height / factor)) | 1)
    along = cv2.blur(shares, window)
    apart = max(2, round(APART * measure.height / factor))
    above, below = np.zeros_like(along), np.zeros_like(along)
    above[apart:], below[:-apart] = along[:-apart], along[apart:]
    contrast = np.where(along >= LEAST_SHARE, along - np.maximum(above, below), 0)
    return Ridges(np.asarray(shares, np.float32), np.asarray(contrast, np.float32), factor)


def _usual(ridges: Ridges, read: Sequence[Box]) -> float:
    """Return the usual contrast in the middle of a word, at most that of dark type."""
    n = ridges.factor
    middles = [ridges.contrast[(box.top + box.bottom) // 2 // n, box.left // n : max(box.right // n, box.left // n + 1)] for box in read]
    known = [float(middle.mean()) for middle in middles if middle.size]
    return min(USUAL, float(np.median(known))) if len(known) >= LEAST_WORDS else USUAL


def _lines(ridges: Ridges, usual: float, measure: Measure, search: Search) -> Iterator[Box]:
    """Yield the boxes of ridges that have the contrast and the shape of words or lines."""
    import cv2

    letter, height = measure.letter / ridges.factor, measure.height / ridges.factor
    high = np.asarray(ridges.contrast >= search.begins * usual, np.uint8)
    joined = cv2.morphologyEx(high, cv2.MORPH_CLOSE, np.ones((1, round(JOINED * letter) | 1), np.uint8))
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8), connectivity=8)
    for number, (left, top, across, down, _) in enumerate(pieces[1:].tolist(), start=1):
        if across < search.shortest * letter or down < LEAST_RIDGE * height:
            continue
        at = np.s_[top : top + down, left : left + across]
        if ridges.contrast[at][labels[at] == number].mean() < search.contrast * usual:
            continue
        box = _fitted(ridges, Box(left, top, left + across, top + down), round(0.5 * height))
        if box and _is_text_sized(box, letter, height, search):
            n = ridges.factor
            yield Box(box.left * n, box.top * n, box.right * n, box.bottom * n)


def _is_text_sized(box: Box, letter: float, height: float, search: Search) -> bool:
    lowest = LOWEST if box.width < LONG * letter else LOWEST_LONG
    wide = box.width >= max(search.shortest * letter, search.long * box.height)
    return wide and lowest * height <= box.height <= search.highest * height


def _fitted(ridges: Ridges, ridge: Box, room: int) -> Box | None:
    """Return the box of the ink in the columns of a ridge and so many rows round it, None without ink."""
    top, bottom = max(0, ridge.top - room), min(ridges.ink.shape[0], ridge.bottom + room)
    near = ridges.ink[top:bottom, ridge.left : ridge.right]
    profile = near.mean(axis=1)
    rows, columns = np.flatnonzero(profile >= ROW * profile.max()), np.flatnonzero(near.max(axis=0) >= COLUMN)
    if not len(columns) or profile.max() <= 0:
        return None
    return Box(ridge.left + int(columns[0]), top + int(rows[0]), ridge.left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)


def _passed(ink: Ink, left: Mask, box: Box, measure: Measure, search: Search) -> Passed | None:
    """Return the place if its ink is that of writing, None if it is speckle, a rule, an edge, a hole or part of a picture."""
    at = np.s_[box.top : box.bottom, box.left : box.right]
    strokes = left[at] > 0
    if strokes.sum() < search.kept * ink.mask[at].sum():
        return None
    numbers, counts = np.unique(ink.labels[at][strokes], return_counts=True)
    pieces = ink.pieces[numbers]
    wide, high = pieces[:, 2], pieces[:, 3]
    tall = float(counts[high > TALL * measure.height].sum() / counts.sum())
    letters = (high >= 0.4 * measure.height) & (high <= 1.5 * measure.height) & (wide >= 0.25 * measure.letter)
    begins = (strokes[:, 1:] & ~strokes[:, :-1]).sum(axis=1) + strokes[:, 0]
    each = float(np.median(begins[strokes.any(axis=1)])) * measure.letter / box.width
    if is_penned(pieces, measure):
        return Passed(_around(pieces, box), "hand")
    if not search.strokes[0] <= each <= search.strokes[1] or (tall >= MOSTLY and letters.sum() * measure.letter < LETTERS * box.width):
        return None
    in_height = TYPED[0] * measure.height <= box.height <= TYPED[1] * measure.height
    if in_height and TYPED_STROKES[0] <= each <= TYPED_STROKES[1] and np.average(high, weights=counts) < TYPED_HIGH * measure.height:
        return Passed(box, "type")
    return Passed(box, "other") if search is DOUBTED or box.width >= LEAST_OTHER * measure.letter else None


def _around(pieces: NDArray[np.int64], box: Box) -> Box:
    right, bottom = pieces[:, 0] + pieces[:, 2], pieces[:, 1] + pieces[:, 3]
    return box.union(Box(int(pieces[:, 0].min()), int(pieces[:, 1].min()), int(right.max()), int(bottom.max())))
