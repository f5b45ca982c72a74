"""The gaps of a document as an apparatus lists them: numbered in reading order, each with its place and its context."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias, assert_never

from desunt.export.wording import GapStatus
from desunt.record.conjecture import (
    Candidate,
    Conjectured,
    Corrected,
    Decided,
    Decision,
    Illegible,
    ModelRef,
    Opinion,
    Read,
    Refusal,
    Refused,
    Segment,
    segments,
)
from desunt.record.document import Document, Gap, Line, Page, Word
from desunt.record.files import Record
from desunt.transcript.marks import MarkKind, find_marks

GapSegment: TypeAlias = Illegible | Conjectured | Refused | Decided

GLOSS_WORDS = {
    MarkKind.GLOSS: "gloss",
    MarkKind.CONJECTURE: "an earlier editor's own supposition",
    MarkKind.SIC: "sic",
    MarkKind.NOTE: "note",
}
LINE_END = re.compile(r"\r\n|\n|\r")
# Tokens of context on each side of a gap, and lines on each side in which they are looked for.
CONTEXT_TOKENS = 11
CONTEXT_LINES = 2


@dataclass(frozen=True, slots=True)
class ApparatusEntry:
    """One gap of the apparatus.

    `line` counts the page's lines from 1, or those of the transcript where there is no scan; `before` and `after` are diplomatic text,
    a string a line in reading order: the last of `before` and the first of `after` are of the gap's own line.
    """

    number: int
    page: int
    line: int
    in_transcript: bool
    segment: GapSegment
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def gap(self) -> Gap:
        return self.segment.gap

    @property
    def place(self) -> str:
        return f"line {self.line} of the transcript" if self.in_transcript else f"page {self.page}, line {self.line}"


@dataclass(frozen=True, slots=True)
class _NumberedLine:
    page: Page
    number: int
    line: Line
    segments: tuple[Segment, ...]


def joined_lines(page: Page, record: Record) -> Iterator[tuple[Line, tuple[Segment, ...]]]:
    """Yield the lines of a page with facts, opinions and decisions joined."""
    for line in page.lines:
        yield line, tuple(segments(line, record.opinions, record.decisions or {}))


def entries(record: Record) -> tuple[ApparatusEntry, ...]:
    """Return an entry for each gap of the document, in reading order."""
    return tuple(iter_entries(record))


def iter_entries(record: Record) -> Iterator[ApparatusEntry]:
    """Yield the entries one by one: of a long document with all that is supposed about its gaps, they would fill the memory."""
    number = 0
    for window, center in _context_windows(record):
        for index, segment in enumerate(window[center].segments):
            if not isinstance(segment, Read | Corrected):
                number += 1
                yield _make_entry(number, record.document, window, center, index)


def _context_windows(record: Record) -> Iterator[tuple[list[_NumberedLine], int]]:
    """Yield each line of the document with the lines round it, and its place among them: no more are in memory at a time."""
    lines = (
        _NumberedLine(page, n, *line_segments)
        for page in record.document.pages
        for n, line_segments in enumerate(joined_lines(page, record), start=1)
    )
    window: deque[_NumberedLine] = deque(maxlen=2 * CONTEXT_LINES + 1)
    lines_read = 0
    for line in lines:
        window.append(line)
        lines_read += 1
        if lines_read > CONTEXT_LINES:
            yield list(window), len(window) - 1 - CONTEXT_LINES
    for lines_left in range(min(CONTEXT_LINES, lines_read), 0, -1):
        yield list(window), len(window) - lines_left


def _make_entry(number: int, document: Document, window: list[_NumberedLine], center: int, index: int) -> ApparatusEntry:
    current = window[center]
    segment = current.segments[index]
    assert not isinstance(segment, Read | Corrected)
    line_number = current.number
    in_transcript = document.transcript is not None and segment.gap.span is not None and current.page.image is None
    if in_transcript and document.transcript and segment.gap.span:
        line_number = transcript_line_number(document.transcript.text, segment.gap.span[0])
    before, after = _context_before(window, center, index), _context_after(window, center, index)
    return ApparatusEntry(number, current.page.number, line_number, in_transcript, segment, before, after)


def _context_before(window: list[_NumberedLine], center: int, index: int) -> tuple[str, ...]:
    lines = [_token_texts(line.segments) for line in window[max(0, center - CONTEXT_LINES) : center]]
    nearest_first = [texts[::-1] for texts in (*lines, _token_texts(window[center].segments[:index]))][::-1]
    return tuple("".join(texts[::-1]).strip() for texts in _cut_to_context(nearest_first))[::-1]


def _context_after(window: list[_NumberedLine], center: int, index: int) -> tuple[str, ...]:
    lines = [_token_texts(line.segments) for line in window[center + 1 : center + 1 + CONTEXT_LINES]]
    return tuple("".join(texts).strip() for texts in _cut_to_context([_token_texts(window[center].segments[index + 1 :]), *lines]))


def _cut_to_context(lines: list[list[str]]) -> Iterator[list[str]]:
    """Cut lines of tokens, nearest first, to the length of a context; the gap's own line is kept even if empty."""
    tokens_left = CONTEXT_TOKENS
    for distance, line in enumerate(lines):
        if distance == 0 or (tokens_left > 0 and line):
            yield line[: max(0, tokens_left)]
        tokens_left -= len(line)


