"""The log of all that was decided, newest first, and the undoing of any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from desunt.record.decision_log import LogEntry
from desunt.review.auth import Desk, EditorUser, SignedInUser
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back
from desunt.review.routes.gap import GapId
from desunt.review.views.entry_words import RecordedAction, describe_entry, recorded_action

PAGE_LENGTH = 50

Uid = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="uid of an entry")]
DoneUid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="only what was logged before this number")]


@dataclass(frozen=True, slots=True)
class LogEntryView:
    """An entry in words; `standing` is False once it is undone, or if it came second."""

    entry: LogEntry
    said: str
    title: str
    standing: bool
    is_gap: bool


@dataclass(frozen=True, slots=True)
class LogView:
    """A page of the log; `older` is what to ask for the next page with."""

    entries: tuple[LogEntryView, ...]
    older: int | None
    editor: str
    done: RecordedAction | None


def log(
    desk: Desk, user: SignedInUser, before: Before = None, editor: Annotated[str, Query(max_length=100)] = "", done: DoneUid = ""
) -> LogView:
    """Return the log, newest first."""
    entries = desk.store.decisions.recent(editor or None, PAGE_LENGTH, before)
    views = tuple(log_entry_view(desk, entry) for entry in entries)
    return LogView(views, entries[-1].seq if len(entries) == PAGE_LENGTH else None, editor, recorded_action(desk, done))


def history(desk: Desk, user: SignedInUser, gap_id: GapId) -> LogView:
    """Return all that was ever said about a gap, oldest first."""
    desk.store.index.find_gap(gap_id)
    return LogView(tuple(log_entry_view(desk, entry) for entry in desk.store.decisions.history(gap_id)), None, "", None)


def log_entry_view(desk: Desk, entry: LogEntry) -> LogEntryView:
    """Return an entry in words, and whether it still stands."""
    decisions = desk.store.decisions
    standing = not entry.stale and entry.uid not in decisions.revoked(decisions.history(entry.target))
    title = desk.library.find_by_id(entry.document_id).title
    return LogEntryView(entry, describe_entry(entry), title, standing, entry.verdict != "corrected")


def undo(desk: Desk, user: EditorUser, uid: Uid) -> LogEntry:
    """Undo an entry of any age; the undoing is an entry of its own, and can be undone."""
    return desk.store.decisions.undo(uid, user.name)


def undo_by_form(desk: Desk, user: EditorUser, uid: Uid, to: Annotated[str, Form(max_length=2000)] = "/decisions") -> Response:
    """Undo an entry and go back."""
    undo(desk, user, uid)
    return redirect_back(to, "/decisions")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/decisions", "log.html.j2", log, LogView)
    add_page_and_api(pages, api, "/gaps/{gap_id}/history", "log.html.j2", history, LogView)
    pages.post("/decisions/{uid}/undo")(undo_by_form)
    api.post("/decisions/{uid}/undo", status_code=201, responses=CHANGE_RESPONSES)(undo)
