"""A second engine that reads strips: pictures of a word or a line, cut out where the first engine is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desunt.errors import UsageError
from desunt.ocr.engines import clamped_box
from desunt.record.document import Box

SECOND: dict[str, str] = {"rapid": "desunt.ocr.engines.ppocr:RapidStrips"}
# Languages of Latin script, by their names in Tesseract: only these are read again.
LATIN_SCRIPT = """afr cat ces cos cym dan deu eng enm epo est eus fao fil fin fra frm fry gla gle glg hat hrv hun ind isl ita jav lat
lav lit ltz mlt msa nld nor oci pol por ron slk slv spa sqi swa swe tur uzb vie"""

Pixels = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Strip:
    """A place of one line, perhaps aslant: its corners (x, y) in pixels of the page, from the top left, clockwise."""

    corners: tuple[Point, Point, Point, Point]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of the strip."""
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

    def part(self, start: float, end: float) -> Strip:
        """Return the part between two shares of the strip's width, 0-1."""
        top_left, top_right, bottom_right, bottom_left = self.corners
        top, bottom = (top_left, top_right), (bottom_left, bottom_right)
        return Strip((_along(*top, start), _along(*top, end), _along(*bottom, end), _along(*bottom, start)))

    def clamped(self, width: int, height: int) -> Box | None:
        """Return the box of the strip in whole pixels, cut to a page of that size; None if nothing of it is left."""
        return clamped_box(*self.box, width, height)


@dataclass(frozen=True, slots=True)
class Seen:
    """A word in a strip: its text, the confidence in its worst letter and in the usual one (0-1), and between which shares of the width."""

    text: str
    worst: float
    usual: float
    start: float
    end: float


class StripReader(Protocol):
    """Find lines of text on a page, and read strips of it."""

    name: str

    def version(self) -> str:
        """Return the version of the engine; raises DependencyMissing if it is not installed."""
        ...

    def find(self, page: Pixels, letter: float) -> tuple[Strip, ...]:
        """Return where text stands on a grey page (height, width) whose type is `letter` pixels high, top to bottom; nothing is read."""
        ...

    def read(self, strips: Sequence[Pixels]) -> tuple[tuple[Seen, ...], ...]:
        """Return the words in each grey strip (height, width), left to right."""
        ...


def load_second(name: str, lang: str) -> StripReader | None:
    """Return the second engine called `name`; None for `none`, and for languages (`eng`, or `eng+fra`) that it cannot read.

    Raises UsageError naming the engines there are, and DependencyMissing if the engine is not installed.
    """
    if name == "none" or not set(lang.split("+")) <= set(LATIN_SCRIPT.split()):
        return None
    if name not in SECOND:
        raise UsageError(f"no second engine is called {name!r}", remedy=f"known are: none, {', '.join(sorted(SECOND))}")
    module, _, member = SECOND[name].partition(":")
    reader: StripReader = getattr(import_module(module), member)()
    reader.version()
    return reader


def strip_of(box: Box, across: float, down: float) -> Strip:
    """Return an upright strip round a box, so many pixels wider and higher at each side."""
    left, top, right, bottom = box.left - across, box.top - down, box.right + across, box.bottom + down
    return Strip(((left, top), (right, top), (right, bottom), (left, bottom)))


def cut_out(page: Pixels, strip: Strip) -> Pixels:
    """Return the strip's pixels set level; what lies beyond the page is continued from its edge."""
    import cv2

    width, height = max(1, round(strip.width)), max(1, round(strip.height))
    (x, y), (right_x, right_y), _, (below_x, below_y) = strip.corners
    if right_y == y and below_x == x and x >= 0 and y >= 0 and right_x <= page.shape[1] and below_y <= page.shape[0]:
        return page[round(y) : round(y) + height, round(x) : round(x) + width]
    goal = np.array([(0, 0), (width, 0), (0, height)], np.float32)
    matrix = cv2.getAffineTransform(np.array([strip.corners[0], strip.corners[1], strip.corners[3]], np.float32), goal)
    return np.asarray(cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _along(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
