"""The body of a TEI file: the text letter by letter, with gaps, doubtful words, and in the accepted text what editors read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from desunt.export.dehyphenation import hyphenated_words
from desunt.export.formats.tei.context import (
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
from desunt.transcript.marks import MarkKind, find_marks

# A line or a page of a transcript ends here; the form feed itself cannot stand in XML.
LINE_OR_PAGE_END = re.compile(r"\r\n|[\n\r\f]")
GLOSS_TYPES = {MarkKind.GLOSS: "gloss", MarkKind.CONJECTURE: "supposition", MarkKind.SIC: "sic", MarkKind.NOTE: "note"}
assert GLOSS_TYPES.keys() == GLOSS_WORDS.keys()


def body_of(context: TeiContext) -> Iterator[etree._Element]:
    """Yield the blocks of the text, page breaks before them; a transcript without a scan is one block, as its text is one."""
    document = context.view.document
    if is_transcript_only(document):
        yield _transcript_block(context)
        return
    for page in document.pages:
        yield element(f"{{{TEI}}}pb", {"n": page.number, "facs": f"#{surface_id(page)}" if page.image else None})
        yield from _blocks(page, context)
    if not document.pages:
        yield element(f"{{{TEI}}}ab")


def _blocks(page: Page, context: TeiContext) -> Iterator[etree._Element]:
    line_number = 0
    hyphenated = hyphenated_words(page, context.view)
    second_half_ids, line_end_hyphen_ids = (
        {word.second_id for word in hyphenated},
        {word.first_id for word in hyphenated if not word.keeps_hyphen},
    )
    for region_number, region in enumerate(page.regions, 1):
        if not region.lines:
            continue
        facs = f"#{region_zone_id(page, region_number)}" if region.box and page.image else None
        block = element(f"{{{TEI}}}ab", {XML_SPACE: "preserve", "type": region.kind, "facs": facs})
        for line_index, line in enumerate(region.lines):
            line_number += 1
            if line_index:
                add_text(block, "\n")
            breaks = "no" if line.tokens and line.tokens[0].id in second_half_ids else None
            subelement(
                block,
                "lb",
                {"n": line_number, "break": breaks, "facs": f"#{line_zone_id(page, line_number)}" if line.box and page.image else None},
            )
            _write_line(block, line, page, line_number, context)
            if line.tokens and line.tokens[-1].id in line_end_hyphen_ids:
                _mark_hyphen(block)
        yield block


def _write_line(block: etree._Element, line: Line, page: Page, line_number: int, context: TeiContext) -> None:
    for token_number, rendered in enumerate(render_line(line, context.view, context.mode), 1):
        if token_number > 1:
            add_text(block, " ")
        _write_token(
            block,
            rendered,
            context,
            _zone_pointer(rendered.token, context, word_zone_id(page, line_number, token_number)) if page.image else None,
        )


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


def _zone_pointer(token: Token, context: TeiContext, word: str) -> str | None:
    if token.box is None:
        return None
    return f"#zone-{context.xml_ids[token.id]}" if isinstance(token, Gap) else f"#{word}"


def _write_token(block: etree._Element, rendered: RenderedToken, context: TeiContext, zone: str | None) -> None:
    """Write what stands at one place; `zone` points to where it is on the scan."""
    token = rendered.token
    if rendered.decision is not None:
        _write_accepted(block, rendered, context, zone)
    elif isinstance(token, Gap):
        _write_gap(block, token, rendered.text, context, zone)
    elif isinstance(rendered.segment, Corrected):
        # In the apparatus file an entry points here; what the page's own record says stands.
        subelement(block, "seg", {XML_ID: context.xml_ids[token.id], "facs": zone}, rendered.text)
    elif is_doubtful(token, context.vouch):
        subelement(block, "unclear", {"cert": token.legibility, "resp": "#desunt", "facs": zone}, rendered.text)
    else:
        add_text(block, rendered.text)


def _write_gap(block: etree._Element, gap: Gap, printed: str, context: TeiContext, zone: str | None) -> None:
    """Write a gap; its surviving letters stand outside it, and its mark in its description."""
    before, after = gap.letters.before, gap.letters.after
    if not (printed.startswith(before) and printed.endswith(after) and len(printed) > len(before) + len(after)):
        before = after = ""
    add_text(block, before)
    attributes = {"reason": gap.reason, **extent_attributes(gap), "resp": "#desunt", "facs": zone}
    gap_element = subelement(block, "gap", {XML_ID: context.xml_ids[gap.id], "n": gap.id, **attributes})
    subelement(gap_element, "desc", {}, printed[len(before) : len(printed) - len(after)])
    add_text(block, after)


def _write_accepted(block: etree._Element, rendered: RenderedToken, context: TeiContext, zone: str | None) -> None:
    """Write a reading of an editor: a guess as `supplied`, what was read in the ink as `unclear`, a word read otherwise as `seg`."""
    decision, token = rendered.decision, rendered.token
    assert decision is not None
    attributes: dict[str, object | None] = {XML_ID: context.xml_ids[token.id], "resp": context.resp(decision)}
    if isinstance(rendered.segment, Decided):
        gap = rendered.segment.gap
        add_text(block, gap.letters.before)
        if rendered.is_guess:
            attributes |= {"reason": gap.reason, "evidence": "conjecture", "source": "#conjectures", "facs": zone}
            subelement(block, "supplied", attributes, decision.text or "")
        else:
            subelement(block, "unclear", {**attributes, "reason": gap.reason, "evidence": "internal", "facs": zone}, decision.text or "")
        add_text(block, gap.letters.after)
    elif rendered.is_guess:
        subelement(block, "supplied", {**attributes, "reason": "illegible", "evidence": "conjecture", "facs": zone}, rendered.text)
    else:
        subelement(block, "seg", {**attributes, "type": "corrected", "facs": zone}, rendered.text)


def _transcript_block(context: TeiContext) -> etree._Element:
    """Return a transcript as it came, line ends and glosses included."""
    transcript = context.view.document.transcript
    assert transcript is not None
    block = element(f"{{{TEI}}}ab", {XML_SPACE: "preserve", "type": "transcript"})
    glosses = [(mark.span, GLOSS_TYPES[mark.kind]) for mark in find_marks(transcript.text) if mark.kind in GLOSS_TYPES][::-1]
    for run in _transcript_runs(context):
        if isinstance(run, RenderedToken):
            _write_token(block, run, context, None)
            continue
        if isinstance(run, str):
            add_text(block, run)
            continue
        start, end = run
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


def _transcript_runs(context: TeiContext) -> Iterator[Span | RenderedToken | str]:
    """Yield the stretches of a transcript that stand as they came, as long as may be, and between them what is more than text.

    A string is the space that parts a gap without a place, which an editor added, from the transcript's own text.
    """
    transcript = context.view.document.transcript
    assert transcript is not None
    run_start = end = 0
    for part in render_transcript(context.view, context.mode):
        if isinstance(part, str):
            continue
        part_start, end = part.token.span or (end, end)
        if isinstance(part.token, Word) and part.token.id not in context.xml_ids:
            continue
        if run_start < part_start:
            yield run_start, part_start
        run_start = end
        yield from (part,) if part.token.span else (" ", part) if end else (part, " ")
    if run_start < len(transcript.text):
        yield run_start, len(transcript.text)


def _write_transcript_text(block: etree._Element, text: str) -> None:
    """Write the transcript's own characters; `pb` stands for the form feed at the end of a page, `lb` behind the end of a line."""
    position = 0
    for match in LINE_OR_PAGE_END.finditer(text):
        if match[0] == "\f":
            add_text(block, text[position : match.start()])
            subelement(block, "pb")
        else:
            add_text(block, text[position : match.end()])
            subelement(block, "lb")
        position = match.end()
    add_text(block, text[position:])
