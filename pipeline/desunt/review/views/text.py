"""The diplomatic text of a page, each word and gap with its box, and where editors have said something about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from desunt.export.wording import per_cent, vouch_threshold
from desunt.record.conjecture import Conjectured, Corrected, Decided, Decision, Illegible, Read, Refused, Segment, segments
from desunt.record.document import Box, Gap, Line, Page, Word
from desunt.record.files import Record

TokenKind: TypeAlias = Literal["word", "unclear", "corrected", "gap", "refused", "withheld", "silent", "decided"]


@dataclass(frozen=True, slots=True)
class TextToken:
    """A word or a gap's mark of the diplomatic text.

    `text` is what the page says and nothing else; `said` is what an editor made of it, `title` a sentence about it.
    `engine_reading` is what the engine made of a gap: evidence that may be shown beside the text, never text.
    """

    id: str
    text: str
    kind: TokenKind
    box: Box | None
    said: str = ""
    title: str = ""
    engine_reading: str = ""

    @property
    def is_gap(self) -> bool:
        return self.kind not in ("word", "unclear", "corrected")


@dataclass(frozen=True, slots=True)
class PageTextLine:
    """A line of the page; `number` counts from 1, `opens` says that a new region begins with it."""

    id: str
    number: int
    box: Box | None
    opens: bool
    pieces: tuple[TextToken, ...]


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """A word or gap with its line and page."""

    page: Page
    line: Line
    token: Word | Gap


def text_lines(page: Page, record: Record, *, hidden: frozenset[str] = frozenset()) -> tuple[PageTextLine, ...]:
    """Return the lines of a page; decisions about the tokens in `hidden` are not shown (a second reader must not see the first's)."""
    decisions = {token_id: decision for token_id, decision in (record.decisions or {}).items() if token_id not in hidden}
    threshold, number, lines = vouch_threshold(record), 0, []
    for region in page.regions:
        for place, line in enumerate(region.lines):
            number += 1
            pieces = tuple(_text_token(segment, threshold) for segment in segments(line, record.opinions, decisions))
            lines.append(PageTextLine(line.id, number, line.box, place == 0 and number > 1, pieces))
    return tuple(lines)


def _text_token(segment: Segment, threshold: float) -> TextToken:
    match segment:
        case Read(word):
            return _word_token(word, threshold)
        case Corrected(word, decision):
            return TextToken(word.id, word.text, "corrected", word.box, _decision_words(decision), f"corrected by {decision.editor}")
        case Decided(gap, decision):
            title = f"{_verdict_words(decision)} by {decision.editor}"
            return TextToken(gap.id, gap.printed, "decided", gap.box, _decision_words(decision), title)
        case Conjectured(gap):
            return _gap_token(gap, "gap", "a gap with conjectures")
        case Refused(gap):
            return _gap_token(gap, _gap_kind(gap, "refused"), "a gap for which no reading is offered")
        case Illegible(gap):
            return _gap_token(gap, _gap_kind(gap, "silent"), "a gap about which nothing is supposed")
        case _:
            assert_never(segment)


def _gap_token(gap: Gap, kind: TokenKind, title: str) -> TextToken:
    return TextToken(gap.id, gap.printed, kind, gap.box, "", title, gap.engine_reading or "")


def _gap_kind(gap: Gap, kind: TokenKind) -> TokenKind:
    return "withheld" if gap.reason == "withheld" else kind


def _word_token(word: Word, threshold: float) -> TextToken:
    if word.legibility is None or word.legibility >= threshold:
        return TextToken(word.id, word.text, "word", word.box)
    return TextToken(word.id, word.text, "unclear", word.box, "", f"unclear: read with {per_cent(word.legibility)}")


def _decision_words(decision: Decision) -> str:
    """Say in a word what was decided, a guess called so."""
    if decision.text is None:
        return _verdict_words(decision)
    return f"{decision.text} ({'read in the ink' if decision.basis == 'ink' else 'a guess accepted'})"


def _verdict_words(decision: Decision) -> str:
    return decision.verdict.replace("-", " ")


def find_token(record: Record, token_id: str) -> TokenPlace | None:
    """Return the token of an id in its line; None if the document as it is shown has no such token."""
    return next((place for place in _token_places(record) if place.token.id == token_id), None)


def _token_places(record: Record) -> Iterator[TokenPlace]:
    for page in record.document.pages:
        for line in page.lines:
            for token in line.tokens:
                yield TokenPlace(page, line, token)
