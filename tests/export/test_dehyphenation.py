"""Words divided at line ends: whole in the reading text, divided on the page; nothing but a hyphen's meaning is ever settled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import desunt
from desunt.export import EXPORTERS, Mode, export_files, load_exporter
from desunt.export.dehyphenation import hyphenated_words, text_in_format
from desunt.ocr.engines.alto import parse_alto
from desunt.record.conjecture import Decision
from desunt.record.document import Box, Document, Gap, ImageRef, Line, Page, Region, Token, Word
from desunt.record.files import Record, write_record
from desunt.verify.exports import decode
from desunt.verify.readback import READERS
from tests.support.records import sample_transcript
from tests.support.xml_schemas import complaints, page_needs_data

IMAGE = ImageRef("letter.tif", "a" * 64, 2000, 2000, 300)


def page_of(*regions: str, legibility: float | None = 0.98) -> Page:
    """Return a page: a string a region, its lines parted by `/`; `[]` is a gap. Ids are `w` or `g` and the token's number on the page."""
    number, blocks = 0, []
    for place, region in enumerate(regions):
        lines = []
        for row, text in enumerate(region.split("/")):
            tokens: list[Token] = []
            for at, one in enumerate(text.split()):
                number += 1
                box = Box(20 + 150 * at, 20 + 400 * place + 40 * row, 140 + 150 * at, 50 + 400 * place + 40 * row)
                word = Word(f"w{number}", one, box, "tesseract", legibility, legibility)
                tokens.append(Gap(f"g{number}", box, None, "illegible") if one == "[]" else word)
            lines.append(Line(f"l{place}.{row}", None, tuple(tokens)))
        blocks.append(Region(f"r{place}", "body", None, tuple(lines)))
    return Page(1, IMAGE, tuple(blocks))


def record_of(*regions: str, legibility: float | None = 0.98) -> Record:
    return Record(Document("letter.tif", "letter.tif", (), (page_of(*regions, legibility=legibility),)), {})


def made(name: str, record: Record, mode: Mode) -> bytes:
    exporter = load_exporter(name)
    ((_, part),) = export_files("letter", exporter, mode, record)
    return b"".join(exporter.export(part, lambda _: None, mode))


@pytest.mark.parametrize(
    ("page", "whole"),
    [
        ("the govern-/ment of", "government"),
        ("the cate\u00ad/gories of", "categories"),
        ("a so-/called ally", "so-called"),
        ("twenty-/five men", "twenty-five"),
        ("an (arrange-/ment), and", "(arrangement),"),
        ("at Stan-/ford's door", "Stanford's"),
        ("the anti-/Semitic law", "anti-Semitic"),
        ("ORGAN-/IZATIONAL CHART", "ORGANIZATIONAL"),
        ("FOUR-/HOUR DAY", "FOUR-HOUR"),
        ("a revivifi-/cation of", "revivification"),
        ("our co-operation in co-/operation", "co-operation"),
        ("our co-/operation", "cooperation"),
    ],
)
def test_word_divided_at_the_end_of_a_line_is_found_whole(page, whole):
    assert [one.whole for one in hyphenated_words(page_of(page), record_of(page))] == [whole]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (("the window-/backed plan",), "both halves are words, and neither form is known"),
        (("Dear Sir:-/in reply",), "a dash, for no letter stands before it"),
        (("the answer -/influences",), "a dash that stands alone"),
        (("that man-/The other",), "a capital where no form is known"),
        (("the ap-/i of",), "a single letter is no half"),
        (("in 1938-/39 he",), "a number goes on"),
        (("the govern-", "ment of"), "another region"),
        (("the govern-/[] of",), "a half that was not read"),
        (("the []/ment of",), "a half that was not read"),
        (("the govern-//ment of",), "an empty line lies between"),
    ],
)
def test_line_end_stays_where_the_word_is_in_doubt(page, why):
    assert hyphenated_words(page_of(*page), record_of(*page)) == (), why


def test_doubtful_halves_that_make_no_known_word_are_left_apart():
    for text, wholes in (("rezu-/lations", []), ("regu-/lations", ["regulations"])):
        record = record_of(text, legibility=0.5)
        assert [one.whole for one in hyphenated_words(record.document.pages[0], record)] == wholes


def test_word_that_an_editor_decided_about_is_left_apart():
    record = record_of("the govern-/ment of")
    for half in ("w2", "w3"):
        decided = replace(record, decisions={half: Decision(half, "corrected", "ink", "meant", "M. Editor", "2024-05-01T10:00:00Z")})
        assert hyphenated_words(record.document.pages[0], decided) == ()
        assert "government" not in made("text", decided, "accepted").decode()


def test_reading_text_has_the_word_whole_and_the_diplomatic_text_has_it_divided():
    record = record_of("of the govern-/ment and its con-/sent to/it")
    assert made("text", record, "diplomatic").decode() == "of the govern-\nment and its con-\nsent to\nit\n"
    assert "of the government\nand its consent\nto\nit\n" in made("text", record, "accepted").decode()
    assert "of the government\\\nand its consent\\\nto\\\nit" in made("markdown", record, "diplomatic").decode()
    for name, mode in (("text", "accepted"), ("markdown", "diplomatic")):
        assert "Words divided at line ends are joined." in made(name, record, mode).decode()


