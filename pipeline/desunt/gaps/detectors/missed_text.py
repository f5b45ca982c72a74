"""Text that was passed over: ink that stands in lines as the page's type does, and lies in no word and no gap.

Letters are not looked for one by one, for they may run together, be broken, or have a marker drawn over them: lines are, as ridges of ink.
A place counts by the contrast of its ink with what is above and below, against that of the page's own words. What is no writing
differs in one thing or another: speckle is thinner than strokes and hardly denser along a line, rules and edges are low and whole,
punch holes are solid, pictures, seals and signatures are components far higher than a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from desunt.gaps.detectors.handwriting import is_pen_stroke
from desunt.ocr.layout.handwriting_blocks import merge_overlapping
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import RULE_HEIGHT_WIDTHS, RULE_WIDTH_HEIGHTS, InkMask, Mask, bounding_box
from desunt.record.document import Box

Plane = NDArray[np.float32]
# The thinnest stroke, in heights of the type, and the smallest component, in letters' boxes (advance times height).
MIN_STROKE_HEIGHTS, MIN_COMPONENT_AREA = 0.08, 0.05
# A level rule is lower than type, an upright one higher; no ink counts as narrower than this share of a letter.
MAX_LEVEL_RULE_HEIGHTS, MIN_UPRIGHT_RULE_HEIGHTS, MIN_RULE_WIDTH_LETTERS = 0.5, 1.5, 0.2
# The share of a component in words and gaps from which it was read; room at the sides of a box, and above and below, that belongs to it.
MIN_COVERED_SHARE, SIDE_ROOM_LETTERS, VERTICAL_ROOM_HEIGHTS = 0.5, 0.25, 0.12
# The height of type on the shrunken page.
SHRUNKEN_HEIGHT_PIXELS = 14
# Ink is averaged over windows this wide and high, and compared with windows this far above and below; paler ones have no contrast.
WINDOW_LETTERS, WINDOW_HEIGHTS, WINDOW_DISTANCE_HEIGHTS, MIN_INK_SHARE = 2.0, 0.45, 0.85, 0.1
# Ridges this near to each other are one.
MERGE_DISTANCE_LETTERS = 2.0
# The usual contrast of the middle of a word; on a page with fewer words, and on darker ones, this.
USUAL_CONTRAST, MIN_WORDS = 0.36, 20
# The box of a ridge, and of some room above and below: rows with this share of the ink of the fullest, columns as dark in one place.
MIN_ROW_SHARE, MIN_COLUMN_INK, FITTING_ROOM_HEIGHTS = 0.2, 0.3, 0.5
# How high a line is at the least; one that is long has some tall letter in it; and the ridge of one.
MIN_LINE_HEIGHTS, MIN_LONG_LINE_HEIGHTS, LONG_LINE_LETTERS, MIN_RIDGE_HEIGHTS = 0.6, 0.7, 10, 0.4
# Ink that is mostly of components higher than a line is a picture, a frame or a signature, unless letters of the size of type take this
# share of its width.
TALL_HEIGHTS, MIN_TALL_SHARE, MIN_LETTER_SHARE = 2.5, 0.75, 0.25
LETTER_HEIGHTS, MIN_LETTER_WIDTH = (0.4, 1.5), 0.25
# Type is hardly higher or lower than the page's own, has one or two strokes a letter, and no high components; what is not must be wider.
TYPED_HEIGHTS, TYPED_STROKES, MAX_TYPED_COMPONENT_HEIGHTS, MIN_OTHER_WIDTH_LETTERS = (0.65, 1.5), (0.6, 1.9), 1.35, 2.5


@dataclass(frozen=True, slots=True)
class MissedText:
    """A place with text that was passed over: such as the page's type, a pen's, or something other (stamps, type under a marker)."""

    box: Box
    kind: Literal["type", "hand", "other"]


@dataclass(frozen=True, slots=True)
class LineContrast:
    """The page shrunken by `factor`: its ink (shares, 0-1), and how much more of it there is along a line than above and below."""

    ink: Plane
    contrast: Plane
    factor: int


@dataclass(frozen=True, slots=True)
class SearchParams:
    """What is looked for: type of `scale` times the page's size, and by how much a place must stand out.

    A ridge begins at `ridge_contrast` and has at least the mean `mean_contrast`, both shares of the usual one; its place is
    `min_width_letters` wide, up to `max_height` heights high, `min_aspect` times wider than high, keeps `min_stroke_share` of its ink
    (speckle is thinner than strokes), and has `strokes_per_letter` in a row (a rule has none but its own, a punch hole one).
    """

    scale: float
    ridge_contrast: float
    mean_contrast: float
    min_width_letters: float
    max_height: float
    min_aspect: float
    min_stroke_share: float
    strokes_per_letter: tuple[float, float]


# Words that stand out; stamps, which are larger than type; what is broken or faded, which only a longer line shows; and what need not
# stand out, for an engine saw a word there too.
CLEAR = SearchParams(1.0, 0.4, 0.65, 1.8, 2.6, 0.0, 0.8, (0.55, 9.0))
LARGE = SearchParams(1.8, 0.4, 0.65, 1.8, 2.6, 1.5, 0.8, (0.55, 9.0))
BROKEN = SearchParams(1.0, 0.25, 0.38, 5.0, 1.8, 1.5, 0.72, (0.45, 1.3))
ENGINE_BOXES = SearchParams(1.0, 0.0, 0.0, 1.4, 2.6, 0.0, 0.85, (0.55, 2.0))


def find_missed_text(
    ink: InkMask, covered: Sequence[Box], trusted: Sequence[Box], engine_boxes: Sequence[Box], metrics: TypeMetrics
) -> tuple[MissedText, ...]:
    """Return the places of text outside `covered`, the boxes of words and gaps, top to bottom.

    `trusted` holds the boxes of words that were read well; they show what the page's type looks like. `engine_boxes` holds all that an
    engine took for words: what it made of them was dropped where nothing covers them, and there less ink is enough.
    """
    strokes = _strokes(ink, metrics)
    usual_contrast = _usual_contrast(_line_contrast(strokes, metrics), trusted)
    uncovered = _uncovered(strokes, ink, covered, metrics)
    places: list[MissedText] = []
    for params in (CLEAR, LARGE, BROKEN, ENGINE_BOXES) if uncovered.any() else ():
        scaled = replace(metrics, height=params.scale * metrics.height, advance=params.scale * metrics.advance)
        if params is ENGINE_BOXES:
            boxes = _inked_engine_boxes(engine_boxes, uncovered, scaled)
        else:
            boxes = _line_boxes(_line_contrast(uncovered, scaled), usual_contrast, scaled, params)
        new = [place for box in boxes if (place := _classify(ink, uncovered, box, scaled, params))]
        if params in (LARGE, BROKEN):
            new = [replace(place, kind="other") for place in new if place.kind != "hand"]
        places += [place for place in new if not any(place.box.intersection(other.box) for other in places)]
    handwritten = [MissedText(box, "hand") for box in merge_overlapping([place.box for place in places if place.kind == "hand"])]
    merged = (*handwritten, *(place for place in places if place.kind != "hand"))
    return tuple(sorted(merged, key=lambda place: (place.box.top, place.box.left)))


def _inked_engine_boxes(engine_boxes: Sequence[Box], uncovered: Mask, metrics: TypeMetrics) -> Iterator[Box]:
    """Yield the boxes of those of an engine's words that are in no gap and hold ink, as far as the ink goes."""
    for box in engine_boxes:
        inside = uncovered[box.top : box.bottom, box.left : box.right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if len(rows):
            fitted = _box_of(rows, columns, box.left, box.top)
            is_high = fitted.height >= MIN_LONG_LINE_HEIGHTS * metrics.height
            if is_high and _is_text_sized(fitted, metrics.advance, metrics.height, ENGINE_BOXES):
                yield fitted


def _box_of(rows: NDArray[np.intp], columns: NDArray[np.intp], left: int, top: int) -> Box:
    """Return the box from the first to the last of rows and columns, which are counted from `top` and `left`."""
    return Box(left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)


def _strokes(ink: InkMask, metrics: TypeMetrics) -> Mask:
    """Return the ink that is as thick as the strokes of type, without specks, rules, and what reaches the edge of the scan."""
    import cv2

    width, height, area = (ink.components[:, column] for column in (2, 3, 4))
    is_level_rule = (width > RULE_WIDTH_HEIGHTS * height) & (height < MAX_LEVEL_RULE_HEIGHTS * metrics.height)
    is_upright_rule = height > RULE_HEIGHT_WIDTHS * np.maximum(width, MIN_RULE_WIDTH_LETTERS * metrics.advance)
    is_upright_rule &= height > MIN_UPRIGHT_RULE_HEIGHTS * metrics.height
    is_large = area >= MIN_COMPONENT_AREA * metrics.height * metrics.advance
    is_stroke = ~ink.is_at_edge(ink.components) & ~is_level_rule & ~is_upright_rule & is_large
    is_stroke[0] = False
    mask: Mask = np.asarray(is_stroke[ink.labels], np.uint8)
    thickness = round(MIN_STROKE_HEIGHTS * metrics.height)
    if thickness < 2:
        return mask
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thickness, thickness))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, pen), np.uint8)


