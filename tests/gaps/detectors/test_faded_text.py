"""Type that has faded to a shadow is a gap; bare paper, indents and bilevel scans are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from desunt.gaps.detectors.blots import TextBand
from desunt.gaps.detectors.faded_text import find_faded_text
from desunt.ocr.layout.type_metrics import measure_type
from desunt.ocr.preprocessing.ink import binarize
from tests.support.synthetic_pages import HEIGHT, PITCH, place, type_rows

ROWS = {
    0: "the Government would agree with this country about trade",
    1: "and would sign the __________ before the end of the year",
    2: "__________ of both countries met in the capital at noon",
    3: "and would leave the rest to others who know this country",
}


def page_of(shade: int, noise: int = 2) -> tuple[np.ndarray, list[TextBand], object]:
    page, reading = type_rows(ROWS)
    rng = np.random.default_rng(1)
    page = np.clip(page.astype(int) + rng.integers(-noise, noise + 1, page.shape), 0, 255).astype(np.uint8)
    for row, column in ((1, 19), (2, 0)):
        hole = place(row, column, 10)
        page[hole.top : hole.bottom, hole.left : hole.right] -= np.uint8(shade)
    page = cv2.GaussianBlur(page, (0, 0), 2.5)  # a grey scan has soft edges
    size = measure_type(reading.words, 300)
    left = place(0, 0, 1).left
    bands = [TextBand(tuple(word.box for word in line.words), left, 1900) for line in reading.lines]
    return page, bands, size


def test_faded_words_are_found_inside_a_line_and_at_its_beginning() -> None:
    page, bands, size = page_of(shade=9)
    facts = find_faded_text(binarize(page), bands, (), size)
    assert [len(boxes) for boxes in facts] == [0, 1, 1, 0]
    for boxes, hole in ((facts[1], place(1, 19, 10)), (facts[2], place(2, 0, 10))):
        assert boxes[0].overlap(hole) > 0.5
        assert abs(boxes[0].width / PITCH - 10) < 2.5
        assert abs(boxes[0].height - HEIGHT) < 0.4 * HEIGHT


@pytest.mark.parametrize("shade", [0, 1])
def test_bare_paper_is_no_text(shade: int) -> None:
    page, bands, size = page_of(shade=shade)
    assert not any(find_faded_text(binarize(page), bands, (), size))


def test_what_is_accounted_for_is_not_found_again() -> None:
    page, bands, size = page_of(shade=9)
    assert not find_faded_text(binarize(page), bands, (place(1, 19, 10),), size)[1]


def test_a_bilevel_scan_has_no_shades() -> None:
    page, bands, size = page_of(shade=9)
    assert not any(find_faded_text(binarize(np.where(page < 128, 0, 255).astype(np.uint8)), bands, (), size))
