"""Ink where nothing was read: blots and smears within a line of text, and lines the engine passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.document import Box
from desunt.gaps.ink import Ink
from desunt.gaps.pitch import Measure

Numbers = NDArray[np.int64]
EDGE = 0.01
# In letters: the least a lost passage is wide, and how far from a word at the end of a line it may begin.
LEAST_WIDTH = 1.6
MOST_APART = 3.0
JOINED = 2.0
LEAST_INK, FILLED, PALE = 0.12, 0.8, 0.75
# A line the engine passed over has at least so many letter-like pieces, and they stand as densely as letters do.
LEAST_PIECES, LEAST_LETTERS = 8, 8
LEAST_COVER, MOST_COVER = 0.45, 1.0


@dataclass(frozen=True, slots=True)
class Band:
    """One line as text stands in it: boxes of what was read, left to right, how far it may go, and its slope."""

    boxes: tuple[Box, ...]
    left: int
    right: int
    slope: float = 0.0


def find_blots(ink: Ink, bands: Sequence[Band], taken: Sequence[Box], measure: Measure) -> tuple[tuple[Box, ...], ...]:
    """Return for each band the boxes of ink between, before and after its words; `taken` holds what is accounted for already."""
    return tuple(tuple(_blots(ink, band, taken, measure)) for band in bands)


def _blots(ink: Ink, band: Band, taken: Sequence[Box], measure: Measure) -> Iterator[Box]:
    near = list(band.boxes)
    for span, pivot in _spans(band, measure):
        for box in _runs(ink, span, band.slope, pivot, measure):
            apart = min(max(box.left - other.right, other.left - box.right) for other in near)
            if apart <= MOST_APART * measure.letter and not any(box.intersection(other) > 0.3 * box.area for other in taken):
                near.append(box)
                yield box


def letterlike(ink: Ink, box: Box, measure: Measure) -> bool:
    """Return whether the box holds ink as high as a letter that is neither a rule nor part of something far larger."""
    cut = ink.labels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
    sizes = ink.pieces[np.unique(cut[cut > 0])]
    low = sizes[:, 3] < 0.4 * measure.height
    rule = (sizes[:, 2] > 12 * sizes[:, 3]) | (sizes[:, 3] > 6 * np.maximum(sizes[:, 2], 0.2 * measure.letter))
    return bool((~low & ~rule).any())


def _spans(band: Band, measure: Measure) -> Iterator[tuple[Box, float]]:
    """Yield the places of the line without words, each as high as the letters beside it, and the x where that height was taken."""
    if not band.boxes:
        return
    room = 0.25 * measure.letter
    edges = [(band.left, band.boxes[0].left), *((a.right, b.left) for a, b in zip(band.boxes, band.boxes[1:], strict=False))]
    for number, (left, right) in enumerate([*edges, (band.boxes[-1].right, band.right)]):
        near = band.boxes[max(0, number - 2) : number + 2]
        top, bottom = (round(float(np.median([side[k] for side in ((box.top, box.bottom) for box in near)]))) for k in (0, 1))
        if right - left - 2 * room >= LEAST_WIDTH * measure.letter and 0.5 * measure.height <= bottom - top <= 2 * measure.height:
            yield Box(round(left + room), top, round(right - room), bottom), sum(box.left + box.right for box in near) / (2 * len(near))


def _runs(ink: Ink, span: Box, slope: float, pivot: float, measure: Measure) -> Iterator[Box]:
    """Yield the stretches of a span that are inked as letters or blots are; the span follows the slope of its line."""
    height, width = ink.mask.shape
    across = np.arange(max(0, span.left), min(span.right, width))
    if not len(across):
        return
    offsets = np.rint(slope * (across - pivot)).astype(int)
    down = np.clip(np.arange(span.top, span.bottom)[:, None] + offsets[None, :], 0, height - 1)
    cut, pale = ink.labels[down, across], ink.tone[down, across] <= 200 * PALE
    numbers, counts = np.unique(cut[cut > 0], return_counts=True)
    # Blots of several lines run together, and are paler than type: in one line they are columns without paper.
    blot = pale & ~np.isin(cut, numbers[_at_edge(numbers, ink)])
    columns = np.isin(cut, _fitting(numbers, counts, ink, span)).any(axis=0) | (blot.mean(axis=0) >= FILLED)
    for start, stop in stretches(columns, joined=JOINED * measure.letter):
        wide = stop - start >= LEAST_WIDTH * measure.letter
        if wide and pale[:, start:stop].mean() >= LEAST_INK:
            yield Box(int(across[start]), int(down[0, start:stop].min()), int(across[stop - 1]) + 1, int(down[-1, start:stop].max()) + 1)


def _fitting(numbers: NDArray[np.int32], counts: NDArray[np.intp], ink: Ink, span: Box) -> NDArray[np.int32]:
    """Return the pieces that may be letters or blots of this line: not specks, rules, nor ink that mostly lies elsewhere."""
    sizes = ink.pieces[numbers]
    high = sizes[:, 3] >= 0.4 * span.height
    rule = (sizes[:, 2] > 12 * sizes[:, 3]) | (sizes[:, 3] > 6 * sizes[:, 2])
    mostly_here = counts >= 0.6 * sizes[:, 4]
    solid = counts >= 0.5 * np.minimum(sizes[:, 2], span.width) * span.height
    return np.asarray(numbers[high & ~rule & ~_at_edge(numbers, ink) & (mostly_here | solid)])


def _at_edge(numbers: NDArray[np.int32], ink: Ink) -> NDArray[np.bool_]:
    """Return which pieces reach the edge of the scan: borders, photographs, the dark beside the sheet."""
    left, top, width, height = (ink.pieces[numbers, k] for k in range(4))
    edge = EDGE * max(ink.mask.shape)
    beyond = (left + width > ink.mask.shape[1] - edge) | (top + height > ink.mask.shape[0] - edge)
    return np.asarray((left < edge) | (top < edge) | beyond)


def stretches(columns: NDArray[np.bool_], joined: float) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of true columns; runs less than `joined` apart are one."""
    places = np.flatnonzero(columns)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > max(1.0, joined))
    starts, stops = places[np.r_[0, cuts + 1]], places[np.r_[cuts, len(places) - 1]] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def find_passed_over(ink: Ink, read: Sequence[Box], column: Box, measure: Measure) -> tuple[Box, ...]:
    """Return the boxes of text lines within the column that the engine passed over, top to bottom.

    `read` holds every box the engine put words in, right or wrong.
    """
    import cv2

    pieces = _letterlike(ink, read, column, measure)
    if len(pieces) < LEAST_PIECES:
        return ()
    rows = np.zeros(ink.mask.shape, np.uint8)
    for left, top, width, height, _ in pieces.tolist():
        rows[top : top + height, left : left + width] = 1
    joined = cv2.morphologyEx(rows, cv2.MORPH_CLOSE, np.ones((1, round(2.5 * measure.letter) | 1), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8), connectivity=8)
    boxes = [Box(left, top, left + width, top + height) for left, top, width, height, _ in found[1:].tolist()]
    lines = [box for box in boxes if _is_line(box, pieces, rows, measure)]
    return tuple(sorted(lines, key=lambda box: (box.top, box.left)))


