"""The collection at a glance, and a look at its folders for what has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from desunt.review.auth import Desk, EditorUser, SignedInUser
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back, render
from desunt.review.store.types import DetachedEntry, IndexedDocument, QueueCounts, QueueFilter, RefreshResult

# Documents listed on the overview; the rest are found by the queue's filter.
MAX_LISTED_DOCUMENTS = 500


@dataclass(frozen=True, slots=True)
class OverviewDocument:
    """A document with the key that stands for it in addresses."""

    key: str
    row: IndexedDocument


@dataclass(frozen=True, slots=True)
class OverviewView:
    """The documents, the gaps by status, how many readings wait for this reader, and what found no place after a new OCR run.

    `problems` are the folders that could not be read when they were last looked at, each in a sentence.
    """

    documents: tuple[OverviewDocument, ...]
    more: int
    counts: QueueCounts
    waiting: int
    disagreements: int
    detached: tuple[DetachedEntry, ...]
    problems: tuple[str, ...] = ()


def overview(desk: Desk, user: SignedInUser) -> OverviewView:
    """Return the collection at a glance."""
    rows = desk.library.refresh()
    listed = tuple(OverviewDocument(key, row) for key, row in list(rows.items())[:MAX_LISTED_DOCUMENTS])
    counts = desk.store.queue.counts(QueueFilter(status=None))
    waiting, disagreements = desk.store.second_readings.waiting_for(user.name), desk.store.second_readings.disagreements()
    return OverviewView(listed, len(rows) - len(listed), counts, len(waiting), len(disagreements), desk.store.decisions.detached())


def refresh_collection(desk: Desk, user: EditorUser) -> RefreshResult:
    """Look at the folders of the collection for what a new run changed; decisions go with their places."""
    result = desk.store.index.refresh()
    desk.library.refresh()
    return result


def refresh_by_form(request: Request, desk: Desk, user: EditorUser) -> Response:
    """Look at the folders again and show the overview, with what could not be read."""
    problems = refresh_collection(desk, user).problems[:MAX_LISTED_DOCUMENTS]
    if problems:
        return render(request, "overview.html.j2", view=replace(overview(desk, user), problems=problems))
    return redirect_back("/")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/", "overview.html.j2", overview, OverviewView)
    pages.post("/refresh")(refresh_by_form)
    api.post("/refresh", responses=CHANGE_RESPONSES)(refresh_collection)
