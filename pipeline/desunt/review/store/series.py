"""Series: gaps that look alike to the engine, decided together after being shown together, each logged and undone on its own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from desunt.record.decision_log import LogEntry, effective_entries
from desunt.review.store import append, log
from desunt.review.store.current import history
from desunt.review.store.database import Database
from desunt.review.store.decisions import DecisionRepository
from desunt.review.store.entries import Proposal, SeriesOutcome
from desunt.review.store.errors import Invalid, NotFound
from desunt.review.store.index_rows import word_key
from desunt.review.store.queue import gap_row
from desunt.review.store.schema import EntryTable, GapTable
from desunt.review.store.values import GapRow, SeriesMember, SeriesRow

MAX_SERIES_GAPS = 500


class SeriesRepository:
    """Gaps with the same engine reading in the same kind of context, across the collection (index_rows.series_key says which)."""

    def __init__(self, database: Database, decisions: DecisionRepository) -> None:
        self._database, self._decisions = database, decisions

    def list(self, limit: int = 100) -> tuple[SeriesRow, ...]:
        """Return the series with at least two open gaps, the largest first."""
        open_gaps = func.count().filter(GapTable.status == "open")
        largest = (
            select(GapTable.series, func.min(GapTable.engine_reading), func.min(GapTable.kind), open_gaps, func.count())
            .where(GapTable.series.is_not(None))
            .group_by(GapTable.series)
            .having(open_gaps >= 2)
            .order_by(open_gaps.desc(), GapTable.series)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows: Sequence[Any] = connection.execute(largest).all()
        return tuple(SeriesRow(*row) for row in rows)

    def members(self, series: str, like: str | None = None, limit: int = MAX_SERIES_GAPS) -> tuple[SeriesMember, ...]:
        """Return the gaps of a series: those between the same words as the gap `like` (or the first) come first. Raises NotFound."""
        gaps = (
            select(GapTable.__table__)
            .where(GapTable.series == series)
            .order_by(GapTable.document_id, GapTable.place)
            .limit(min(limit, MAX_SERIES_GAPS))
        )
        with self._database.reading() as connection:
            rows = [gap_row(row) for row in connection.execute(gaps).mappings()]
        if not rows:
            raise NotFound(f"no series {series!r}")
        reference = next((row for row in rows if row.gap_id == like), rows[0])
        members = (SeriesMember(row, _neighbour_words(row) == _neighbour_words(reference)) for row in rows)
        return tuple(sorted(members, key=lambda member: not member.same_words))

    def decide(self, proposals: Sequence[Proposal]) -> SeriesOutcome:
        """Decide many gaps in one transaction, an entry each; those that someone else decided meanwhile are logged and listed as stale.

        Raises Invalid, NotFound or NotAllowed, and then decides none of them.
        """
        if not proposals or len({proposal.gap_id for proposal in proposals}) != len(proposals):
            raise Invalid("a series names each of its gaps once")
        contexts = [self._decisions.context(proposal) for proposal in proposals]
        at, series = self._database.clock(), uuid.uuid4().hex
        with self._database.writing() as connection:
            entries = [
                append.append_decision(connection, proposal, context, at, series=series)[0]
                for proposal, context in zip(proposals, contexts, strict=True)
            ]
        return _outcome(next((entry.series for entry in entries if entry.series), series), entries)

    def undo(self, series: str, editor: str) -> tuple[LogEntry, ...]:
        """Take back all decisions of a series that are still in force, a new entry each. Raises NotFound."""
        with self._database.writing() as connection:
            entries = _decisions_of_series(connection, series)
            if not entries:
                raise NotFound(f"no decisions of a series {series!r}")
            effective = [entry for entry in entries if entry in effective_entries(history(connection, entry.target))]
            at = self._database.clock()
            return tuple(append.revoke(connection, entry.uid, editor, at, series=series)[0] for entry in effective)

    def decided(self, limit: int = 100) -> tuple[SeriesOutcome, ...]:
        """Return the series that were decided, the latest first, with the entries that took effect (taken back or not)."""
        named, latest = EntryTable.series.is_not(None), func.max(EntryTable.seq).desc()
        series_keys = select(EntryTable.series).where(named).group_by(EntryTable.series).order_by(latest).limit(limit)
        with self._database.reading() as connection:
            return tuple(_outcome(key, _decisions_of_series(connection, key)) for key in connection.scalars(series_keys) if key)


def _outcome(series: str, entries: Sequence[LogEntry]) -> SeriesOutcome:
    return SeriesOutcome(series, tuple(entry for entry in entries if not entry.stale), tuple(entry for entry in entries if entry.stale))


def _decisions_of_series(connection: Connection, series: str) -> tuple[LogEntry, ...]:
    return tuple(log.entries(connection, EntryTable.series == series, EntryTable.action == "decide", EntryTable.moved_from.is_(None)))


def _neighbour_words(row: GapRow) -> tuple[str, str]:
    before, after = row.before.split(), row.after.split()
    return word_key(before[-1]) if before else "", word_key(after[0]) if after else ""