def _letterlike(ink: Ink, read: Sequence[Box], column: Box, measure: Measure) -> Numbers:
    """Return the pieces of ink in the column that have the size of letters and lie in no box that was read."""
    pieces = ink.pieces[1:]
    middle_x, middle_y = pieces[:, 0] + pieces[:, 2] / 2, pieces[:, 1] + pieces[:, 3] / 2
    sized = (pieces[:, 3] >= 0.45 * measure.height) & (pieces[:, 3] <= 1.5 * measure.height)
    sized &= (pieces[:, 2] >= 0.25 * measure.letter) & (pieces[:, 2] <= 4 * measure.letter)
    sized &= (middle_x > column.left) & (middle_x < column.right) & (middle_y > column.top) & (middle_y < column.bottom)
    candidates = pieces[sized]
    covered = np.zeros(ink.mask.shape, np.bool_)
    for box in read:
        covered[max(0, box.top) : box.bottom, max(0, box.left) : box.right] = True
    at = covered[middle_y[sized].astype(int), middle_x[sized].astype(int)]
    return np.asarray(candidates[~at])


def _is_line(box: Box, pieces: Numbers, rows: NDArray[np.uint8], measure: Measure) -> bool:
    if box.width < LEAST_LETTERS * measure.letter or box.height > 2.2 * measure.height:
        return False
    middle_x, middle_y = pieces[:, 0] + pieces[:, 2] / 2, pieces[:, 1] + pieces[:, 3] / 2
    inside = (middle_x > box.left) & (middle_x < box.right) & (middle_y > box.top) & (middle_y < box.bottom)
    cover = float(rows[box.top : box.bottom, box.left : box.right].any(axis=0).mean())
    return int(inside.sum()) >= LEAST_PIECES and LEAST_COVER <= cover <= MOST_COVER
