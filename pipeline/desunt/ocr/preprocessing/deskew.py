"""Pages set upright, their lines level: turned, deskewed and scaled, with the way back to the pixels of the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from desunt.errors import PageFailed
from desunt.ocr.engines import EngineLine, EngineWord, OcrEngine, OcrResult
from desunt.ocr.preprocessing.filters import Pixels, otsu_mask, skew_angle, warp_affine
from desunt.record.document import Box

MAX_VARIANT_PIXELS = 60_000_000
# Tesseract's orientation confidence below which a page is not turned.
MIN_TURN_CONFIDENCE = 2.0
# Turning a page by less costs more sharpness than it gives.
MIN_SKEW_DEGREES = 0.25

Affine = NDArray[np.float64]


@runtime_checkable
class DetectsOrientation(Protocol):
    """What an engine may offer beside reading: which way is up."""

    def orientation(self, pixels: Pixels, dpi: int, seconds: float) -> tuple[int, float] | None:
        """Return the clockwise turn in degrees that sets the page upright, and a confidence."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """One version of a page's pixels.

    `to_original` is a (2, 3) affine matrix from the variant's pixels to the original's, in edge coordinates: 0 is the left edge of
    the first pixel, as in `Box`.
    """

    name: str
    pixels: Pixels
    dpi: int
    to_original: Affine


def detect_turn(pixels: Pixels, dpi: int, engine: OcrEngine, seconds: float) -> int:
    """Return the clockwise turn that sets the page upright, 0 if the engine cannot tell."""
    if not isinstance(engine, DetectsOrientation):
        return 0
    try:
        turn = engine.orientation(pixels, dpi, seconds)
    except PageFailed:
        return 0
    return turn[0] % 360 if turn and turn[1] >= MIN_TURN_CONFIDENCE else 0


def rotate(variant: Variant, degrees: int) -> Variant:
    """Turn a variant clockwise by a multiple of 90 degrees."""
    quarters = degrees // 90 % 4
    height, width = variant.pixels.shape[:2]
    inverses: dict[int, list[list[float]]] = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, height]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, -1, width], [1, 0, 0]],
    }
    pixels = np.ascontiguousarray(np.rot90(variant.pixels, -quarters))
    return Variant(f"rotated-{90 * quarters}", pixels, variant.dpi, _compose(variant.to_original, np.array(inverses[quarters], np.float64)))


def deskew_and_scale(page: Pixels, name: str, dpi: int, letter_height: float, scale: float) -> Variant:
    """Turn the page so that its lines are level, and scale it, in one step."""
    height, width = page.shape
    angle = skew_angle(otsu_mask(page), letter_height)
    if abs(angle) < MIN_SKEW_DEGREES:
        angle = 0.0
    scale = min(scale, (MAX_VARIANT_PIXELS / page.size) ** 0.5)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, sin], [-sin, cos]]) * scale
    middle = np.array([width / 2, height / 2])
    matrix = np.column_stack([turn, np.array(size) / 2 - turn @ middle]) if angle else np.column_stack([turn, np.zeros(2)])
    pixels = page if scale == 1.0 and not angle else warp_affine(page, matrix, size)
    return Variant(name, pixels, max(1, round(dpi * scale)), _inverse(matrix))


def compose_variants(outer: Variant, inner: Variant) -> Variant:
    """Return a cleaned variant of an upright one as a variant of the original."""
    name = inner.name if outer.name == "untouched" else f"{outer.name}+{inner.name}"
    return Variant(name, inner.pixels, inner.dpi, _compose(outer.to_original, inner.to_original))


def to_original_pixels(result: OcrResult, to_original: Affine, width: int, height: int) -> OcrResult:
    """Return the result with boxes and baselines in the original's pixels, cut to its size; what lies outside is left out."""
    lines = (_line_in_original(line, to_original, width, height) for line in result.lines)
    return OcrResult(tuple(line for line in lines if line), result.engine, result.version)


def _line_in_original(line: EngineLine, to_original: Affine, width: int, height: int) -> EngineLine | None:
    boxes = ((word, _box_in_original(word.box, to_original, width, height)) for word in line.words)
    words = tuple(EngineWord(word.text, box, word.confidence) for word, box in boxes if box)
    if not words:
        return None
    box = _box_in_original(line.box, to_original, width, height) or Box.enclosing(word.box for word in words)
    baseline = line.baseline
    if baseline:
        (x0, y0), (x1, y1) = np.rint(_transform(np.array(baseline, np.float64), to_original)).astype(int).tolist()
        baseline = ((_clamp(x0, width), _clamp(y0, height)), (_clamp(x1, width), _clamp(y1, height)))
    return EngineLine(words, box, line.block, baseline)


def _box_in_original(box: Box, to_original: Affine, width: int, height: int) -> Box | None:
    corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
    transformed = _transform(np.array(corners, np.float64), to_original)
    (left, top), (right, bottom) = transformed.min(axis=0).tolist(), transformed.max(axis=0).tolist()
    return Box.clipped(left, top, right, bottom, width, height)


def _transform(points: NDArray[np.float64], matrix: Affine) -> NDArray[np.float64]:
    """Return (n, 2) points moved by an affine matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def _clamp(coordinate: int, size: int) -> int:
    return min(size - 1, max(0, coordinate))


def _inverse(matrix: Affine) -> Affine:
    inverse: Affine = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    return inverse[:2]


def _compose(second: Affine, first: Affine) -> Affine:
    """Return the matrix that moves by the first, then by the second."""
    return np.asarray((np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2], np.float64)
