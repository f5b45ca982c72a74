"""Typed pages drawn for tests, with the place of every word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Place = tuple[float, float, float, float]

TEXT = """The Ambassador reported on the situation
in Moscow before the conference began. He
was told that the government would answer
the questions of the committee, and that
every letter had been received in the last
week of March by the office in London. The
ministers could not agree about the number
of people who were expected, nor about the
price of wheat and the condition of the
roads between the two rivers. It was said
that the president wished to speak with
both sides again after the holiday."""


def typed_page(text: str = TEXT, size: int = 34) -> tuple[NDArray[np.uint8], list[tuple[str, Place]]]:
    """Return a grey page of typed lines and where each word stands on it (left, top, right, bottom)."""
    font = ImageFont.truetype("DejaVuSansMono-Bold.ttf", size)
    lines = text.splitlines()
    page = Image.new("L", (round(size * 32), round(size * (6 + 2 * len(lines)))), 255)
    pen, places = ImageDraw.Draw(page), []
    for number, line in enumerate(lines):
        left, top = 3 * size, 3 * size + 2 * number * size
        pen.text((left, top), line, fill=10, font=font)
        begin = 0
        for word in line.split():
            begin = line.index(word, begin)
            start = left + pen.textlength(line[:begin], font=font)
            places.append((word, pen.textbbox((start, top), word, font=font)))
            begin += len(word)
    return np.asarray(page), places


def tilted(page: NDArray[np.uint8], degrees: float, paper: int = 255) -> NDArray[np.uint8]:
    """Return the page turned clockwise about its middle, within its own edges."""
    return np.asarray(Image.fromarray(page).rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=paper))


def bilevel(page: NDArray[np.uint8], specks: int = 0, seed: int = 5) -> NDArray[np.uint8]:
    """Return the page as ink and paper only, with that many black specks of 2 x 2 pixels."""
    chance = np.random.default_rng(seed)
    scanned = np.where(page < 128, np.uint8(0), np.uint8(255))
    rows, columns = chance.integers(0, page.shape[0] - 1, specks), chance.integers(0, page.shape[1] - 1, specks)
    for down in (0, 1):
        for right in (0, 1):
            scanned[rows + down, columns + right] = 0
    return scanned
