"""A transcript over its scan: the transcript's words in the scan's places, its gaps with boxes, ink and lengths."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desunt.errors import InputError
from desunt.record.document import Box, Document, Extent, Gap, ImageRef, Line, Page, Region, RegionKind, Token, Word
from desunt.transcript import gap_contexts, transcript_document
from desunt.transcript.alignment import align

STEP, LEADING, HEIGHT = 20, 60, 30


def text_of(text: str) -> Document:
    return transcript_document(text.encode(), path="cable.txt", document_id="cable")


def at(row: int, column: int, length: int) -> Box:
    """The box of so many letters of a typewriter with a step of 20 pixels, with the bearings of real letters."""
    return Box(100 + STEP * column + 1, 100 + LEADING * row, 100 + STEP * (column + length) - 3, 100 + LEADING * row + HEIGHT)


def typed(row: int, text: str) -> Line:
    """A line as the engine read it: `#` is a gap with what it made of the ink (`#` alone: nothing), `~` is paper."""
    tokens: list[Token] = []
    column = 0
    for word_text in text.split(" "):
        name, box = f"{row}-{column}", at(row, column, max(1, len(word_text)))
        if word_text.startswith("#"):
            reading = word_text.strip("#") or None
            tokens.append(Gap(name, box, None, "illegible", reading))
        elif word_text.strip("~"):
            tokens.append(Word(name, word_text, box, "tesseract", 0.9))
        column += len(word_text) + 1
    return Line(f"line {row}", tokens[0].box if tokens else None, tuple(tokens))


def paged(number: int, lines: tuple[Line, ...], kind: RegionKind = "body") -> Page:
    return Page(number, ImageRef("scan.tif", "0" * 64, 1600, 1200, 300), (Region(f"r{number}", kind, None, lines),) if lines else ())


def page_of(*lines: str, number: int = 1) -> Page:
    return paged(number, tuple(typed(row, line) for row, line in enumerate(lines)))


def aligned(text: str, *pages: Page) -> Document:
    return align(text_of(text), pages, document_id="scan", source="scan.tif")


FRAME = "He spoke about Chinese Eastern and South Manchurian"


def one_gap(text: str, line: str) -> Gap:
    """Return the gap of a line that follows a line from which the pitch is known."""
    (gap,) = aligned(f"{FRAME}\n{text}", page_of(FRAME, line)).gaps
    return gap


def boxes_of(document: Document) -> dict[str, Box | None]:
    return {t.text: t.box for page in document.pages for line in page.lines for t in line.tokens if isinstance(t, Word)}


def test_the_transcripts_words_take_the_places_of_the_misread_ones() -> None:
    document = aligned(
        "Stalin proposed that the ownership\nof the railroads", page_of("Sta1in propcsed thst thc 0wnership", "of tne railroads")
    )
    assert document.text == "Stalin proposed that the ownership\nof the railroads\n"
    assert boxes_of(document)["proposed"] == at(0, 7, 8)
    assert {t.engine for t in document.pages[0].lines[0].tokens if isinstance(t, Word)} == {"transcript"}
    assert (document.id, document.source, document.notes) == ("scan", "scan.tif", ())
    assert document.transcript is not None


def test_lines_are_the_scans_not_the_transcripts() -> None:
    document = aligned(
        "Stalin proposed that the ownership should be Russian", page_of("Stalin proposed that", "the ownership should be", "Russian")
    )
    assert [line.text for line in document.pages[0].lines] == ["Stalin proposed that", "the ownership should be", "Russian"]


def test_merged_and_divided_words_have_their_share_or_their_union() -> None:
    boxes = boxes_of(aligned("control ofthe operation of Russia", page_of("control of the opera tion ofRussia")))
    assert boxes["ofthe"] == at(0, 8, 2).union(at(0, 11, 3))
    assert boxes["operation"] == at(0, 15, 5).union(at(0, 21, 4))
    assert boxes["of"] is not None
    assert boxes["Russia"] is not None
    assert at(0, 26, 8).left == boxes["of"].left < boxes["of"].right < boxes["Russia"].left < boxes["Russia"].right <= at(0, 26, 8).right


def test_a_word_divided_at_the_lines_end_has_the_box_of_its_first_part() -> None:
    document = aligned("the operation of Chinese railroads", page_of("the opera-", "tion of Chinese", "railroads"))
    assert boxes_of(document)["operation"] == at(0, 4, 6)
    assert document.text == "the operation\nof Chinese\nrailroads\n"
    assert document.notes == ()


def test_words_the_engine_lost_stay_behind_the_word_before_them() -> None:
    document = aligned("Half the revenues and considerable duties of the port", page_of("Half the duties of the port"))
    assert document.text == "Half the revenues and considerable duties of the port\n"
    assert boxes_of(document)["considerable"] is None
    assert document.notes == ("3 of the transcript's 9 words were not found on the scan and have no box",)


def test_faded_words_have_the_paper_that_fits_them() -> None:
    document = aligned(
        "both could have naval facilities\nin Port Arthur and Darien",
        page_of("both could have ~~~~~ facilities", "in Port Arthur and Darien"),
    )
    box = boxes_of(document)["naval"]
    assert box is not None
    assert box.overlap(at(0, 16, 5)) > 0.6


def test_glosses_stand_in_the_text_without_a_place_on_the_page() -> None:
    document = aligned("the port of Darien [Dalian], Stalin [sic] said", page_of("the port of Darien, Stalin said"))
    assert document.text == "the port of Darien [Dalian], Stalin [sic] said\n"
    assert boxes_of(document)["[Dalian],"] is None
    assert document.notes == ()


def test_a_gap_gets_the_ink_between_its_neighbours() -> None:
    gap = one_gap("Stalin proposed the [ILLEGIBLE] of Chinese railroads", "Stalin proposed the 0wn3r5hjp of Chinese railroads")
    start = len(FRAME) + 21
    assert (gap.box, gap.engine_reading, gap.mark, gap.span) == (at(1, 20, 9), "0wn3r5hjp", "[ILLEGIBLE]", (start, start + 11))
    assert (gap.extent, gap.continues) == (Extent("character", 8, 10), False)


def test_ids_depend_on_the_scans_name_and_the_place_in_the_transcript() -> None:
    text, page = "Stalin proposed the [ILLEGIBLE] of Chinese railroads", page_of("Stalin proposed the 0wn3r5hjp of Chinese railroads")
    (gap,) = aligned(text, page).gaps
    assert aligned(text, page_of("Stalin proposed the of Chinese railroads")).gaps[0].id == gap.id
    assert align(text_of(text), (page,), document_id="other", source="x").gaps[0].id != gap.id


def test_a_word_like_one_after_the_gap_stays_in_the_gap() -> None:
    """The first `the` of the scan belongs to the lost words: the transcript's `the` is the second."""
    document = aligned(
        "ownership of [ILLEGIBLE] the railroads was Russian", page_of("ownership of the m1nes and the railroads was Russian")
    )
    (gap,) = document.gaps
    assert gap.engine_reading == "the m1nes and"
    assert gap.box == at(0, 13, 3).union(at(0, 23, 3))