def test_line_of_which_nothing_is_left_is_gone_and_parts_no_region():
    assert text_in_format("markdown", record_of("the govern-/ment/of", "another"), "diplomatic") == "the government\nof\n\nanother\n"


def test_notes_count_the_lines_of_the_page():
    assert "Gap 1, page 1, line 3" in made("markdown", record_of("the govern-/ment/of []"), "apparatus").decode()


def test_tei_says_that_no_word_ends_here_and_whose_the_hyphen_is():
    text = made("tei", record_of("the govern-/ment, so-/called"), "diplomatic").decode()
    assert 'the govern<pc force="weak">-</pc>\n<lb n="2" break="no"' in text
    assert 'so-\n<lb n="3" break="no"' in text
    unclear = made("tei", record_of("the govern-/ment", legibility=0.6), "diplomatic").decode()
    assert '>govern<pc force="weak">-</pc></unclear>\n<lb n="2" break="no"' in unclear


def test_alto_has_the_whole_word_at_both_halves_and_is_read_back_as_it_was():
    root = etree.fromstring(made("alto", record_of("the govern-/ment of"), "diplomatic"))
    found = [dict(one.attrib) for one in root.iter("{*}String") if "SUBS_TYPE" in one.attrib]
    assert [(one["CONTENT"], one["SUBS_TYPE"], one["SUBS_CONTENT"]) for one in found] == [
        ("govern", "HypPart1", "government"),
        ("ment", "HypPart2", "government"),
    ]
    assert [one.get("CONTENT") for one in root.iter("{*}HYP")] == ["-"]
    assert [[word.text for word in line.words] for line in parse_alto(root, 1).lines] == [["the", "govern-"], ["ment", "of"]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('SUBS_CONTENT="government"', 'SUBS_CONTENT="governor"'),
        ('SUBS_TYPE="HypPart2" SUBS_CONTENT="government"', ""),
        ('CONTENT="the"', 'CONTENT="the" SUBS_TYPE="Abbreviation" SUBS_CONTENT="quondam"'),
        ('<HYP CONTENT="-"/>', ""),
    ],
)
def test_whole_word_that_its_halves_are_not_is_found_out_in_alto(old, new):
    text = made("alto", record_of("the govern-/ment of"), "diplomatic").decode()
    assert READERS["alto"].text(text) == "the govern-\nment of\n"
    assert old in text
    with pytest.raises(ValueError, match="SUBS_CONTENT"):
        READERS["alto"].text(text.replace(old, new))


def test_transcript_without_a_scan_keeps_its_line_ends():
    record = sample_transcript(text="the govern-\nment [ILLEGIBLE]\n")
    for name in ("text", "markdown"):
        assert text_in_format(name, record, "accepted") == "the govern-\nment [ILLEGIBLE]\n"
        assert "are joined" not in made(name, record, "accepted").decode()


def test_program_can_search_the_words_whole(tmp_path):
    write_record(record_of("the govern-/ment of"), tmp_path / "letter")
    (page,) = desunt.open(tmp_path / "letter").pages
    assert (page.reading, page.text) == ("the government\nof", "the govern-\nment of")


WORDS = st.sampled_from(
    ["govern-", "ment", "self-", "x", "twenty-", "five", "anti-", "Semitic", "[]", "A-", "B", "na\u00efve-", "\u00e9", "-"]
)
PAGES = st.lists(st.lists(st.lists(WORDS, max_size=3).map(" ".join), min_size=1, max_size=4).map("/".join), min_size=1, max_size=2)


@settings(max_examples=25, deadline=None)
@given(pages=PAGES, legibility=st.sampled_from([None, 0.5, 0.98]))
@pytest.mark.parametrize("name", page_needs_data(sorted(name for name, reader in READERS.items() if reader.text and name != "pdf")))
def test_files_read_back_as_their_text_wherever_words_are_divided(name, pages, legibility):
    record = record_of(*pages, legibility=legibility)
    for mode in load_exporter(name).modes:
        content = made(name, record, mode)
        read = str if (name, mode) == ("text", "diplomatic") else READERS[name].text
        shown = READERS[name].normalise
        assert shown(read(decode((load_exporter(name), mode), content, record))) == shown(text_in_format(name, record, mode))
        assert complaints(name, content) == []


@pytest.mark.parametrize("name", EXPORTERS)
def test_no_word_is_lost_or_made(name):
    """Without hyphens and line ends every text is the diplomatic one."""
    record = record_of("of the govern-/ment and so-/called co-/operation/of a rezu-/lation", "another-/one []")
    for mode in load_exporter(name).modes:
        squeezed = text_in_format(name, record, mode).replace("-", "").split()
        assert "".join(squeezed) == "".join(record.document.text.replace("-", "").split())
