"""OCR engines: what desunt asks of one, and the table of those it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from desunt.errors import UsageError
from desunt.record.document import Box

ENGINES: dict[str, str] = {
    "tesseract": "desunt.ocr.engines.tesseract:Tesseract",
    "rapid": "desunt.ocr.engines.rapidocr:Rapid",
    "page": "desunt.ocr.engines.page_xml:page_xml",
    "alto": "desunt.ocr.engines.alto:alto",
}
ENTRY_POINTS = "desunt.ocr.engines"


@dataclass(frozen=True, slots=True)
class EngineWord:
    """One word as the engine read it: NFC text, box in pixels of the array it was given, confidence 0-1.

    `engine` names who read it where that is not the reading's engine; `others` holds what else was read there.
    """

    text: str
    box: Box
    confidence: float
    engine: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineLine:
    """One line: words left to right, box, and baseline as (x, y) at both ends; `block` numbers the engine's text block."""

    words: tuple[EngineWord, ...]
    box: Box
    block: int
    baseline: tuple[tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All lines of one page variant in the engine's reading order, and the engine's name and version."""

    lines: tuple[EngineLine, ...]
    engine: str
    version: str

    @property
    def words(self) -> tuple[EngineWord, ...]:
        return tuple(word for line in self.lines for word in line.words)


class OcrEngine(Protocol):
    """Read a page."""

    @property
    def name(self) -> str: ...

    def version(self) -> str:
        """Return the engine's version; raises DependencyMissing with the line to type if it is not installed."""
        ...

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> Reading:
        """Read an array (height, width) grey or (height, width, 3) RGB.

        Raises PageTimeout after `seconds`, PageFailed if the engine fails, DependencyMissing if it or its language is absent.
        """
        ...


@runtime_checkable
class ReadsBeside(Protocol):
    """What an engine offers that takes its reading from a file beside the scan instead of from the pixels."""

    def beside(self, scan: Path, number: int) -> OcrEngine:
        """Return the engine for one page of a scan, counted from 1."""
        ...

    def files(self, scan: Path) -> tuple[Path, ...]:
        """Return the files beside a scan that it may read, sorted; they are part of the key a page is done under."""
        ...


def load_engine(name: str, lang: str) -> OcrEngine:
    """Make the engine called `name` for a language such as `eng`; other packages add theirs in the entry-point group `desunt.ocr.engines`.

    Raises UsageError naming the engines there are.
    """
    known = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | ENGINES
    if name not in known:
        raise UsageError(f"no OCR engine is called {name!r}", remedy=f"known are: {', '.join(sorted(known))}")
    module, _, member = known[name].partition(":")
    engine: OcrEngine = getattr(import_module(module), member)(lang)
    return engine


def clamped_box(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Box | None:
    """Return the box cut to a page of that size, or None if nothing of it is left."""
    x0, y0 = max(0, round(left)), max(0, round(top))
    x1, y1 = min(width, round(right)), min(height, round(bottom))
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def box_around(words: Sequence[EngineWord]) -> Box:
    """Return the smallest box around words, of which there is at least one."""
    boxes = [word.box for word in words]
    return Box(min(b.left for b in boxes), min(b.top for b in boxes), max(b.right for b in boxes), max(b.bottom for b in boxes))


def written_pnm(pixels: NDArray[np.uint8], folder: Path) -> Path:
    """Write grey (height, width) or RGB (height, width, 3) pixels into a folder as PGM or PPM; return the file.

    The format is a header and the bytes: no time is lost on compression for a file that lives for seconds.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"not grey or RGB bytes: {pixels.dtype} {pixels.shape}")
    height, width = pixels.shape[:2]
    path = folder / f"page.{'pgm' if pixels.ndim == 2 else 'ppm'}"
    kind = "P5" if pixels.ndim == 2 else "P6"
    path.write_bytes(f"{kind}\n{width} {height}\n255\n".encode() + np.ascontiguousarray(pixels).tobytes())
    return path
