"""Which words of a page are not read."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from desunt.gaps.detectors.redactions import find_redactions
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.layout.type_metrics import fit_advance, measure_type
from desunt.ocr.preprocessing.ink import binarize
from desunt.record.document import Box, Extent, Page, stable_id
from tests.support.synthetic_pages import HEIGHT, IMAGE, PITCH, SENTENCE, SIX_ROWS, blank, draw, page_with_gaps, place, type_rows, words_of


def test_a_clean_page_has_no_gaps():
    facts = page_with_gaps(*type_rows(SIX_ROWS))
    assert facts.gaps == ()
    assert facts.text.splitlines() == [SENTENCE] * 6
    assert [region.kind for region in facts.regions] == ["body"]
    assert facts.legibility == pytest.approx(np.mean([word.legibility for word in words_of(facts)]), abs=1e-4)
    assert words_of(facts)[0].engine == "tesseract"
    assert facts.lines[0].baseline is not None


def test_no_two_places_share_an_id_nor_do_those_of_two_documents():
    """A correction is kept by its word's id, and an edit by its line's: a copy of the scan must not show it."""
    made = [page_with_gaps(*type_rows(SIX_ROWS), document_id=name) for name in ("box/page.png", "box/copy.png")]
    ids = [one.id for page in made for line in page.lines for one in (line, *line.tokens)]
    assert len(ids) == len(set(ids))
    page, reading = type_rows(SIX_ROWS)
    twice = page_with_gaps(page, replace(reading, lines=(reading.lines[0], *reading.lines)))
    ids = [one.id for line in twice.lines for one in (line, *line.tokens)]
    assert len(ids) == len(set(ids))


def test_a_word_keeps_its_id_when_a_line_above_it_is_read_anew():
    page, reading = type_rows(SIX_ROWS)
    before, after = page_with_gaps(page, reading), page_with_gaps(page, replace(reading, lines=reading.lines[1:]))
    assert [word.id for word in words_of(after) if word.text][-5:] == [word.id for word in words_of(before)][-5:]


def test_an_empty_reading_of_an_empty_page():
    facts = page_with_gaps(blank(), OcrResult((), "tesseract", "5"))
    assert (facts.regions, facts.legibility, facts.text) == ((), None, "")


def test_a_hopeless_word_becomes_a_gap_that_keeps_its_reading():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~vw; would agree with this zz#|k"}, {"Qx#~vw;": 0.1, "zz#|k": 0.1})
    facts = page_with_gaps(page, reading)
    inside, last = facts.gaps
    assert (inside.reason, inside.engine_reading, inside.continues) == ("low-confidence", "Qx#~vw;", False)
    assert inside.box == place(3, 4, 7)
    assert inside.extent == Extent("character", 6, 8)
    assert inside.id == stable_id("box/page.png", IMAGE.sha256, 0, *(getattr(inside.box, k) for k in ("left", "top", "right", "bottom")))
    assert (last.engine_reading, last.continues) == ("zz#|k", None)
    assert facts.lines[3].text == "the [ILLEGIBLE] would agree with this [ILLEGIBLE]"


def test_the_thresholds_are_obeyed():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~vw; would agree with this country"}, {"Qx#~vw;": 0.1})
    assert page_with_gaps(page, reading, read=0.0).gaps == ()
    everything = page_with_gaps(page, reading, read=1.0, vouch=1.0)
    assert words_of(everything) == [word for word in words_of(everything) if word.legibility == 1.0]
    # What is vouched for is never a gap, whatever `read` says.
    assert len(words_of(page_with_gaps(page, reading, read=1.0, vouch=0.5))) > 60


def test_pieces_of_one_word_are_one_gap_and_single_words_are_not_merged():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~ v#~k; would agree"}, {"Qx#~": 0.1, "v#~k;": 0.1})
    assert [gap.engine_reading for gap in page_with_gaps(page, reading).gaps] == ["Qx#~", "v#~k;"]
    first, second = reading.lines[3].words[1:3]
    close = replace(second, box=Box(first.box.right + 4, first.box.top, second.box.right, first.box.bottom))
    line = replace(reading.lines[3], words=(reading.lines[3].words[0], first, close, *reading.lines[3].words[3:]))
    joined = replace(reading, lines=(*reading.lines[:3], line, *reading.lines[4:]))
    assert [gap.engine_reading for gap in page_with_gaps(page, joined).gaps] == ["Qx#~ v#~k;"]


def test_a_blot_between_words_is_a_gap_of_measured_length():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    blot = place(2, 15, 10)
    page[blot.top - 30 : blot.bottom + 25, blot.left : blot.right] = 110
    gap = page_with_gaps(page, reading).gaps[0]
    assert (gap.reason, gap.engine_reading, gap.extent) == ("illegible", None, Extent("character", 9, 11))
    assert gap.box is not None
    assert gap.box.overlap(blot) > 0.8
    assert page_with_gaps(page, reading).lines[2].text == "the Government [ILLEGIBLE] with this country"


def test_a_smear_at_the_end_of_a_line_leaves_open_whether_the_next_goes_on():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government would"})
    smear = place(2, 21, 12)
    page[smear.top - 20 : smear.bottom + 18, smear.left : smear.right] = 110
    (gap,) = page_with_gaps(page, reading).gaps
    assert (gap.reason, gap.continues) == ("illegible", None)


def test_a_word_the_engine_left_out_is_a_gap():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    draw(page, place(2, 15, 10), 10)
    (gap,) = page_with_gaps(page, reading).gaps
    assert (gap.reason, gap.extent) == ("illegible", Extent("character", 9, 11))


def test_a_line_the_engine_passed_over_is_found_in_its_place():
    page, reading = type_rows(SIX_ROWS)
    passed = replace(reading, lines=reading.lines[:3] + reading.lines[4:])
    facts = page_with_gaps(page, passed)
    assert [line.text for line in facts.lines] == [SENTENCE] * 3 + ["[ILLEGIBLE]"] + [SENTENCE] * 2
    assert facts.gaps[0].engine_reading is None


def test_specks_rules_borders_and_holes_are_no_gaps():
    page, reading = type_rows(SIX_ROWS)
    page[:, :25] = 0
    page[:, -25:] = 0
    page[760 + HEIGHT + 12 : 760 + HEIGHT + 16, 150:1900] = 10
    page[200:1900, 150:154] = 10
    rows, columns = np.mgrid[-45:45, -45:45]
    page[900:990, 60:150][rows**2 + columns**2 < 45**2] = 0
    random = np.random.default_rng(2)
    page[random.integers(0, 2000, 4000), random.integers(0, 2000, 4000)] = 0
    stray = (EngineWord("|", Box(150, 320, 154, 700), 0.2), EngineWord("~.", Box(90, 930, 130, 950), 0.1))
    noisy = replace(reading, lines=(*reading.lines, *(EngineLine((word,), word.box, 2 + k) for k, word in enumerate(stray))))
    assert page_with_gaps(page, noisy).gaps == ()


@pytest.mark.parametrize("tones", [(235, 0), (235, 25)])
def test_a_black_bar_is_withheld_and_nothing_read_in_it_is_kept(tones):
    page, reading = type_rows({**SIX_ROWS, 2: "the Government XXXXXXXXXX with this country"}, {"XXXXXXXXXX": 0.97})
    bar = place(2, 15, 10)
    page[page > 200] = tones[0]
    page[bar.top - 6 : bar.bottom + 6, bar.left : bar.right] = tones[1]
    facts = page_with_gaps(page, reading)
    (gap,) = facts.gaps
    assert (gap.reason, gap.engine_reading, gap.continues) == ("withheld", None, False)
    assert gap.box is not None
    assert gap.box.overlap(bar) > 0.5
    assert facts.lines[2].text == "the Government [WITHHELD] with this country"
    assert "XXXXXXXXXX" not in repr(facts)


def test_a_word_read_half_out_of_a_bar_goes_with_it():
    page, reading = type_rows({**SIX_ROWS, 2: "the GovernmeXXXXXXXX with this country"}, {"GovernmeXXXXXXXX": 0.9})
    bar = place(2, 12, 8)
    page[bar.top - 6 : bar.bottom + 6, bar.left : bar.right] = 0
    assert "XXXX" not in repr(page_with_gaps(page, reading))


def test_an_outlined_white_box_is_withheld():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    box = place(2, 15, 10)
    page[box.top - 10 : box.bottom + 10, box.left - 4 : box.right + 4] = 0
    page[box.top - 6 : box.bottom + 6, box.left : box.right] = 235
    (gap,) = page_with_gaps(page, reading).gaps
    assert gap.reason == "withheld"
    assert gap.box is not None
    assert gap.box.overlap(box) > 0.5


def test_cells_of_a_form_and_bars_far_from_text_are_not_withheld():
    page, reading = type_rows(SIX_ROWS)
    page[1300:1700, 300:1500] = 0
    for top in range(1300, 1700, 100):
        for left in range(300, 1500, 200):
            page[top + 4 : top + 96, left + 4 : left + 196] = 235
    page[1850:1890, 300:700] = 0
    assert page_with_gaps(page, reading).gaps == ()


def test_a_block_of_noise_is_one_unread_region():
    noise = "ek~ |rv ;sx #we Ex~ av, oe; wr|"
    rows = {**SIX_ROWS, **dict.fromkeys(range(8, 16), noise)}
    page, reading = type_rows(rows, dict.fromkeys(noise.split(), 0.12))
    lines = tuple(replace(line, block=1 if k < 6 else 2) for k, line in enumerate(reading.lines))
    facts = page_with_gaps(page, replace(reading, lines=lines))
    assert [region.kind for region in facts.regions] == ["body", "unread"]
    (gap,) = facts.gaps
    assert gap.extent == Extent("line", 8, 8)
    assert gap.engine_reading is not None
    assert gap.engine_reading.startswith("ek~")


def test_felt_pen_over_a_word_is_withheld_though_paper_shows_between_its_strokes():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    felt = place(2, 15, 10)
    strokes = np.random.default_rng(4).random((HEIGHT // 2, (felt.right - felt.left) // 2)) < 0.72
    area = np.kron(strokes, np.ones((2, 2), bool))
    page[felt.top : felt.top + area.shape[0], felt.left : felt.left + area.shape[1]][area] = 0
    assert [(gap.reason, gap.engine_reading) for gap in page_with_gaps(page, reading).gaps] == [("withheld", None)]


@pytest.mark.parametrize(("power", "share", "letters", "expected"), [(6.0, 0.85, 10, 1), (2.0, 1.0, 10, 0), (6.0, 0.85, 4, 0)])
def test_a_pen_s_ends_are_ragged_but_not_tapered_as_a_blot_s(power, share, letters, expected):
    """And bold words of a few letters are as dark as felt pen."""
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    felt = place(2, 15, letters)
    high, wide = (felt.bottom - felt.top) // 2 + (2 if letters > 4 else -8), (felt.right - felt.left) // 2
    rows, columns = np.mgrid[-high:high, -wide:wide]
    inside = (np.abs(columns) / wide) ** power + (np.abs(rows) / high) ** 2 < 1
    dark = inside & (np.random.default_rng(3).random(inside.shape) < share)
    middle = (felt.top + felt.bottom) // 2, (felt.left + felt.right) // 2
    page[middle[0] - high : middle[0] + high, middle[1] - wide : middle[1] + wide][dark] = 0
    size = measure_type(list(reading.words), 300)
    assert len(find_redactions(binarize(page), reading.lines, [], size)) == expected


def test_a_ragged_blot_higher_than_the_line_is_no_redaction():
    page, reading = type_rows({**SIX_ROWS, 2: "the Government __________ with this country"})
    blot = place(2, 15, 10)
    rows, columns = np.mgrid[-55:55, -130:130]
    middle = (blot.top + blot.bottom) // 2, (blot.left + blot.right) // 2
    inside = (np.abs(columns) / 130) ** 3 + (np.abs(rows) / 55) ** 2 < 1
    page[middle[0] - 55 : middle[0] + 55, middle[1] - 130 : middle[1] + 130][inside] = 15
    assert [gap.reason for gap in page_with_gaps(page, reading).gaps] == ["illegible"]


def test_hopeless_words_below_the_text_are_not_lost():
    page, reading = type_rows({**SIX_ROWS, 9: "Qx#~ vk;~ zw|#"}, {"Qx#~": 0.1, "vk;~": 0.1, "zw|#": 0.1})
    assert [gap.engine_reading for gap in page_with_gaps(page, reading).gaps] == ["Qx#~ vk;~ zw|#"]


def test_the_same_page_gives_the_same_facts_and_another_document_other_ids():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~vw; would agree with this country"}, {"Qx#~vw;": 0.1})
    assert page_with_gaps(page, reading) == page_with_gaps(page, reading)
    assert page_with_gaps(page, reading).gaps[0].id != page_with_gaps(page, reading, document_id="copy.png").gaps[0].id
    third = page_with_gaps(page, reading, number=3)
    assert third.regions[0].id == "p3-r1"


def test_colour_is_read_as_grey_is():
    page, reading = type_rows({**SIX_ROWS, 3: "the Qx#~vw; would agree with this country"}, {"Qx#~vw;": 0.1})
    assert page_with_gaps(np.dstack([page] * 3), reading) == page_with_gaps(page, reading)


def test_pitch_of_fixed_and_proportional_type():
    _, reading = type_rows(SIX_ROWS)
    assert fit_advance(reading.words) == pytest.approx(PITCH, rel=0.01)
    assert fit_advance(reading.words[:5]) is None
    widths = np.random.default_rng(1).uniform(0.6, 1.4, len(reading.words))
    uneven = [
        replace(word, box=replace(word.box, right=word.box.left + round(word.box.width * share)))
        for word, share in zip(reading.words, widths, strict=True)
    ]
    assert fit_advance(uneven) is None


def read_sample(root, number: int) -> Page:
    from desunt.ocr.engines import load_engine
    from desunt.scan import read_page

    path = root / "scans/harriman-cable-1945-07-03.tif"
    scan = read_page(path, number, name="cable", sha256="0" * 64, max_pixels=200_000_000, pdf_dpi=300)
    result = load_engine("tesseract", "eng").read(scan.pixels, scan.image.dpi, 120.0)
    return page_with_gaps(scan.pixels, result, image=scan.image, document_id="cable", number=number)


@pytest.mark.parametrize("number", [1, 2])
def test_the_blots_of_the_sample_scan_are_found_and_not_taken_for_redactions(root, number):
    lost = json.loads((root / "scans/harriman-cable-1945-07-03.lost.json").read_text())
    page = read_sample(root, number)
    assert all(gap.reason != "withheld" for gap in page.gaps)
    blots = [Box(*entry["box"]) for entry in lost if entry["page"] == number and entry["damage"] == "blot"]
    assert blots
    for blot in blots:
        covered = sum(blot.intersection(gap.box) for gap in page.gaps if gap.box is not None)
        assert covered >= 0.4 * blot.area, blot
    assert len(page.gaps) <= len(blots) + 12
