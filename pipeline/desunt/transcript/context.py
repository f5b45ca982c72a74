"""The text before and after each gap, as a language model should read it.

Other gaps are an ellipsis, editors' glosses and notes and page marks are left out, letters an editor supplied lose their brackets, and
words divided at a line's end are joined. What a line's end means to nobody is a line feed; the rest of the line ends are spaces.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from desunt.record.document import Document, Gap, Line, Span, Token, Word
from desunt.transcript.marks import Mark, MarkKind, find_marks

# Kinds of marks that are not the text's own words.
HIDDEN_KINDS = frozenset({MarkKind.GLOSS, MarkKind.SIC, MarkKind.PAGE, MarkKind.NOTE})
ELLIPSIS = "…"
CONTEXT_STEP_CHARS = 400

_DOUBT_PREFIX = re.compile(
    r".(?:(?:illegible|unclear|uncertain|perhaps|probably|possibly|presumably|should read|read|recte)\b[:,;]?\s+|\?\s*)", re.I
)


@dataclass(slots=True)
class _DocumentText:
    """The whole document as a language model reads it, growing; and where in it each gap begins and ends."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    tail: str = ""
    gap_spans: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        if text:
            self.parts.append(text)
            self.length += len(text)
            self.tail = (self.tail + text)[-4:]

    def drop_last_char(self) -> None:
        """Take back the last sign: the hyphen at a line's end."""
        self.parts[-1] = self.parts[-1][:-1]
        self.length -= 1
        self.tail = self.tail[:-1]


def gap_contexts(document: Document, before: int = 1200, after: int = 600) -> dict[str, tuple[str, str]]:
    """Return for each gap, by id, some `before` characters (up to a step more) before it and up to `after` after it, cut between words.

    The text before a gap begins at a multiple of `CONTEXT_STEP_CHARS`, so that gaps near each other have texts that begin at one place: a
    model reads what they share once.

    Surviving letters belong to neither. The text after a gap is empty where nobody knows whether the next line continues it.
    """
    document_text = _build_document_text(document)
    text = "".join(document_text.parts)
    return {gap.id: _context_around(text, gap, document_text.gap_spans[gap.id], before, after) for gap in document.gaps}


def _context_around(text: str, gap: Gap, position: tuple[int, int], before: int, after: int) -> tuple[str, str]:
    start, end = position
    first = max(0, start - before) // CONTEXT_STEP_CHARS * CONTEXT_STEP_CHARS
    left = text[first:start]
    if first and not text[first - 1].isspace():
        left = re.sub(r"^\S*\s*", "", left)
    if gap.continues is None:
        return left, ""
    right = text[end : end + after]
    if end + after < len(text) and not text[end + after].isspace():
        right = re.sub(r"\s*\S*$", "", right)
    return left, right


def _build_document_text(document: Document) -> _DocumentText:
    document_text, visible = _DocumentText(), VisibleText(document)
    for page in document.pages:
        for region in page.regions:
            if document_text.length and document_text.tail[-1:] != "\n":
                document_text.add("\n")
            previous: Line | None = None
            for line in region.lines:
                if previous is not None:
                    _append_line_end(document_text, previous, line, visible)
                _append_line(document_text, line, visible)
                previous = line if line.tokens else previous
    return document_text


def _append_line(document_text: _DocumentText, line: Line, visible: VisibleText) -> None:
    previous: Token | None = None
    for token in line.tokens:
        if isinstance(token, Gap):
            _append_space(document_text, previous, token)
            _append_gap(document_text, token)
        else:
            text = visible.text(token)
            if not text:
                continue
            # What is left of `[Dalian],` closes the word before the gloss.
            if not (text != token.text and re.fullmatch(r"[.,;:!?)'\"’”]+", text)):
                _append_space(document_text, previous, token)
            document_text.add(text)
        previous = token


def _append_space(document_text: _DocumentText, previous: Token | None, token: Token) -> None:
    touching = previous is not None and previous.span is not None and token.span is not None and previous.span[1] == token.span[0]
    if previous is not None and not touching and not document_text.tail[-1:].isspace():
        document_text.add(" ")


def _append_gap(document_text: _DocumentText, gap: Gap) -> None:
    start = document_text.length
    document_text.add(gap.letters.before)
    # After the source's own ellipsis a second one would be odd.
    document_text.add("" if document_text.tail.rstrip().endswith(("...", ELLIPSIS)) and not gap.letters.before else ELLIPSIS)
    document_text.add(gap.letters.after)
    document_text.gap_spans[gap.id] = (start, document_text.length)


def _append_line_end(document_text: _DocumentText, line: Line, following: Line, visible: VisibleText) -> None:
    """Join two lines: by a line feed where the first ends in an open gap or was broken on purpose, else by a space or a hyphen's fall."""
    if not line.tokens or not document_text.length:
        return
    last, first = line.tokens[-1], following.tokens[0] if following.tokens else None
    if (isinstance(last, Gap) and last.continues is None) or visible.has_hard_break(last, first):
        document_text.add("\n")
    elif isinstance(last, Word) and isinstance(first, Word) and re.search(r"[^\W\d_][-‐¬]$", last.text) and first.text[0].isalpha():
        if first.text[0].islower() and document_text.tail[-1:] == last.text[-1]:
            document_text.drop_last_char()
    elif not document_text.tail[-1:].isspace():
        document_text.add(" ")


class VisibleText:
    """The words without what editors put between them: as a language model sees them, and as they stand on the page."""

    def __init__(self, document: Document) -> None:
        self._source = document.transcript.text if document.transcript else ""
        self._hidden_spans = [hidden_span for mark in find_marks(self._source) for hidden_span in _hidden_spans(mark, self._source)]
        self._starts = [start for start, _ in self._hidden_spans]

    def text(self, word: Word) -> str:
        if word.span is None or not self._hidden_spans:
            return word.text
        start, end = word.span
        pieces, position = [], start
        for hidden_start, hidden_end in self._within(start, end):
            pieces.append(self._source[position : max(position, hidden_start)])
            position = max(position, hidden_end)
        return unicodedata.normalize("NFC", "".join([*pieces, self._source[position:end]]).strip()) if pieces else word.text

    def has_hard_break(self, last: Token, first: Token | None) -> bool:
        """Tell whether the transcript breaks the line here on purpose: two spaces at its end, in Markdown."""
        if last.span is None or first is None or first.span is None or not self._source:
            return False
        return re.match(r"  +[\r\n]", self._source[last.span[1] : min(first.span[0], last.span[1] + 80)]) is not None

    def _within(self, start: int, end: int) -> Iterator[Span]:
        position = max(0, bisect_right(self._starts, start) - 1)
        while position < len(self._hidden_spans) and self._hidden_spans[position][0] < end:
            if self._hidden_spans[position][1] > start:
                yield self._hidden_spans[position]
            position += 1


def _hidden_spans(mark: Mark, source: str) -> Iterator[Span]:
    """Yield the stretches of the source that a language model does not see."""
    start, end = mark.span
    if mark.kind in HIDDEN_KINDS:
        yield start, end
    elif mark.kind is MarkKind.CONJECTURE:
        # An editor's conjecture is shown without the signs of doubt: `[be?]` is `be`, `[unclear: Moscow]` is `Moscow`.
        opening = _DOUBT_PREFIX.match(source, start)
        yield start, opening.end() if opening else start + 1
        yield (end - 2 if source[end - 2] == "?" else end - 1), end
