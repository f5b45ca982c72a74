"""Series: gaps of which the engine made the same, shown together, then decided together, each logged and undone for itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from desunt.record.conjecture import Basis, Opinion
from desunt.record.decision_log import LogEntry
from desunt.record.document import Gap
from desunt.review.auth import Desk, EditorUser, SignedInUser
from desunt.review.decision_form import MAX_NOTE_LETTERS, MAX_TEXT_LETTERS, require_same_list
from desunt.review.environment import Environment, document_key
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back
from desunt.review.store.types import GapRow, Invalid, Proposal, SeriesMember, SeriesOutcome, SeriesRow
from desunt.review.views.entry_words import describe_entry
from desunt.review.views.list_key import list_key
from desunt.review.views.picture import LinePicture, line_picture
from desunt.review.views.text import find_token

MAX_SHOWN_GAPS = 200
MAX_SUGGESTIONS = 5

SeriesKey = Annotated[str, Query(max_length=300, description="key of the series")]
SeriesId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$", description="id of a decision on a series")]
PickedGap = Annotated[str, Field(pattern="^[0-9a-zA-Z_-]{1,64}:[0-9a-f]{0,100}(:[0-9a-f]{12})?$")]


@dataclass(frozen=True, slots=True)
class DecidedSeriesView:
    """A decision on many gaps, in words."""

    series: str
    said: str
    editor: str
    at: str
    number: int


@dataclass(frozen=True, slots=True)
class SeriesList:
    """The series with open gaps, and what was decided together before."""

    rows: tuple[SeriesRow, ...]
    decided: tuple[DecidedSeriesView, ...]


@dataclass(frozen=True, slots=True)
class SeriesMemberView:
    """One gap of a series with its ink; `picked` is what the form sends for it."""

    member: SeriesMember
    title: str
    document: str
    picked: str
    picture: LinePicture | None


@dataclass(frozen=True, slots=True)
class SeriesView:
    """The open gaps of a series; `suggested` are their first candidates, each a CONJECTURE, with the number of gaps where it is first."""

    series: str
    engine_reading: str
    members: tuple[SeriesMemberView, ...]
    suggested: tuple[tuple[str, int], ...]


class SeriesForm(BaseModel):
    """One decision about the gaps that were picked, each as `gap id:version`, with the `list_key` of what was shown behind."""

    picked: list[PickedGap] = Field([], max_length=MAX_SHOWN_GAPS)
    verdict: Literal["accepted", "amended", "rejected", "left-open", "withheld", "blank", "handwriting", ""] = ""
    accept: str = Field("", max_length=MAX_TEXT_LETTERS)
    text: str = Field("", max_length=MAX_TEXT_LETTERS)
    basis: Basis = "guess"
    note: str = Field("", max_length=MAX_NOTE_LETTERS)


def series_list(desk: Desk, user: SignedInUser) -> SeriesList:
    """Return the series that have at least two open gaps, most first."""
    return SeriesList(desk.store.series.list(), tuple(map(_decided_view, desk.store.series.decided())))


def _decided_view(outcome: SeriesOutcome) -> DecidedSeriesView:
    first: LogEntry | None = outcome.entries[0] if outcome.entries else None
    said, editor, at = (describe_entry(first), first.editor, first.at) if first else ("all undone", "", "")
    return DecidedSeriesView(outcome.series, said, editor, at, len(outcome.entries))


def series(desk: Desk, user: SignedInUser, key: SeriesKey) -> SeriesView:
    """Return the open gaps of a series, side by side."""
    members = desk.store.series.members(key, limit=MAX_SHOWN_GAPS)
    undecided = [member for member in members if member.gap.status in ("open", "left-open")]
    gaps = [member.gap for member in undecided]
    first = Counter(gap.top for gap in gaps if gap.top and gap.refusal is None)
    reading = next((gap.engine_reading for gap in gaps if gap.engine_reading), "")
    return SeriesView(key, reading, tuple(_member_view(desk, member) for member in undecided), tuple(first.most_common(MAX_SUGGESTIONS)))


def _member_view(desk: Environment, member: SeriesMember) -> SeriesMemberView:
    gap, key = member.gap, document_key(member.gap.document_id)
    place = find_token(desk.store.index.edited_record(gap.document_id), gap.gap_id)
    picture = line_picture(key, place) if place and isinstance(place.token, Gap) else None
    picked = f"{gap.gap_id}:{gap.version}:{list_key(_opinion(desk, gap))}"
    return SeriesMemberView(member, desk.library.find_by_id(gap.document_id).title, key, picked, picture)


def _opinion(desk: Environment, gap: GapRow) -> Opinion | None:
    return desk.store.index.stored_record(gap.document_id).opinions.get(gap.gap_id)


def decide_series(desk: Desk, user: EditorUser, form: SeriesForm) -> SeriesOutcome:
    """Log one decision for every gap that was picked, each an entry of its own."""
    if not form.picked:
        raise Invalid("no gap was picked", remedy="tick the places that the decision is about")
    return desk.store.series.decide([_proposal(desk, user.name, picked, form) for picked in form.picked])


def _proposal(desk: Environment, editor: str, picked: str, form: SeriesForm) -> Proposal:
    gap_id, version, *seen = picked.split(":")
    row, text = desk.store.index.find_gap(gap_id), (form.accept or form.text).strip()
    require_same_list(_opinion(desk, row), "".join(seen))
    verdict = ("accepted" if text == row.top else "amended") if form.accept else form.verdict
    has_text = verdict in ("accepted", "amended")
    if not verdict or (has_text and not text):
        raise Invalid("nothing was decided", remedy="take a reading, type one, or say what the places are")
    return Proposal(
        gap_id, verdict, editor, version, form.basis if has_text else None, text if has_text else None, form.note.strip(),
        (row.top,) if row.top else (), document_id=row.document_id,
    )  # fmt: skip


def decide_series_by_form(desk: Desk, user: EditorUser, form: Annotated[SeriesForm, Form()]) -> Response:
    """Log the decision and show the list of series, where it can be undone."""
    decide_series(desk, user, form)
    return redirect_back("/series")


def undo_series(desk: Desk, user: EditorUser, series_id: SeriesId) -> tuple[LogEntry, ...]:
    """Undo all of a decision on a series that is still in force."""
    return desk.store.series.undo(series_id, user.name)


def undo_series_by_form(desk: Desk, user: EditorUser, series_id: SeriesId) -> Response:
    """Undo it and show the list of series."""
    undo_series(desk, user, series_id)
    return redirect_back("/series")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/series", "series_list.html.j2", series_list, SeriesList)
    add_page_and_api(pages, api, "/series/gaps", "series.html.j2", series, SeriesView)
    pages.post("/series/decisions")(decide_series_by_form)
    pages.post("/series/decisions/{series_id}/undo")(undo_series_by_form)
    api.post("/series/decisions", status_code=201, responses=CHANGE_RESPONSES)(decide_series)
    api.post("/series/decisions/{series_id}/undo", status_code=201, responses=CHANGE_RESPONSES)(undo_series)
