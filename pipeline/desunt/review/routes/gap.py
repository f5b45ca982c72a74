"""One gap: the page on which an editor decides, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from desunt.record.decision_log import LogEntry
from desunt.review.auth import CurrentUser, Desk, EditorUser, SignedInUser
from desunt.review.decision_form import MAX_TEXT_LETTERS, DecisionForm, to_proposal
from desunt.review.queue_params import QueueParameters, QueueParams, RequestedFilter
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back, render
from desunt.review.store.types import Conflict, Invalid, QueueFilter, Stale
from desunt.review.views.entry_words import RecordedAction, describe_entry, recorded_action
from desunt.review.views.gap import GapView, gap_view

PREFETCHED_GAPS = 2

GapId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$", description="id of a gap")]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$", description="uid of what has just been done")]


@dataclass(frozen=True, slots=True)
class FormInput:
    """What a form held when it was handed in: it is given back with every answer that is not a success."""

    text: str = ""
    note: str = ""
    basis: str = "guess"


EMPTY_FORM = FormInput()


@dataclass(frozen=True, slots=True)
class GapScreen:
    """A gap, the queue it was reached through, and what has just happened; `uid` is for the next decision."""

    gap: GapView
    filter: QueueParams
    uid: str
    done: RecordedAction | None = None
    kept: FormInput = EMPTY_FORM
    problem: str = ""
    theirs: LogEntry | None = None


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """The entry as it was logged, in words too, and the gap to go on with, None at the end of the queue."""

    entry: LogEntry
    said: str
    next: str | None


def gap(desk: Desk, user: SignedInUser, gap_id: GapId, params: QueueParameters, queue_filter: RequestedFilter, done: Uid = "") -> GapScreen:
    """Return one gap with its ink, its text, and what is supposed about it."""
    return _screen(desk, user, gap_id, params, queue_filter, done=recorded_action(desk, done))


def _screen(
    desk: Desk, user: CurrentUser, gap_id: str, params: QueueParams, queue_filter: QueueFilter, *, blind: str | None = None,
    done: RecordedAction | None = None, kept: FormInput = EMPTY_FORM, problem: str = "", theirs: LogEntry | None = None,
) -> GapScreen:  # fmt: skip
    following = [row.gap_id for row in desk.store.queue.following(queue_filter, gap_id, PREFETCHED_GAPS)]
    view = gap_view(desk, user, desk.store.index.find_gap(gap_id), blind=blind, following=following)
    return GapScreen(view, params, token_hex(16), done, kept, problem, theirs)


def show_list_after_blind(
    request: Request, desk: Desk, user: EditorUser, gap_id: GapId, params: QueueParameters, queue_filter: RequestedFilter,
    text: Annotated[str, Form(max_length=MAX_TEXT_LETTERS)] = "",
) -> HTMLResponse:  # fmt: skip
    """Show the list, now that the editor has typed a reading; it goes with the decision, and nothing is changed yet."""
    view = _screen(desk, user, gap_id, params, queue_filter, blind=text.strip(), kept=FormInput(text=text))
    return render(request, "gap.html.j2", view=view)


def list_after_blind(
    desk: Desk, user: EditorUser, gap_id: GapId, params: QueueParameters, queue_filter: RequestedFilter, form: DecisionForm
) -> GapScreen:  # fmt: skip
    """Return the gap with its list for a reading that was typed blind (`text`)."""
    return _screen(desk, user, gap_id, params, queue_filter, blind=form.text.strip(), kept=FormInput(text=form.text))


def decide(desk: Desk, user: EditorUser, gap_id: GapId, queue_filter: RequestedFilter, form: DecisionForm) -> DecisionResult:
    """Log a decision about a gap and return the gap to go on with."""
    row = desk.store.index.find_gap(gap_id)
    entry = desk.store.decisions.decide(to_proposal(desk, user.name, row, form))
    following = desk.store.queue.following(queue_filter, gap_id, 1)
    return DecisionResult(entry, describe_entry(entry), following[0].gap_id if following else None)


def decide_by_form(
    request: Request, desk: Desk, user: EditorUser, gap_id: GapId, params: QueueParameters, queue_filter: RequestedFilter,
    form: Annotated[DecisionForm, Form()],
) -> Response:  # fmt: skip
    """Log a decision and show the next gap; on a conflict show this one again, with what was typed."""
    try:
        result = decide(desk, user, gap_id, queue_filter, form)
    except (Conflict, Stale, Invalid) as error:
        kept = FormInput(form.text or form.accept, form.note, form.basis)
        blind = form.blind if form.typed_blind else None
        theirs = error.theirs if isinstance(error, Conflict) else None
        view = _screen(desk, user, gap_id, params, queue_filter, blind=blind, kept=kept, problem=str(error), theirs=theirs)
        return render(request, "gap.html.j2", status=422 if isinstance(error, Invalid) else 409, view=view)
    path = f"/gaps/{result.next}" if result.next else "/queue"
    return redirect_back(path + params.address_with(done=result.entry.uid))


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/gaps/{gap_id}", "gap.html.j2", gap, GapScreen)
    pages.post("/gaps/{gap_id}/list", response_class=HTMLResponse)(show_list_after_blind)
    pages.post("/gaps/{gap_id}/decisions")(decide_by_form)
    api.post("/gaps/{gap_id}/list", responses=CHANGE_RESPONSES)(list_after_blind)
    api.post("/gaps/{gap_id}/decisions", status_code=201, responses=CHANGE_RESPONSES)(decide)
