"""Ink where nothing was read within a line of text: blots and smears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import PAPER_GRAY, RULE_HEIGHT_WIDTHS, RULE_WIDTH_HEIGHTS, Components, InkMask
from desunt.record.document import Box

# How wide a lost passage is at the least, how far from a word at the end of a line it may begin, and how near to each other its parts are.
MIN_WIDTH_LETTERS, MAX_DISTANCE_LETTERS, MERGE_DISTANCE_LETTERS = 1.6, 3.0, 2.0
# Room beside a word that belongs to it.
SIDE_ROOM_LETTERS = 0.25
# What is accounted for already covers more than this share of a passage.
MAX_COVERED_SHARE = 0.3
# Share of dark pixels in a passage; share of them in a column of a blot that lies over several lines; and how bright, against the paper, a
# dark pixel is at most: a blot is paler than type.
MIN_DARK_SHARE, MIN_COLUMN_SHARE, MAX_DARK_BRIGHTNESS = 0.12, 0.8, 0.75
# Lower than this, in heights of the type or of the line, is no letter.
MIN_LETTER_HEIGHT = 0.4
# No ink counts as narrower than this share of a letter: thin strokes are no rules.
MIN_RULE_WIDTH_LETTERS = 0.2
# How high the words of a line are, in heights of the type.
MIN_LINE_HEIGHT, MAX_LINE_HEIGHT = 0.5, 2
# Ink is of a line if this share of it lies there, or if it fills this share of the line's height over its own width.
MIN_INSIDE_SHARE, MIN_SOLID_SHARE = 0.6, 0.5


@dataclass(frozen=True, slots=True)
class TextBand:
    """One line as text stands in it: boxes of what was read, left to right, how far it may go, and its slope."""

    boxes: tuple[Box, ...]
    left: int
    right: int
    slope: float = 0.0


def find_blots(ink: InkMask, bands: Sequence[TextBand], covered: Sequence[Box], metrics: TypeMetrics) -> tuple[tuple[Box, ...], ...]:
    """Return for each band the boxes of ink between, before and after its words; `covered` holds what is accounted for already."""
    return tuple(tuple(_blots(ink, band, covered, metrics)) for band in bands)


def _blots(ink: InkMask, band: TextBand, covered: Sequence[Box], metrics: TypeMetrics) -> Iterator[Box]:
    near = list(band.boxes)
    for span, pivot in _spans(band, metrics):
        for box in _inked_passages(ink, span, band.slope, pivot, metrics):
            distance = min(max(box.left - other.right, other.left - box.right) for other in near)
            is_taken = any(box.intersection(other) > MAX_COVERED_SHARE * box.area for other in covered)
            if distance <= MAX_DISTANCE_LETTERS * metrics.advance and not is_taken:
                near.append(box)
                yield box


def is_letter_like(ink: InkMask, box: Box, metrics: TypeMetrics) -> bool:
    """Return whether the box holds ink as high as a letter that is neither a rule nor part of something far larger."""
    components = ink.components[np.unique(ink.labels_in(box))]
    width, height = components[:, 2], components[:, 3]
    is_low = height < MIN_LETTER_HEIGHT * metrics.height
    is_rule = width > RULE_WIDTH_HEIGHTS * height
    is_rule |= height > RULE_HEIGHT_WIDTHS * np.maximum(width, MIN_RULE_WIDTH_LETTERS * metrics.advance)
    return bool((~is_low & ~is_rule).any())


def _spans(band: TextBand, metrics: TypeMetrics) -> Iterator[tuple[Box, float]]:
    """Yield the places of the line without words, each as high as the letters beside it, and the x where that height was taken."""
    if not band.boxes:
        return
    room = SIDE_ROOM_LETTERS * metrics.advance
    edges = [(band.left, band.boxes[0].left), *((a.right, b.left) for a, b in zip(band.boxes, band.boxes[1:], strict=False))]
    for number, (left, right) in enumerate([*edges, (band.boxes[-1].right, band.right)]):
        near = band.boxes[max(0, number - 2) : number + 2]
        top, bottom = (round(float(np.median(sides))) for sides in ([box.top for box in near], [box.bottom for box in near]))
        is_wide = right - left - 2 * room >= MIN_WIDTH_LETTERS * metrics.advance
        if is_wide and MIN_LINE_HEIGHT * metrics.height <= bottom - top <= MAX_LINE_HEIGHT * metrics.height:
            yield Box(round(left + room), top, round(right - room), bottom), sum(box.left + box.right for box in near) / (2 * len(near))


def _inked_passages(ink: InkMask, span: Box, slope: float, pivot: float, metrics: TypeMetrics) -> Iterator[Box]:
    """Yield the passages of a span that are inked as letters or blots are; the span follows the slope of its line."""
    height, width = ink.mask.shape
    xs = np.arange(max(0, span.left), min(span.right, width))
    if not len(xs):
        return
    offsets = np.rint(slope * (xs - pivot)).astype(int)
    ys = np.clip(np.arange(span.top, span.bottom)[:, None] + offsets[None, :], 0, height - 1)
    labels, is_dark = ink.labels[ys, xs], ink.gray[ys, xs] <= PAPER_GRAY * MAX_DARK_BRIGHTNESS
    present, pixels = np.unique(labels[labels > 0], return_counts=True)
    at_edge = ink.is_at_edge(ink.components[present])
    # Blots of several lines run together, and are paler than type: in one line they are columns without paper.
    is_blot = is_dark & ~np.isin(labels, present[at_edge])
    of_line = present[~at_edge & _are_of_line(ink.components[present], pixels, span)]
    columns = np.isin(labels, of_line).any(axis=0) | (is_blot.mean(axis=0) >= MIN_COLUMN_SHARE)
    for start, stop in column_runs(columns, MERGE_DISTANCE_LETTERS * metrics.advance):
        is_wide = stop - start >= MIN_WIDTH_LETTERS * metrics.advance
        if is_wide and is_dark[:, start:stop].mean() >= MIN_DARK_SHARE:
            yield Box(int(xs[start]), int(ys[0, start:stop].min()), int(xs[stop - 1]) + 1, int(ys[-1, start:stop].max()) + 1)


def _are_of_line(components: Components, pixels: NDArray[np.intp], span: Box) -> NDArray[np.bool_]:
    """Return which components may be letters or blots of a line: not specks, rules, nor ink that mostly lies elsewhere.

    `pixels` counts those of each that lie in the span.
    """
    width, height, area = (components[:, column] for column in (2, 3, 4))
    is_high = height >= MIN_LETTER_HEIGHT * span.height
    is_rule = (width > RULE_WIDTH_HEIGHTS * height) | (height > RULE_HEIGHT_WIDTHS * width)
    is_solid = pixels >= MIN_SOLID_SHARE * np.minimum(width, span.width) * span.height
    return np.asarray(is_high & ~is_rule & ((pixels >= MIN_INSIDE_SHARE * area) | is_solid))


def column_runs(columns: NDArray[np.bool_], max_distance: float) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of true columns; runs no farther apart than `max_distance`, in pixels, are one."""
    places = np.flatnonzero(columns)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > max(1.0, max_distance))
    starts, stops = places[np.r_[0, cuts + 1]], places[np.r_[cuts, len(places) - 1]] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
