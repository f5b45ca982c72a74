"""Typed pages drawn in numpy, with the result an engine would give of them: letters are hollow blocks on a fixed pitch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from desunt.gaps import find_gaps
from desunt.lm.lexicon import load_lexicon
from desunt.ocr.confidence.legibility import load_legibility
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.engines.line_images import TextReader
from desunt.ocr.read_page import score_page
from desunt.record.document import Box, ImageRef, Page, Word
from desunt.scan import Scan

PITCH, HEIGHT, LEADING, LEFT, TOP = 28, 34, 80, 200, 300
IMAGE = ImageRef("page.png", "ab" * 32, 2000, 2000, 300)
SENTENCE = "the Government would agree with this country about the question of trade"
SIX_ROWS = dict.fromkeys(range(6), SENTENCE)


def place(row: int, column: int, length: int) -> Box:
    """Return the box of `length` letters that begin in a column of a row."""
    left, top = LEFT + column * PITCH, TOP + row * LEADING
    return Box(left, top, left + length * PITCH - 6, top + HEIGHT)


def blank() -> np.ndarray:
    return np.full((IMAGE.height, IMAGE.width), 235, np.uint8)


def draw(page: np.ndarray, box: Box, length: int) -> None:
    """Draw letters: two strokes and a bar each, apart by the pitch."""
    for k in range(length):
        left = box.left + k * PITCH
        page[box.top : box.bottom, left : left + 5] = 20
        page[box.top : box.bottom, left + 15 : left + 20] = 20
        page[box.top + 15 : box.top + 19, left : left + 20] = 20


def type_rows(rows: dict[int, str], confidence: dict[str, float] | None = None, drawn: bool = True) -> tuple[np.ndarray, OcrResult]:
    """Return a page with the rows' words, and the engine's result; a word may have a confidence of its own, others have 0.96."""
    page, lines = blank(), []
    for row, text in sorted(rows.items()):
        words, column = [], 0
        for word in text.split(" "):
            box = place(row, column, len(word))
            if word.strip("_"):
                words.append(EngineWord(word, box, (confidence or {}).get(word, 0.96)))
                if drawn:
                    draw(page, box, len(word))
            column += len(word) + 1
        whole = Box(words[0].box.left, words[0].box.top, words[-1].box.right, words[0].box.bottom)
        lines.append(EngineLine(tuple(words), whole, 1, ((whole.left, whole.bottom), (whole.right, whole.bottom))))
    return page, OcrResult(tuple(lines), "tesseract", "5.3.0")


def page_with_gaps(
    pixels: np.ndarray, result: OcrResult, *, vouch: float = 0.9, read: float | None = None, document_id: str = "box/page.png",
    number: int = 1, image: ImageRef = IMAGE, second: TextReader | None = None, keep_lines: bool = False,
) -> Page:  # fmt: skip
    """Return the page that an engine's result of these pixels becomes; words below `read`, or the fitted threshold, are gaps."""
    scan = Scan(replace(image, height=pixels.shape[0], width=pixels.shape[1]), pixels)
    reading = score_page(scan, result, load_lexicon(), load_legibility(), second=second, keep_lines=keep_lines)
    read = reading.threshold_read if read is None else read
    return find_gaps(reading, document_id=document_id, number=number, vouch=vouch, read=read)


def words_of(page: Page) -> list[Word]:
    return [token for line in page.lines for token in line.tokens if isinstance(token, Word)]
