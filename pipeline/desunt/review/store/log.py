"""The log as a chain of entries: each row carries the hash of the one before, so that a row changed, removed or slipped in is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from desunt.record.decision_log import INITIAL_HASH, LogEntry, canonical_json, entry_from_dict, entry_hash, entry_to_dict
from desunt.review.store.entries import ChainCheck
from desunt.review.store.schema import EntryTable, StandingTable

_JSON_COLUMNS = ("shown", "probabilities", "model", "settings", "box", "edit")
_BATCH_ROWS = 1000


def append(connection: Connection, entry: LogEntry) -> LogEntry:
    """Write the entry behind the last one; its number, the hash before and its own are given here. The caller is the only writer."""
    last = connection.execute(select(EntryTable.seq, EntryTable.hash).order_by(EntryTable.seq.desc()).limit(1)).first()
    sealed = replace(entry, seq=last.seq + 1 if last else 1, previous=last.hash if last else INITIAL_HASH, hash="")
    sealed = replace(sealed, hash=entry_hash(sealed))
    connection.execute(insert(EntryTable), [_to_row(sealed)])
    return sealed


def _to_row(entry: LogEntry) -> dict[str, Any]:
    row = entry_to_dict(entry)
    return {**row, **{name: canonical_json(row[name]) for name in _JSON_COLUMNS}}


def entry_from_row(row: RowMapping) -> LogEntry:
    """Return the entry a row of the table holds."""
    values = dict(row)
    for name in _JSON_COLUMNS:
        values[name] = json.loads(values[name])
    return entry_from_dict(values)


def entries(connection: Connection, *conditions: Any) -> Iterator[LogEntry]:
    """Yield the entries that meet the conditions, oldest first."""
    return map(entry_from_row, _rows(connection, *conditions))


def _rows(connection: Connection, *conditions: Any) -> Iterator[RowMapping]:
    """Yield rows a batch at a time: memory stays flat however long the chain is."""
    after = 0
    while True:
        batch = select(EntryTable.__table__).where(EntryTable.seq > after, *conditions).order_by(EntryTable.seq).limit(_BATCH_ROWS)
        rows = connection.execute(batch).mappings().all()
        yield from rows
        if len(rows) < _BATCH_ROWS:
            return
        after = rows[-1]["seq"]


def find(connection: Connection, uid: str) -> LogEntry | None:
    """Return the entry with this uid, None if there is none."""
    row = connection.execute(select(EntryTable.__table__).where(EntryTable.uid == uid)).mappings().first()
    return entry_from_row(row) if row else None


def verify_chain(connection: Connection) -> ChainCheck:
    """Walk the chain and return the first row that is not what it must be."""
    seq, head = 0, INITIAL_HASH
    for row in _rows(connection):
        problem = _row_problem(row, seq + 1, head)
        if problem:
            return ChainCheck(seq, head, row["seq"], problem)
        seq, head = row["seq"], row["hash"]
    missing = connection.execute(
        select(StandingTable.target).where(StandingTable.version.not_in(select(EntryTable.uid))).order_by(StandingTable.target).limit(1)
    ).first()
    if missing:
        return ChainCheck(seq, head, seq + 1, f"the last entry about {missing.target} is gone: rows at the end were removed")
    return ChainCheck(seq, head, None, "")


def _row_problem(row: RowMapping, seq: int, head: str) -> str:
    """Return what is wrong with a row, empty if nothing is."""
    if row["seq"] != seq:
        return f"row {seq} is missing"
    if row["previous"] != head:
        return f"row {seq} does not follow the row before it"
    try:
        expected = entry_hash(entry_from_row(row))
    except (ValueError, TypeError, KeyError) as error:
        return f"row {seq} cannot be read: {error}"
    return "" if expected == row["hash"] else f"row {seq} was changed after it was written"
