"""Series: gaps that look alike to the engine, decided together after being shown together, each logged and undone on its own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from desunt.review.store import append as logbook
from desunt.review.store import log as chain
from desunt.review.store.current import history, in_force
from desunt.review.store.database import Database
from desunt.review.store.decisions import Decisions
from desunt.review.store.entries import Entry, Outcome, Proposal
from desunt.review.store.errors import Invalid, Unknown
from desunt.review.store.index_rows import folded
from desunt.review.store.queue import gap_row
from desunt.review.store.schema import EntryTable, GapTable
from desunt.review.store.values import GapRow, Member, SeriesRow

MOST = 500


class Series:
    """Gaps with the same engine reading in the same kind of context, across the collection (rows.series_of says which)."""

    def __init__(self, database: Database, decisions: Decisions) -> None:
        self._database, self._decisions = database, decisions

    def list(self, limit: int = 100) -> tuple[SeriesRow, ...]:
        """Return the series with at least two open gaps, the largest first."""
        still = func.count().filter(GapTable.status == "open")
        asked = (
            select(GapTable.series, func.min(GapTable.engine_reading), func.min(GapTable.kind), still, func.count())
            .where(GapTable.series.is_not(None))
            .group_by(GapTable.series)
            .having(still >= 2)
            .order_by(still.desc(), GapTable.series)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows: Sequence[Any] = connection.execute(asked).all()
        return tuple(SeriesRow(*row) for row in rows)

    def members(self, series: str, like: str | None = None, limit: int = MOST) -> tuple[Member, ...]:
        """Return the gaps of a series: those between the same words as the gap `like` (or the first) come first. Raises Unknown."""
        asked = (
            select(GapTable.__table__)
            .where(GapTable.series == series)
            .order_by(GapTable.document_id, GapTable.place)
            .limit(min(limit, MOST))
        )
        with self._database.reading() as connection:
            rows = [gap_row(row) for row in connection.execute(asked).mappings()]
        if not rows:
            raise Unknown(f"no series {series!r}")
        model = next((row for row in rows if row.gap_id == like), rows[0])
        found = (Member(row, _neighbours(row) == _neighbours(model)) for row in rows)
        return tuple(sorted(found, key=lambda member: not member.same_words))

    def decide(self, proposals: Sequence[Proposal]) -> Outcome:
        """Decide many gaps in one transaction, an entry each; those that someone else decided meanwhile are logged and listed as stale.

        Raises Invalid, Unknown or NotAllowed, and then decides none of them.
        """
        if not proposals or len({proposal.gap_id for proposal in proposals}) != len(proposals):
            raise Invalid("a series names each of its gaps once")
        places = [self._decisions.place(proposal) for proposal in proposals]
        at, series = self._database.clock(), uuid.uuid4().hex
        with self._database.writing() as connection:
            made = [logbook.put(connection, one, place, at, series=series)[0] for one, place in zip(proposals, places, strict=True)]
        series = next((entry.series for entry in made if entry.series), series)
        return Outcome(series, tuple(e for e in made if not e.stale), tuple(e for e in made if e.stale))

    def undo(self, series: str, editor: str) -> tuple[Entry, ...]:
        """Take back all decisions of a series that are still in force, a new entry each. Raises Unknown."""
        with self._database.writing() as connection:
            found = _entries(connection, series)
            if not found:
                raise Unknown(f"no decisions of a series {series!r}")
            standing = [entry for entry in found if entry.uid in {one.uid for one in in_force(history(connection, entry.target))}]
            at = self._database.clock()
            return tuple(logbook.revoke(connection, entry.uid, editor, at, series=series)[0] for entry in standing)

    def decided(self, limit: int = 100) -> tuple[Outcome, ...]:
        """Return the series that were decided, the latest first, with the entries that took effect (taken back or not)."""
        last = func.max(EntryTable.seq)
        asked = (
            select(EntryTable.series).where(EntryTable.series.is_not(None)).group_by(EntryTable.series).order_by(last.desc()).limit(limit)
        )
        with self._database.reading() as connection:
            found = [(name, _entries(connection, name)) for name in connection.scalars(asked) if name]
        return tuple(Outcome(n, tuple(e for e in f if not e.stale), tuple(e for e in f if e.stale)) for n, f in found)


def _entries(connection: Connection, series: str) -> tuple[Entry, ...]:
    return tuple(chain.entries(connection, EntryTable.series == series, EntryTable.action == "decide", EntryTable.moved_from.is_(None)))


def _neighbours(row: GapRow) -> tuple[str, str]:
    before, after = row.before.split(), row.after.split()
    return folded(before[-1]) if before else "", folded(after[0]) if after else ""
