"""One gap as an editor sees it: its ink, its text, and, apart from both, what a machine supposes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from desunt.export.wording import REASON_WORDS, decision_in_words, extent_in_words
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, ModelRef, Opinion, Refusal, split_by_support
from desunt.record.document import Gap
from desunt.record.files import Record
from desunt.review.auth import CurrentUser
from desunt.review.environment import Environment, document_key
from desunt.review.store.types import GapRow, NotFound, Occurrence, Status
from desunt.review.views.list_key import list_key
from desunt.review.views.picture import LinePicture, PageMark, PagePicture, line_picture, page_picture
from desunt.review.views.text import PageTextLine, TokenPlace, find_token, text_lines

# Candidates that a digit key takes; other places are looked up for them, and for so many of those that no key takes.
MAX_DIGIT_KEYS = 9
MAX_OCCURRENCES = 3
MAX_LOOKED_UP_UNOFFERED = 5

ReadingMode: TypeAlias = Literal["decide", "blind", "second"]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One kind of evidence, in words."""

    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class OccurrenceView:
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
    evidence: tuple[EvidenceView, ...]
    elsewhere: tuple[OccurrenceView, ...]


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
    how: ReadingMode
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
    text: tuple[PageTextLine, ...]
    following: tuple[str, ...]

    @property
    def candidates(self) -> tuple[CandidateView, ...]:
        return (*self.offered, *self.possible, *self.weighed)


def gap_view(
    desk: Environment, user: CurrentUser, row: GapRow, *, how: ReadingMode = "decide", blind: str | None = None,
    following: Sequence[str] = (),
) -> GapView:  # fmt: skip
    """Return a gap as the user sees it; `blind` is what they typed before the list appeared, None if they have not."""
    record = desk.store.index.edited_record(row.document_id)
    place = find_token(record, row.gap_id)
    if place is None or not isinstance(place.token, Gap):
        raise NotFound(f"gap {row.gap_id} is no longer on its page", remedy="an editor changed the gaps of this line; go on with the queue")
    how = "blind" if how == "decide" and user.blind_first and row.status == "open" else how
    full = _full_view(desk, record, row, place, place.token, how)
    view = replace(full, following=tuple(following), blind=blind)
    return view if how == "decide" or blind is not None else without_list(view)


def without_list(view: GapView) -> GapView:
    """Return the view without anything the machine supposes: not hidden, not there."""
    return replace(view, listed=False, offered=(), possible=(), weighed=(), none_of_these=None, refusal=None, model=None, list_key="")


def _full_view(desk: Environment, record: Record, row: GapRow, place: TokenPlace, gap: Gap, how: ReadingMode) -> GapView:
    opinion = record.opinions.get(gap.id)
    offered, possible, weighed = _candidate_lists(desk, row, opinion)
    second = how == "second"
    decision = None if second else (record.decisions or {}).get(gap.id)
    lines = text_lines(place.page, record, hidden=frozenset({gap.id}) if second else frozenset())
    return GapView(
        gap_id=gap.id, document=document_key(row.document_id), title=desk.library.find_by_id(row.document_id).title,
        page=place.page.number, line=row.line,
        reason=REASON_WORDS[gap.reason], extent=extent_in_words(gap), engine_reading=gap.engine_reading,
        letters_before=gap.letters.before, letters_after=gap.letters.after,
        status="open" if second else row.status, version=row.version, how=how, listed=True, blind=None,
        refusal=opinion.reason if isinstance(opinion, Refusal) else None,
        offered=offered, possible=possible, weighed=weighed,
        none_of_these=opinion.none_of_these if opinion and opinion.candidates else None, model=opinion.model if opinion else None,
        list_key=list_key(opinion), decision=decision_in_words(decision) if decision else None,
        reading=decision.text if decision else None,
        standing_uid=desk.store.decisions.standing(gap.id).uid if decision else None,
        line_picture=line_picture(document_key(row.document_id), place),
        picture=page_picture(place.page.image, gap_marks(lines)), text=lines, following=(),
    )  # fmt: skip


def gap_marks(lines: Sequence[PageTextLine]) -> tuple[PageMark, ...]:
    """Return the boxes of all gaps of a page."""
    tokens = (token for line in lines for token in line.pieces)
    return tuple(PageMark(token.id, token.kind, token.box) for token in tokens if token.is_gap and token.box)


# The candidates that a key takes, those that are only possible, and those that were weighed and are not offered.
CandidateLists: TypeAlias = tuple[tuple[CandidateView, ...], tuple[CandidateView, ...], tuple[CandidateView, ...]]


def _candidate_lists(desk: Environment, row: GapRow, opinion: Opinion | None) -> CandidateLists:
    if opinion is None:
        return (), (), ()
    supported, possible = split_by_support(opinion.candidates)
    possible_views = _views_without_keys(desk, row, possible)
    if isinstance(opinion, Refusal):
        return (), possible_views, _views_without_keys(desk, row, supported)
    offered = (
        _candidate_view(desk, row, candidate, key if key <= MAX_DIGIT_KEYS else None, key <= MAX_DIGIT_KEYS)
        for key, candidate in enumerate(supported, start=1)
    )
    return tuple(offered), possible_views, ()


def _views_without_keys(desk: Environment, row: GapRow, candidates: Sequence[Candidate]) -> tuple[CandidateView, ...]:
    return tuple(_candidate_view(desk, row, candidate, None, rank < MAX_LOOKED_UP_UNOFFERED) for rank, candidate in enumerate(candidates))


def _candidate_view(desk: Environment, row: GapRow, candidate: Candidate, key: int | None, looked_up: bool) -> CandidateView:
    evidence = tuple(EvidenceView(item.kind, item.says) for item in candidate.evidence)
    elsewhere = _find_occurrences(desk, row, candidate.text) if looked_up else ()
    return CandidateView(CONJECTURE_LABEL, candidate.text, candidate.probability, key, candidate.possible, evidence, elsewhere)


def _find_occurrences(desk: Environment, row: GapRow, text: str) -> tuple[OccurrenceView, ...]:
    in_document = desk.store.index.find_occurrences(text, row.document_id, MAX_OCCURRENCES)
    in_collection = desk.store.index.find_occurrences(text, None, MAX_OCCURRENCES + 1)
    elsewhere = [occurrence for occurrence in in_collection if occurrence.document_id != row.document_id]
    return tuple(_occurrence_view(desk, row, occurrence) for occurrence in (*in_document, *elsewhere[:MAX_OCCURRENCES]))


def _occurrence_view(desk: Environment, row: GapRow, occurrence: Occurrence) -> OccurrenceView:
    document_id = occurrence.document_id
    return OccurrenceView(
        document_key(document_id), desk.library.find_by_id(document_id).title, occurrence.page, occurrence.line, occurrence.word_id,
        document_id == row.document_id,
    )  # fmt: skip
