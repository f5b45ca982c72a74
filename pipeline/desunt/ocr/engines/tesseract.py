"""Tesseract through pytesseract: one call a page, on a file, with a time limit."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing, PageFailed, PageTimeout
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult, write_pnm
from desunt.record.document import Box

INSTALL = "type: sudo apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd"
# hOCR carries the baselines, TSV the confidences with their decimals; both come from one call.
OUTPUTS = "-c tessedit_create_hocr=1 -c tessedit_create_tsv=1"
# Below, Tesseract distrusts the figure and guesses.
MIN_DPI = 70
BASELINE = re.compile(r"bbox (\d+) (\d+) (\d+) (\d+); baseline (\S+) ([^\s;'\"]+)")
LANGUAGE_MISSING = re.compile(r"Error opening data file|Failed loading language|couldn't load any languages")
ORIENTATION_UNKNOWN = re.compile(r"Too few characters|Invalid resolution|Error during processing")

# Left, top, right, bottom.
Bounds = tuple[int, int, int, int]
Baselines = dict[Bounds, tuple[tuple[int, int], tuple[int, int]]]


class Tesseract:
    """Read pages with the system's Tesseract, page segmentation 3 (fully automatic)."""

    name = "tesseract"

    def __init__(self, lang: str = "eng") -> None:
        # With its own threads Tesseract is three times slower on two cores, and worse beside other work.
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        self.lang = lang

    def version(self) -> str:
        """Return the version, such as `5.3.0`."""
        import pytesseract

        try:
            return str(pytesseract.get_tesseract_version(cached=True))
        except pytesseract.TesseractNotFoundError:
            raise DependencyMissing("Tesseract is not installed", remedy=INSTALL) from None

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> OcrResult:
        """Read a page; see `OcrEngine.read`."""
        config = f"--dpi {max(MIN_DPI, dpi)} --psm 3 {OUTPUTS}"
        with TemporaryDirectory(prefix="desunt-") as folder:
            base = self._run(pixels, Path(folder), self.lang, config, seconds)
            table = base.with_suffix(".tsv").read_text("utf-8")
            baselines = dict(_baselines(base.with_suffix(".hocr").read_text("utf-8")))
        height, width = pixels.shape[:2]
        return OcrResult(tuple(_lines(table, baselines, width, height)), self.name, self.version())

    def orientation(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> tuple[int, float] | None:
        """Return the clockwise turn (0, 90, 180, 270) that sets the page upright, and Tesseract's confidence (from 0, 1 is weak).

        None where the page has too few letters to tell.
        """
        with TemporaryDirectory(prefix="desunt-") as folder:
            try:
                base = self._run(pixels, Path(folder), "osd", f"--dpi {max(MIN_DPI, dpi)} --psm 0", seconds)
            except PageTimeout:
                raise
            except PageFailed as failure:
                if ORIENTATION_UNKNOWN.search(failure.problem):
                    return None
                raise
            answer = base.with_suffix(".osd").read_text("utf-8")
        turn, confidence = re.search(r"Rotate: (\d+)", answer), re.search(r"Orientation confidence: ([\d.]+)", answer)
        return (int(turn[1]), float(confidence[1])) if turn and confidence else None

    def _run(self, pixels: NDArray[np.uint8], folder: Path, lang: str, config: str, seconds: float) -> Path:
        """Run Tesseract on the pixels; return the path of its outputs without their suffix."""
        from pytesseract import pytesseract

        base = folder / "page"
        with _own_errors(lang, seconds):
            pytesseract.run_tesseract(str(write_pnm(pixels, folder)), str(base), "tsv", lang, config=config, timeout=seconds)
        return base


@contextmanager
def _own_errors(lang: str, seconds: float) -> Iterator[None]:
    """Turn pytesseract's exceptions into ours."""
    import pytesseract

    try:
        yield
    except pytesseract.TesseractNotFoundError:
        raise DependencyMissing("Tesseract is not installed", remedy=INSTALL) from None
    except pytesseract.TesseractError as error:
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        if LANGUAGE_MISSING.search(message):
            packages = " ".join(f"tesseract-ocr-{part.replace('_', '-')}" for part in lang.split("+"))
            remedy = INSTALL if lang in ("eng", "osd") else f"type: sudo apt-get install {packages}"
            raise DependencyMissing(f"Tesseract has no language data for {lang!r}", remedy=remedy) from None
        raise PageFailed(f"Tesseract failed: {message[-400:] or 'no message'}") from None
    except RuntimeError as error:
        # pytesseract raises a bare RuntimeError, and only for this.
        if "timeout" not in str(error):
            raise
        raise PageTimeout(f"Tesseract took longer than {seconds:g} seconds", remedy="raise page_seconds") from None


def _baselines(hocr: str) -> Iterator[tuple[Bounds, tuple[tuple[int, int], tuple[int, int]]]]:
    """Yield the baseline of each line by the line's box (left, top, right, bottom).

    hOCR writes a slope and an offset from the bottom left corner of the line's box.
    """
    for match in BASELINE.finditer(hocr):
        left, top, right, bottom = (int(number) for number in match.group(1, 2, 3, 4))
        slope, offset = float(match[5]), float(match[6])
        start = bottom + offset
        yield (left, top, right, bottom), ((left, round(start)), (right, round(start + slope * (right - left))))


def _lines(table: str, baselines: Baselines, width: int, height: int) -> Iterator[EngineLine]:
    """Yield the lines of a TSV table that have words."""
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    for line_number, group in groupby(rows, key=lambda row: (row["block_num"], row["par_num"], row["line_num"])):
        bounds: Bounds | None = None
        words = []
        for row in group:
            if row["level"] == "4":
                bounds = _bounds(row)
            elif row["level"] == "5" and (word := _word(row, width, height)):
                words.append(word)
        if words:
            line_box = bounds and Box.clipped(*bounds, width, height)
            yield EngineLine(
                tuple(words),
                line_box or Box.enclosing(word.box for word in words),
                int(line_number[0]),
                baselines.get(bounds) if bounds else None,
            )


def _bounds(row: dict[str, Any]) -> Bounds:
    left, top = int(row["left"]), int(row["top"])
    return left, top, left + int(row["width"]), top + int(row["height"])


def _word(row: dict[str, Any], width: int, height: int) -> EngineWord | None:
    text = unicodedata.normalize("NFC", row["text"] or "").strip()
    box = Box.clipped(*_bounds(row), width, height)
    if not text or box is None:
        return None
    return EngineWord(text, box, min(1.0, max(0.0, float(row["conf"]) / 100)))
