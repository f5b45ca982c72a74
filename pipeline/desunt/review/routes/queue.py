"""The queue: the gaps of the collection in the order that helps most, filtered, counted, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from desunt.review.auth import Desk, SignedInUser
from desunt.review.queue_params import FILTER_CHOICES, QueueParameters, QueueParams, RequestedFilter
from desunt.review.rendering import add_page_and_api
from desunt.review.store.types import QueueCounts, QueuePage
from desunt.review.views.entry_words import RecordedAction, recorded_action

PAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class QueueView:
    """A page of the queue; `titles` by document id, `documents` the keys and titles that the filter may name."""

    filter: QueueParams
    page: QueuePage
    counts: QueueCounts
    titles: dict[str, str]
    documents: tuple[tuple[str, str], ...]
    choices: dict[str, list[tuple[str, str]]]
    first: str | None
    done: RecordedAction | None


Cursor = Annotated[str, Query(max_length=500)]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]


def queue(
    desk: Desk, user: SignedInUser, params: QueueParameters, queue_filter: RequestedFilter, cursor: Cursor = "", done: Uid = ""
) -> QueueView:  # fmt: skip
    """Return a page of the queue."""
    page = desk.store.queue.page(queue_filter, cursor or None, PAGE_LENGTH)
    first = page.rows[0].gap_id if page.rows else None
    rows = desk.library.rows or desk.library.refresh()
    documents = tuple((key, row.title) for key, row in list(rows.items())[: PAGE_LENGTH * 10])
    titles = {row.document_id: desk.library.find_by_id(row.document_id).title for row in page.rows}
    counts = desk.store.queue.counts(queue_filter)
    return QueueView(params, page, counts, titles, documents, FILTER_CHOICES, first, recorded_action(desk, done))


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/queue", "queue.html.j2", queue, QueueView)
