"""The second reader: a decision confirmed or contested by somebody who has not seen it; and what to do where two disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from desunt.review.auth import Approver, Desk, Editor, Person, Reader
from desunt.review.decision_form import LONGEST_TEXT, Asked, proposal_of
from desunt.review.environment import Environment, document_key
from desunt.review.rendering import CHANGE, back_to, render, twin
from desunt.review.routes.gap import NOTHING_KEPT, GapId, Kept
from desunt.review.store.types import Assignment, Changed, Conflict, Entry, GapRow, Invalid, Unknown
from desunt.review.views.done import in_words
from desunt.review.views.gap import GapView, gap_view

LISTED = 200

Id = Annotated[int, Path(ge=1, le=2**53, description="number of an assignment")]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A gap that waits for this reader; nothing of the first reading is in it."""

    id: int
    gap_id: str
    title: str
    page: int
    line: int
    before: str
    after: str
    assigned_by: str


@dataclass(frozen=True, slots=True)
class SecondList:
    """What waits for this reader, and how much there is to draw from."""

    waiting: tuple[Waiting, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecondPage:
    """A gap to be read a second time."""

    gap: GapView
    id: int
    uid: str
    kept: Kept = NOTHING_KEPT
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a second reading, and the next that waits; the first reading is not told.

    `void`: the first decision was undone in the meantime, so there was nothing to compare with.
    """

    outcome: Literal["confirm", "contest", "void"]
    next: int | None


class Sample(BaseModel):
    """How many decided gaps to hand to whom."""

    reader: str = Field(min_length=1, max_length=60)
    count: int = Field(10, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class Quarrel:
    """A gap on which two readers disagree, with both readings in words."""

    gap_id: str
    document: str
    title: str
    row: GapRow
    readings: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Quarrels:
    """All gaps on which readers disagree."""

    rows: tuple[Quarrel, ...]
    resolves: bool


def second_list(desk: Desk, person: Reader) -> SecondList:
    """Return what waits to be read a second time by whoever asks."""
    waiting = tuple(_waiting(desk, one) for one in desk.store.second.mine(person.name, LISTED))
    return SecondList(waiting, tuple(user.name for user in desk.store.accounts.users()))


def _waiting(desk: Environment, one: Assignment) -> Waiting:
    row = desk.store.index.gap(one.gap_id)
    title = desk.library.of(row.document_id).title
    return Waiting(one.id, one.gap_id, title, row.page, row.line, row.before, row.after, one.assigned_by)


def _mine(desk: Environment, person: Person, number: int) -> Assignment:
    one = next((one for one in desk.store.second.mine(person.name, LISTED * 50) if one.id == number), None)
    if one is None:
        raise Unknown(f"no second reading {number} waits for {person.name}", remedy="go back to the list")
    return one


def second(desk: Desk, person: Reader, number: Id) -> SecondPage:
    """Return a gap to be read a second time; the machine's list comes after the reader has typed."""
    return _page(desk, person, _mine(desk, person, number), None)


def _page(desk: Environment, person: Person, one: Assignment, blind: str | None) -> SecondPage:
    view = gap_view(desk, person, desk.store.index.gap(one.gap_id), how="second", blind=blind)
    return SecondPage(view, one.id, token_hex(16), Kept(text=blind or ""))


def second_with_list(
    request: Request, desk: Desk, person: Editor, number: Id, text: Annotated[str, Form(max_length=LONGEST_TEXT)] = ""
) -> Response:  # fmt: skip
    """Show the machine's list, now that the reader has typed."""
    return render(request, "gap.html.j2", view=_page(desk, person, _mine(desk, person, number), text.strip()))


def read_second(desk: Desk, person: Editor, number: Id, asked: Asked) -> Read:
    """Log a second reading; the store compares it with the first."""
    one = _mine(desk, person, number)
    proposal = proposal_of(desk, person.name, desk.store.index.gap(one.gap_id), asked)
    outcome = desk.store.second.read(one.id, proposal)
    waiting = desk.store.second.mine(person.name, 1)
    return Read(outcome, waiting[0].id if waiting else None)


def read_second_by_form(request: Request, desk: Desk, person: Editor, number: Id, asked: Annotated[Asked, Form()]) -> Response:
    """Log a second reading and go on with the next."""
    try:
        made = read_second(desk, person, number, asked)
    except (Conflict, Changed, Invalid) as error:
        view = _page(desk, person, _mine(desk, person, number), asked.blind if asked.typed_blind else None)
        kept = Kept(asked.text or asked.accept, asked.note, asked.basis)
        return render(request, "gap.html.j2", status=422, view=replace(view, kept=kept, problem=str(error)))
    return back_to(f"/second/{made.next}" if made.next else "/second")


def hand_out(desk: Desk, person: Editor, asked: Sample) -> dict[str, int]:
    """Hand some decided gaps to a second reader; they are drawn by lot from what that reader has not decided."""
    return {"assigned": desk.store.second.assign_sample(asked.reader, person.name, asked.count)}


def hand_out_by_form(desk: Desk, person: Editor, asked: Annotated[Sample, Form()]) -> Response:
    """Hand them out and show the list."""
    hand_out(desk, person, asked)
    return back_to("/second")


def disagreements(desk: Desk, person: Reader) -> Quarrels:
    """Return the gaps on which two readers disagree."""
    rows = []
    for one in desk.store.second.disagreements():
        readings = tuple((entry.editor, in_words(entry), entry.note) for entry in (one.first, *one.others))
        title = desk.library.of(one.document_id).title
        rows.append(Quarrel(one.gap_id, document_key(one.document_id), title, desk.store.index.gap(one.gap_id), readings))
    return Quarrels(tuple(rows), person.resolves)


def settle(desk: Desk, person: Approver, gap_id: GapId, asked: Asked) -> Entry:
    """Settle a disagreement by a decision of somebody who is neither reader."""
    return desk.store.second.resolve(gap_id, proposal_of(desk, person.name, desk.store.index.gap(gap_id), asked))


def settle_by_form(desk: Desk, person: Approver, gap_id: GapId, asked: Annotated[Asked, Form()]) -> Response:
    """Settle it and show the list."""
    settle(desk, person, gap_id, asked)
    return back_to("/disagreements")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/second", "second_list.html.j2", second_list, SecondList)
    twin(pages, api, "/second/{number}", "gap.html.j2", second, SecondPage)
    twin(pages, api, "/disagreements", "disagreements.html.j2", disagreements, Quarrels)
    pages.post("/second/sample")(hand_out_by_form)
    pages.post("/second/{number}/list")(second_with_list)
    pages.post("/second/{number}/decisions")(read_second_by_form)
    pages.post("/disagreements/{gap_id}")(settle_by_form)
    api.post("/second/sample", status_code=201, responses=CHANGE)(hand_out)
    api.post("/second/{number}/decisions", status_code=201, responses=CHANGE)(read_second)
    api.post("/disagreements/{gap_id}", status_code=201, responses=CHANGE)(settle)
