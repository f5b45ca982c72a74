"""Which words are of one line, in which order blocks are read, and what they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.layout import LayoutLine, classify_lines, measure_geometry, median_metrics, reading_order, resegment_lines
from desunt.record.document import Box, RegionKind
from tests.support.synthetic_pages import HEIGHT, LEADING, LEFT, PITCH, SENTENCE, SIX_ROWS, TOP, page_with_gaps, type_rows


def line(*words: EngineWord, block: int = 1, level: bool = True) -> EngineLine:
    box = Box.enclosing(word.box for word in words)
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


def reading(*lines: EngineLine) -> OcrResult:
    return OcrResult(lines, "tesseract", "5.3.0")


def body(rows: int, *, left: int = LEFT, top: int = TOP) -> tuple[EngineLine, ...]:
    return tuple(line(*row(SENTENCE, left, top + number * LEADING)) for number in range(rows))


def texts(facts: OcrResult) -> list[str]:
    return [" ".join(word.text for word in line.words) for line in facts.lines]


words = st.builds(
    lambda text, left, top, width, height, confidence: EngineWord(text, Box(left, top, left + width, top + height), confidence),
    st.sampled_from(["the", "Government", "would", "|", ".", "1.", "-2-", "Qx", "SECRET", "a"]),
    st.integers(0, 1900), st.integers(0, 1900), st.integers(1, 400), st.integers(1, 90), st.floats(0, 1),
)  # fmt: skip
lines = st.builds(
    lambda facts, block, level: line(*facts, block=block, level=level),
    st.lists(words, min_size=1, max_size=8), st.integers(1, 5), st.booleans(),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(lines, max_size=14), st.booleans())
def test_no_word_is_lost_or_added_or_changed(facts, ruled):
    mask = np.zeros((2000, 2000), np.uint8)
    mask[:, ::97] = ruled
    before = reading(*facts, *body(3))
    after = resegment_lines(before, mask)
    assert Counter(map(id, after.words)) == Counter(map(id, before.words))
    assert all(one.words and one.box == Box.enclosing(word.box for word in one.words) for one in after.lines if one not in before.lines)


@settings(deadline=None, max_examples=50)
@given(st.lists(lines, min_size=1, max_size=14))
def test_lines_of_one_block_stand_together(facts):
    """Whoever groups lines by their block must find each block once."""
    after = resegment_lines(reading(*facts, *body(3)))
    blocks = [one.block for one in after.lines]
    if after.lines != (*facts, *body(3)):
        assert blocks == sorted(blocks)


def test_a_clean_page_stays_as_the_engine_read_it():
    page, facts = type_rows(SIX_ROWS)
    assert resegment_lines(facts, np.asarray(page < 128, np.uint8)) is facts


def test_a_page_on_which_hardly_anything_was_read_stays_as_it_is():
    facts = reading(line(word("the", 200, 300), word("|", 1500, 380, height=200)))
    assert resegment_lines(facts) is facts


@pytest.mark.parametrize("slope", [0.035, -0.035])
def test_words_read_across_sloping_lines_come_back_into_theirs(slope):
    """The engine follows the slope of the page's other half: each of its lines runs from one line of the page to the next."""
    text = [f"line {name} of this country would agree with the question about trade" for name in ("one", "two", "three", "four", "five")]
    sloping = [row(one, LEFT, 900 + number * 60, slope=slope) for number, one in enumerate(text)]
    facts = resegment_lines(reading(*body(4), *_crossed(sloping, slope)))
    assert texts(facts)[4:] == text


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
    facts = resegment_lines(reading(line(*first.words, mark), *rest))
    assert texts(facts) == [SENTENCE] * 5 + ["ee"]
    assert facts.lines[-1].block != facts.lines[0].block


def test_a_note_in_the_margin_leaves_the_line_beside_it():
    notes = [word("Bendr,", 60, TOP + number * LEADING, pitch=18, confidence=0.3) for number in range(3)]
    noted = [line(note, *one.words) for note, one in zip(notes, body(3), strict=True)]
    facts = resegment_lines(reading(*noted, *(replace(one) for one in body(6)[3:])))
    assert texts(facts) == [SENTENCE] * 6 + ["Bendr,"] * 3
    assert {one.block for one in facts.lines[6:]} == {2}


def test_the_number_of_a_paragraph_stays_in_its_line():
    first, *rest = body(6)
    facts = reading(line(word("1.", 60, TOP, confidence=0.3), *first.words), *rest)
    assert resegment_lines(facts) is facts


def test_words_on_both_sides_of_an_upright_rule_are_parted_as_cells():
    left, right = row("NO FOREIGN DISSEM", LEFT, 120), row("TDCS 655", LEFT + 30 * PITCH, 120)
    facts = reading(line(*left, *right), *body(5))
    mask = np.zeros((2000, 2000), np.uint8)
    assert resegment_lines(facts, mask) is facts
    mask[60:220, LEFT + 24 * PITCH : LEFT + 24 * PITCH + 4] = 1
    assert texts(resegment_lines(facts, mask))[:2] == ["NO FOREIGN DISSEM", SENTENCE]
    assert "TDCS 655" in texts(resegment_lines(facts, mask))


