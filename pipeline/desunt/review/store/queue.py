"""The queue: gaps in the order that helps most, a page at a time, at the same speed wherever in the queue one is."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, or_, select, tuple_

from desunt.record.document import Box
from desunt.review.store.database import Database
from desunt.review.store.errors import Invalid
from desunt.review.store.schema import GapTable
from desunt.review.store.values import Counts, GapRow, Order, Query, QueuePage

# Each order ends with the id, so that no two gaps share a place.
KEYS: dict[Order, tuple[Any, ...]] = {
    "cheap": (GapTable.cheap, GapTable.gap_id),
    "document": (GapTable.document_id, GapTable.place, GapTable.gap_id),
    "doubt": (GapTable.doubt, GapTable.gap_id),
}
FACETS = ("status", "reason", "kind", "document")
MOST = 500
_FIELDS = [GapTable.__table__.c[field.name] for field in fields(GapRow)]


class Queue:
    """Looks at the index in one order under one query."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: Query, cursor: str | None = None, limit: int = 50) -> QueuePage:
        """Return the gaps behind the cursor (or before it, for `preceding`), at most 500. Raises Invalid for a cursor of another order."""
        limit = max(1, min(limit, MOST))
        back, place = _opened(cursor, query.order) if cursor else (False, None)
        with self._database.reading() as connection:
            rows = list(connection.execute(_asked(query, place, back).limit(limit + 1)).mappings())
        more, rows = len(rows) > limit, rows[:limit]
        if back:
            rows.reverse()
        found = tuple(gap_row(row) for row in rows)
        ahead, behind = (True, more) if back else (more, place is not None)
        return QueuePage(
            found,
            _cursor(query.order, found[-1], back=False) if found and ahead else None,
            _cursor(query.order, found[0], back=True) if found and behind else None,
        )

    def ahead(self, query: Query, gap_id: str | None = None, count: int = 1) -> tuple[GapRow, ...]:
        """Return the next gaps behind this one, whether or not it still meets the query; from the start if there is no such gap."""
        with self._database.reading() as connection:
            place = _place_of(connection, query.order, gap_id) if gap_id else None
            found = connection.execute(_asked(query, place, False).limit(max(1, min(count, MOST)))).mappings()
            return tuple(gap_row(row) for row in found)

    def counts(self, query: Query) -> Counts:
        """Count what the query finds; each division without its own filter, so that a page can offer the others."""
        # One look at the table for all of them: with a text to look for, each look costs a walk through all gaps.
        columns = [GapTable.document_id if name == "document" else getattr(GapTable, name) for name in FACETS]
        unfiltered = conditions(replace(query, status=None, reason=None, kind=None, document=None))
        asked = select(*columns, func.count()).where(and_(True, *unfiltered)).group_by(*columns)
        with self._database.reading() as connection:
            found = [(tuple(row[:-1]), row[-1]) for row in connection.execute(asked)]
        wanted = tuple(getattr(query, name) for name in FACETS)
        return Counts(sum(_divided(found, wanted, 0, own=True).values()), *(_divided(found, wanted, at) for at in range(len(FACETS))))


def _divided(
    found: Sequence[tuple[tuple[str, ...], int]], wanted: Sequence[str | None], facet: int, *, own: bool = False
) -> dict[str, int]:
    """Return how the gaps divide by a facet, most first; the facet's `own` filter does not count unless it is asked for."""
    divided: Counter[str] = Counter()
    for values, times in found:
        if all(want in (None, value) or (at == facet and not own) for at, (want, value) in enumerate(zip(wanted, values, strict=True))):
            divided[values[facet]] += times
    return dict(sorted(divided.items(), key=lambda one: (-one[1], one[0])))


def conditions(query: Query) -> list[ColumnElement[bool]]:
    """Return what a gap must meet to be in the queue."""
    exact = {
        GapTable.status: query.status, GapTable.document_id: query.document, GapTable.reason: query.reason,
        GapTable.kind: query.kind, GapTable.decided_by: query.mine,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if query.least is not None or query.most is not None:
        found.append(GapTable.unit == "character")
    if query.least is not None:
        found.append(or_(GapTable.most.is_(None), GapTable.most >= query.least))
    if query.most is not None:
        found.append(or_(GapTable.least.is_(None), GapTable.least <= query.most))
    if query.refused is not None:
        found.append(GapTable.refusal.is_not(None) if query.refused else GapTable.refusal.is_(None))
    if query.text.strip():
        found.append(GapTable.search.contains(query.text.strip().casefold().replace("\x00", ""), autoescape=True))
    return found


def _asked(query: Query, place: Sequence[Any] | None, back: bool) -> Select[Any]:
    keys = KEYS[query.order]
    asked = select(*_FIELDS).where(and_(True, *conditions(query)))
    if place is not None:
        here, there = tuple_(*keys), tuple_(*place)
        asked = asked.where(here < there if back else here > there)
    return asked.order_by(*(key.desc() if back else key for key in keys))


def _place_of(connection: Connection, order: Order, gap_id: str) -> Sequence[Any] | None:
    return connection.execute(select(*KEYS[order]).where(GapTable.gap_id == gap_id)).first()


def _cursor(order: Order, row: GapRow, *, back: bool) -> str:
    """Return an opaque text that says where a page ends."""
    keys = {
        "cheap": [_cheap(row), row.gap_id],
        "document": [row.document_id, row.place, row.gap_id],
        "doubt": [_doubt(row), row.gap_id],
    }
    return base64.urlsafe_b64encode(json.dumps([order, back, *keys[order]]).encode()).decode()


def _cheap(row: GapRow) -> float:
    asked = row.none_of_these is not None
    return round((2.0 if row.refusal is not None else 1.0 if asked else 3.0) - (row.probability or 0.0), 4)


def _doubt(row: GapRow) -> float:
    return round(row.probability or 0.0, 4) if row.none_of_these is not None else 2.0


def _opened(cursor: str, order: Order) -> tuple[bool, tuple[Any, ...]]:
    kinds = {"cheap": (float, str), "doubt": (float, str), "document": (str, int, str)}
    try:
        made_for, back, *place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        right = made_for == order and [type(key) for key in place] == list(kinds[order])
    except (ValueError, TypeError, binascii.Error, UnicodeError):
        right = False
    if not right:
        raise Invalid("this place in the queue is of another order or was cut off", remedy="Begin at the start of the queue")
    return bool(back), tuple(place)


def gap_row(row: RowMapping) -> GapRow:
    """Return the value that a row of the index holds."""
    values = {field.name: row[field.name] for field in fields(GapRow)}
    return GapRow(**{**values, "box": Box(*json.loads(values["box"])) if values["box"] else None})
