"""The text round a gap, as a language model reads it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from desunt.record.document import Box, Document, Gap, Line, Page, Region, Word
from desunt.transcript import gap_contexts, transcript_document
from desunt.transcript.context import CONTEXT_STEP_CHARS


def document_of(text: str) -> Document:
    return transcript_document(text.encode(), path="cable.txt", document_id="cable")


def test_the_context_is_what_a_language_model_should_read() -> None:
    text = (
        "Title: T\nSummary: not in the context\n\nWith reference to Darien [Dalian], it [sic] may [be?] that Mei[kl]ejohn [Page 2] met\n"
        "[REDACTED] and s[????] of [ILLEGIBLE]\n\nNext opera-\ntion of Mosc[..]w ended."
    )
    document = document_of(text)
    withheld, letters, open_end, city = document.gaps
    assert gap_contexts(document)[withheld.id] == (
        "With reference to Darien, it may be that Meiklejohn met ",
        " and s… of …\nNext operation of Mosc…w ended.",
    )
    assert gap_contexts(document)[letters.id][0].endswith("met … and ")
    assert gap_contexts(document)[open_end.id][1] == ""
    assert gap_contexts(document)[city.id][0].endswith("and s… of …\nNext operation of ")
    assert gap_contexts(document)[city.id][1] == " ended."


def test_the_context_keeps_to_its_length_and_to_whole_words() -> None:
    document = document_of("far " * 99 + "away beta gamma [ILLEGIBLE] delta epsilon zeta")
    (gap,) = document.gaps
    assert gap_contexts(document, 9, 9)[gap.id] == ("beta gamma ", " delta")
    assert gap_contexts(document, 9, 9) == {gap.id: ("beta gamma ", " delta")}


def test_texts_before_near_gaps_begin_at_one_place() -> None:
    document = document_of("the railroads of [ILLEGIBLE] and the ports\n" * 30)
    texts = [before for before, _ in gap_contexts(document, 40, 40).values()]
    near = [(first, second) for first, second in pairwise(texts) if second.startswith(first)]
    assert len(near) >= 24
    assert all(40 - len("railroads ") <= len(before) < 40 + CONTEXT_STEP_CHARS for before in texts[2:])


def test_lines_of_a_scan_are_joined_with_their_hyphens() -> None:
    def word(text: str) -> Word:
        return Word(text, text, Box(0, 0, 9, 9), "tesseract")

    gap = Gap("g", Box(0, 0, 9, 9), None, "illegible")
    lines = (
        Line("1", None, (word("The"), word("opera-"))),
        Line("2", None, (word("tion"), gap, word("Sino-"))),
        Line("3", None, (word("Soviet"), word("treaty"))),
    )
    document = Document(
        "d", "d", (), (Page(1, None, (Region("r", "body", None, lines), Region("s", "body", None, (Line("4", None, (word("end"),)),)))),)
    )
    assert gap_contexts(document) == {"g": ("The operation ", " Sino-Soviet treaty\nend")}


def test_two_thousand_gaps_cost_no_more_than_their_text() -> None:
    document = document_of("the railroads of [ILLEGIBLE] and the ports\n" * 2000)
    texts = gap_contexts(document)
    assert len(texts) == 2000
    before, after = texts[document.gaps[1000].id]
    assert before.endswith("the ports the railroads of ")
    assert after.startswith(" and the ports the railroads of … and")


def test_an_aligned_document_uses_the_same_words() -> None:
    document = document_of("port of Darien [Dalian], [ILLEGIBLE] it")
    assert gap_contexts(replace(document, source="scan.tif")) == {document.gaps[0].id: ("port of Darien, ", " it")}
