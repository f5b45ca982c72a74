"""A second engine's reading is evidence in gaps: words stay, and nothing of it is kept where text is withheld."""

from __future__ import annotations

from pathlib import Path

import pytest

from desunt.document import Box, Extent, Gap, ImageRef, Line, Page, Region, Token, Word
from desunt.gaps.second import known_letters, reads_badly, with_second
from desunt.ocr import EngineLine, EngineWord, Reading, box_around
from desunt.settings import Settings
from desunt.versions import versions
from desunt.workflow import PageTask, key_of, read_page

LEXICON = frozenset({"the", "agent", "reported", "from", "embassy"})


def box(left: int, right: int, top: int = 100) -> Box:
    return Box(left, top, right, top + 20)


def word(text: str, place: Box, legibility: float = 0.99) -> Word:
    return Word(f"w{place.left}-{place.top}", text, place, "tesseract", 0.9, legibility)


def gap(place: Box, reading: str | None, reason: str = "low-confidence") -> Gap:
    return Gap(f"g{place.left}", place, Extent("character", 4, 8), reason, reading)  # type: ignore[arg-type]


def page(*tokens: Token) -> Page:
    boxes = [token.box for token in tokens if token.box]
    around = boxes[0]
    for one in boxes:
        around = around.union(one)
    return Page(1, ImageRef("a.png", "0" * 64, 1000, 1000, 300), (Region("r", "body", around, (Line("l", around, tokens),)),))


def reading(*words: tuple[str, Box]) -> Reading:
    made = tuple(EngineWord(text, place, 0.9) for text, place in words)
    return Reading((EngineLine(made, box_around(made), 1),), "rapid", "1")


def second(first: Page, *words: tuple[str, Box]) -> Page:
    return with_second(first, reading(*words), LEXICON, "a.png")


def test_a_gap_takes_the_reading_with_more_known_letters() -> None:
    first = page(word("The", box(0, 50)), gap(box(60, 150), "agxnl"), gap(box(200, 300), "reported"))
    found = second(first, ("The", box(0, 50)), ("agent", box(62, 148)), ("rcporled", box(202, 298)))
    assert [g.engine_reading for g in found.gaps] == ["agent", "reported"]
    assert [g.id for g in found.gaps] == [g.id for g in first.gaps]


def test_words_stay_as_they_were_read() -> None:
    first = page(word("agemt", box(0, 100), 0.5), gap(box(200, 300), None))
    found = second(first, ("agent", box(0, 100)))
    assert found == first


@pytest.mark.parametrize("reason", ["withheld", "struck-out", "handwriting"])
def test_nothing_is_kept_of_what_is_not_to_be_filled(reason: str) -> None:
    first = page(word("the", box(0, 50)), gap(box(100, 300), None, reason))
    assert second(first, ("agent", box(110, 200)), ("reported", box(260, 420))) == first


def test_a_gap_that_reaches_under_a_redaction_keeps_nothing_of_it() -> None:
    first = page(gap(box(0, 400), None), gap(box(100, 200), None, "withheld"))
    found = second(first, ("from", box(0, 80)), ("agent", box(110, 190)), ("embassy", box(220, 390)))
    assert [g.engine_reading for g in found.gaps] == ["from embassy", None]


def test_what_only_the_second_engine_saw_becomes_a_gap_of_the_line_it_continues() -> None:
    first = page(word("the", box(0, 50)))
    found = second(first, ("the", box(0, 50)), ("agent", box(60, 150)), ("reported", box(160, 280)))
    (line,) = found.lines
    assert [type(token) for token in line.tokens] == [Word, Gap]
    assert (found.gaps[0].engine_reading, found.gaps[0].box) == ("agent reported", box(60, 280))
    assert line.box == found.regions[0].box == box(0, 280)


def test_what_stands_elsewhere_becomes_an_unread_region_in_reading_order() -> None:
    found = second(page(word("the", box(0, 50, 500))), ("agent", box(0, 90)), ("reported", box(100, 200)))
    assert [region.kind for region in found.regions] == ["unread", "body"]
    assert found.gaps[0].engine_reading == "agent reported"


def test_junk_and_stretches_across_read_words_make_no_gap() -> None:
    first = page(word("the", box(200, 250)))
    found = second(first, ("agent", box(0, 190)), ("the", box(200, 250)), ("xq#vv", box(260, 330)))
    assert [(g.engine_reading, g.box) for g in found.gaps] == [("agent", box(0, 190))]


def test_only_badly_read_pages_are_read_again() -> None:
    sure = [word("reported", box(n * 100, n * 100 + 90)) for n in range(25)]
    lost = [gap(Box(n * 100, 200, n * 100 + 90, 220), None) for n in range(25)]
    assert not reads_badly(page(*sure))
    assert not reads_badly(page(*sure, gap(Box(0, 200, 300, 220), None, "withheld")))
    assert reads_badly(page(*sure, *lost))
    assert reads_badly(page(*sure[:5]))


def test_known_letters_are_those_of_words_of_three_or_more() -> None:
    assert known_letters("The AGENT's x1 of zzz", LEXICON) == 8


def test_the_second_engine_is_part_of_a_pages_key() -> None:
    pytest.importorskip("rapidocr", reason="the extra desunt[rapid] is not installed")
    one, two = Settings(), Settings(second="rapid")
    assert ("rapid" in dict(versions(one)), "rapid" in dict(versions(two))) == (False, True)
    assert key_of("a", "b", 1, one, ()) != key_of("a", "b", 1, two, ())


def test_a_page_with_few_words_is_read_twice_with_the_same_result(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr", reason="the extra desunt[rapid] is not installed")
    import cv2
    import numpy as np

    pixels = np.full((400, 1600), 255, np.uint8)
    cv2.putText(pixels, "The agent reported from the embassy", (60, 200), cv2.FONT_HERSHEY_DUPLEX, 2.0, 0, 3)
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), pixels)
    task = PageTask(file, "a.png", 1, "0" * 64, "", Settings(second="rapid"))
    found, steps = read_page(task)
    assert ("second", (("engine", "rapid"),)) in [(step.name, step.settings) for step in steps]
    assert (found, steps) == read_page(task)
