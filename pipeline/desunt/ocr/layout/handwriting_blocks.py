"""Blocks of handwriting on a page on which no word was read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.preprocessing.ink import EDGE_SHARE, RULE_HEIGHT_WIDTHS, RULE_WIDTH_HEIGHTS, Components, InkMask, bounding_box
from desunt.record.document import Box

# A stroke is larger than a speck and smaller than a flourish: shares of the page's height and of its width.
MIN_HEIGHT_SHARE, MAX_HEIGHT_SHARE, MIN_WIDTH_SHARE, MAX_WIDTH_SHARE = 1 / 250, 1 / 25, 1 / 500, 1 / 4
# Once there is writing, larger ink beside it is of it too: whole words in one stroke, flourishes, signatures.
MAX_FLOURISH_HEIGHT_SHARE, MAX_FLOURISH_WIDTH_SHARE = 1 / 8, 3 / 4
# Joined letters make components wider than high, and a pen leaves most of their boxes empty: 1.6-1.8 and 0.16-0.20 on two pages of
# handwriting; on eleven typescripts one or the other is far off (type that runs together is as wide, but fills 0.58 of its boxes).
MIN_JOINED_ASPECT, MAX_PEN_FILL = 1.3, 0.3
# A page with fewer strokes is no page of writing; a block of fewer is a stray mark.
MIN_STROKES, MIN_BLOCK_STROKES = 20, 4
# How far apart ink of one block may stand, in heights of the usual stroke.
MERGE_DISTANCE_HEIGHTS = 2.0


def find_handwriting_blocks(ink: InkMask) -> tuple[Box, ...]:
    """Return the blocks of joined writing on a page on which no word was read, top to bottom; none where letters stand apart."""
    strokes = _strokes(ink)
    if len(strokes) < MIN_STROKES or not _are_joined(strokes):
        return ()
    return tuple(sorted(merge_overlapping(_blocks(strokes, _flourishes(ink), ink.mask.shape)), key=lambda box: (box.top, box.left)))


def merge_overlapping(boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes with those that overlap made one, until none do."""
    rest, merged = list(boxes), list[Box]()
    while rest:
        box = rest.pop()
        touching = [other for other in (*rest, *merged) if box.intersection(other)]
        if not touching:
            merged.append(box)
            continue
        rest, merged = [other for other in rest if other not in touching], [other for other in merged if other not in touching]
        rest.append(reduce(Box.union, touching, box))
    return merged


def _are_joined(strokes: Components) -> bool:
    areas = strokes[:, 2] * strokes[:, 3]
    return bool(np.median(strokes[:, 2] / strokes[:, 3]) >= MIN_JOINED_ASPECT and strokes[:, 4].sum() < MAX_PEN_FILL * areas.sum())


def _strokes(ink: InkMask) -> Components:
    """Return the components that may be writing: neither specks nor rules nor pictures."""
    components = ink.components[1:]
    page_height, page_width = ink.mask.shape
    width, height = components[:, 2], components[:, 3]
    sized = (height > MIN_HEIGHT_SHARE * page_height) & (height < MAX_HEIGHT_SHARE * page_height)
    sized &= (width > MIN_WIDTH_SHARE * page_width) & (width < MAX_WIDTH_SHARE * page_width)
    return np.asarray(components[sized & ~_are_rules(components)])


def _flourishes(ink: InkMask) -> Components:
    """Return the components that may be too large for a stroke, and are neither rules, pictures nor the edge of the sheet."""
    components = ink.components[1:]
    page_height, page_width = ink.mask.shape
    left, top, width, height, area = (components[:, column] for column in range(5))
    edge = EDGE_SHARE * max(page_height, page_width)
    inside = (left > edge) & (top > edge) & (left + width < page_width - edge) & (top + height < page_height - edge)
    sized = (height > MIN_HEIGHT_SHARE * page_height) & (height < MAX_FLOURISH_HEIGHT_SHARE * page_height)
    sized &= (width < MAX_FLOURISH_WIDTH_SHARE * page_width) & (area < MAX_PEN_FILL * width * height)
    return np.asarray(components[inside & sized & ~_are_rules(components)])


def _are_rules(components: Components) -> NDArray[np.bool_]:
    width, height = components[:, 2], components[:, 3]
    return np.asarray((width > RULE_WIDTH_HEIGHTS * height) | (height > RULE_HEIGHT_WIDTHS * width))


def _blocks(strokes: Components, flourishes: Components, shape: tuple[int, ...]) -> list[Box]:
    """Return the boxes of components that stand close to each other, where there are enough strokes."""
    import cv2

    mask, components = np.zeros(shape, np.uint8), np.concatenate((strokes, flourishes))
    for left, top, width, height, _ in components.tolist():
        mask[top : top + height, left : left + width] = 1
    reach = round(MERGE_DISTANCE_HEIGHTS * float(np.median(strokes[:, 3]))) | 1
    grown = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
    _, labels = cv2.connectedComponents(np.asarray(grown, np.uint8), connectivity=8)
    block = np.asarray(labels)[components[:, 1], components[:, 0]]
    numbers, counts = np.unique(block[: len(strokes)], return_counts=True)
    return [bounding_box(components[block == number]) for number in numbers[counts >= MIN_BLOCK_STROKES]]
