"""Handwriting: blocks of it on a page on which no word was read, and marks of it beside type; located, never transcribed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.layout.pitch import Measure
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box

# Pieces from specks to flourishes, in shares of the page's height and width.
LEAST_HIGH, MOST_HIGH, LEAST_WIDE, MOST_WIDE = 1 / 250, 1 / 25, 1 / 500, 1 / 4
# Joined letters make pieces wider than high, and a pen leaves most of their boxes empty: 1.6-1.8 and 0.16-0.20 on two pages of handwriting;
# on eleven typescripts one or the other is far off (type that runs together is as wide, but fills 0.58 of its boxes).
JOINED, FILLED = 1.3, 0.3
LEAST_PIECES = 20
# How far apart, in heights of the usual piece, ink of one block may stand; a block of fewer pieces is a stray mark.
APART = 2.0
LEAST_IN_BLOCK = 4
# Beside type a pen's strokes are thin, and higher than its letters: so were 36 misread marks of 38 pages that stand in no typed line, and
# 4 typed words. What is much larger than a word is a frame or a fold, and tells nothing; a longer passage may be type with a pen across.
THIN, LIGHT, HIGH_BOX, HIGH_STROKE = 0.26, 0.2, 1.4, 1.15
SPECK, FRAME = 0.02, 20
# A pen's brackets round typed words hold letters.
LETTERS = 3
# Passed over: in heights, letters, and the share of their boxes that pieces fill.
PENNED, PENNED_WIDE, PENNED_THIN = (1.4, 9.0), 30, (0.07, 0.22)
# Once there is writing, larger ink beside it is of it too: whole words in one stroke, flourishes, signatures.
TALLEST, WIDEST, EDGE = 1 / 8, 3 / 4, 0.01


def find_handwriting(ink: Ink) -> tuple[Box, ...]:
    """Return the blocks of joined writing on a page on which no word was read, top to bottom; none where letters stand apart."""
    pieces = _strokes(ink)
    if len(pieces) < LEAST_PIECES or not _is_joined(pieces):
        return ()
    return tuple(sorted(apart(_blocks(pieces, _larger(ink), ink.mask.shape)), key=lambda box: (box.top, box.left)))


def looks_written(ink: Ink, box: Box, size: Measure) -> bool:
    """Tell whether what stands in a box beside type is rather a pen's."""
    cut = ink.labels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
    pieces = ink.pieces[np.unique(cut[cut > 0])]
    wide, high, area = pieces[:, 2], pieces[:, 3], pieces[:, 4]
    typed = (high >= 0.6 * size.height) & (high <= 1.2 * size.height) & (wide >= 0.4 * size.letter) & (wide <= 1.3 * size.letter)
    if (typed & (area >= FILLED * wide * high)).sum() >= LETTERS:
        return False
    kept = (area > SPECK * size.height * size.letter) & (wide < FRAME * size.letter)
    if not kept.any() or ink.share(box) >= LIGHT or box.width > FRAME * size.letter:
        return False
    wide, high, area = wide[kept], high[kept], area[kept]
    tall = box.height >= HIGH_BOX * size.height or float(np.average(high, weights=area)) >= HIGH_STROKE * size.height
    return tall and area.sum() < THIN * (wide * high).sum()


def is_penned(pieces: NDArray[np.int64], size: Measure) -> bool:
    """Tell whether pieces of ink that were passed over are rather a pen's than type's: joined, thin, and higher than letters.

    `pieces` are rows of a component table. Engraved script is a pen's too; what is much higher is a frame, a picture or a stamp.
    """
    wide, high, area = (pieces[pieces[:, 4] > SPECK * size.height * size.letter][:, column] for column in (2, 3, 4))
    if not len(area):
        return False
    share, tall, broad = area.sum() / (wide * high).sum(), np.average(high, weights=area), np.average(wide, weights=area)
    high_enough, thin = PENNED[0] <= tall / size.height <= PENNED[1], PENNED_THIN[0] <= share <= PENNED_THIN[1]
    return bool(high_enough and thin and broad < PENNED_WIDE * size.letter)


def apart(boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes with those that overlap made one, until none do."""
    left, done = list(boxes), list[Box]()
    while left:
        box = left.pop()
        touching = [other for other in (*left, *done) if box.intersection(other)]
        if not touching:
            done.append(box)
            continue
        left, done = [other for other in left if other not in touching], [other for other in done if other not in touching]
        left.append(reduce(Box.union, touching, box))
    return done


def _is_joined(pieces: NDArray[np.int64]) -> bool:
    boxes = pieces[:, 2] * pieces[:, 3]
    return bool(np.median(pieces[:, 2] / pieces[:, 3]) >= JOINED and pieces[:, 4].sum() < FILLED * boxes.sum())


def _strokes(ink: Ink) -> NDArray[np.int64]:
    """Return the pieces that may be writing: neither specks nor rules nor pictures."""
    pieces = ink.pieces[1:]
    page_height, page_width = ink.mask.shape
    wide, high = pieces[:, 2], pieces[:, 3]
    sized = (high > LEAST_HIGH * page_height) & (high < MOST_HIGH * page_height)
    sized &= (wide > LEAST_WIDE * page_width) & (wide < MOST_WIDE * page_width)
    return np.asarray(pieces[sized & ~((wide > 12 * high) | (high > 6 * wide))])


def _larger(ink: Ink) -> NDArray[np.int64]:
    """Return the pieces that are too large for a stroke, and neither rules, pictures nor the edge of the sheet."""
    pieces = ink.pieces[1:]
    page_height, page_width = ink.mask.shape
    left, top, wide, high = (pieces[:, column] for column in range(4))
    edge = EDGE * max(page_height, page_width)
    inside = (left > edge) & (top > edge) & (left + wide < page_width - edge) & (top + high < page_height - edge)
    sized = (high > LEAST_HIGH * page_height) & (high < TALLEST * page_height) & (wide < WIDEST * page_width)
    return np.asarray(pieces[inside & sized & ~((wide > 12 * high) | (high > 6 * wide)) & (pieces[:, 4] < FILLED * wide * high)])


def _blocks(strokes: NDArray[np.int64], larger: NDArray[np.int64], shape: tuple[int, ...]) -> list[Box]:
    """Return the boxes of pieces that stand close to each other, those of enough strokes."""
    import cv2

    mask, pieces = np.zeros(shape, np.uint8), np.concatenate((strokes, larger))
    for left, top, width, height, _ in pieces.tolist():
        mask[top : top + height, left : left + width] = 1
    reach = round(APART * float(np.median(strokes[:, 3]))) | 1
    grown = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
    _, labels = cv2.connectedComponents(np.asarray(grown, np.uint8), connectivity=8)
    block = np.asarray(labels)[pieces[:, 1], pieces[:, 0]]
    numbers, counts = np.unique(block[: len(strokes)], return_counts=True)
    return [_around(pieces[block == number]) for number in numbers[counts >= LEAST_IN_BLOCK]]


def _around(pieces: NDArray[np.int64]) -> Box:
    right, bottom = pieces[:, 0] + pieces[:, 2], pieces[:, 1] + pieces[:, 3]
    return Box(int(pieces[:, 0].min()), int(pieces[:, 1].min()), int(right.max()), int(bottom.max()))
