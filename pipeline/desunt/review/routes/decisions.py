"""The log of all that was decided, newest first, and the undoing of any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from desunt.review.auth import Desk, Editor, Reader
from desunt.review.rendering import CHANGE, back_to, twin
from desunt.review.routes.gap import GapId
from desunt.review.store.types import Entry
from desunt.review.views.done import Done, done_of, done_view

LENGTH = 50

Uid = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="uid of an entry")]
AskedUid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="only what was logged before this number")]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry in words; `standing` is False once it is undone, or if it came second."""

    entry: Entry
    said: str
    title: str
    standing: bool
    is_gap: bool


@dataclass(frozen=True, slots=True)
class LogView:
    """A page of the log; `older` is what to ask for the next page with."""

    entries: tuple[LoggedEntry, ...]
    older: int | None
    editor: str
    done: Done | None


def log(
    desk: Desk, person: Reader, before: Before = None, editor: Annotated[str, Query(max_length=100)] = "", done: AskedUid = ""
) -> LogView:
    """Return the log, newest first."""
    found = desk.store.decisions.recent(editor or None, LENGTH, before)
    entries = tuple(logged(desk, entry) for entry in found)
    return LogView(entries, found[-1].seq if len(found) == LENGTH else None, editor, done_view(desk, done))


def history(desk: Desk, person: Reader, gap_id: GapId) -> LogView:
    """Return all that was ever said about a gap, oldest first."""
    desk.store.index.gap(gap_id)
    return LogView(tuple(logged(desk, entry) for entry in desk.store.decisions.history(gap_id)), None, "", None)


def logged(desk: Desk, entry: Entry) -> LoggedEntry:
    """Return an entry in words, and whether it still stands."""
    decisions = desk.store.decisions
    standing = not entry.stale and entry.uid not in decisions.revoked(decisions.history(entry.target))
    return LoggedEntry(entry, done_of(entry).said, desk.library.of(entry.document_id).title, standing, entry.verdict != "corrected")


def undo(desk: Desk, person: Editor, uid: Uid) -> Entry:
    """Undo an entry of any age; the undoing is an entry of its own, and can be undone."""
    return desk.store.decisions.undo(uid, person.name)


def undo_by_form(desk: Desk, person: Editor, uid: Uid, to: Annotated[str, Form(max_length=2000)] = "/decisions") -> Response:
    """Undo an entry and go back."""
    undo(desk, person, uid)
    return back_to(to, "/decisions")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/decisions", "log.html.j2", log, LogView)
    twin(pages, api, "/gaps/{gap_id}/history", "log.html.j2", history, LogView)
    pages.post("/decisions/{uid}/undo")(undo_by_form)
    api.post("/decisions/{uid}/undo", status_code=201, responses=CHANGE)(undo)
