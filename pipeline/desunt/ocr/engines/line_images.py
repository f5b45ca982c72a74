"""A second engine that reads line images: pictures of a word or a line, cropped where the first engine is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desunt.errors import UsageError
from desunt.record.document import Box

SECOND_ENGINES: dict[str, str] = {"rapid": "desunt.ocr.engines.ppocr:PPOcr"}
# Languages of Latin script, by their names in Tesseract: only these are read again.
LATIN_SCRIPT = """afr cat ces cos cym dan deu eng enm epo est eus fao fil fin fra frm fry gla gle glg hat hrv hun ind isl ita jav lat
lav lit ltz mlt msa nld nor oci pol por ron slk slv spa sqi swa swe tur uzb vie"""

Pixels = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TextQuad:
    """A place of one line, perhaps aslant: its corners (x, y) in pixels of the page, from the top left, clockwise."""

    corners: tuple[Point, Point, Point, Point]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom."""
        xs, ys = zip(*self.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def height(self) -> float:
        (x, y), _, _, (below_x, below_y) = self.corners
        return float(np.hypot(below_x - x, below_y - y))

    @property
    def width(self) -> float:
        (x, y), (right_x, right_y), _, _ = self.corners
        return float(np.hypot(right_x - x, right_y - y))

    def part(self, start: float, end: float) -> TextQuad:
        """Return the part between two shares of the width, 0-1."""
        top_left, top_right, bottom_right, bottom_left = self.corners
        top, bottom = (top_left, top_right), (bottom_left, bottom_right)
        return TextQuad((_between(*top, start), _between(*top, end), _between(*bottom, end), _between(*bottom, start)))

    def clipped(self, width: int, height: int) -> Box | None:
        """Return the box around it in whole pixels, cut to a page of that size; None if nothing of it is left."""
        return Box.clipped(*self.bounds, width, height)

    def shares_at(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the page as shares of width and height; 0-1 lies within."""
        (left, top), (right, right_y), _, (below_x, below_y) = self.corners
        along, down = (right - left, right_y - top), (below_x - left, below_y - top)
        share = ((x - left) * along[0] + (y - top) * along[1]) / max(1.0, along[0] ** 2 + along[1] ** 2)
        return share, ((x - left) * down[0] + (y - top) * down[1]) / max(1.0, down[0] ** 2 + down[1] ** 2)

    def holds(self, box: Box) -> bool:
        """Return whether the middle of a box lies within."""
        along, down = self.shares_at((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        return 0 <= along <= 1 and 0 <= down <= 1


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """A word of a line image: text, confidence in its worst letter and in all (0-1), and between which shares of the width it stands."""

    text: str
    min_confidence: float
    mean_confidence: float
    start: float
    end: float


class TextReader(Protocol):
    """Detect lines of text on a page, and recognise the words of line images."""

    name: str

    def version(self) -> str:
        """Return the version of the engine; raises DependencyMissing if it is not installed."""
        ...

    def detect(self, page: Pixels, height: float) -> tuple[TextQuad, ...]:
        """Return where text stands on a grey page (height, width) whose type is `height` pixels high, top to bottom; nothing is read."""
        ...

    def recognize(self, line_images: Sequence[Pixels]) -> tuple[tuple[RecognizedWord, ...], ...]:
        """Return the words in each grey image (height, width) of a line, left to right."""
        ...


def load_second_engine(name: str, lang: str) -> TextReader | None:
    """Return the second engine called `name`; None for `none`, and for languages (`eng`, or `eng+fra`) that it cannot read.

    Raises UsageError naming the engines there are, and DependencyMissing if the engine is not installed.
    """
    if name == "none" or not set(lang.split("+")) <= set(LATIN_SCRIPT.split()):
        return None
    if name not in SECOND_ENGINES:
        raise UsageError(f"no second engine is called {name!r}", remedy=f"known are: none, {', '.join(sorted(SECOND_ENGINES))}")
    module, _, member = SECOND_ENGINES[name].partition(":")
    reader: TextReader = getattr(import_module(module), member)()
    reader.version()
    return reader


def quad_around(box: Box, side: float, above: float) -> TextQuad:
    """Return an upright quad around a box, with so many pixels of room at its sides, and above and below."""
    left, top, right, bottom = box.left - side, box.top - above, box.right + side, box.bottom + above
    return TextQuad(((left, top), (right, top), (right, bottom), (left, bottom)))


def crop(page: Pixels, quad: TextQuad) -> Pixels:
    """Return the quad's pixels set level; what lies beyond the page is continued from its edge."""
    import cv2

    width, height = max(1, round(quad.width)), max(1, round(quad.height))
    (x, y), (right_x, right_y), _, (below_x, below_y) = quad.corners
    if right_y == y and below_x == x and x >= 0 and y >= 0 and right_x <= page.shape[1] and below_y <= page.shape[0]:
        return page[round(y) : round(y) + height, round(x) : round(x) + width]
    target = np.array([(0, 0), (width, 0), (0, height)], np.float32)
    matrix = cv2.getAffineTransform(np.array([quad.corners[0], quad.corners[1], quad.corners[3]], np.float32), target)
    return np.asarray(cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
