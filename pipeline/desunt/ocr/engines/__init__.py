"""OCR engines: what desunt asks of one, and the table of those it knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    "rapid": "desunt.ocr.engines.rapidocr:RapidOcr",
    "page": "desunt.ocr.engines.page_xml:page_xml_engine",
    "alto": "desunt.ocr.engines.alto:alto_engine",
}
ENTRY_POINTS = "desunt.ocr"


@dataclass(frozen=True, slots=True)
class EngineWord:
    """One word as the engine read it: NFC text, box in pixels of the array it was given, confidence 0-1.

    `engine` names who read it where that is not the result's engine; `alternatives` holds what else was read there. `legibility` is the
    probability, 0-1, that it was read right; 0 until it is known.
    """

    text: str
    box: Box
    confidence: float
    engine: str | None = None
    alternatives: tuple[str, ...] = ()
    legibility: float = 0.0

    @property
    def letters(self) -> int:
        """Return the number of letters and digits."""
        return sum(char.isalnum() for char in self.text)


@dataclass(frozen=True, slots=True)
class EngineLine:
    """One line: words left to right, box, and baseline as (x, y) at both ends; `block` numbers the engine's text block."""

    words: tuple[EngineWord, ...]
    box: Box
    block: int
    baseline: tuple[tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True)
class OcrResult:
    """All lines of one page variant in the engine's reading order, and the engine's name and version."""

    lines: tuple[EngineLine, ...]
    engine: str
    version: str

    @property
    def words(self) -> tuple[EngineWord, ...]:
        return tuple(word for line in self.lines for word in line.words)

    def with_legibility(self, legibility: Iterable[float]) -> OcrResult:
        """Return the result with the legibility of its words, one for each in their order."""
        rest = iter(legibility)
        lines = (replace(line, words=tuple(replace(word, legibility=next(rest)) for word in line.words)) for line in self.lines)
        return replace(self, lines=tuple(lines))


class OcrEngine(Protocol):
    """Read a page."""

    @property
    def name(self) -> str: ...

    def version(self) -> str:
        """Return the engine's version; raises DependencyMissing with the line to type if it is not installed."""
        ...

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> OcrResult:
        """Read an array (height, width) grey or (height, width, 3) RGB.

        Raises PageTimeout after `seconds`, PageFailed if the engine fails, DependencyMissing if it or its language is absent.
        """
        ...


@runtime_checkable
class SidecarEngine(Protocol):
    """What an engine offers that takes its result from a file beside the scan instead of from the pixels."""

    def for_page(self, scan: Path, number: int) -> OcrEngine:
        """Return the engine for one page of a scan, counted from 1."""
        ...

    def files(self, scan: Path) -> tuple[Path, ...]:
        """Return the files beside a scan that it may read, sorted; they are part of a page's cache key."""
        ...


def load_engine(name: str, lang: str) -> OcrEngine:
    """Make the engine called `name` for a language such as `eng`; other packages add theirs in the entry-point group `desunt.ocr`.

    Raises UsageError naming the engines there are.
    """
    engines = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | ENGINES
    if name not in engines:
        raise UsageError(f"no OCR engine is called {name!r}", remedy=f"known are: {', '.join(sorted(engines))}")
    module, _, member = engines[name].partition(":")
    engine: OcrEngine = getattr(import_module(module), member)(lang)
    return engine


def write_pnm(pixels: NDArray[np.uint8], folder: Path) -> Path:
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