def test_unread_ink_is_a_gap_of_its_width() -> None:
    gap = one_gap("Stalin proposed [ILLEGIBLE] of Chinese railroads now", "Stalin proposed ########## of Chinese railroads now")
    assert (gap.box, gap.engine_reading, gap.extent) == (at(1, 16, 10), None, Extent("character", 9, 11))


def test_a_gap_without_ink_has_the_paper_between_its_neighbours() -> None:
    gap = one_gap("Stalin proposed [ILLEGIBLE] of Chinese railroads now", "Stalin proposed ~~~~~~~~~~ of Chinese railroads now")
    assert gap.box is not None
    assert gap.box.overlap(at(1, 16, 10)) > 0.8
    assert gap.extent is not None
    assert gap.extent.least <= 10 <= (gap.extent.most or 0) <= 12


def test_a_gap_at_the_end_of_its_line_reaches_at_most_to_the_margin() -> None:
    text = "Stalin is making demands upon [ILLEGIBLE]\nhopes to be able to find [ILLEGIBLE]\nthe ownership should be Russian and was so"
    first, second = aligned(
        text, page_of("Stalin is making demands upon xh0u", "hopes to be able to find", "the ownership should be Russian and was so")
    ).gaps
    assert (first.engine_reading, first.box) == ("xh0u", at(0, 30, 4))
    assert first.extent == Extent("character", 3, 13)
    assert (second.engine_reading, second.continues) == (None, None)
    assert second.box is not None
    assert second.box.left > at(1, 20, 4).right
    assert second.extent is not None
    assert second.extent.least == 1
    assert 16 <= (second.extent.most or 0) <= 19


def test_a_gap_of_whole_lines_is_one_box_and_one_reading() -> None:
    document = aligned(
        "Stalin proposed Russian ownership\n[2 lines illegible]\nof the Chinese railroads",
        page_of("Stalin proposed Russian ownership", "qzx wvut", "jkl mnp #", "of the Chinese railroads"),
    )
    (gap,) = document.gaps
    assert gap.box == at(1, 0, 3).union(at(2, 8, 1))
    assert gap.engine_reading == "qzx wvut jkl mnp"
    assert gap.extent == Extent("line", 2, 2)


def test_what_is_withheld_keeps_no_reading() -> None:
    (gap,) = aligned("He met [name not declassified] in the port", page_of("He met Sm1th in the port")).gaps
    assert (gap.reason, gap.engine_reading, gap.box) == ("withheld", None, at(0, 7, 5))


def test_letters_and_lengths_a_transcriber_gives_outrank_what_is_measured() -> None:
    (gap,) = aligned("Stalin went to Mosc[..] in July of 1945", page_of("Stalin went to M0zovv in July of 1945")).gaps
    assert (gap.letters.before, gap.extent, gap.mark, gap.engine_reading) == ("Mosc", Extent("character", 2, 2), "Mosc[..]", "M0zovv")


