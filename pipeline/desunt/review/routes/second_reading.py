"""The second reader: a decision confirmed or contested by somebody who has not seen it; and what to do where two disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from desunt.record.decision_log import LogEntry
from desunt.review.auth import ApproverUser, CurrentUser, Desk, EditorUser, SignedInUser
from desunt.review.decision_form import MAX_TEXT_LETTERS, DecisionForm, to_proposal
from desunt.review.environment import Environment, document_key
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back, render
from desunt.review.routes.gap import EMPTY_FORM, FormInput, GapId
from desunt.review.store.types import MAX_NAME_LETTERS, Assignment, Conflict, GapRow, Invalid, NotFound, Stale
from desunt.review.views.entry_words import describe_entry
from desunt.review.views.gap import GapView, gap_view

MAX_LISTED_ASSIGNMENTS = 200

Id = Annotated[int, Path(ge=1, le=2**53, description="number of an assignment")]


@dataclass(frozen=True, slots=True)
class AssignmentView:
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
class SecondReadingList:
    """What waits for this reader, and how much there is to draw from."""

    waiting: tuple[AssignmentView, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecondReadingScreen:
    """A gap to be read a second time."""

    gap: GapView
    id: int
    uid: str
    kept: FormInput = EMPTY_FORM
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SecondReadingResult:
    """What became of a second reading, and the next that waits; the first reading is not told.

    `void`: the first decision was undone in the meantime, so there was nothing to compare with.
    """

    outcome: Literal["confirm", "contest", "void"]
    next: int | None


class SampleForm(BaseModel):
    """How many decided gaps to hand to whom."""

    reader: str = Field(min_length=1, max_length=MAX_NAME_LETTERS)
    count: int = Field(10, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class DisagreementView:
    """A gap on which two readers disagree, with both readings in words."""

    gap_id: str
    document: str
    title: str
    row: GapRow
    readings: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class DisagreementsView:
    """All gaps on which readers disagree."""

    rows: tuple[DisagreementView, ...]
    resolves: bool


def second_list(desk: Desk, user: SignedInUser) -> SecondReadingList:
    """Return what waits to be read a second time by whoever asks."""
    assignments = desk.store.second_readings.waiting_for(user.name, MAX_LISTED_ASSIGNMENTS)
    views = tuple(_assignment_view(desk, assignment) for assignment in assignments)
    return SecondReadingList(views, tuple(account.name for account in desk.store.accounts.users()))


def _assignment_view(desk: Environment, assignment: Assignment) -> AssignmentView:
    row = desk.store.index.find_gap(assignment.gap_id)
    title = desk.library.find_by_id(row.document_id).title
    return AssignmentView(assignment.id, row.gap_id, title, row.page, row.line, row.before, row.after, assignment.assigned_by)


def _own_assignment(desk: Environment, user: CurrentUser, number: int) -> Assignment:
    waiting = desk.store.second_readings.waiting_for(user.name, MAX_LISTED_ASSIGNMENTS * 50)
    assignment = next((assignment for assignment in waiting if assignment.id == number), None)
    if assignment is None:
        raise NotFound(f"no second reading {number} waits for {user.name}", remedy="go back to the list")
    return assignment


def second(desk: Desk, user: SignedInUser, number: Id) -> SecondReadingScreen:
    """Return a gap to be read a second time; the machine's list comes after the reader has typed."""
    return _screen(desk, user, _own_assignment(desk, user, number), None)


def _screen(desk: Environment, user: CurrentUser, assignment: Assignment, blind: str | None) -> SecondReadingScreen:
    view = gap_view(desk, user, desk.store.index.find_gap(assignment.gap_id), how="second", blind=blind)
    return SecondReadingScreen(view, assignment.id, token_hex(16), FormInput(text=blind or ""))


def second_with_list(
    request: Request, desk: Desk, user: EditorUser, number: Id, text: Annotated[str, Form(max_length=MAX_TEXT_LETTERS)] = ""
) -> Response:  # fmt: skip
    """Show the machine's list, now that the reader has typed."""
    return render(request, "gap.html.j2", view=_screen(desk, user, _own_assignment(desk, user, number), text.strip()))