def _uncovered(strokes: Mask, ink: InkMask, covered: Sequence[Box], metrics: TypeMetrics) -> Mask:
    """Return the strokes outside the boxes, and of letters that stand half in one nothing."""
    side, above = round(SIDE_ROOM_LETTERS * metrics.advance), round(VERTICAL_ROOM_HEIGHTS * metrics.height)
    under = np.zeros(strokes.shape, np.bool_)
    for box in covered:
        under[max(0, box.top - above) : box.bottom + above, max(0, box.left - side) : box.right + side] = True
    covered_pixels = np.bincount(ink.labels[under], minlength=len(ink.components))
    is_read = covered_pixels >= MIN_COVERED_SHARE * ink.components[:, 4]
    is_read &= ink.components[:, 3] <= TALL_HEIGHTS * metrics.height
    return np.asarray(strokes * ~(under | is_read[ink.labels]), np.uint8)


def _line_contrast(strokes: Mask, metrics: TypeMetrics) -> LineContrast:
    import cv2

    factor = max(1, round(metrics.height / SHRUNKEN_HEIGHT_PIXELS))
    height, width = (side // factor for side in strokes.shape)
    shares = cv2.resize(strokes[: height * factor, : width * factor].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    window = (
        max(3, round(WINDOW_LETTERS * metrics.advance / factor)) | 1,
        max(3, round(WINDOW_HEIGHTS * metrics.height / factor)) | 1,
    )
    along = cv2.blur(shares, window)
    distance = max(2, round(WINDOW_DISTANCE_HEIGHTS * metrics.height / factor))
    above, below = np.zeros_like(along), np.zeros_like(along)
    above[distance:], below[:-distance] = along[:-distance], along[distance:]
    contrast = np.where(along >= MIN_INK_SHARE, along - np.maximum(above, below), 0)
    return LineContrast(np.asarray(shares, np.float32), np.asarray(contrast, np.float32), factor)


def _usual_contrast(page: LineContrast, trusted: Sequence[Box]) -> float:
    """Return the usual contrast in the middle of a word, at most that of dark type."""
    n = page.factor
    middles = [page.contrast[(box.top + box.bottom) // 2 // n, box.left // n : max(box.right // n, box.left // n + 1)] for box in trusted]
    contrasts = [float(middle.mean()) for middle in middles if middle.size]
    return min(USUAL_CONTRAST, float(np.median(contrasts))) if len(contrasts) >= MIN_WORDS else USUAL_CONTRAST


def _line_boxes(page: LineContrast, usual_contrast: float, metrics: TypeMetrics, params: SearchParams) -> Iterator[Box]:
    """Yield the boxes of ridges that have the contrast and the shape of words or lines."""
    import cv2

    n, advance, height = page.factor, metrics.advance / page.factor, metrics.height / page.factor
    ridges = np.asarray(page.contrast >= params.ridge_contrast * usual_contrast, np.uint8)
    ridges = cv2.morphologyEx(ridges, cv2.MORPH_CLOSE, np.ones((1, round(MERGE_DISTANCE_LETTERS * advance) | 1), np.uint8))
    _, labels, components, _ = cv2.connectedComponentsWithStats(np.asarray(ridges, np.uint8), connectivity=8)
    for number, (left, top, across, down, _) in enumerate(components[1:].tolist(), start=1):
        if across < params.min_width_letters * advance or down < MIN_RIDGE_HEIGHTS * height:
            continue
        place = np.s_[top : top + down, left : left + across]
        if page.contrast[place][labels[place] == number].mean() < params.mean_contrast * usual_contrast:
            continue
        box = _fit_to_ink(page.ink, Box(left, top, left + across, top + down), round(FITTING_ROOM_HEIGHTS * height))
        if box and _is_text_sized(box, advance, height, params):
            yield Box(box.left * n, box.top * n, box.right * n, box.bottom * n)


def _is_text_sized(box: Box, advance: float, height: float, params: SearchParams) -> bool:
    min_height = MIN_LINE_HEIGHTS if box.width < LONG_LINE_LETTERS * advance else MIN_LONG_LINE_HEIGHTS
    is_wide = box.width >= max(params.min_width_letters * advance, params.min_aspect * box.height)
    return is_wide and min_height * height <= box.height <= params.max_height * height


def _fit_to_ink(ink: Plane, ridge: Box, room: int) -> Box | None:
    """Return the box of the ink in the columns of a ridge and so many rows round it, None without ink."""
    top, bottom = max(0, ridge.top - room), min(ink.shape[0], ridge.bottom + room)
    near = ink[top:bottom, ridge.left : ridge.right]
    profile = near.mean(axis=1)
    rows, columns = np.flatnonzero(profile >= MIN_ROW_SHARE * profile.max()), np.flatnonzero(near.max(axis=0) >= MIN_COLUMN_INK)
    if not len(columns) or profile.max() <= 0:
        return None
    return _box_of(rows, columns, ridge.left, top)


def _classify(ink: InkMask, uncovered: Mask, box: Box, metrics: TypeMetrics, params: SearchParams) -> MissedText | None:
    """Return the place if its ink is that of writing, None if it is speckle, a rule, an edge, a hole or part of a picture."""
    place = np.s_[box.top : box.bottom, box.left : box.right]
    strokes = uncovered[place] > 0
    if strokes.sum() < params.min_stroke_share * ink.mask[place].sum():
        return None
    labels, pixels = np.unique(ink.labels[place][strokes], return_counts=True)
    components = ink.components[labels]
    if is_pen_stroke(components, metrics):
        return MissedText(box.union(bounding_box(components)), "hand")
    strokes_per_letter = _strokes_in_row(strokes) * metrics.advance / box.width
    fewest, most = params.strokes_per_letter
    if not fewest <= strokes_per_letter <= most or _is_picture(components, pixels, box, metrics):
        return None
    is_typed = TYPED_HEIGHTS[0] * metrics.height <= box.height <= TYPED_HEIGHTS[1] * metrics.height
    is_typed = is_typed and TYPED_STROKES[0] <= strokes_per_letter <= TYPED_STROKES[1]
    if is_typed and np.average(components[:, 3], weights=pixels) < MAX_TYPED_COMPONENT_HEIGHTS * metrics.height:
        return MissedText(box, "type")
    return MissedText(box, "other") if params is ENGINE_BOXES or box.width >= MIN_OTHER_WIDTH_LETTERS * metrics.advance else None


def _strokes_in_row(strokes: NDArray[np.bool_]) -> float:
    """Return how many strokes begin in the usual row that has any."""
    begins = (strokes[:, 1:] & ~strokes[:, :-1]).sum(axis=1) + strokes[:, 0]
    return float(np.median(begins[strokes.any(axis=1)]))


def _is_picture(components: NDArray[np.int64], pixels: NDArray[np.intp], box: Box, metrics: TypeMetrics) -> bool:
    """Return whether most ink is far higher than a line, with hardly a letter beside it; `pixels` counts each component's in the box."""
    width, height = components[:, 2], components[:, 3]
    tall_share = float(pixels[height > TALL_HEIGHTS * metrics.height].sum() / pixels.sum())
    low, high = (share * metrics.height for share in LETTER_HEIGHTS)
    letters = int(((height >= low) & (height <= high) & (width >= MIN_LETTER_WIDTH * metrics.advance)).sum())
    return tall_share >= MIN_TALL_SHARE and letters * metrics.advance < MIN_LETTER_SHARE * box.width
