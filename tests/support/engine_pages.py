"""A page of three lines in large type that every OCR engine reads without an error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LINES = ("The Ambassador reported on", "the situation in Moscow", "before the conference")
LEFT, TOP, PITCH, SIZE = 120, 150, 90, 44


def draw_three_lines() -> tuple[NDArray[np.uint8], dict[str, tuple[int, int, int, int]]]:
    """Return a page and where each word stands on it (left, top, right, bottom)."""
    page = Image.new("L", (1100, 560), 255)
    pen, font, places = ImageDraw.Draw(page), ImageFont.truetype("DejaVuSans.ttf", SIZE), {}
    for number, line in enumerate(LINES):
        pen.text((LEFT, TOP + number * PITCH), line, fill=0, font=font)
        for word in line.split():
            start = LEFT + pen.textlength(line[: line.index(word)], font=font)
            places[f"{number} {word}"] = tuple(map(round, pen.textbbox((start, TOP + number * PITCH), word, font=font)))
    return np.asarray(page), places
