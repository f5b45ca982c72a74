"""The body of a TEI file: the text letter by letter, with gaps, doubtful words, and in the accepted text what editors read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from desunt.export.dehyphenation import hyphenated_words
from desunt.export.formats.tei.names import (
    TEI,
    XML_ID,
    XML_SPACE,
    TeiContext,
    extent_attributes,
    is_doubtful,
    line_zone_id,
    region_zone_id,
    surface_id,
    word_zone_id,
)
from desunt.export.gap_entries import GLOSS_WORDS
from desunt.export.modes import RenderedToken, is_transcript_only, render_line, render_transcript
from desunt.export.xml import add_text, element, subelement
from desunt.record.conjecture import Corrected, Decided
from desunt.record.document import Gap, Line, Page, Span, Token, Word
from desunt.transcript.brackets import MarkKind, find_marks

# A line or a page of a transcript ends here; the form feed itself cannot stand in XML.
LINE_OR_PAGE_END = re.compile(r"\r\n|[\n\r\f]")
GLOSS_TYPES = {MarkKind.GLOSS: "gloss", MarkKind.CONJECTURE: "supposition", MarkKind.SIC: "sic", MarkKind.NOTE: "note"}
assert GLOSS_TYPES.keys() == GLOSS_WORDS.keys()


def body_of(view: TeiContext) -> Iterator[etree._Element]:
    """Yield the blocks of the text, page breaks before them; a transcript without a scan is one block, as its text is one."""
    document = view.shown.document
    if is_transcript_only(document):
        yield _transcript_block(view)
        return
    for page in document.pages:
        yield element(f"{{{TEI}}}pb", {"n": page.number, "facs": f"#{surface_id(page)}" if page.image else None})
        yield from _blocks(page, view)
    if not document.pages:
        yield element(f"{{{TEI}}}ab")


def _blocks(page: Page, view: TeiContext) -> Iterator[etree._Element]:
    number = 0
    divided = hyphenated_words(page, view.shown)
    goes_on, hyphens = {one.second for one in divided}, {one.first for one in divided if not one.hyphen}
    for place, region in enumerate(page.regions, 1):
        if not region.lines:
            continue
        facs = f"#{region_zone_id(page, place)}" if region.box and page.image else None
        block = element(f"{{{TEI}}}ab", {XML_SPACE: "preserve", "type": region.kind, "facs": facs})
        for row, line in enumerate(region.lines):
            number += 1
            if row:
                add_text(block, "\n")
            breaks = "no" if line.tokens and line.tokens[0].id in goes_on else None
            subelement(
                block, "lb", {"n": number, "break": breaks, "facs": f"#{line_zone_id(page, number)}" if line.box and page.image else None}
            )
            _write_line(block, line, page, number, view)
            if line.tokens and line.tokens[-1].id in hyphens:
                _mark_hyphen(block)
        yield block


def _write_line(block: etree._Element, line: Line, page: Page, number: int, view: TeiContext) -> None:
    for place, one in enumerate(render_line(line, view.shown, view.mode), 1):
        if place > 1:
            add_text(block, " ")
        _write_token(block, one, view, _zone_pointer(one.token, view, word_zone_id(page, number, place)) if page.image else None)


def _mark_hyphen(block: etree._Element) -> None:
    """Make an element of the hyphen that a line ends in: it is the line end's, and not the word's."""
    last = block[-1]
    if last.tail:
        last.tail, hyphen = last.tail[:-1], last.tail[-1]
        subelement(block, "pc", {"force": "weak"}, hyphen)
    else:
        # The half is unclear, and its hyphen with it.
        text = last.text or ""
        last.text = text[:-1]
        subelement(last, "pc", {"force": "weak"}, text[-1:])


def _zone_pointer(token: Token, view: TeiContext, word: str) -> str | None:
    if token.box is None:
        return None
    return f"#zone-{view.places[token.id]}" if isinstance(token, Gap) else f"#{word}"


def _write_token(block: etree._Element, one: RenderedToken, view: TeiContext, zone: str | None) -> None:
    """Write what stands at one place; `zone` points to where it is on the scan."""
    token = one.token
    if one.decision is not None:
        _write_accepted(block, one, view, zone)
    elif isinstance(token, Gap):
        _write_gap(block, token, one.text, view, zone)
    elif isinstance(one.segment, Corrected):
        # In the apparatus file an entry points here; what the page's own record says stands.
        subelement(block, "seg", {XML_ID: view.places[token.id], "facs": zone}, one.text)
    elif is_doubtful(token, view.vouch):
        subelement(block, "unclear", {"cert": token.legibility, "resp": "#desunt", "facs": zone}, one.text)
    else:
        add_text(block, one.text)


def _write_gap(block: etree._Element, gap: Gap, printed: str, view: TeiContext, zone: str | None) -> None:
    """Write a gap; its surviving letters stand outside it, and its mark in its description."""
    before, after = gap.letters.before, gap.letters.after
    if not (printed.startswith(before) and printed.endswith(after) and len(printed) > len(before) + len(after)):
        before = after = ""
    add_text(block, before)
    about = {"reason": gap.reason, **extent_attributes(gap), "resp": "#desunt", "facs": zone}
    made = subelement(block, "gap", {XML_ID: view.places[gap.id], "n": gap.id, **about})
    subelement(made, "desc", {}, printed[len(before) : len(printed) - len(after)])
    add_text(block, after)


def _write_accepted(block: etree._Element, one: RenderedToken, view: TeiContext, zone: str | None) -> None:
    """Write a reading of an editor: a guess as `supplied`, what was read in the ink as `unclear`, a word read otherwise as `seg`."""
    decision, token = one.decision, one.token
    assert decision is not None
    about: dict[str, object | None] = {XML_ID: view.places[token.id], "resp": view.resp(decision)}
    if isinstance(one.segment, Decided):
        gap = one.segment.gap
        add_text(block, gap.letters.before)
        if one.is_guess:
            about |= {"reason": gap.reason, "evidence": "conjecture", "source": "#conjectures", "facs": zone}
            subelement(block, "supplied", about, decision.text or "")
        else:
            subelement(block, "unclear", {**about, "reason": gap.reason, "evidence": "internal", "facs": zone}, decision.text or "")
        add_text(block, gap.letters.after)
    elif one.is_guess:
        subelement(block, "supplied", {**about, "reason": "illegible", "evidence": "conjecture", "facs": zone}, one.text)
    else:
        subelement(block, "seg", {**about, "type": "corrected", "facs": zone}, one.text)


def _transcript_block(view: TeiContext) -> etree._Element:
    """Return a transcript as it came, line ends and glosses included."""
    transcript = view.shown.document.transcript
    assert transcript is not None
    block = element(f"{{{TEI}}}ab", {XML_SPACE: "preserve", "type": "transcript"})
    glosses = [(mark.span, GLOSS_TYPES[mark.kind]) for mark in find_marks(transcript.text) if mark.kind in GLOSS_TYPES][::-1]
    for piece in _transcript_runs(view):
        if isinstance(piece, RenderedToken):
            _write_token(block, piece, view, None)
            continue
        if isinstance(piece, str):
            add_text(block, piece)
            continue
        start, end = piece
        while glosses and glosses[-1][0][0] < end:
            (opens, closes), kind = glosses.pop()
            if start <= opens and closes <= end:
                _write_transcript_text(block, transcript.text[start:opens])
                _write_transcript_text(
                    subelement(block, "note", {"type": kind, "place": "inline", "resp": "#transcriber"}), transcript.text[opens:closes]
                )
                start = closes
        _write_transcript_text(block, transcript.text[start:end])
    return block


def _transcript_runs(view: TeiContext) -> Iterator[Span | RenderedToken | str]:
    """Yield the stretches of a transcript that stand as they came, as long as may be, and between them what is more than text.

    A string is the space that parts a gap without a place, which an editor added, from the transcript's own text.
    """
    transcript = view.shown.document.transcript
    assert transcript is not None
    start = at = 0
    for piece in render_transcript(view.shown, view.mode):
        if isinstance(piece, str):
            continue
        begins, at = piece.token.span or (at, at)
        if isinstance(piece.token, Word) and piece.token.id not in view.places:
            continue
        if start < begins:
            yield start, begins
        start = at
        yield from (piece,) if piece.token.span else (" ", piece) if at else (piece, " ")
    if start < len(transcript.text):
        yield start, len(transcript.text)


def _write_transcript_text(block: etree._Element, text: str) -> None:
    """Write the transcript's own characters; `pb` stands for the form feed at the end of a page, `lb` behind the end of a line."""
    at = 0
    for found in LINE_OR_PAGE_END.finditer(text):
        if found[0] == "\f":
            add_text(block, text[at : found.start()])
            subelement(block, "pb")
        else:
            add_text(block, text[at : found.end()])
            subelement(block, "lb")
        at = found.end()
    add_text(block, text[at:])
