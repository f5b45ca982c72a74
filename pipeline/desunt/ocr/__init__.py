"""OCR engines: what desunt asks of one, and the table of those it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desunt.document import Box


@dataclass(frozen=True, slots=True)
class EngineWord:
    """One word as the engine read it: NFC text, box in pixels of the array it was given, confidence 0-1."""

    text: str
    box: Box
    confidence: float


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
