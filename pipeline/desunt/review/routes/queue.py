"""The queue: the gaps of the collection in the order that helps most, filtered, counted, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from desunt.review.auth import Desk, Reader
from desunt.review.queue_filter import Filter, Filtered, Sought, choices
from desunt.review.rendering import twin
from desunt.review.store.types import Counts, QueuePage
from desunt.review.views.done import Done, done_view

LENGTH = 50


@dataclass(frozen=True, slots=True)
class QueueView:
    """A page of the queue; `titles` by document id, `keys` the documents that the filter may name."""

    filter: Filter
    page: QueuePage
    counts: Counts
    titles: dict[str, str]
    documents: tuple[tuple[str, str], ...]
    choices: dict[str, list[tuple[str, str]]]
    first: str | None
    done: Done | None


Cursor = Annotated[str, Query(max_length=500)]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]


def queue(desk: Desk, person: Reader, asked: Filtered, query: Sought, cursor: Cursor = "", done: Uid = "") -> QueueView:
    """Return a page of the queue."""
    page = desk.store.queue.page(query, cursor or None, LENGTH)
    first = page.rows[0].gap_id if page.rows else None
    rows = desk.library.rows or desk.library.refreshed()
    documents = tuple((key, row.title) for key, row in list(rows.items())[: LENGTH * 10])
    titles = {row.document_id: desk.library.of(row.document_id).title for row in page.rows}
    counts = desk.store.queue.counts(query)
    return QueueView(asked, page, counts, titles, documents, choices(), first, done_view(desk, done))


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/queue", "queue.html.j2", queue, QueueView)
