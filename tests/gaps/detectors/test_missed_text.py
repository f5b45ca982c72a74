"""Text that was passed over is in a gap, wherever it stands; what is no text is in none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from desunt.ocr.engines import EngineLine, EngineWord
from desunt.record.document import Box, Extent, Page
from desunt.restore.refusal import unfillable_reason
from tests.support.synthetic_pages import HEIGHT, PITCH, SIX_ROWS, draw, page_with_gaps, place, type_rows, words_of


def read(page: np.ndarray) -> Page:
    return page_with_gaps(page, type_rows(SIX_ROWS)[1])


def covers(facts: Page, box: Box) -> bool:
    return any(gap.box is not None and gap.box.intersection(box) > 0.9 * box.area for gap in facts.gaps)


@pytest.mark.parametrize(("row", "column", "letters"), [(-3, 0, 9), (-2, 25, 3), (8, 0, 4), (8, 50, 7), (19, 3, 30)])
def test_words_that_stand_by_themselves_are_in_a_line_that_is_never_filled(row: int, column: int, letters: int):
    page = type_rows(SIX_ROWS)[0]
    draw(page, place(row, column, letters), letters)
    facts = read(page)
    (gap,) = facts.gaps
    assert covers(facts, place(row, column, letters))
    assert (gap.reason, gap.extent, gap.engine_reading) == ("illegible", Extent("line", 1, 1), None)
    assert unfillable_reason(gap) == "a whole line is lost, too much to supply"
    assert [region.kind for region in facts.regions].count("unread") == 1
    assert len(words_of(facts)) == len(words_of(read(type_rows(SIX_ROWS)[0])))


def test_a_word_at_some_distance_is_of_the_line_it_stands_in():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government would"})
    box = place(2, 27, 9)
    for left in range(box.left, box.right, PITCH):
        page[box.top : box.bottom, left : left + 11] = 20
        page[box.bottom - 5 : box.bottom, left : left + 20] = 20
    facts = page_with_gaps(page, reading)
    assert facts.lines[2].text == "the Government would [ILLEGIBLE]"
    assert facts.gaps[0].extent == Extent("character", 8, 10)
    assert unfillable_reason(facts.gaps[0]) is None


def test_type_that_has_run_together_is_found():
    """Its letters are one piece of ink, and no piece has the size of a letter."""
    page = type_rows(SIX_ROWS)[0]
    for row in (9, 10):
        draw(page, place(row, 0, 40), 40)
        top = place(row, 0, 40).top
        page[top + 22 : top + 27, place(row, 0, 40).left : place(row, 0, 40).right] = 20
    assert all(covers(read(page), place(row, 0, 40)) for row in (9, 10))


def test_broken_type_is_found_by_its_lines():
    """Half of each letter is gone: no word stands out, but a line does."""
    page = type_rows(SIX_ROWS)[0]
    for row in (9, 11):
        box = place(row, 0, 40)
        for left in range(box.left, box.right, PITCH):
            page[box.top + 2 : box.top + 15, left : left + 7] = 20
            page[box.bottom - 12 : box.bottom - 2, left + 2 : left + 12] = 20
    facts = read(page)
    assert all(covers(facts, Box(200, place(row, 0, 1).top + 2, 1290, place(row, 0, 1).bottom - 2)) for row in (9, 11))
    assert all(unfillable_reason(gap) for gap in facts.gaps)


def test_ink_of_words_that_were_no_text_by_their_boxes_is_not_lost():
    """An engine gave a hopeless sign of two letters' height to a whole word far from the text; the sign goes, the word does not."""
    page, reading = type_rows(SIX_ROWS)
    box = place(20, 55, 8)
    draw(page, box, 8)
    sign = EngineWord("|", Box(box.left, box.top - 4 * HEIGHT, box.right, box.bottom), 0.1)
    facts = page_with_gaps(page, replace(reading, lines=(*reading.lines, EngineLine((sign,), sign.box, 2))))
    assert covers(facts, box)
    assert all(gap.engine_reading is None for gap in facts.gaps)


@pytest.mark.parametrize(("speck", "gaps"), [(False, 1), (True, 0)])
def test_signs_that_an_engine_saw_are_in_a_gap_but_specks_are_not(speck: bool, gaps: int):
    """Too short and too light to stand out by themselves."""
    page, reading = type_rows(SIX_ROWS)
    box = Box(600, 1500, 645, 1500 + HEIGHT)
    if speck:
        page[box.top + 8 : box.top + 20, box.left : box.right] = 20
    else:
        page[box.top : box.bottom, box.left + 4 : box.left + 9] = page[box.top + 10 : box.top + 15, box.left : box.left + 16] = 20
        page[box.bottom - 8 : box.bottom, box.right - 8 : box.right] = 20
    sign = EngineWord("x#|", box, 0.05)
    facts = page_with_gaps(page, replace(reading, lines=(*reading.lines, EngineLine((sign,), box, 2))))
    assert len(facts.gaps) == gaps
    assert covers(facts, box) is not speck
    assert page_with_gaps(page, reading).gaps == ()


