"""Which words of a page are of one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desunt.document import Box
from desunt.layout import relined
from desunt.ocr import EngineLine, EngineWord, Reading, box_around
from tests.drawn_page import HEIGHT, LEADING, LEFT, PITCH, SENTENCE, TOP, typed
from tests.test_gaps import ROWS


def line(*words: EngineWord, block: int = 1, level: bool = True) -> EngineLine:
    box = box_around(words)
    return EngineLine(words, box, block, ((box.left, box.bottom), (box.right, box.bottom)) if level else None)


def word(text: str, left: int, top: int, *, height: int = HEIGHT, pitch: int = PITCH, confidence: float = 0.95) -> EngineWord:
    return EngineWord(text, Box(left, top, left + len(text) * pitch - 6, top + height), confidence)


def row(text: str, left: int, top: int, *, slope: float = 0.0, **about: float) -> tuple[EngineWord, ...]:
    """Return the words of a line of type, a letter apart."""
    pitch = int(about.get("pitch", PITCH))
    words, column = [], 0
    for one in text.split(" "):
        if one:
            x = left + column * pitch
            words.append(word(one, x, round(top + slope * (x - left)), **about))  # type: ignore[arg-type]
        column += len(one) + 1
    return tuple(words)


def reading(*lines: EngineLine) -> Reading:
    return Reading(lines, "tesseract", "5.3.0")


def body(rows: int, *, left: int = LEFT, top: int = TOP) -> tuple[EngineLine, ...]:
    return tuple(line(*row(SENTENCE, left, top + number * LEADING)) for number in range(rows))


def texts(found: Reading) -> list[str]:
    return [" ".join(word.text for word in line.words) for line in found.lines]


words = st.builds(
    lambda text, left, top, width, height, confidence: EngineWord(text, Box(left, top, left + width, top + height), confidence),
    st.sampled_from(["the", "Government", "would", "|", ".", "1.", "-2-", "Qx", "SECRET", "a"]),
    st.integers(0, 1900), st.integers(0, 1900), st.integers(1, 400), st.integers(1, 90), st.floats(0, 1),
)  # fmt: skip
lines = st.builds(
    lambda found, block, level: line(*found, block=block, level=level),
    st.lists(words, min_size=1, max_size=8), st.integers(1, 5), st.booleans(),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(lines, max_size=14), st.booleans())
def test_no_word_is_lost_or_added_or_changed(found, ruled):
    mask = np.zeros((2000, 2000), np.uint8)
    mask[:, ::97] = ruled
    before = reading(*found, *body(3))
    after = relined(before, mask)
    assert Counter(map(id, after.words)) == Counter(map(id, before.words))
    assert all(one.words and one.box == box_around(one.words) for one in after.lines if one not in before.lines)


@settings(deadline=None, max_examples=50)
@given(st.lists(lines, min_size=1, max_size=14))
def test_lines_of_one_block_stand_together(found):
    """Whoever groups lines by their block must find each block once."""
    after = relined(reading(*found, *body(3)))
    blocks = [one.block for one in after.lines]
    if after.lines != (*found, *body(3)):
        assert blocks == sorted(blocks)


def test_a_clean_page_stays_as_the_engine_read_it():
    page, found = typed(ROWS)
    assert relined(found, np.asarray(page < 128, np.uint8)) is found


def test_a_page_on_which_hardly_anything_was_read_stays_as_it_is():
    found = reading(line(word("the", 200, 300), word("|", 1500, 380, height=200)))
    assert relined(found) is found


@pytest.mark.parametrize("slope", [0.035, -0.035])
def test_words_read_across_sloping_lines_come_back_into_theirs(slope):
    """The engine follows the slope of the page's other half: each of its lines runs from one line of the page to the next."""
    text = [f"line {name} of this country would agree with the question about trade" for name in ("one", "two", "three", "four", "five")]
    sloping = [row(one, LEFT, 900 + number * 60, slope=slope) for number, one in enumerate(text)]
    found = relined(reading(*body(4), *_crossed(sloping, slope)))
    assert texts(found)[4:] == text


