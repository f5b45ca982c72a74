"""A second engine votes on doubtful words and reads what the first passed over; nothing of it is kept where text is withheld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from desunt.errors import UsageError
from desunt.ocr.confidence.voting import REREAD_BELOW_LEGIBILITY
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.engines.line_images import TextQuad, crop, load_second_engine, quad_around
from desunt.ocr.engines.ppocr import PPOcr
from desunt.record.document import Box, Gap, ImageRef, Page, Word
from desunt.record.files import to_json
from desunt.run.cache_key import cache_key, result_versions
from desunt.run.workflow import PageTask, read_page
from desunt.settings import Settings
from tests.support.rendered_pages import TEXT, tilted, typed_page
from tests.support.synthetic_pages import page_with_gaps

PAGE, PLACES = typed_page()
LETTER = 34.0
READER = PPOcr()


def box_of(word: str) -> Box:
    left, top, right, bottom = next(place for text, place in PLACES if text == word)
    return Box(round(left), round(top), round(right), round(bottom))


def read_as(changed: dict[str, tuple[str, float]], without: frozenset[str] = frozenset()) -> OcrResult:
    """Return the page as a first engine reads it: some words otherwise, with a confidence, and some not at all."""
    places, rows = iter(PLACES), []
    for line in TEXT.splitlines():
        row = []
        for text, sides in (next(places) for _ in line.split()):
            said, confidence = changed.get(text, (text, 0.96))
            if text not in without:
                row.append(EngineWord(said, Box(*map(round, sides)), confidence))
        rows.append(tuple(row))
    lines = tuple(EngineLine(words, Box.enclosing(word.box for word in words), 1) for words in rows)
    return OcrResult(lines, "tesseract", "5")


def page_of(reading: OcrResult, page: NDArray[np.uint8] = PAGE, second: PPOcr | None = READER) -> Page:
    image = ImageRef("a.png", "0" * 64, page.shape[1], page.shape[0], 300)
    return page_with_gaps(page, reading, image=image, document_id="a.png", second=second)


def words_of(page: Page) -> dict[str, Word]:
    return {token.text: token for line in page.lines for token in line.tokens if isinstance(token, Word)}


def test_the_likelier_of_two_readings_stands_and_names_its_engine() -> None:
    words = words_of(page_of(read_as({"government": ("govemrnont", 0.35), "Moscow": ("Moscow", 0.6)})))
    assert "govemrnont" not in words
    assert words["government"].engine == "rapid"
    assert words["Moscow"].engine == "tesseract"
    assert words["government"].box is not None
    assert words["government"].box.overlap(box_of("government")) > 0.6


def test_a_word_both_engines_read_alike_is_surer_than_before() -> None:
    doubtful = read_as({"Ambassador": ("Ambassador", 0.3)})
    page, before = page_of(doubtful), page_of(doubtful, second=None)
    first, second = words_of(before)["Ambassador"].legibility, words_of(page)["Ambassador"].legibility
    assert first is not None
    assert second is not None
    assert first < REREAD_BELOW_LEGIBILITY
    assert first < second


def test_a_line_the_first_engine_passed_over_stands_in_its_place() -> None:
    line = ["roads", "between", "the", "two", "rivers.", "It", "was", "said"]
    reading = read_as({})
    gone = next(one for one in reading.lines if one.words[0].text == "roads")
    page = page_of(replace(reading, lines=tuple(one for one in reading.lines if one is not gone)))
    texts = [one.text for one in page.lines]
    assert texts[9].split() == line
    assert texts[8].startswith("price")
    assert all(word.engine == "rapid" for word in page.lines[9].tokens if isinstance(word, Word))


def test_a_word_missing_within_a_line_comes_into_that_line() -> None:
    page = page_of(read_as({}, frozenset({"conference"})))
    assert page.lines[1].text == "in Moscow before the conference began. He"


def test_hopeless_words_make_room_for_what_can_be_read() -> None:
    page = page_of(read_as({"committee,": ("c~xr1;t#|", 0.05), "questions": ("q|~;s", 0.04)}))
    assert "questions" in words_of(page)
    assert "c~xr1;t#|" not in page.text


@pytest.mark.parametrize("read", ["", "prcs|dcnt"])
def test_nothing_is_kept_of_what_shows_through_a_redaction(read: str) -> None:
    covered = PAGE.copy()
    place = box_of("president")
    covered[place.top - 12 : place.bottom + 12, place.left - 10 : place.right + 10] = 0
    covered[PAGE < 60] = np.where(covered[PAGE < 60] == 0, 30, covered[PAGE < 60])
    page = page_of(read_as({"president": (read, 0.04)}) if read else read_as({}, frozenset({"president"})), covered)
    gaps = [token for line in page.lines for token in line.tokens if isinstance(token, Gap)]
    assert [gap.reason for gap in gaps] == ["withheld"]
    assert "president" not in page.text
    assert b"president" not in to_json(page)
    assert b"prcs" not in to_json(page)


def test_the_detector_finds_lines_and_nothing_on_bare_or_speckled_paper() -> None:
    quads = READER.detect(PAGE, LETTER)
    middles = sorted({round((quad.bounds[1] + quad.bounds[3]) / 2) // 60 for quad in quads})
    assert len(quads) == len(middles) == 12
    blank = np.full((1200, 900), 240, np.uint8)
    specks = blank.copy()
    rows, columns = np.random.default_rng(3).integers(0, 900, (2, 2000))
    specks[rows, columns] = 0
    assert READER.detect(blank, LETTER) == READER.detect(specks, LETTER) == ()


def test_lines_aslant_are_set_level_before_they_are_read() -> None:
    page = tilted(PAGE, 2.0)
    lines = READER.recognize([crop(page, quad) for quad in READER.detect(page, LETTER)])
    texts = {word.text for words in lines for word in words}
    assert {"Ambassador", "conference", "government", "ministers"} <= texts


def test_a_line_image_tells_where_each_word_stands_and_how_sure_it_is() -> None:
    place = box_of("Ambassador")
    line = Box(0, place.top, PAGE.shape[1], place.bottom)
    (words,) = READER.recognize([crop(PAGE, quad_around(line, 0, 6))])
    assert [word.text for word in words] == ["The", "Ambassador", "reported", "on", "the", "situation"]
    assert abs(words[1].start * PAGE.shape[1] - place.left) < LETTER
    assert abs(words[1].end * PAGE.shape[1] - place.right) < LETTER
    assert all(0 < word.min_confidence <= word.mean_confidence <= 1 for word in words)


def test_no_line_image_is_no_work_and_a_tiny_one_is_no_word() -> None:
    assert READER.recognize([]) == ()
    assert READER.recognize([np.full((3, 2), 255, np.uint8)]) == ((),)


def test_parts_of_a_quad_lie_along_it() -> None:
    quad = TextQuad(((10.0, 10.0), (110.0, 20.0), (109.0, 30.0), (9.0, 20.0)))
    part = quad.part(0.5, 1.0)
    assert part.corners[:2] == ((60.0, 15.0), (110.0, 20.0))
    assert part.clipped(100, 100) == Box(59, 15, 100, 30)
    assert part.clipped(50, 50) is None


def test_an_unknown_second_engine_is_refused() -> None:
    assert load_second_engine("none", "eng") is None
    with pytest.raises(UsageError, match="kraken"):
        load_second_engine("kraken", "eng")


def test_only_latin_script_is_read_again() -> None:
    assert load_second_engine("rapid", "eng+fra") is not None
    assert load_second_engine("rapid", "eng+rus") is None
    assert load_second_engine("rapid", "osd") is None


def test_the_second_engine_is_part_of_a_pages_cache_key() -> None:
    one, two = Settings(second="none"), Settings()
    assert ("second: rapid" in dict(result_versions(one)), "second: rapid" in dict(result_versions(two))) == (False, True)
    assert cache_key("a", "b", 1, one, ()) != cache_key("a", "b", 1, two, ())


def test_a_page_read_twice_gives_the_same_record(tmp_path: Path) -> None:
    worn = cv2.GaussianBlur(PAGE, (0, 0), 4)
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), worn)
    task = PageTask(file, "a.png", 1, "0" * 64, "", Settings())
    page, steps = read_page(task)
    assert ("second", (("engine", "rapid"),)) in [(step.name, step.settings) for step in steps]
    assert (page, steps) == read_page(task)


def test_what_shows_through_felt_pen_is_withheld_and_no_reading_of_it_is_kept() -> None:
    # Type as thin as a typewriter's: bold letters hold nearly as much ink as the pen.
    covered, area = np.asarray(cv2.dilate(PAGE, np.ones((3, 3), np.uint8))), box_of("government").union(box_of("answer"))
    place = slice(area.top - 8, area.bottom + 12), slice(area.left - 10, area.right + 10)
    letters = (covered[place] < 128).astype(np.uint8)
    halo = cv2.dilate(letters, np.ones((3, 3), np.uint8)).astype(bool) & (letters == 0)
    dots = np.random.default_rng(4).random(letters.shape) < 0.1
    covered[place] = np.where(halo | dots, 255, 0)
    words = {"government": ("govemrnent", 0.05), "would": ("vcvld", 0.04), "answer": ("ahsvcr", 0.04)}
    page = page_of(read_as(words), covered)
    assert {token.reason for line in page.lines for token in line.tokens if isinstance(token, Gap)} == {"withheld"}
    assert not {"govemrnent", "vcvld", "ahsvcr", "government", "answer"} & set(page.text.split())
