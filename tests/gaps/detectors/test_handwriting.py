"""A page on which no word was read: joined writing is located as handwriting, with nothing of it transcribed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from desunt.ocr.engines import OcrResult
from desunt.ocr.layout.handwriting_blocks import find_handwriting_blocks, merge_overlapping
from desunt.ocr.preprocessing.ink import binarize
from desunt.record.document import Box, Extent, ImageRef, Page
from desunt.run.workflow import FILLABLE_REASONS
from tests.support import synthetic_pages


def written(rows: range = range(300, 700, 90)) -> NDArray[np.uint8]:
    """Return a page with waves of thin joined strokes, five words a row."""
    pixels = np.full((1600, 1200), 255, np.uint8)
    for top in rows:
        for left in range(150, 1000, 180):
            x = np.arange(left, left + 140)
            y = top + 18 * np.sin((x - left) / 7) * (1 + 0.4 * np.sin((x - left) / 23))
            cv2.polylines(pixels, [np.stack([x, y], axis=1).astype(np.int32)], False, 0, 2)
    return pixels


def typed() -> NDArray[np.uint8]:
    pixels = np.full((1600, 1200), 255, np.uint8)
    for top in range(300, 700, 60):
        cv2.putText(pixels, "T Y P E D   L E T T E R S", (100, top), cv2.FONT_HERSHEY_DUPLEX, 1.2, 0, 2)
    return pixels


def smeared() -> NDArray[np.uint8]:
    """Return a page of type that has run together: every word one thick piece."""
    pixels = np.full((1600, 1200), 255, np.uint8)
    for top in range(300, 700, 60):
        for left in range(150, 1000, 180):
            cv2.rectangle(pixels, (left, top), (left + 140, top + 25), 0, -1)
    return pixels


def page_of(pixels: NDArray[np.uint8]) -> Page:
    image = ImageRef("a.png", "0" * 64, pixels.shape[1], pixels.shape[0], 200)
    return synthetic_pages.page_with_gaps(pixels, OcrResult((), "tesseract", "5"), image=image)


def test_joined_writing_is_located_and_not_read() -> None:
    page = page_of(written())
    (region,), (gap,) = page.regions, page.gaps
    assert (region.kind, gap.reason, gap.engine_reading) == ("handwriting", "handwriting", None)
    assert gap.extent == Extent("line", 1, None)
    assert gap.reason not in FILLABLE_REASONS
    assert gap.box is not None
    assert gap.box.left <= 155
    assert gap.box.right >= 1005
    assert gap.box.top <= 300
    assert gap.box.bottom >= 660


def test_blocks_far_apart_are_regions_of_their_own() -> None:
    pixels = np.minimum(written(range(200, 500, 90)), written(range(1000, 1300, 90)))
    page = page_of(pixels)
    assert [region.kind for region in page.regions] == ["handwriting"] * 2
    assert len({region.id for region in page.regions}) == len({gap.id for gap in page.gaps}) == 2


def test_a_line_of_one_great_stroke_belongs_to_the_writing_beside_it() -> None:
    pixels = written()
    x = np.arange(150, 1000)
    cv2.polylines(pixels, [np.stack([x, 240 + 40 * np.sin((x - 150) / 30)], axis=1).astype(np.int32)], False, 0, 2)
    [gap] = page_of(pixels).gaps
    assert gap.box is not None
    assert gap.box.top <= 202


def test_boxes_that_overlap_are_one_and_chains_of_them_too() -> None:
    first, second, third = Box(0, 0, 100, 40), Box(90, 30, 200, 90), Box(190, 80, 300, 120)
    far = Box(500, 0, 600, 40)
    assert sorted(merge_overlapping([first, third, far, second]), key=lambda box: box.left) == [Box(0, 0, 300, 120), far]
    assert merge_overlapping([]) == []


@pytest.mark.parametrize("pixels", [typed(), smeared(), np.full((1600, 1200), 255, np.uint8), written(range(300, 301))])
def test_letters_that_stand_apart_paper_and_a_stray_line_are_no_handwriting(pixels: NDArray[np.uint8]) -> None:
    assert find_handwriting_blocks(binarize(pixels)) == ()


def beside(draw: Callable[[NDArray[np.uint8], Box], None]) -> Page:
    """Return a typed page on which the engine misread one mark that `draw` made."""
    page, reading = synthetic_pages.type_rows(
        {**dict.fromkeys(range(6), synthetic_pages.SENTENCE), 7: "________ Qxw#bn"}, {"Qxw#bn": 0.1}, drawn=True
    )
    box = synthetic_pages.place(7, 9, 6)
    page[box.top - 30 : box.bottom + 30, box.left - 5 : box.right + 200] = 235
    draw(page, box)
    line = reading.lines[-1]
    high = replace(line.words[0], box=Box(box.left, box.top - 20, box.right, box.bottom + 20))
    reading = replace(reading, lines=(*reading.lines[:-1], replace(line, words=(high,), box=high.box)))
    return synthetic_pages.page_with_gaps(page, reading)


def pen(page: NDArray[np.uint8], box: Box) -> None:
    x = np.arange(box.left, box.right)
    y = (box.top + box.bottom) / 2 + 34 * np.sin((x - box.left) / 12)
    cv2.polylines(page, [np.stack([x, y], axis=1).astype(np.int32)], False, 20, 3)


def letters(page: NDArray[np.uint8], box: Box) -> None:
    synthetic_pages.draw(page, box, 6)
    cv2.rectangle(page, (box.left - 4, box.top - 18), (box.right + 4, box.bottom + 18), 20, 2)


def test_a_pen_s_mark_beside_type_is_handwriting_and_keeps_its_reading() -> None:
    [gap] = beside(pen).gaps
    assert (gap.reason, gap.engine_reading) == ("handwriting", "Qxw#bn")
    assert gap.reason not in FILLABLE_REASONS


def test_typed_letters_within_a_pen_s_frame_are_no_handwriting() -> None:
    assert [gap.reason for gap in beside(letters).gaps] == ["low-confidence"]
