"""Read a page again with its blots painted as paper: beside a blot an engine misreads words that anybody can read."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import numpy as np

from desunt.errors import PageFailed
from desunt.ocr.engines import OcrEngine
from desunt.ocr.preprocessing import BestResult, score
from desunt.ocr.preprocessing.deskew import Variant, to_original_pixels
from desunt.ocr.preprocessing.filters import Pixels, otsu_mask, remove_border, to_gray

# In letter heights: how thick ink is that no letter has, how wide a blot is at the least, and how far its edge frays.
MIN_BLOT_THICKNESS, MIN_BLOT_WIDTH, FRAYED_EDGE = 0.4, 1.2, 0.2
# More than this share of the page is no blot but a photograph, a map, or a page in negative.
MAX_BLOT_SHARE = 0.25
# Fewer words of this confidence do not show the height of a letter.
SURE_CONFIDENCE, MIN_SURE_WORDS = 0.8, 5


def read_without_blots(best: BestResult, pixels: Pixels, engine: OcrEngine, seconds: float, lexicon: Container[str]) -> BestResult:
    """Return the result of the page without its blots if more of it reads well, else the best as it was.

    A page without blots, or with hardly a word, costs no further call of the engine. `pixels` is the original, (height, width) or
    (height, width, 3).
    """
    letter_height = word_letter_height(best)
    painted = remove_blots(to_gray(best.variant.pixels), letter_height) if letter_height else None
    if painted is None:
        return best
    variant = Variant(f"{best.variant.name}+blots-painted", painted, best.variant.dpi, best.variant.to_original)
    try:
        result = engine.read(variant.pixels, variant.dpi, seconds)
    except PageFailed:
        return replace(best, scores=(*best.scores, (variant.name, float("-inf"))))
    result = to_original_pixels(result, variant.to_original, pixels.shape[1], pixels.shape[0])
    painted_score = score(result, lexicon)
    scores = (*best.scores, (variant.name, painted_score))
    if painted_score <= score(best.result, lexicon):
        return replace(best, scores=scores)
    return BestResult(result, variant, scores)


def word_letter_height(best: BestResult) -> float:
    """Return the height of a letter in pixels of the variant, from the words that were read; 0 where there are too few to tell."""
    heights = [word.box.height for word in best.result.words if word.confidence >= SURE_CONFIDENCE and len(word.text) > 1]
    scale = float(np.sqrt(abs(np.linalg.det(best.variant.to_original[:, :2]))))
    return float(np.median(heights)) / scale if len(heights) >= MIN_SURE_WORDS else 0.0


def remove_blots(page: Pixels, letter_height: float) -> Pixels | None:
    """Return the grey page with solid ink that is thicker than any stroke painted as paper; None if there is none.

    An opening (Serra 1982) by a disc wider than a stroke leaves nothing of letters, rules and pen lines.
    """
    import cv2

    inside = remove_border(page)
    ink = otsu_mask(inside)
    solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, _disc(MIN_BLOT_THICKNESS * letter_height))
    if not np.any(solid):
        return None
    count, labels, components, _ = cv2.connectedComponentsWithStats(np.asarray(solid, np.uint8), connectivity=8)
    blots = [n for n in range(1, count) if components[n, cv2.CC_STAT_WIDTH] >= MIN_BLOT_WIDTH * letter_height]
    if not blots or components[blots, cv2.CC_STAT_AREA].sum() > MAX_BLOT_SHARE * page.size:
        return None
    # An opening leaves the blot without its frayed edge, which would be read as letters.
    mask = cv2.dilate(np.isin(labels, blots).astype(np.uint8), _disc(2 * FRAYED_EDGE * letter_height))
    paper = int(np.median(inside[ink == 0]))
    return np.where(mask.astype(bool), np.uint8(paper), inside)


def _disc(diameter: float) -> Pixels:
    """Return a disc of that many pixels across, at least one."""
    import cv2

    size = max(1, round(diameter)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
