"""One gap as an editor sees it: its ink, its text, and, apart from both, what a machine supposes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from desunt.export.wording import REASONS, decision_in_words, extent_in_words
from desunt.record.conjecture import LABEL, Candidate, ModelRef, Opinion, Refusal, by_support
from desunt.record.document import Gap, Line, Page
from desunt.record.files import Record
from desunt.review.auth import Person
from desunt.review.environment import Environment, document_key
from desunt.review.store.types import GapRow, Occurrence, Status, Unknown
from desunt.review.views.picture import LinePicture, Mark, PagePicture, line_picture, page_picture
from desunt.review.views.shown import list_key
from desunt.review.views.text import Piece, TextLine, place_of, text_lines

# Candidates that a digit key takes; other places are looked up for so many.
KEYS = 9
PLACES = 3
WEIGHED = 5

How: TypeAlias = Literal["decide", "blind", "second"]


@dataclass(frozen=True, slots=True)
class Said:
    """One kind of evidence, in words."""

    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A place where a candidate stands as read text."""

    document: str
    title: str
    page: int
    line: str
    word_id: str
    same_document: bool


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A CONJECTURE; `key` is the digit that takes it, None if it is only possible or not offered."""

    label: str
    text: str
    probability: float
    key: int | None
    possible: bool
    evidence: tuple[Said, ...]
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class GapView:
    """All that the page of a gap shows.

    `listed` says whether the list is part of this page: blind-first and second readers type before they see it. `offered` are the
    candidates that a key takes, `possible` those that one must look at twice, `weighed` those of a refusal.
    """

    gap_id: str
    document: str
    title: str
    page: int
    line: int
    reason: str
    extent: str
    engine_reading: str | None
    letters_before: str
    letters_after: str
    status: Status
    version: str
    how: How
    listed: bool
    blind: str | None
    refusal: str | None
    offered: tuple[CandidateView, ...]
    possible: tuple[CandidateView, ...]
    weighed: tuple[CandidateView, ...]
    none_of_these: float | None
    model: ModelRef | None
    list_key: str
    decision: str | None
    reading: str | None
    standing_uid: str | None
    line_picture: LinePicture | None
    picture: PagePicture | None
    text: tuple[TextLine, ...]
    following: tuple[str, ...]

    @property
    def candidates(self) -> tuple[CandidateView, ...]:
        return (*self.offered, *self.possible, *self.weighed)


def gap_view(
    desk: Environment, person: Person, row: GapRow, *, how: How = "decide", blind: str | None = None,
    following: Sequence[str] = (),
) -> GapView:  # fmt: skip
    """Return a gap as the person sees it; `blind` is what they typed before the list appeared, None if they have not."""
    record = desk.store.index.shown(row.document_id)
    found = place_of(record, row.gap_id)
    if found is None or not isinstance(found[2], Gap):
        raise Unknown(f"gap {row.gap_id} is no longer on its page", remedy="an editor changed the gaps of this line; go on with the queue")
    page, line, gap = found[0], found[1], found[2]
    how = "blind" if how == "decide" and person.blind_first and row.status == "open" else how
    shown = _whole(desk, record, row, page, line, gap, how)
    view = replace(shown, following=tuple(following), blind=blind)
    return view if how == "decide" or blind is not None else without_list(view)


def without_list(view: GapView) -> GapView:
    """Return the view without anything the machine supposes: not hidden, not there."""
    return replace(view, listed=False, offered=(), possible=(), weighed=(), none_of_these=None, refusal=None, model=None, list_key="")


def _whole(desk: Environment, record: Record, row: GapRow, page: Page, line: Line, gap: Gap, how: How) -> GapView:
    opinion = record.opinions.get(gap.id)
    offered, possible, weighed = _sorted(desk, row, opinion)
    second = how == "second"
    decision = None if second else (record.decisions or {}).get(gap.id)
    lines = text_lines(page, record, hidden=frozenset({gap.id}) if second else frozenset())
    return GapView(
        gap_id=gap.id, document=document_key(row.document_id), title=desk.library.of(row.document_id).title,
        page=page.number, line=row.line,
        reason=REASONS[gap.reason], extent=extent_in_words(gap), engine_reading=gap.engine_reading,
        letters_before=gap.letters.before, letters_after=gap.letters.after,
        status="open" if second else row.status, version=row.version, how=how, listed=True, blind=None,
        refusal=opinion.reason if isinstance(opinion, Refusal) else None,
        offered=offered, possible=possible, weighed=weighed,
        none_of_these=opinion.none_of_these if opinion and opinion.candidates else None, model=opinion.model if opinion else None,
        list_key=list_key(opinion),
        decision=decision_in_words(decision) if decision else None, reading=decision.text if decision else None,
        standing_uid=desk.store.decisions.standing(gap.id).uid if decision else None,
        line_picture=line_picture(document_key(row.document_id), page, line, gap),
        picture=page_picture(page.image, marks_of(lines)), text=lines,
        following=(),
    )  # fmt: skip


def marks_of(lines: Sequence[TextLine]) -> tuple[Mark, ...]:
    """Return the boxes of all gaps of a page."""
    return tuple(Mark(piece.id, piece.kind, piece.box) for line in lines for piece in line.pieces if piece.is_gap and piece.box)


def pieces_of(view: GapView) -> list[Piece]:
    """Return the pieces of the page's text in reading order."""
    return [piece for line in view.text for piece in line.pieces]


Three = tuple[tuple[CandidateView, ...], tuple[CandidateView, ...], tuple[CandidateView, ...]]


def _sorted(desk: Environment, row: GapRow, opinion: Opinion | None) -> Three:
    """Return the candidates that a key takes, those that are only possible, and those that are not offered."""
    if opinion is None:
        return (), (), ()
    sure, possible = by_support(opinion.candidates)
    doubtful = tuple(_candidate(desk, row, one, None, place < WEIGHED) for place, one in enumerate(possible))
    if isinstance(opinion, Refusal):
        return (), doubtful, tuple(_candidate(desk, row, one, None, place < WEIGHED) for place, one in enumerate(sure))
    offered = (_candidate(desk, row, one, key if key <= KEYS else None, key <= KEYS) for key, one in enumerate(sure, start=1))
    return tuple(offered), doubtful, ()


def _candidate(desk: Environment, row: GapRow, one: Candidate, key: int | None, looked_up: bool) -> CandidateView:
    evidence = tuple(Said(said.kind, said.says) for said in one.evidence)
    elsewhere = _elsewhere(desk, row, one.text) if looked_up else ()
    return CandidateView(LABEL, one.text, one.probability, key, one.possible, evidence, elsewhere)


def _elsewhere(desk: Environment, row: GapRow, text: str) -> tuple[Elsewhere, ...]:
    index = desk.store.index
    here = index.occurrences(text, row.document_id, PLACES)
    others = [place for place in index.occurrences(text, None, PLACES + 1) if place.document_id != row.document_id]
    return tuple(_place(desk, row, place) for place in (*here, *others[:PLACES]))


def _place(desk: Environment, row: GapRow, place: Occurrence) -> Elsewhere:
    title, same = desk.library.of(place.document_id).title, place.document_id == row.document_id
    return Elsewhere(document_key(place.document_id), title, place.page, place.line, place.word_id, same)