def test_a_stamp_larger_than_type_is_located():
    page, large = type_rows(SIX_ROWS)[0], 2
    box = place(10, 20, 1)
    for letter in range(7):
        left = box.left + letter * large * PITCH
        page[box.top : box.top + large * HEIGHT, left : left + 12] = 20
        page[box.top : box.top + large * HEIGHT, left + 30 : left + 42] = 20
        page[box.top + HEIGHT : box.top + HEIGHT + 10, left : left + 42] = 20
    facts = read(page)
    assert covers(facts, Box(box.left, box.top, box.left + 6 * large * PITCH + 42, box.top + large * HEIGHT))
    assert [region.kind for region in facts.regions].count("unread") == 1


def test_lines_under_a_marker_are_one_place_of_several_lines():
    page = type_rows(SIX_ROWS)[0]
    top = place(9, 0, 40).top
    for line in range(4):
        draw(page, Box(200, top + 50 * line, 1300, top + 50 * line + HEIGHT), 38)
    pen = np.random.default_rng(3).random((4 * 50, 1000)) < 0.1
    page[top : top + 4 * 50, 230:1230][pen] = 20
    (gap,) = read(page).gaps
    assert gap.extent is not None
    assert (gap.extent.unit, gap.extent.least <= 4 <= (gap.extent.most or 0)) == ("line", True)
    assert unfillable_reason(gap)


def speckle(page: np.ndarray) -> None:
    """Fields of it, and a strip as high as a line."""
    chance = np.random.default_rng(7)
    for at, share in ((np.s_[1000:1900, 1800:1950], 0.35), (np.s_[1600:1634, 300:1300], 0.5)):
        page[at][np.kron(chance.random((page[at].shape[0] // 2, page[at].shape[1] // 2)) < share, np.ones((2, 2), bool))] = 0


def rules(page: np.ndarray) -> None:
    page[1300:1306, 150:1900] = page[1400:1412, 400:900] = 0
    page[1300:1800, 300:306] = page[1500:1503, 200:1800:2] = 0


def blots(page: np.ndarray) -> None:
    """Of a word's height, and two punch holes."""
    for top, left, high, wide in ((1300, 400, 17, 90), (900, 60, 45, 45), (1500, 60, 45, 45)):
        rows, columns = np.mgrid[-high:high, -wide:wide]
        page[top : top + 2 * high, left : left + 2 * wide][(rows / high) ** 2 + (columns / wide) ** 2 < 1] = 0


def holes(page: np.ndarray) -> None:
    """A copier's: not black all over."""
    rows, columns = np.mgrid[-51:51, -66:66]
    page[1500:1602, 160:292][((rows / 51) ** 2 + (columns / 66) ** 2 < 1) & (columns % 26 > 2)] = 0


def frames(page: np.ndarray) -> None:
    for top, left, high, wide in ((1200, 300, 400, 700), (1200, 1200, 90, 500)):
        for k in (top, top + high - 6):
            page[k : k + 6, left : left + wide] = 0
        for k in (left, left + wide - 6):
            page[top : top + high, k : k + 6] = 0


def picture(page: np.ndarray) -> None:
    """Light and dark bands of one piece."""
    page[1200:1600:8, 300:900] = page[1200:1600, 300:900:40] = page[1201:1601:8, 300:900] = 30
    for column in range(300, 900, 20):
        page[1400:1436, column : column + 10] = 30


@pytest.mark.parametrize("add", [speckle, rules, blots, holes, frames, picture])
def test_what_is_no_text_is_in_no_gap(add):
    page = type_rows(SIX_ROWS)[0]
    add(page)
    assert read(page).gaps == ()


def test_a_signature_is_located_as_handwriting_in_one_box():
    """Joined letters, some of them far higher and lower than those between them."""
    page = Image.fromarray(type_rows(SIX_ROWS)[0])
    points = [(700 + 9 * step, 1300 + (-110 if step == 1 else 90 if step == 30 else 32 if step % 2 else 0)) for step in range(45)]
    ImageDraw.Draw(page).line(points, fill=15, width=6)
    facts = read(np.asarray(page))
    (gap,) = facts.gaps
    assert covers(facts, Box(700, 1195, 1090, 1385))
    assert (gap.reason, gap.extent) == ("handwriting", Extent("line", 1, None))
    assert facts.regions[-1].kind == "handwriting"
