"""RapidOCR (PP-OCR models on ONNX): an independent second engine, in a process of its own so that a time limit can end it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing, PageFailed, PageTimeout
from desunt.ocr.engines import EngineLine, EngineWord, Reading, box_around, clamped_box, written_pnm
from desunt.record.document import Box

INSTALL = "type: pip install rapidocr==3.10.0 onnxruntime"
COLUMN_GAP = 5.0  # in heights of a line: pieces further apart stand in different columns
BLOCK_GAP = 1.0  # in heights of a line: more white than this begins a new block

Found: TypeAlias = tuple[str, float, float, float, float, float]


class Rapid:
    """Read pages with RapidOCR; its models read Latin script of any language, so `lang` changes nothing."""

    name = "rapid"

    def __init__(self, lang: str = "eng") -> None:
        self.lang = lang

    def version(self) -> str:
        """Return the version, such as `3.10.0`."""
        if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
            raise DependencyMissing("RapidOCR is not installed", remedy=INSTALL)
        return metadata.version("rapidocr")

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> Reading:
        """Read a page; see `OcrEngine.read`. Baselines are not known."""
        version = self.version()
        with TemporaryDirectory(prefix="desunt-") as folder:
            answer = _ask([sys.executable, "-m", "desunt.ocr.engines.rapidocr_worker", str(written_pnm(pixels, Path(folder)))], seconds)
        height, width = pixels.shape[:2]
        pieces = [piece for found in answer if (piece := _piece(found, width, height))]
        return Reading(tuple(_lines(pieces)), self.name, version)


def _ask(command: list[str], seconds: float) -> list[list[Found]]:
    """Run the process and return the pieces of lines it found, each a list of words: text, left, top, right, bottom, confidence."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PageTimeout(f"RapidOCR took longer than {seconds:g} seconds", remedy="raise page_seconds") from None
    if done.returncode:
        raise PageFailed(f"RapidOCR failed: {done.stderr.decode(errors='replace').strip()[-400:] or f'exit code {done.returncode}'}")
    pieces: list[list[Found]] = json.loads(done.stdout)
    return pieces


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of one line as the detector found it."""

    words: tuple[EngineWord, ...]
    box: Box

    @property
    def middle(self) -> float:
        return (self.box.top + self.box.bottom) / 2


def _piece(found: list[Found], width: int, height: int) -> _Piece | None:
    boxed = ((word[0], clamped_box(*word[1:5], width, height), word[5]) for word in found)
    words = tuple(EngineWord(text, box, confidence) for text, box, confidence in boxed if box)
    return _Piece(words, box_around(words)) if words else None


def _lines(pieces: Sequence[_Piece]) -> Iterator[EngineLine]:
    """Join pieces that stand beside each other, and number the blocks from 1 by the white between lines."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda p: (p.box.left, p.middle)):
        row = next((row for row in rows if _continues(row[-1], piece)), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    words = (tuple(word for piece in row for word in piece.words) for row in rows)
    lines = sorted(words, key=lambda line: (box_around(line).top, line[0].box.left))
    yield from (EngineLine(words, box_around(words), block) for words, block in zip(lines, _blocks(lines), strict=True))


def _continues(last: _Piece, piece: _Piece) -> bool:
    """Say whether the piece goes on to the right of the last one, in the same line."""
    # The nearest words are compared, not the whole boxes: those of a tilted line overlap less the longer they are.
    end, start = last.words[-1].box, piece.words[0].box
    least = min(end.height, start.height)
    shared = min(end.bottom, start.bottom) - max(end.top, start.top)
    return shared > least / 2 and -least < start.left - end.right < COLUMN_GAP * least


def _blocks(lines: Sequence[tuple[EngineWord, ...]]) -> Iterator[int]:
    if not lines:
        return
    block, boxes = 1, [box_around(words) for words in lines]
    pitch = median(box.height for box in boxes)
    yield block
    for above, below in pairwise(boxes):
        block += below.top - above.bottom > BLOCK_GAP * pitch
        yield block