def _token_texts(line_segments: Sequence[Segment]) -> list[str]:
    """Return the tokens as the diplomatic text prints them, each with the space behind it; in a transcript some touch."""
    return [
        printed_token(segment) + ("" if _touch(segment, following) else " ")
        for segment, following in zip_longest(line_segments, line_segments[1:])
    ]


def _touch(segment: Segment, following: Segment | None) -> bool:
    ends, begins = _token_of(segment), _token_of(following) if following else None
    return bool(begins and begins.box is None and ends.box is None and ends.span and begins.span and ends.span[1] == begins.span[0])


def _token_of(segment: Segment) -> Word | Gap:
    return segment.word if isinstance(segment, Read | Corrected) else segment.gap


def printed_token(segment: Segment) -> str:
    """Return one token as the diplomatic text prints it."""
    match segment:
        case Read(word) | Corrected(word):
            return word.text
        case Illegible(gap) | Conjectured(gap) | Refused(gap) | Decided(gap):
            return gap.printed
        case _:
            assert_never(segment)


def status_of(entry: ApparatusEntry) -> GapStatus:
    """Return what is known about a gap in one word."""
    match entry.segment:
        case Illegible(gap) | Refused(gap) if gap.reason == "withheld":
            return "withheld"
        case Conjectured():
            return "conjectured"
        case Refused():
            return "refused"
        case Decided():
            return "decided"
        case Illegible():
            return "silent"
        case _:
            assert_never(entry.segment)


def opinion_of(segment: GapSegment) -> Opinion | None:
    """Return what a model supposes about the gap, or its refusal."""
    match segment:
        case Illegible():
            return None
        case Conjectured(_, conjecture):
            return conjecture
        case Refused(_, refusal):
            return refusal
        case Decided(_, _, opinion):
            return opinion
        case _:
            assert_never(segment)


def decision_of(segment: GapSegment) -> Decision | None:
    """Return what an editor decided about the gap."""
    match segment:
        case Decided(_, decision):
            return decision
        case Illegible() | Conjectured() | Refused():
            return None
        case _:
            assert_never(segment)


def refusal_reason(segment: GapSegment) -> str | None:
    """Return why no reading is offered; None where one is, or where nobody was asked."""
    opinion = opinion_of(segment)
    return opinion.reason if isinstance(opinion, Refusal) else None


def candidates_of(segment: GapSegment) -> tuple[Candidate, ...]:
    """Return the candidates of the gap, best first, offered or not."""
    opinion = opinion_of(segment)
    return opinion.candidates if opinion else ()


def models_of(record: Record) -> tuple[ModelRef, ...]:
    """Return the models that were asked, each once, in the order of the gaps."""
    opinions = (opinion_of(entry.segment) for entry in iter_entries(record))
    return tuple(dict.fromkeys(opinion.model for opinion in opinions if opinion and opinion.model))


def transcript_line_number(text: str, offset: int) -> int:
    """Return the line, from 1, in which a character of a transcript stands."""
    return sum(1 for _ in LINE_END.finditer(text, 0, offset)) + 1


def glosses_of(document: Document) -> tuple[tuple[int, str, str], ...]:
    """Return what earlier editors added to a transcript in brackets: line, kind in words, and the text."""
    if document.transcript is None:
        return ()
    text = document.transcript.text
    return tuple(
        (transcript_line_number(text, mark.span[0]), GLOSS_WORDS[mark.kind], mark.text)
        for mark in find_marks(text)
        if mark.kind in GLOSS_WORDS
    )
