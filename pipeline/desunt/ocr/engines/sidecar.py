"""Readings that lie in a file beside the scan: how the file is found, and how its boxes become those of the pixels."""

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
from desunt.ocr.engines import EngineLine, EngineWord, Reading, box_around, clamped_box

# Left, top, right, bottom as the file has them.
Corners: TypeAlias = tuple[float, float, float, float]
Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class SheetWord:
    """A word of a file; one that has no confidence was mostly typed by a person, and counts as sure."""

    text: str
    corners: Corners
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line of a file; `block` numbers the block it stands in."""

    words: tuple[SheetWord, ...]
    corners: Corners | None
    block: int
    baseline: Points = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a file; its size in the file's own unit, None where it does not say, and that unit's length in inches if not pixels."""

    lines: tuple[SheetLine, ...]
    width: float | None
    height: float | None
    inches: float | None = None


@dataclass(frozen=True, slots=True)
class FileEngine:
    """An engine whose reading of a page is a file beside the scan; `parse` takes the file's root, and which of
    its pages is asked for, from 1; it returns None if there is no such page.

    `beside` gives the engine of one page; until then there is nothing to read.
    """

    name: str
    title: str
    root: str
    names: tuple[str, ...]
    parse: Callable[[Any, int], Sheet | None]
    scan: Path | None = None
    number: int = 1

    def version(self) -> str:
        """Return the version of the reader, which is ours: the file's own history is in the file."""
        return __version__

    def beside(self, scan: Path, number: int) -> FileEngine:
        """Return the engine for one page of a scan, counted from 1."""
        return replace(self, scan=scan, number=number)

    def files(self, scan: Path) -> tuple[Path, ...]:
        """Return the files beside a scan that this engine may read, sorted: a change of any of them may change the result."""
        several = [path for form in self.names for path in scan.parent.glob(form.format(stem=f"{escape(scan.stem)}.[0-9]*"))]
        whole = [scan.parent / form.format(stem=scan.stem) for form in self.names]
        return tuple(sorted({path for path in (*several, *whole) if path.is_file()}))

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> Reading:
        """Return what the file says, with its boxes scaled to the pixels; see `OcrEngine.read`. The text is taken as it is.

        Raises PageFailed naming the file that is missing, broken, of another format, or about a page of another shape.
        """
        if self.scan is None:
            raise PageFailed(f"the engine {self.name} reads files beside a scan, and no scan was named")
        path, number = self._found(self.scan)
        sheet = self.parse(self._root(path), number)
        if sheet is None:
            raise PageFailed(f"{path}: holds no page {number}", remedy="check that file and scan belong together")
        height, width = pixels.shape[:2]
        return Reading(tuple(_lines(sheet, width, height, dpi, path)), self.name, self.version())

    def _found(self, scan: Path) -> tuple[Path, int]:
        """Return the file of the page, and which page of the file it is."""
        own = [form.format(stem=f"{scan.stem}.{self.number:04d}") for form in self.names]
        whole = [form.format(stem=scan.stem) for form in self.names]
        for name, number in (*((name, 1) for name in own), *((name, self.number) for name in whole)):
            if (scan.parent / name).is_file():
                return scan.parent / name, number
        looked = ", ".join(whole if self.number == 1 else own + whole)
        raise PageFailed(f"{scan}: no {self.title} beside it for page {self.number}", remedy=f"put it there as one of: {looked}")

    def _root(self, path: Path) -> Any:
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


def _lines(sheet: Sheet, width: int, height: int, dpi: int, path: Path) -> Iterator[EngineLine]:
    across, down = _scale(sheet, width, height, dpi, path)

    def scaled(corners: Corners) -> Corners:
        left, top, right, bottom = corners
        return left * across, top * down, right * across, bottom * down

    for line in sheet.lines:
        placed = [(word, clamped_box(*scaled(word.corners), width, height)) for word in line.words]
        words = tuple(EngineWord(word.text, box, word.confidence) for word, box in placed if box)
        if words:
            around = clamped_box(*scaled(line.corners), width, height) if line.corners else None
            ends = tuple((round(x * across), round(y * down)) for x, y in line.baseline)
            baseline = (ends[0], ends[-1]) if len(ends) > 1 else None
            yield EngineLine(words, around or box_around(words), line.block, baseline)


def _scale(sheet: Sheet, width: int, height: int, dpi: int, path: Path) -> tuple[float, float]:
    """Return by how much the file's unit must be multiplied, across and down; pages of another shape are another page."""
    if sheet.width and sheet.height:
        across, down = width / sheet.width, height / sheet.height
        if abs(across / down - 1) > 0.02:
            shapes = f"{sheet.width:g} x {sheet.height:g}, and the scan {width} x {height}"
            raise PageFailed(f"{path}: it is about another image: its page is {shapes}", remedy="check that file and scan belong together")
        return across, down
    factor = sheet.inches * dpi if sheet.inches else 1.0
    return factor, factor


def clean_text(text: str | None) -> str:
    """Return text in NFC without white space around it."""
    return unicodedata.normalize("NFC", text or "").strip()


def split(text: str, corners: Corners, confidence: float) -> Iterator[SheetWord]:
    """Yield the words of a stretch of text that has one box, each with its share of the box by its number of letters."""
    left, top, right, bottom = corners
    step, at = (right - left) / max(1, len(text)), 0
    for part in text.split():
        at = text.index(part, at)
        yield SheetWord(part, (left + at * step, top, left + (at + len(part)) * step, bottom), confidence)
        at += len(part)


def numbers(text: str | None) -> Points:
    """Return a list of points, written as `x,y x,y` or `x y x y`; empty if it is none."""
    try:
        found = [float(part) for part in (text or "").replace(",", " ").split()]
    except ValueError:
        return ()
    return tuple(zip(found[::2], found[1::2], strict=False))


def around(points: Points) -> Corners | None:
    """Return the corners of the smallest rectangle around points; one without an area gets a unit of it."""
    if len(points) < 2:
        return None
    across, down = [x for x, _ in points], [y for _, y in points]
    left, top, right, bottom = min(across), min(down), max(across), max(down)
    return left, top, right if right > left else left + 1, bottom if bottom > top else top + 1


def share(text: str | None) -> float:
    """Return a confidence 0-1; 1 where none is given."""
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0