@pytest.mark.parametrize("sides", [[(20, 26)], [(20, 20.2), (26, 26.2)]])
def test_a_blot_or_an_outlined_redaction_in_a_line_parts_nothing(sides):
    facts = reading(line(*row("the Government of", LEFT, 120), *row("this country", LEFT + 30 * PITCH, 120)), *body(5))
    mask = np.zeros((2000, 2000), np.uint8)
    for start, end in sides:
        mask[60:220, round(LEFT + start * PITCH) : round(LEFT + end * PITCH)] = 1
    assert resegment_lines(facts, mask) is facts


def test_a_tables_rows_stay_lines_with_and_without_rules():
    names = [
        ("Alexander Knapp.", "Family Brock."),
        ("Gabor Berger.", "Boris Weiner."),
        ("Helene Roth.", "Hugo Roth."),
        ("Max Singer.", "Rosa Hauser."),
    ]
    rows = [line(*row(a, LEFT, 1000 + n * 60), *row(b, LEFT + 30 * PITCH, 1000 + n * 60)) for n, (a, b) in enumerate(names)]
    facts = reading(*body(5), *rows)
    mask = np.zeros((2000, 2000), np.uint8)
    assert resegment_lines(facts, mask) is facts
    mask[950:1300, LEFT + 26 * PITCH : LEFT + 26 * PITCH + 4] = 1
    assert resegment_lines(facts, mask) is facts


def test_the_line_of_a_form_letter_with_a_wide_gap_stays_one():
    facts = reading(line(*row("TO: The Director", LEFT, 120), *row("DATE: May 9th, 1938", LEFT + 36 * PITCH, 120)), *body(5))
    assert resegment_lines(facts) is facts


def test_what_stands_above_is_read_first_and_the_left_column_before_the_right():
    left, right, head = Box(100, 300, 900, 1500), Box(1000, 310, 1800, 1490), Box(100, 100, 1800, 200)
    assert reading_order([(right, 20), (left, 20), (head, 1)]) == [2, 1, 0]


def test_without_evidence_the_engines_order_stays():
    note, text = Box(1200, 100, 1500, 140), Box(100, 90, 900, 1500)
    assert reading_order([(note, 1), (text, 20)]) == [0, 1]
    circle = [(Box(0, 0, 100, 100), 3), (Box(0, 0, 100, 100), 3)]
    assert reading_order(circle) == [0, 1]


def kinds(*parts: tuple[EngineLine, ...], mask: np.ndarray | None = None, height: int = 2000) -> list[list[RegionKind]]:
    regions = [[LayoutLine(one.words, one.box) for one in part] for part in parts]
    flat = [shape for region in regions for shape in region]
    size = median_metrics([word for shape in flat for word in shape.words])
    assert size is not None
    return classify_lines(regions, measure_geometry(flat, size, 2300, height, mask))


def at(text: str, top: int, left: int = LEFT, **about: float) -> EngineLine:
    return line(*row(text, left, top, **about))


TEXT = body(8, top=900)


def test_a_letters_parts_are_told_apart():
    middle = LEFT + len(SENTENCE) * PITCH // 2
    head = at("LEGATION OF THE UNITED STATES", 100, middle - 14 * PITCH)
    date, to = at("Bucharest, January 25, 1939.", 300, LEFT + 20 * PITCH), at("The Honorable", 460)
    facts = kinds(
        (head,), (date,), (to, at("Secretary of State,", 540, LEFT + 60), at("Washington.", 620, LEFT + 120)), (at("Sir:", 740),), TEXT
    )
    assert facts == [["letterhead"], ["addressee"], ["addressee"] * 3, ["body"], ["body"] * 8]


def test_what_a_salutation_closes_is_an_address_without_a_title_too():
    facts = kinds(
        (at("J. C. Branner, Esq.", 500), at("Acting President,", 580), at("Dear Sir:-", 660), *TEXT),
    )
    assert facts == [["addressee", "addressee", *["body"] * 9]]


def test_a_heading_below_the_subject_line_is_no_letterhead():
    middle = LEFT + len(SENTENCE) * PITCH // 2
    assert kinds((at("SUBJECT: Surveys", 200),), (at("CONNECTION WITH TRADE", 300, middle - 10 * PITCH),), TEXT)[:2] == [
        ["addressee"],
        ["body"],
    ]


def test_a_narrow_column_beside_the_text_is_no_note():
    column = tuple(at(text, 1000 + n * LEADING, 30, pitch=14) for n, text in enumerate(["an enclosure", "of the", "seventh of"]))
    assert kinds(TEXT, column)[1] == ["body"] * 3


