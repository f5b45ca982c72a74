"""A typed page with blots, read by Tesseract, under its transcript."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from desunt.ocr.engines.tesseract import Tesseract
from desunt.record.document import Box, Extent, ImageRef, Line, Page, Region, Word
from desunt.transcript import transcript_document
from desunt.transcript.alignment import align

MONO = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
TYPED = (
    "The Ambassador reported that the negotiations",
    "between the Chinese and the Soviet delegation",
    "were at a standstill until the question of",
    "the northern frontier had been settled, and",
    "he asked for further instructions at once.",
)


def rendered(blots: dict[int, tuple[int, int]]) -> tuple[Image.Image, dict[int, Box]]:
    """Draw the typed lines and blot the given letters (row: start, end); return the boxes of the blots as well."""
    font = ImageFont.truetype(str(MONO), 40)
    step = font.getlength("m")
    image = Image.new("L", (1500, 560), 245)
    draw = ImageDraw.Draw(image)
    boxes = {}
    for row, text in enumerate(TYPED):
        draw.text((120, 80 + 80 * row), text, font=font, fill=30)
        if row in blots:
            start, end = blots[row]
            boxes[row] = Box(round(120 + step * start), 85 + 80 * row, round(120 + step * end), 125 + 80 * row)
            for x in range(boxes[row].left, boxes[row].right, 7):
                draw.ellipse((x - 8, boxes[row].top + (x % 13), x + 12, boxes[row].bottom - (x % 11)), fill=60)
    return image.filter(ImageFilter.GaussianBlur(0.7)), boxes


def engine_page(image: Image.Image) -> Page:
    reading = Tesseract().read(np.asarray(image), 300, 60.0)
    lines = tuple(
        Line(f"l{n}", line.box, tuple(Word(f"{n}-{m}", w.text, w.box, "tesseract", w.confidence) for m, w in enumerate(line.words)))
        for n, line in enumerate(reading.lines)
    )
    image_ref = ImageRef("page.png", "0" * 64, image.width, image.height, 300)
    return Page(1, image_ref, (Region("r", "body", None, lines),))


@pytest.mark.skipif(not MONO.exists(), reason="needs the DejaVu fonts")
def test_a_typed_page_with_blots_read_by_tesseract() -> None:
    image, blots = rendered({1: (12, 19), 3: (4, 21)})
    lines = list(TYPED)
    lines[1] = lines[1].replace("Chinese", "[ILLEGIBLE]")
    lines[3] = lines[3].replace("northern frontier", "[two words illegible]")
    transcript = transcript_document("\n".join(lines).encode(), path="cable.txt", document_id="cable")
    document = align(transcript, (engine_page(image),), document_id="d", source="d")
    assert document.text.split() == "\n".join(lines).split()
    first, second = document.gaps
    assert first.box is not None
    assert second.box is not None
    assert first.box.intersection(blots[1]) > 0.5 * first.box.area
    assert second.box.intersection(blots[3]) > 0.5 * second.box.area
    assert first.extent is not None
    assert first.extent.least <= 7 <= (first.extent.most or 0)
    assert second.extent == Extent("word", 2, 2)
    boxes = {t.text: t.box for line in document.pages[0].lines for t in line.tokens if isinstance(t, Word)}
    assert boxes["delegation"] is not None
    assert abs(boxes["delegation"].left - (120 + 35 * ImageFont.truetype(str(MONO), 40).getlength("m"))) < 12
