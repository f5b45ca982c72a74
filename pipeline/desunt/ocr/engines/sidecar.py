"""Results that lie in a file beside the scan: how the file is found, and how its boxes become those of the pixels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from desunt.__version__ import __version__
from desunt.errors import PageFailed
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.record.document import Box

# Left, top, right, bottom as the file has them.
Bounds: TypeAlias = tuple[float, float, float, float]
Points: TypeAlias = tuple[tuple[float, float], ...]
# By how much the shapes of a file's page and of the scan may differ, as a share: lengths are rounded.
MAX_SHAPE_DIFFERENCE = 0.02


@dataclass(frozen=True, slots=True)
class ParsedWord:
    """A word of a file; one that has no confidence was mostly typed by a person, and counts as sure."""

    text: str
    bounds: Bounds
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line of a file; `block` numbers the block it stands in."""

    words: tuple[ParsedWord, ...]
    bounds: Bounds | None
    block: int
    baseline: Points = ()


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One page of a file; its size in the file's own unit, None where it does not say, and that unit's length in inches if not pixels."""

    lines: tuple[ParsedLine, ...]
    width: float | None
    height: float | None
    inches: float | None = None


@dataclass(frozen=True, slots=True)
class SidecarFileEngine:
    """An engine whose result of a page is a file beside the scan, `names` the forms of its name.

    `parse` takes the file's root, and which of its pages is asked for, from 1; it returns None if there is no such page. `for_page` gives
    the engine of one page; until then there is nothing to read.
    """

    name: str
    title: str
    root: str
    names: tuple[str, ...]
    parse: Callable[[Any, int], ParsedPage | None]
    scan: Path | None = None
    number: int = 1

    def version(self) -> str:
        """Return the version of the reader, which is ours: the file's own history is in the file."""
        return __version__

    def for_page(self, scan: Path, number: int) -> SidecarFileEngine:
        """Return the engine for one page of a scan, counted from 1."""
        return replace(self, scan=scan, number=number)

    def files(self, scan: Path) -> tuple[Path, ...]:
        """Return the files beside a scan that this engine may read, sorted: a change of any of them may change the result."""
        of_pages = [path for form in self.names for path in scan.parent.glob(form.format(stem=f"{escape(scan.stem)}.[0-9]*"))]
        of_scan = [scan.parent / form.format(stem=scan.stem) for form in self.names]
        return tuple(sorted({path for path in (*of_pages, *of_scan) if path.is_file()}))

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> OcrResult:
        """Return what the file says, with its boxes scaled to the pixels; see `OcrEngine.read`. The text is taken as it is.

        Raises PageFailed naming the file that is missing, broken, of another format, or about a page of another shape.
        """
        if self.scan is None:
            raise PageFailed(f"the engine {self.name} reads files beside a scan, and no scan was named")
        path, number = self._find_file(self.scan)
        page = self.parse(self._parse_root(path), number)
        if page is None:
            raise PageFailed(f"{path}: holds no page {number}", remedy="check that file and scan belong together")
        height, width = pixels.shape[:2]
        return OcrResult(tuple(_lines(page, width, height, dpi, path)), self.name, self.version())

    def _find_file(self, scan: Path) -> tuple[Path, int]:
        """Return the file of the page, and which page of the file it is."""
        page_names = [form.format(stem=f"{scan.stem}.{self.number:04d}") for form in self.names]
        scan_names = [form.format(stem=scan.stem) for form in self.names]
        for name, number in (*((name, 1) for name in page_names), *((name, self.number) for name in scan_names)):
            if (scan.parent / name).is_file():
                return scan.parent / name, number
        expected = ", ".join(scan_names if self.number == 1 else page_names + scan_names)
        raise PageFailed(f"{scan}: no {self.title} beside it for page {self.number}", remedy=f"put it there as one of: {expected}")

    def _parse_root(self, path: Path) -> Any:
        # Files come from anywhere: nothing in them may make the parser fetch, expand or include anything.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.parse(str(path), parser).getroot()
        except (etree.XMLSyntaxError, OSError) as error:
            raise PageFailed(f"{path}: not XML: {error}", remedy="export it again from where it came") from None
        name = etree.QName(root).localname
        if name != self.root:
            raise PageFailed(f"{path}: not {self.title}: its root element is {name}, not {self.root}")
        return root


def _lines(page: ParsedPage, width: int, height: int, dpi: int, path: Path) -> Iterator[EngineLine]:
    across, down = _unit_scale(page, width, height, dpi, path)

    def scale(bounds: Bounds) -> Bounds:
        left, top, right, bottom = bounds
        return left * across, top * down, right * across, bottom * down

    for line in page.lines:
        boxed = [(word, Box.clipped(*scale(word.bounds), width, height)) for word in line.words]
        words = tuple(EngineWord(word.text, box, word.confidence) for word, box in boxed if box)
        if words:
            line_box = Box.clipped(*scale(line.bounds), width, height) if line.bounds else None
            points = tuple((round(x * across), round(y * down)) for x, y in line.baseline)
            baseline = (points[0], points[-1]) if len(points) > 1 else None
            yield EngineLine(words, line_box or Box.enclosing(word.box for word in words), line.block, baseline)


def _unit_scale(page: ParsedPage, width: int, height: int, dpi: int, path: Path) -> tuple[float, float]:
    """Return by how much the file's unit must be multiplied, across and down; pages of another shape are another page."""
    if page.width and page.height:
        across, down = width / page.width, height / page.height
        if abs(across / down - 1) > MAX_SHAPE_DIFFERENCE:
            shapes = f"{page.width:g} x {page.height:g}, and the scan {width} x {height}"
            raise PageFailed(f"{path}: it is about another image: its page is {shapes}", remedy="check that file and scan belong together")
        return across, down
    scale = page.inches * dpi if page.inches else 1.0
    return scale, scale


def normalize_text(text: str | None) -> str:
    """Return text in NFC without white space around it."""
    return unicodedata.normalize("NFC", text or "").strip()


def split_words(text: str, bounds: Bounds, confidence: float) -> Iterator[ParsedWord]:
    """Yield the words of a stretch of text that has one box, each with its share of the box by its number of letters."""
    left, top, right, bottom = bounds
    letter_width, start = (right - left) / max(1, len(text)), 0
    for word in text.split():
        start = text.index(word, start)
        yield ParsedWord(word, (left + start * letter_width, top, left + (start + len(word)) * letter_width, bottom), confidence)
        start += len(word)


def parse_points(text: str | None) -> Points:
    """Return a list of points, written as `x,y x,y` or `x y x y`; empty if it is none."""
    try:
        numbers = [float(part) for part in (text or "").replace(",", " ").split()]
    except ValueError:
        return ()
    return tuple(zip(numbers[::2], numbers[1::2], strict=False))


def bounds_of(points: Points) -> Bounds | None:
    """Return the smallest rectangle around points; one without an area gets a unit of it."""
    if len(points) < 2:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    return left, top, right if right > left else left + 1, bottom if bottom > top else top + 1


def parse_confidence(text: str | None) -> float:
    """Return a confidence 0-1; 1 where none is given."""
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0