def _crossed(sloping: list[tuple[EngineWord, ...]], slope: float) -> list[EngineLine]:
    """Return the lines an engine makes that goes on level: the second half of each is of the line above (below, if they rise)."""
    step = -1 if slope > 0 else 1
    last = len(sloping) - 1
    made = [line(*sloping[k][:6], *sloping[k + step][6:]) for k in range(last + 1) if 0 <= k + step <= last]
    alone = [sloping[0][:6], sloping[last][6:]] if step < 0 else [sloping[last][:6], sloping[0][6:]]
    return [*made, *(line(*words) for words in alone)]


def test_a_pens_mark_far_beside_a_line_leaves_it():
    mark = word("ee", LEFT + 90 * PITCH, TOP - 40, height=110, confidence=0.3)
    first, *rest = body(5)
    found = relined(reading(line(*first.words, mark), *rest))
    assert texts(found) == [SENTENCE] * 5 + ["ee"]
    assert found.lines[-1].block != found.lines[0].block


def test_a_note_in_the_margin_leaves_the_line_beside_it():
    notes = [word("Bendr,", 60, TOP + number * LEADING, pitch=18, confidence=0.3) for number in range(3)]
    noted = [line(note, *one.words) for note, one in zip(notes, body(3), strict=True)]
    found = relined(reading(*noted, *(replace(one) for one in body(6)[3:])))
    assert texts(found) == [SENTENCE] * 6 + ["Bendr,"] * 3
    assert {one.block for one in found.lines[6:]} == {2}


def test_the_number_of_a_paragraph_stays_in_its_line():
    first, *rest = body(6)
    found = reading(line(word("1.", 60, TOP, confidence=0.3), *first.words), *rest)
    assert relined(found) is found


def test_words_on_both_sides_of_an_upright_rule_are_parted_as_cells():
    left, right = row("NO FOREIGN DISSEM", LEFT, 120), row("TDCS 655", LEFT + 30 * PITCH, 120)
    found = reading(line(*left, *right), *body(5))
    mask = np.zeros((2000, 2000), np.uint8)
    assert relined(found, mask) is found
    mask[60:220, LEFT + 24 * PITCH : LEFT + 24 * PITCH + 4] = 1
    assert texts(relined(found, mask))[:2] == ["NO FOREIGN DISSEM", SENTENCE]
    assert "TDCS 655" in texts(relined(found, mask))


@pytest.mark.parametrize("sides", [[(20, 26)], [(20, 20.2), (26, 26.2)]])
def test_a_blot_or_an_outlined_redaction_in_a_line_parts_nothing(sides):
    found = reading(line(*row("the Government of", LEFT, 120), *row("this country", LEFT + 30 * PITCH, 120)), *body(5))
    mask = np.zeros((2000, 2000), np.uint8)
    for start, end in sides:
        mask[60:220, round(LEFT + start * PITCH) : round(LEFT + end * PITCH)] = 1
    assert relined(found, mask) is found


def test_a_tables_rows_stay_lines_with_and_without_rules():
    names = [
        ("Alexander Knapp.", "Family Brock."),
        ("Gabor Berger.", "Boris Weiner."),
        ("Helene Roth.", "Hugo Roth."),
        ("Max Singer.", "Rosa Hauser."),
    ]
    rows = [line(*row(a, LEFT, 1000 + n * 60), *row(b, LEFT + 30 * PITCH, 1000 + n * 60)) for n, (a, b) in enumerate(names)]
    found = reading(*body(5), *rows)
    mask = np.zeros((2000, 2000), np.uint8)
    assert relined(found, mask) is found
    mask[950:1300, LEFT + 26 * PITCH : LEFT + 26 * PITCH + 4] = 1
    assert relined(found, mask) is found


def test_the_line_of_a_form_letter_with_a_wide_gap_stays_one():
    found = reading(line(*row("TO: The Director", LEFT, 120), *row("DATE: May 9th, 1938", LEFT + 36 * PITCH, 120)), *body(5))
    assert relined(found) is found
