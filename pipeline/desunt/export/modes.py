"""What stands in the text of each mode: the page's own words and gaps, and in the accepted text what editors decided about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from desunt.export import Mode
from desunt.record.conjecture import Conjectured, Corrected, Decided, Decision, Illegible, Read, Refused, Segment, Verdict, segments
from desunt.record.document import Document, Gap, Line, Page, Reason, Region, Span, Token, Word, lines_with_pages
from desunt.record.edits import GapEdit, apply_page_edits
from desunt.record.files import Record
from desunt.record.lazy import map_pages

# Decisions that carry a reading, and those by which an editor says what kind of gap a gap is.
READING_VERDICTS: frozenset[Verdict] = frozenset({"accepted", "amended", "corrected"})
REASON_BY_VERDICT: dict[Verdict, Reason] = {"withheld": "withheld", "blank": "blank", "handwriting": "handwriting"}


@dataclass(frozen=True, slots=True)
class RenderedToken:
    """What stands at one place of the text; `text` is what is printed there.

    `decision` is there only where the text is an editor's and not the page's own: it says whose, when, and on what basis. `segment` is
    what is known about the place; it carries no opinion unless the mode is `apparatus`.
    """

    text: str
    segment: Segment
    decision: Decision | None = None

    @property
    def token(self) -> Word | Gap:
        return self.segment.word if isinstance(self.segment, Read | Corrected) else self.segment.gap

    @property
    def is_gap(self) -> bool:
        """Say whether the mark of a gap stands here."""
        return isinstance(self.token, Gap) and self.decision is None

    @property
    def is_guess(self) -> bool:
        """Say whether a conjecture stands here that an editor accepted as such."""
        return self.decision is not None and self.decision.basis != "ink"


def editor_reading(decision: Decision) -> str | None:
    """Return what an editor reads at a place; None where the verdict is no reading, whatever text the decision carries."""
    text = decision.text
    return text if decision.verdict in READING_VERDICTS and text and text.strip() else None


def view_for_mode(record: Record, mode: Mode) -> Record:
    """Return the record as the mode shows it: what the mode must not tell is not there, so that no exporter can tell it.

    diplomatic: the page's own record, without opinions, decisions and edits. accepted: edits applied, decisions kept, no opinions, and
    gaps of the kind an editor gave. apparatus: the page's own record with everything about it.
    """
    match mode:
        case "diplomatic":
            return replace(record, opinions={}, decisions=None, edits=())
        case "accepted":
            return replace(record, document=_apply_decisions(record), opinions={})
        case "apparatus":
            return record
        case _:
            assert_never(mode)


def render_line(line: Line, record: Record, mode: Mode) -> Iterator[RenderedToken]:
    """Yield what stands in a line; the record is one that `in_mode` gave for the mode."""
    for segment in segments(line, record.opinions, record.decisions or {}):
        yield render_token(segment, mode)


def render_token(segment: Segment, mode: Mode) -> RenderedToken:
    """Return what stands at one place; the reading of a gap goes between its surviving letters, that of a word takes its place."""
    match segment:
        case Read(word):
            return RenderedToken(word.text, segment)
        case Corrected(word, decision):
            reading = editor_reading(decision) if mode == "accepted" else None
            if reading:
                return RenderedToken(reading, segment, decision)
            return RenderedToken(word.text, segment)
        case Decided(gap, decision):
            reading = editor_reading(decision) if mode == "accepted" else None
            if reading:
                return RenderedToken(f"{gap.letters.before}{reading}{gap.letters.after}", segment, decision)
            return RenderedToken(gap.printed, segment)
        case Illegible(gap) | Conjectured(gap) | Refused(gap):
            return RenderedToken(gap.printed, segment)
        case _:
            assert_never(segment)


def is_transcript_only(document: Document) -> bool:
    """Say whether the text is a transcript's own, character by character, because there is no scan."""
    return document.transcript is not None and not any(page.image for page in document.pages)


