"""The collection at a glance, and a look at its folders for what has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from desunt.review.auth import Desk, Editor, Reader
from desunt.review.rendering import CHANGE, back_to, render, twin
from desunt.review.store.types import Counts, Detached, DocumentRow, Query, Refreshed

# Documents listed on the overview; the rest are found by the queue's filter.
LISTED = 500


@dataclass(frozen=True, slots=True)
class OverviewDocument:
    """A document with the key that stands for it in addresses."""

    key: str
    row: DocumentRow


@dataclass(frozen=True, slots=True)
class OverviewView:
    """The documents, the gaps by status, how many readings wait for this reader, and what found no place after a new OCR run.

    `problems` are the folders that could not be read when they were last looked at, each in a sentence.
    """

    documents: tuple[OverviewDocument, ...]
    more: int
    counts: Counts
    waiting: int
    disagreements: int
    detached: tuple[Detached, ...]
    problems: tuple[str, ...] = ()


def overview(desk: Desk, person: Reader) -> OverviewView:
    """Return the collection at a glance."""
    rows = desk.library.refreshed()
    listed = tuple(OverviewDocument(key, row) for key, row in list(rows.items())[:LISTED])
    counts = desk.store.queue.counts(Query(status=None))
    waiting, quarrels = len(desk.store.second.mine(person.name)), len(desk.store.second.disagreements())
    return OverviewView(listed, len(rows) - len(listed), counts, waiting, quarrels, desk.store.decisions.detached())


def look_again(desk: Desk, person: Editor) -> Refreshed:
    """Look at the folders of the collection for what a new run changed; decisions go with their places."""
    found = desk.store.index.refresh()
    desk.library.refreshed()
    return found


def look_again_and_return(request: Request, desk: Desk, person: Editor) -> Response:
    """Look at the folders again and show the overview, with what could not be read."""
    found = look_again(desk, person)
    if found.problems:
        return render(request, "overview.html.j2", view=replace(overview(desk, person), problems=found.problems[:LISTED]))
    return back_to("/")


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/", "overview.html.j2", overview, OverviewView)
    pages.post("/refresh")(look_again_and_return)
    api.post("/refresh", responses=CHANGE)(look_again)
