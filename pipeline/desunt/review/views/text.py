"""The diplomatic text of a page in pieces, each with its box, and where editors have said something about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from desunt.export.wording import per_cent, vouch_of
from desunt.record.conjecture import Conjectured, Corrected, Decided, Decision, Illegible, Read, Refused, Segment, segments
from desunt.record.document import Box, Gap, Line, Page, Word
from desunt.record.files import Record

PieceKind: TypeAlias = Literal["word", "unclear", "corrected", "gap", "refused", "withheld", "silent", "decided"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or a gap's mark of the diplomatic text.

    `text` is what the page says and nothing else; `said` is what an editor made of it, `title` a sentence about it.
    """

    id: str
    text: str
    kind: PieceKind
    box: Box | None
    said: str = ""
    title: str = ""

    @property
    def is_gap(self) -> bool:
        return self.kind not in ("word", "unclear", "corrected")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of the page; `number` counts from 1, `opens` says that a new region begins with it."""

    id: str
    number: int
    box: Box | None
    opens: bool
    pieces: tuple[Piece, ...]


def text_lines(page: Page, record: Record, *, hidden: frozenset[str] = frozenset()) -> tuple[TextLine, ...]:
    """Return the lines of a page; decisions about the tokens in `hidden` are not shown (a second reader must not see the first's)."""
    decisions = {token: said for token, said in (record.decisions or {}).items() if token not in hidden}
    vouch, number, lines = vouch_of(record), 0, []
    for region in page.regions:
        for place, line in enumerate(region.lines):
            number += 1
            pieces = tuple(_piece(one, vouch) for one in segments(line, record.opinions, decisions))
            lines.append(TextLine(line.id, number, line.box, place == 0 and number > 1, pieces))
    return tuple(lines)


def _piece(segment: Segment, vouch: float) -> Piece:
    match segment:
        case Read(word):
            return _word(word, vouch)
        case Corrected(word, decision):
            return Piece(word.id, word.text, "corrected", word.box, _said(decision), f"corrected by {decision.editor}")
        case Decided(gap, decision):
            return Piece(gap.id, gap.printed, "decided", gap.box, _said(decision), f"{_verdict(decision)} by {decision.editor}")
        case Conjectured(gap):
            return Piece(gap.id, gap.printed, "gap", gap.box, "", "a gap with conjectures")
        case Refused(gap):
            return Piece(gap.id, gap.printed, _kind(gap, "refused"), gap.box, "", "a gap for which no reading is offered")
        case Illegible(gap):
            return Piece(gap.id, gap.printed, _kind(gap, "silent"), gap.box, "", "a gap about which nothing is supposed")
        case _:
            assert_never(segment)


def _kind(gap: Gap, kind: PieceKind) -> PieceKind:
    return "withheld" if gap.reason == "withheld" else kind


def _word(word: Word, vouch: float) -> Piece:
    if word.legibility is None or word.legibility >= vouch:
        return Piece(word.id, word.text, "word", word.box)
    return Piece(word.id, word.text, "unclear", word.box, "", f"unclear: read with {per_cent(word.legibility)}")


def _said(decision: Decision) -> str:
    """Say in a word what was decided, a guess called so."""
    if decision.text is None:
        return _verdict(decision)
    return f"{decision.text} ({'read in the ink' if decision.basis == 'ink' else 'a guess accepted'})"


def _verdict(decision: Decision) -> str:
    return decision.verdict.replace("-", " ")


def place_of(record: Record, token_id: str) -> tuple[Page, Line, Word | Gap] | None:
    """Return the page, line and token of an id; None if the document as it is shown has no such token."""
    return next((found for found in _tokens(record) if found[2].id == token_id), None)


def _tokens(record: Record) -> Iterator[tuple[Page, Line, Word | Gap]]:
    for page in record.document.pages:
        for line in page.lines:
            for token in line.tokens:
                yield page, line, token