def render_transcript(record: Record, mode: Mode) -> Iterator[str | RenderedToken]:
    """Yield the text of a transcript without a scan: what stands in it, and between that the transcript's own characters.

    The record is one that `in_mode` gave for the mode. What has no usable place in the transcript stays the transcript's own text; a gap
    that an editor added without a place stands behind what comes before it, parted from it by a space.
    """
    assert record.document.transcript is not None
    text, position = record.document.transcript.text, 0
    for _, line in lines_with_pages(record.document):
        for rendered in render_line(line, record, mode):
            if rendered.token.span is None and isinstance(rendered.token, Gap):
                yield from (" ", rendered) if position else (rendered, " ")
            elif rendered.token.span and position <= rendered.token.span[0] < rendered.token.span[1] <= len(text):
                start, end = rendered.token.span
                if start > position:
                    yield text[position:start]
                yield replace(rendered, text=text[start:end]) if _is_unchanged(rendered) else rendered
                position = end
    if position < len(text):
        yield text[position:]


def _is_unchanged(rendered: RenderedToken) -> bool:
    """Say whether the transcript's own characters stand: a word's are not always NFC, and a gap of an editor's has none."""
    return rendered.decision is None and (isinstance(rendered.token, Word) or rendered.token.mark is not None)


def text_for_mode(record: Record, mode: Mode) -> str:
    """Return the text of the mode; for all but `accepted` it is the diplomatic text of the document."""
    return text_of_view(view_for_mode(record, mode), mode)


def text_of_view(view: Record, mode: Mode) -> str:
    """Return the text of a record that `in_mode` gave for the mode."""
    if mode != "accepted":
        return view.document.text
    if is_transcript_only(view.document):
        return "".join(part if isinstance(part, str) else part.text for part in render_transcript(view, mode))
    return "\f".join(page_text(page, view, mode) + "\n" for page in view.document.pages)


def page_text(page: Page, record: Record, mode: Mode) -> str:
    """Return the text of a page: a line a line, an empty line between regions; the record is one that `in_mode` gave."""
    regions = [region.lines for region in page.regions if region.lines]
    return "\n\n".join(
        "\n".join(" ".join(rendered.text for rendered in render_line(line, record, mode)) for line in lines) for lines in regions
    )


def editor_names(record: Record) -> tuple[str, ...]:
    """Return everyone whose decisions or edits the record carries, by name; second readers with them."""
    decisions = (record.decisions or {}).values()
    names = {decision.editor for decision in decisions} | {edit.editor for edit in record.edits}
    return tuple(sorted(names.union(*(decision.confirmed_by for decision in decisions))))


def _apply_decisions(record: Record) -> Document:
    """Return the document with the edits laid over it, and its gaps of the kinds that editors gave them."""
    edits = tuple(_edits_with_spans(record))
    reasons = {
        gap_id: REASON_BY_VERDICT[decision.verdict]
        for gap_id, decision in (record.decisions or {}).items()
        if decision.verdict in REASON_BY_VERDICT
    }
    if not edits and not reasons:
        return record.document

    def change(page: Page) -> Page:
        edited = apply_page_edits(page, edits)
        return replace(edited, regions=tuple(_region_with_reasons(region, reasons) for region in edited.regions)) if reasons else edited

    return replace(record.document, pages=map_pages(record.document.pages, change))


def _edits_with_spans(record: Record) -> Iterator[GapEdit]:
    """Yield the edits; in a transcript their first gap takes the place of the words and gaps it replaces."""
    edited_ids = {token_id for edit in record.edits for token_id in edit.tokens}
    token_spans = ((token.id, token.span) for _, line in lines_with_pages(record.document) for token in line.tokens) if edited_ids else ()
    spans: dict[str, Span | None] = {token_id: span for token_id, span in token_spans if token_id in edited_ids}
    for edit in record.edits:
        replaced_spans = [span for token_id in edit.tokens if (span := spans.get(token_id))]
        gaps = edit.gaps
        if replaced_spans and gaps and not any(gap.span for gap in gaps):
            whole = (min(start for start, _ in replaced_spans), max(end for _, end in replaced_spans))
            gaps = (replace(gaps[0], span=whole), *gaps[1:])
        spans |= {gap.id: gap.span for gap in gaps}
        yield replace(edit, gaps=gaps)


def _region_with_reasons(region: Region, reasons: Mapping[str, Reason]) -> Region:
    lines = (replace(line, tokens=tuple(_with_reason(token, reasons.get(token.id)) for token in line.tokens)) for line in region.lines)
    return replace(region, lines=tuple(lines))


def _with_reason(token: Token, reason: Reason | None) -> Token:
    if reason is None or isinstance(token, Word):
        return token
    # What was withheld must not be told, by an engine's reading either.
    return replace(token, reason=reason, engine_reading=None if reason == "withheld" else token.engine_reading)