def test_ink_the_engine_made_a_line_of_its_own_stands_among_its_neighbours() -> None:
    """A blot higher than its line is found apart from it."""
    lines = (
        typed(0, "Stalin proposed ~~~~~~~~~~ of Chinese railroads"),
        Line("blot", None, (Gap("b", Box(420, 80, 617, 150), None, "illegible"),)),
    )
    (gap,) = aligned("Stalin proposed [ILLEGIBLE] of Chinese railroads", paged(1, lines)).gaps
    assert gap.box == Box(420, 80, 617, 150)
    assert gap.id != "b"


def test_a_stamp_beside_a_gap_is_not_its_ink() -> None:
    regions = (
        Region("a", "body", None, (typed(0, "Stalin proposed the"),)),
        Region("s", "stamp", None, (typed(1, "RECEIVED #"),)),
        Region("b", "body", None, (typed(2, "wxyzk of Chinese railroads"),)),
    )
    page = replace(paged(1, ()), regions=regions)
    (gap,) = aligned("Stalin proposed the [ILLEGIBLE] of Chinese railroads", page).gaps
    assert (gap.engine_reading, gap.box) == ("wxyzk", at(2, 0, 5))


def test_what_only_the_engine_read_is_told_page_by_page() -> None:
    document = aligned(
        "Stalin proposed\nthe ownership", page_of("SECRET", "Stalin proposed #"), page_of("the ownership", "RECEIVED 1945", number=2)
    )
    assert document.text == "Stalin proposed\n\fthe ownership\n"
    assert document.notes == (
        "page 1: the engine read words that the transcript does not have: SECRET",
        "page 1: the engine could not read 1 places for which the transcript has neither word nor mark",
        "page 2: the engine read words that the transcript does not have: RECEIVED 1945",
    )


def test_a_withheld_area_of_the_scan_stays_though_the_transcript_does_not_mark_it() -> None:
    lines = (
        typed(0, "Stalin proposed that"),
        Line("bar", None, (Gap("w", Box(100, 300, 900, 340), None, "withheld"),)),
        typed(5, "the ownership"),
    )
    document = aligned("Stalin proposed that the ownership", paged(1, lines))
    assert [(gap.id, gap.reason) for gap in document.gaps] == [("w", "withheld")]
    assert document.text == "Stalin proposed that\n[WITHHELD]\nthe ownership\n"
    assert document.notes == ("page 1: the scan shows a withheld area that the transcript does not mark",)


def test_the_wrong_transcript_is_told() -> None:
    document = aligned("entirely different subjects were under discussion", page_of("Molotov raised coal production"))
    assert document.notes[0].startswith("only 0 of the transcript's 6 words were found")
    assert document.text == "entirely different subjects were under discussion\n"


def test_an_empty_scan_still_holds_the_transcript() -> None:
    document = aligned("Stalin [ILLEGIBLE] proposed", paged(1, ()))
    assert document.text == "Stalin [ILLEGIBLE] proposed\n"
    with pytest.raises(InputError, match="no page"):
        align(text_of("x"), (), document_id="d", source="d")


def test_the_context_of_an_aligned_gap_leaves_out_glosses() -> None:
    document = aligned(
        "port of Darien [Dalian], he [ILLEGIBLE] the opera-\ntion", page_of("port of Darien, he wxyzk", "the opera-", "tion")
    )
    assert list(gap_contexts(document).values()) == [("port of Darien, he ", " the operation")]


WORDS = st.sampled_from(
    ["the", "of", "Stalin", "railroads", "port", "[Dalian]", "[ILLEGIBLE]", "[REDACTED]", "s[??]", "ownership", "Russia", ".", "\n", "be"]
)
LINES = st.lists(
    st.sampled_from(["the", "0f", "Sta1in", "railroads", "port", "#", "#abc", "Russia", "xx", "ownershiprailroads", "|"]),
    min_size=1,
    max_size=7,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=30), st.lists(LINES, max_size=5))
def test_nothing_of_the_transcript_is_lost_moved_or_doubled(words: list[str], lines: list[list[str]]) -> None:
    source = text_of("A " + " ".join(words))
    document = align(source, (page_of(*map(" ".join, lines)),), document_id="d", source="d")
    spans = [t.span for page in source.pages for line in page.lines for t in line.tokens]
    placed = [t for page in document.pages for line in page.lines for t in line.tokens]
    assert [t.span for t in placed] == spans
    assert len({t.id for t in placed}) == len(placed)
    assert all(gap.engine_reading is None for gap in document.gaps if gap.reason == "withheld")
    note_words = " ".join(document.notes).split()
    read = {t.text for row, line in enumerate(lines) for t in typed(row, " ".join(line)).tokens if isinstance(t, Word)}
    kept = " ".join(gap.engine_reading or "" for gap in document.gaps).split()
    if not any(token.box for token in placed):
        # Where nothing was placed, all that the engine read must be told.
        assert read <= set(note_words) | set(kept)
