"""The queue: gaps in the order that helps most, a page at a time, at the same speed wherever in the queue one is."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, tuple_

from desunt.record.document import Box
from desunt.review.store.database import Database
from desunt.review.store.errors import Invalid
from desunt.review.store.schema import GapTable
from desunt.review.store.values import QUEUE_WORD_ALIASES, GapRow, Order, QueueCounts, QueueFilter, QueuePage

# Each order ends with the id, so that no two gaps share a place.
SORT_COLUMNS: dict[Order, tuple[Any, ...]] = {
    "most_certain": (GapTable.cheap, GapTable.gap_id),
    "document": (GapTable.document_id, GapTable.place, GapTable.gap_id),
    "least_certain": (GapTable.doubt, GapTable.gap_id),
}
SORT_TYPES: dict[Order, tuple[type, ...]] = {"most_certain": (float, str), "document": (str, int, str), "least_certain": (float, str)}
# What each part of a QueueFilter demands of a gap.
CONDITIONS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "status": lambda status: GapTable.status == status,
    "document": lambda document_id: GapTable.document_id == document_id,
    "reason": lambda reason: GapTable.reason == reason,
    "kind": lambda kind: GapTable.kind == kind,
    "mine": lambda editor: GapTable.decided_by == editor,
    "least": lambda letters: and_(GapTable.unit == "character", or_(GapTable.most.is_(None), GapTable.most >= letters)),
    "most": lambda letters: and_(GapTable.unit == "character", or_(GapTable.least.is_(None), GapTable.least <= letters)),
    "refused": lambda refused: GapTable.refusal.is_not(None) if refused else GapTable.refusal.is_(None),
    "text": lambda text: GapTable.search.contains(text.strip().casefold().replace("\x00", ""), autoescape=True),
}
FACETS = ("status", "reason", "kind", "document")
MAX_PAGE_GAPS = 500
_COLUMNS = [GapTable.__table__.c[field.name] for field in fields(GapRow)]


def conditions(queue_filter: QueueFilter) -> list[ColumnElement[bool]]:
    """Return what a gap must meet to be in the queue."""
    demands = {name: getattr(queue_filter, name) for name in CONDITIONS}
    return [CONDITIONS[name](value) for name, value in demands.items() if value is not None and value != ""]


class GapQueue:
    """Looks at the index in one order under one filter."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, queue_filter: QueueFilter, cursor: str | None = None, limit: int = 50) -> QueuePage:
        """Return the gaps behind the cursor (or before it, for `preceding`), at most 500. Raises Invalid for a cursor of another order."""
        limit, order = max(1, min(limit, MAX_PAGE_GAPS)), queue_filter.order
        backwards, position = _parse_cursor(cursor, order) if cursor else (False, None)
        with self._database.reading() as connection:
            rows = list(connection.execute(_select_gaps(queue_filter, position, backwards).limit(limit + 1)).mappings())
        more, gaps = len(rows) > limit, [gap_row(row) for row in rows[:limit]]
        if backwards:
            gaps.reverse()
        following, preceding = (True, more) if backwards else (more, position is not None)
        return QueuePage(
            tuple(gaps),
            _cursor(order, gaps[-1], backwards=False) if gaps and following else None,
            _cursor(order, gaps[0], backwards=True) if gaps and preceding else None,
        )

    def following(self, queue_filter: QueueFilter, gap_id: str, count: int = 1) -> tuple[GapRow, ...]:
        """Return the next gaps behind this one, whether or not it still meets the filter; from the start if there is no such gap."""
        with self._database.reading() as connection:
            position = connection.execute(select(*SORT_COLUMNS[queue_filter.order]).where(GapTable.gap_id == gap_id)).first()
            rows = connection.execute(_select_gaps(queue_filter, position, False).limit(max(1, min(count, MAX_PAGE_GAPS)))).mappings()
            return tuple(gap_row(row) for row in rows)

    def counts(self, queue_filter: QueueFilter) -> QueueCounts:
        """Count what the filter lets through; each facet without its own filter, so that a page can offer the others."""
        # One look at the table for all of them: with a text to look for, each look costs a walk through all gaps.
        columns = [GapTable.document_id if name == "document" else getattr(GapTable, name) for name in FACETS]
        without_facets = conditions(replace(queue_filter, status=None, reason=None, kind=None, document=None))
        grouped = select(*columns, func.count()).where(and_(True, *without_facets)).group_by(*columns)
        with self._database.reading() as connection:
            groups = [(tuple(row[:-1]), row[-1]) for row in connection.execute(grouped)]
        chosen = tuple(getattr(queue_filter, name) for name in FACETS)
        total = sum(count for values, count in groups if _matches(values, chosen))
        return QueueCounts(total, *(_facet_counts(groups, chosen, facet) for facet in range(len(FACETS))))


def _facet_counts(groups: Sequence[tuple[tuple[str, ...], int]], chosen: Sequence[str | None], facet: int) -> dict[str, int]:
    """Return how the gaps divide by a facet, most first; the facet's own filter does not count."""
    others = [None if place == facet else value for place, value in enumerate(chosen)]
    counts: Counter[str] = Counter()
    for values, count in groups:
        if _matches(values, others):
            counts[values[facet]] += count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _matches(values: Sequence[str], chosen: Sequence[str | None]) -> bool:
    return all(choice in (None, value) for value, choice in zip(values, chosen, strict=True))


def _select_gaps(queue_filter: QueueFilter, position: Sequence[Any] | None, backwards: bool) -> Select[Any]:
    columns = SORT_COLUMNS[queue_filter.order]
    gaps = select(*_COLUMNS).where(and_(True, *conditions(queue_filter)))
    if position is not None:
        key, start = tuple_(*columns), tuple_(*position)
        gaps = gaps.where(key < start if backwards else key > start)
    return gaps.order_by(*(column.desc() if backwards else column for column in columns))


def _cursor(order: Order, row: GapRow, *, backwards: bool) -> str:
    """Return an opaque text that says where a page ends."""
    keys: dict[Order, list[Any]] = {
        "most_certain": [_most_certain_key(row), row.gap_id],
        "document": [row.document_id, row.place, row.gap_id],
        "least_certain": [_least_certain_key(row), row.gap_id],
    }
    return base64.urlsafe_b64encode(json.dumps([order, backwards, *keys[order]]).encode()).decode()


def _most_certain_key(row: GapRow) -> float:
    has_opinion = row.none_of_these is not None
    return round((2.0 if row.refusal is not None else 1.0 if has_opinion else 3.0) - (row.probability or 0.0), 4)


def _least_certain_key(row: GapRow) -> float:
    return round(row.probability or 0.0, 4) if row.none_of_these is not None else 2.0


def _parse_cursor(cursor: str, order: Order) -> tuple[bool, tuple[Any, ...]]:
    try:
        made_for, backwards, *position = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        valid = QUEUE_WORD_ALIASES.get(made_for, made_for) == order and tuple(map(type, position)) == SORT_TYPES[order]
    except (ValueError, TypeError, binascii.Error, UnicodeError):
        valid = False
    if not valid:
        raise Invalid("this place in the queue is of another order or was cut off", remedy="Begin at the start of the queue")
    return bool(backwards), tuple(position)


def gap_row(row: RowMapping) -> GapRow:
    """Return the value that a row of the index holds."""
    values = {field.name: row[field.name] for field in fields(GapRow)}
    return GapRow(**{**values, "box": Box(*json.loads(values["box"])) if values["box"] else None})
