"""Typed pages drawn for tests, with the place of every word."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Place = tuple[float, float, float, float]

LETTER = """DEPARTMENT OF STATE
The Ambassador informed the Minister that the
agreement had been signed on the second of March
and that the railroad would remain under the joint
control of both governments for thirty years."""
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


def letter_page(text: str = LETTER, blot: tuple[int, int, int, int] | None = None) -> Image.Image:
    """A small typed page, 300 dpi, with a blot over a word if asked."""
    image = Image.new("L", (1500, 700), 245)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype("DejaVuSansMono.ttf", 46)
    for row, line in enumerate(text.splitlines()):
        draw.text((80, 80 + 100 * row), line, fill=30, font=font)
    if blot:
        draw_blot(draw, blot)
    return image


def draw_blot(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """A cloudy, ragged blot: a smooth black bar would be a redaction."""
    rng = random.Random(3)
    left, top, right, bottom = box
    for x in range(left + 15, right - 15, 12):
        y, r = (top + bottom) // 2 + rng.randint(-8, 8), rng.randint(30, 52)
        draw.ellipse((x - r // 2, y - r, x + r // 2, y + r), fill=rng.randint(55, 95))
