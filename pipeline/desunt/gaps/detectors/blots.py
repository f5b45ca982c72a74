"""Ink where nothing was read within a line of text: blots and smears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.layout.pitch import Measure
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

EDGE = 0.01
# In letters: the least a lost passage is wide, and how far from a word at the end of a line it may begin.
LEAST_WIDTH = 1.6
MOST_APART = 3.0
JOINED = 2.0
LEAST_INK, FILLED, PALE = 0.12, 0.8, 0.75


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
