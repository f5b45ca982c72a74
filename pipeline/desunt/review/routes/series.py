"""Series: gaps of which the engine made the same, shown together, then decided together, each logged and undone for itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from desunt.record.conjecture import Basis, Opinion
from desunt.record.document import Gap
from desunt.review.auth import Desk, Editor, Reader
from desunt.review.decision_form import LONGEST_NOTE, LONGEST_TEXT, same_list
from desunt.review.environment import Environment, document_key
from desunt.review.rendering import CHANGE, back_to, twin
from desunt.review.store.types import Entry, GapRow, Invalid, Member, Outcome, Proposal, SeriesRow
from desunt.review.views.done import in_words
from desunt.review.views.picture import LinePicture, line_picture
from desunt.review.views.shown import list_key
from desunt.review.views.text import place_of

MOST = 200
SUGGESTED = 5

SeriesKey = Annotated[str, Query(max_length=300, description="key of the series")]
SeriesId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$", description="id of a decision on a series")]
Picked = Annotated[str, Field(pattern="^[0-9a-zA-Z_-]{1,64}:[0-9a-f]{0,100}(:[0-9a-f]{12})?$")]


@dataclass(frozen=True, slots=True)
class DecidedSeries:
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
    decided: tuple[DecidedSeries, ...]


@dataclass(frozen=True, slots=True)
class MemberView:
    """One gap of a series with its ink; `picked` is what the form sends for it."""

    member: Member
    title: str
    document: str
    picked: str
    picture: LinePicture | None


@dataclass(frozen=True, slots=True)
class SeriesView:
    """The open gaps of a series; `suggested` are their first candidates, each a CONJECTURE, with the number of gaps where it is first."""

    series: str
    engine_reading: str
    members: tuple[MemberView, ...]
    suggested: tuple[tuple[str, int], ...]


class SeriesAsked(BaseModel):
    """One decision about the gaps that were picked, each as `gap id:version`, with the `list_key` of what was shown behind."""

    picked: list[Picked] = Field([], max_length=MOST)
    verdict: Literal["accepted", "amended", "rejected", "left-open", "withheld", "blank", "handwriting", ""] = ""
    accept: str = Field("", max_length=LONGEST_TEXT)
    text: str = Field("", max_length=LONGEST_TEXT)
    basis: Basis = "guess"
    note: str = Field("", max_length=LONGEST_NOTE)


def series_list(desk: Desk, person: Reader) -> SeriesList:
    """Return the series that have at least two open gaps, most first."""
    return SeriesList(desk.store.series.list(), tuple(_in_words(one) for one in desk.store.series.decided()))


def _in_words(outcome: Outcome) -> DecidedSeries:
    first: Entry | None = outcome.entries[0] if outcome.entries else None
    said, editor, at = (in_words(first), first.editor, first.at) if first else ("all undone", "", "")
    return DecidedSeries(outcome.series, said, editor, at, len(outcome.entries))


def series(desk: Desk, person: Reader, key: SeriesKey) -> SeriesView:
    """Return the open gaps of a series, side by side."""
    members = tuple(one for one in desk.store.series.members(key, limit=MOST) if one.gap.status in ("open", "left-open"))
    first = Counter(one.gap.top for one in members if one.gap.top and one.gap.refusal is None)
    reading = next((one.gap.engine_reading for one in members if one.gap.engine_reading), "")
    return SeriesView(key, reading, tuple(_member(desk, one) for one in members), tuple(first.most_common(SUGGESTED)))


def _member(desk: Environment, member: Member) -> MemberView:
    gap, key = member.gap, document_key(member.gap.document_id)
    found = place_of(desk.store.index.shown(gap.document_id), gap.gap_id)
    picture = line_picture(key, found[0], found[1], found[2]) if found and isinstance(found[2], Gap) else None
    picked = f"{gap.gap_id}:{gap.version}:{list_key(_opinion(desk, gap))}"
    return MemberView(member, desk.library.of(gap.document_id).title, key, picked, picture)


def _opinion(desk: Environment, gap: GapRow) -> Opinion | None:
    return desk.store.index.facts(gap.document_id).opinions.get(gap.gap_id)


def decide_series(desk: Desk, person: Editor, asked: SeriesAsked) -> Outcome:
    """Log one decision for every gap that was picked, each an entry of its own."""
    if not asked.picked:
        raise Invalid("no gap was picked", remedy="tick the places that the decision is about")
    return desk.store.series.decide([_proposal(desk, person.name, picked, asked) for picked in asked.picked])


def _proposal(desk: Environment, editor: str, picked: str, asked: SeriesAsked) -> Proposal:
    gap_id, version, *seen = picked.split(":")
    row, text = desk.store.index.gap(gap_id), (asked.accept or asked.text).strip()
    same_list(_opinion(desk, row), "".join(seen))
    verdict = ("accepted" if text == row.top else "amended") if asked.accept else asked.verdict
    if not verdict or (verdict in ("accepted", "amended") and not text):
        raise Invalid("nothing was decided", remedy="take a reading, type one, or say what the places are")
    reads = verdict in ("accepted", "amended")
    return Proposal(
        gap_id, verdict, editor, version, asked.basis if reads else None, text if reads else None, asked.note.strip(),
        (row.top,) if row.top else (), document_id=row.document_id,
    )  # fmt: skip


def decide_series_by_form(desk: Desk, person: Editor, asked: Annotated[SeriesAsked, Form()]) -> Response:
    """Log the decision and show the list of series, where it can be undone."""
    decide_series(desk, person, asked)
    return back_to("/series")


def undo_series(desk: Desk, person: Editor, series_id: SeriesId) -> tuple[Entry, ...]:
    """Undo all of a decision on a series that is still in force."""
    return desk.store.series.undo(series_id, person.name)


def undo_series_by_form(desk: Desk, person: Editor, series_id: SeriesId) -> Response:
    """Undo it and show the list of series."""
    undo_series(desk, person, series_id)
    return back_to("/series")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/series", "series_list.html.j2", series_list, SeriesList)
    twin(pages, api, "/series/gaps", "series.html.j2", series, SeriesView)
    pages.post("/series/decisions")(decide_series_by_form)
    pages.post("/series/decisions/{series_id}/undo")(undo_series_by_form)
    api.post("/series/decisions", status_code=201, responses=CHANGE)(decide_series)
    api.post("/series/decisions/{series_id}/undo", status_code=201, responses=CHANGE)(undo_series)
