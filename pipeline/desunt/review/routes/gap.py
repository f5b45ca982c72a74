"""One gap: the page on which an editor decides, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from desunt.review.auth import Desk, Editor, Person, Reader
from desunt.review.decision_form import LONGEST_TEXT, Asked, proposal_of
from desunt.review.queue_filter import Filter, Filtered, Sought
from desunt.review.rendering import CHANGE, back_to, render, twin
from desunt.review.store.types import Changed, Conflict, Entry, GapRow, Invalid
from desunt.review.store.types import Query as Asking
from desunt.review.views.done import Done, done_of, done_view
from desunt.review.views.gap import GapView, gap_view

AHEAD = 2

GapId = Annotated[str, Path(pattern="^[0-9a-zA-Z_-]{1,64}$", description="id of a gap")]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$", description="uid of what has just been done")]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a form held when it was handed in: it is given back with every answer that is not a success."""

    text: str = ""
    note: str = ""
    basis: str = "guess"


NOTHING_KEPT = Kept()


@dataclass(frozen=True, slots=True)
class GapPage:
    """A gap, the queue it was reached through, and what has just happened; `uid` is for the next decision."""

    gap: GapView
    filter: Filter
    uid: str
    done: Done | None = None
    kept: Kept = NOTHING_KEPT
    problem: str = ""
    theirs: Entry | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The entry as it was logged, in words too, and the gap to go on with, None at the end of the queue."""

    entry: Entry
    said: str
    next: str | None


def gap(desk: Desk, person: Reader, gap_id: GapId, asked: Filtered, query: Sought, done: Uid = "") -> GapPage:
    """Return one gap with its ink, its text, and what is supposed about it."""
    return _page(desk, person, desk.store.index.gap(gap_id), asked, query, done=done_view(desk, done))


def _page(
    desk: Desk, person: Person, row: GapRow, asked: Filter, query: Asking, *, blind: str | None = None, done: Done | None = None,
    kept: Kept | None = None, problem: str = "", theirs: Entry | None = None,
) -> GapPage:  # fmt: skip
    following = [one.gap_id for one in desk.store.queue.ahead(query, row.gap_id, AHEAD)]
    view = gap_view(desk, person, row, blind=blind, following=following)
    return GapPage(view, asked, token_hex(16), done, kept or NOTHING_KEPT, problem, theirs)


def read_blind(
    request: Request, desk: Desk, person: Editor, gap_id: GapId, asked: Filtered, query: Sought,
    text: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
) -> HTMLResponse:  # fmt: skip
    """Show the list, now that the editor has typed a reading; it goes with the decision, and nothing is changed yet."""
    view = _page(desk, person, desk.store.index.gap(gap_id), asked, query, blind=text.strip(), kept=Kept(text=text))
    return render(request, "gap.html.j2", view=view)


def list_after_blind(desk: Desk, person: Editor, gap_id: GapId, asked: Filtered, query: Sought, typed: Asked) -> GapPage:
    """Return the gap with its list for a reading that was typed blind (`text`)."""
    return _page(desk, person, desk.store.index.gap(gap_id), asked, query, blind=typed.text.strip(), kept=Kept(text=typed.text))


def decide(desk: Desk, person: Editor, gap_id: GapId, query: Sought, asked: Asked) -> Decided:
    """Log a decision about a gap and return the gap to go on with."""
    row = desk.store.index.gap(gap_id)
    entry = desk.store.decisions.decide(proposal_of(desk, person.name, row, asked))
    following = desk.store.queue.ahead(query, gap_id, 1)
    return Decided(entry, done_of(entry).said, following[0].gap_id if following else None)


def decide_by_form(
    request: Request, desk: Desk, person: Editor, gap_id: GapId, filtered: Filtered, query: Sought, asked: Annotated[Asked, Form()]
) -> Response:
    """Log a decision and show the next gap; on a conflict show this one again, with what was typed."""
    try:
        made = decide(desk, person, gap_id, query, asked)
    except (Conflict, Changed, Invalid) as error:
        kept = Kept(asked.text or asked.accept, asked.note, asked.basis)
        blind = asked.blind if asked.typed_blind else None
        theirs = error.theirs if isinstance(error, Conflict) else None
        row = desk.store.index.gap(gap_id)
        view = _page(desk, person, row, filtered, query, blind=blind, kept=kept, problem=str(error), theirs=theirs)
        return render(request, "gap.html.j2", status=422 if isinstance(error, Invalid) else 409, view=view)
    if made.next is None:
        return back_to(f"/queue{filtered.with_((), done=made.entry.uid)}")
    return back_to(f"/gaps/{made.next}{filtered.with_((), done=made.entry.uid)}")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/gaps/{gap_id}", "gap.html.j2", gap, GapPage)
    pages.post("/gaps/{gap_id}/list", response_class=HTMLResponse)(read_blind)
    pages.post("/gaps/{gap_id}/decisions")(decide_by_form)
    api.post("/gaps/{gap_id}/list", responses=CHANGE)(list_after_blind)
    api.post("/gaps/{gap_id}/decisions", status_code=201, responses=CHANGE)(decide)
