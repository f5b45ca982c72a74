"""RapidOCR (PP-OCR models on ONNX): an independent second engine, in a process of its own so that a time limit can end it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
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
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult, write_pnm
from desunt.record.document import Box

INSTALL = "type: pip install rapidocr==3.10.0 onnxruntime"
# Fragments that stand farther apart, in heights of a line, are of different columns; more white below a line begins a new block.
MAX_FRAGMENT_DISTANCE_HEIGHTS, MAX_LINE_DISTANCE_HEIGHTS = 5.0, 1.0

# Text, left, top, right, bottom, confidence.
WorkerWord: TypeAlias = tuple[str, float, float, float, float, float]


def rapidocr_version() -> str:
    """Return the version of RapidOCR, such as `3.10.0`; raises DependencyMissing if it is not installed."""
    if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
        raise DependencyMissing("RapidOCR is not installed", remedy=INSTALL)
    return metadata.version("rapidocr")


class RapidOcr:
    """Read pages with RapidOCR; its models read Latin script of any language, so `lang` changes nothing."""

    name = "rapid"

    def __init__(self, lang: str = "eng") -> None:
        self.lang = lang

    def version(self) -> str:
        """Return the version, such as `3.10.0`."""
        return rapidocr_version()

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> OcrResult:
        """Read a page; see `OcrEngine.read`. Baselines are not known."""
        version = self.version()
        with TemporaryDirectory(prefix="desunt-") as folder:
            fragments = _run_worker(write_pnm(pixels, Path(folder)), seconds)
        height, width = pixels.shape[:2]
        words = [boxed for fragment in fragments if (boxed := _boxed_words(fragment, width, height))]
        return OcrResult(tuple(_lines(words)), self.name, version)


def _run_worker(image: Path, seconds: float) -> list[list[WorkerWord]]:
    """Read an image in a process of its own; return the fragments of lines it found, each a list of words."""
    command = [sys.executable, "-m", "desunt.ocr.engines.rapidocr_worker", str(image)]
    try:
        process = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PageTimeout(f"RapidOCR took longer than {seconds:g} seconds", remedy="raise page_seconds") from None
    if process.returncode:
        message = process.stderr.decode(errors="replace").strip()[-400:] or f"exit code {process.returncode}"
        raise PageFailed(f"RapidOCR failed: {message}")
    fragments: list[list[WorkerWord]] = json.loads(process.stdout)
    return fragments


def _boxed_words(fragment: Sequence[WorkerWord], width: int, height: int) -> tuple[EngineWord, ...]:
    boxed = ((word[0], Box.clipped(*word[1:5], width, height), word[5]) for word in fragment)
    return tuple(EngineWord(text, box, confidence) for text, box, confidence in boxed if box)


def _lines(fragments: Sequence[tuple[EngineWord, ...]]) -> Iterator[EngineLine]:
    """Join fragments that stand beside each other, and number the blocks from 1 by the white between lines."""
    rows: list[list[EngineWord]] = []
    for fragment in sorted(fragments, key=_left_and_middle):
        row = next((row for row in rows if _continues(row[-1].box, fragment[0].box)), None)
        if row is None:
            rows.append(list(fragment))
        else:
            row.extend(fragment)
    boxed = [(tuple(row), Box.enclosing(word.box for word in row)) for row in rows]
    boxed.sort(key=lambda line: (line[1].top, line[0][0].box.left))
    blocks = _blocks([box for _, box in boxed])
    yield from (EngineLine(words, box, block) for (words, box), block in zip(boxed, blocks, strict=True))


def _left_and_middle(words: Sequence[EngineWord]) -> tuple[int, float]:
    box = Box.enclosing(word.box for word in words)
    return box.left, (box.top + box.bottom) / 2


def _continues(end: Box, start: Box) -> bool:
    """Say whether a fragment that starts with a word goes on to the right of one that ends with another, in the same line.

    The nearest words are compared, not the whole boxes: those of a tilted line overlap less the longer they are.
    """
    height = min(end.height, start.height)
    shared_height = min(end.bottom, start.bottom) - max(end.top, start.top)
    return shared_height > height / 2 and -height < start.left - end.right < MAX_FRAGMENT_DISTANCE_HEIGHTS * height


def _blocks(boxes: Sequence[Box]) -> Iterator[int]:
    if not boxes:
        return
    block, usual_height = 1, median(box.height for box in boxes)
    yield block
    for above, below in pairwise(boxes):
        block += below.top - above.bottom > MAX_LINE_DISTANCE_HEIGHTS * usual_height
        yield block
