"""Read a page again with its blots painted as paper: beside a blot an engine misreads words that anybody can read."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

from desunt.errors import PageFailed
from desunt.ocr.engines import OcrEngine
from desunt.ocr.preprocessing import BestReading, Variant, in_original, score
from desunt.ocr.preprocessing import filters as retouch

# In letter heights: how thick ink is that no letter has, how wide a blot is at the least, and how far its edge frays.
SOLID, LEAST_WIDTH, FRAYED = 0.4, 1.2, 0.2
# More than this share of the page is no blot but a photograph, a map, or a page in negative.
MOST_SHARE = 0.25
SURE, LEAST_WORDS = 0.8, 5


def read_beside_blots(
    best: BestReading, pixels: NDArray[np.uint8], engine: OcrEngine, seconds: float, lexicon: Container[str]
) -> BestReading:
    """Return the reading of the page without its blots if more of it reads well, else the best as it was.

    A page without blots, or with hardly a word, costs no further call of the engine. `pixels` is the original, (height, width) or
    (height, width, 3).
    """
    letter = letter_height(best)
    painted = without_blots(retouch.grey(best.variant.pixels), letter) if letter else None
    if painted is None:
        return best
    variant = Variant(f"{best.variant.name}+blots-painted", painted, best.variant.dpi, best.variant.to_original)
    try:
        reading = engine.read(variant.pixels, variant.dpi, seconds)
    except PageFailed:
        return BestReading(best.reading, best.variant, (*best.evidence, (variant.name, float("-inf"))))
    reading = in_original(reading, variant.to_original, pixels.shape[1], pixels.shape[0])
    found = score(reading, lexicon)
    evidence = (*best.evidence, (variant.name, found))
    if found <= score(best.reading, lexicon):
        return BestReading(best.reading, best.variant, evidence)
    return BestReading(reading, variant, evidence)


def letter_height(best: BestReading) -> float:
    """Return the height of a letter in pixels of the variant, from the words that were read; 0 where there are too few to tell."""
    heights = [word.box.height for word in best.reading.words if word.confidence >= SURE and len(word.text) > 1]
    scale = float(np.sqrt(abs(np.linalg.det(best.variant.to_original[:, :2]))))
    return float(np.median(heights)) / scale if len(heights) >= LEAST_WORDS else 0.0


def without_blots(page: NDArray[np.uint8], letter: float) -> NDArray[np.uint8] | None:
    """Return the grey page with solid ink that is thicker than any stroke painted as paper; None if there is none.

    `letter` is the height of a letter in pixels.
    An opening (Serra 1982) by a disc wider than a stroke leaves nothing of letters, rules and pen lines.
    """
    import cv2

    inside = retouch.border_painted(page)
    ink = retouch.ink_of(inside)
    solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, disc(SOLID * letter))
    if not np.any(solid):
        return None
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(np.asarray(solid, np.uint8), connectivity=8)
    blots = [n for n in range(1, count) if sizes[n, cv2.CC_STAT_WIDTH] >= LEAST_WIDTH * letter]
    if not blots or sizes[blots, cv2.CC_STAT_AREA].sum() > MOST_SHARE * page.size:
        return None
    # An opening leaves the blot without its frayed edge, which would be read as letters.
    mask = cv2.dilate(np.isin(labels, blots).astype(np.uint8), disc(2 * FRAYED * letter))
    paper = int(np.median(inside[ink == 0]))
    return np.where(mask.astype(bool), np.uint8(paper), inside)


def disc(across: float) -> NDArray[np.uint8]:
    """Return a disc of that many pixels across, at least one."""
    import cv2

    size = max(1, round(across)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