def test_numbers_and_catchwords_stand_outside_the_text():
    assert kinds((at("-2-", 200, 1200),), TEXT, (at("Using", 1950, 1500),)) == [["margin"], ["body"] * 8, ["footer"]]


def test_a_signature_below_the_text_is_no_footer():
    assert kinds(TEXT, (at("Very truly yours,", 1600, 900),)) == [["body"] * 8, ["body"]]


def test_a_note_beside_the_text_is_marginal():
    assert kinds(TEXT, (at("about", 1000, 60, pitch=20),)) == [["body"] * 8, ["margin"]]


def test_the_letter_of_a_paragraph_is_no_marginal_note():
    assert kinds(TEXT, (at("b.", 1000, 100, pitch=20),)) == [["body"] * 8, ["body"]]


def test_all_lines_of_a_stamp_are_of_it():
    large = {"height": 50}
    first, second, typed_below = (
        at("RETURN TO CIA", 1700, 800, **large),
        at("Beckground Uce Onlv", 1760, 780, **large),
        at("Washington", 1830, 800),
    )
    assert kinds(TEXT, (first, second, typed_below))[1] == ["stamp", "stamp", "body"]


@pytest.mark.parametrize(
    ("text", "about", "kind"),
    [
        ("SECRET", {"pitch": 38, "height": 52}, "stamp"),
        ("SECRFT", {"pitch": 38, "height": 52}, "stamp"),
        ("CONFIDENTIAL", {}, "body"),
        ("2025 RELEASE UNDER THE RECORDS ACT", {}, "stamp"),
        ("the secretary", {"pitch": 38, "height": 52}, "body"),
    ],
)
def test_markings_in_other_type_are_stamps(text, about, kind):
    assert kinds((at(text, 500, **about),), TEXT)[0] == [kind]


def test_lines_as_steep_as_no_typed_one_are_stamps():
    steep = LayoutLine(row("Background use", 400, 1800, slope=0.09), Box(400, 1800, 800, 1870), 0.09)
    level = LayoutLine(row("Background of", 400, 1800), Box(400, 1800, 800, 1870), 0.09)
    regions = [[LayoutLine(one.words, one.box) for one in TEXT], [steep], [level]]
    size = median_metrics([word for one in TEXT for word in one.words])
    assert size is not None
    sheet = measure_geometry(regions[0], size, 2300, 2300)
    assert [facts[0] for facts in classify_lines(regions, sheet)][1:] == ["stamp", "body"]


def test_cells_in_rules_are_a_form_and_underlined_words_are_not():
    cell, plain = at("NO FOREIGN DISSEM", 300), at("Operational Background", 600)
    mask = np.zeros((2000, 2300), np.uint8)
    mask[250:254, 100:2000] = mask[380:384, 100:2000] = 1
    mask[250:384, 130:134] = 1
    mask[636:639, plain.box.left : plain.box.right] = 1
    assert kinds((cell,), (plain,), TEXT, mask=mask) == [["form"], ["body"], ["body"] * 8]


def test_short_cells_below_each_other_are_a_table():
    names = [("Eduard Roth.", "Family Balassa."), ("Gabor Berger.", "Boris Weiner."), ("Helene Roth.", "Hugo Roth.")]
    rows = tuple(line(*row(a, LEFT, 1700 + n * 60), *row(b, LEFT + 30 * PITCH, 1700 + n * 60)) for n, (a, b) in enumerate(names))
    assert kinds(TEXT, rows) == [["body"] * 8, ["table"] * 3]
    assert kinds(TEXT, rows[:2])[1] == ["body"] * 2


def test_without_running_text_everything_is_body():
    assert kinds((at("The Honorable the Secretary", 500),), (at("-2-", 200), at("of State in Washington and others", 800))) == [
        ["body"],
        ["body"] * 2,
    ]


def test_a_pages_regions_say_what_they_are_and_the_text_comes_before_the_margin():
    page, facts = type_rows({0: "The Honorable", 1: "Secretary", 2: "Sir:", **dict.fromkeys(range(5, 13), SENTENCE)})
    note = word("about", 30, TOP + 9 * LEADING, pitch=24)
    page[note.box.top : note.box.bottom, note.box.left : note.box.right : 9] = 20
    at_ = len(facts.lines) - 4
    mixed = replace(facts, lines=(*facts.lines[:at_], line(note, block=2), *(replace(one, block=3) for one in facts.lines[at_:])))
    regions = page_with_gaps(page, mixed).regions
    kept = page_with_gaps(page, mixed, keep_lines=True)
    assert [line.text for line in kept.lines] == [" ".join(word.text for word in line.words) for line in mixed.lines]
    assert [region.kind for region in kept.regions] == ["body", "margin", "body"]
    assert [region.kind for region in regions] == ["addressee", "body", "margin"]
    assert [len(region.lines) for region in regions] == [2, 9, 1]