def read_second(desk: Desk, user: EditorUser, number: Id, form: DecisionForm) -> SecondReadingResult:
    """Log a second reading; the store compares it with the first."""
    assignment = _own_assignment(desk, user, number)
    proposal = to_proposal(desk, user.name, desk.store.index.find_gap(assignment.gap_id), form)
    outcome = desk.store.second_readings.read(assignment.id, proposal)
    waiting = desk.store.second_readings.waiting_for(user.name, 1)
    return SecondReadingResult(outcome, waiting[0].id if waiting else None)


def read_second_by_form(request: Request, desk: Desk, user: EditorUser, number: Id, form: Annotated[DecisionForm, Form()]) -> Response:
    """Log a second reading and go on with the next."""
    try:
        result = read_second(desk, user, number, form)
    except (Conflict, Stale, Invalid) as error:
        view = _screen(desk, user, _own_assignment(desk, user, number), form.blind if form.typed_blind else None)
        kept = FormInput(form.text or form.accept, form.note, form.basis)
        return render(request, "gap.html.j2", status=422, view=replace(view, kept=kept, problem=str(error)))
    return redirect_back(f"/second/{result.next}" if result.next else "/second")


def assign_sample(desk: Desk, user: EditorUser, form: SampleForm) -> dict[str, int]:
    """Hand some decided gaps to a second reader; they are drawn by lot from what that reader has not decided."""
    return {"assigned": desk.store.second_readings.assign_sample(form.reader, user.name, form.count)}


def assign_sample_by_form(desk: Desk, user: EditorUser, form: Annotated[SampleForm, Form()]) -> Response:
    """Hand them out and show the list."""
    assign_sample(desk, user, form)
    return redirect_back("/second")


def disagreements(desk: Desk, user: SignedInUser) -> DisagreementsView:
    """Return the gaps on which two readers disagree."""
    rows = []
    for disagreement in desk.store.second_readings.disagreements():
        entries = (disagreement.first, *disagreement.others)
        readings = tuple((entry.editor, describe_entry(entry), entry.note) for entry in entries)
        title, key = desk.library.find_by_id(disagreement.document_id).title, document_key(disagreement.document_id)
        row = desk.store.index.find_gap(disagreement.gap_id)
        rows.append(DisagreementView(row.gap_id, key, title, row, readings))
    return DisagreementsView(tuple(rows), user.resolves)


def settle(desk: Desk, user: ApproverUser, gap_id: GapId, form: DecisionForm) -> LogEntry:
    """Settle a disagreement by a decision of somebody who is neither reader."""
    return desk.store.second_readings.resolve(gap_id, to_proposal(desk, user.name, desk.store.index.find_gap(gap_id), form))


def settle_by_form(desk: Desk, user: ApproverUser, gap_id: GapId, form: Annotated[DecisionForm, Form()]) -> Response:
    """Settle it and show the list."""
    settle(desk, user, gap_id, form)
    return redirect_back("/disagreements")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/second", "second_list.html.j2", second_list, SecondReadingList)
    add_page_and_api(pages, api, "/second/{number}", "gap.html.j2", second, SecondReadingScreen)
    add_page_and_api(pages, api, "/disagreements", "disagreements.html.j2", disagreements, DisagreementsView)
    pages.post("/second/sample")(assign_sample_by_form)
    pages.post("/second/{number}/list")(second_with_list)
    pages.post("/second/{number}/decisions")(read_second_by_form)
    pages.post("/disagreements/{gap_id}")(settle_by_form)
    api.post("/second/sample", status_code=201, responses=CHANGE_RESPONSES)(assign_sample)
    api.post("/second/{number}/decisions", status_code=201, responses=CHANGE_RESPONSES)(read_second)
    api.post("/disagreements/{gap_id}", status_code=201, responses=CHANGE_RESPONSES)(settle)
