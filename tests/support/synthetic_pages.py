"""Typed pages drawn in numpy, with the reading an engine would give of them: letters are hollow blocks on a fixed pitch."""

from __future__ import annotations

import numpy as np

from desunt.ocr.engines import EngineLine, EngineWord, Reading
from desunt.record.document import Box, ImageRef

PITCH, HEIGHT, LEADING, LEFT, TOP = 28, 34, 80, 200, 300
IMAGE = ImageRef("page.png", "ab" * 32, 2000, 2000, 300)
SENTENCE = "the Government would agree with this country about the question of trade"


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


def typed(rows: dict[int, str], confidence: dict[str, float] | None = None, drawn: bool = True) -> tuple[np.ndarray, Reading]:
    """Return a page with the rows' words, and its reading; a word may have a confidence of its own, others have 0.96."""
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
    return page, Reading(tuple(lines), "tesseract", "5.3.0")
