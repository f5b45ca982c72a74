"""The chain of entries: each row carries the hash of the one before, so that a row changed, removed or slipped in is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from desunt.record.decision_log import START, Entry, canonical, from_plain, hash_of, plain
from desunt.review.store.entries import Chain
from desunt.review.store.schema import EntryTable, StandingTable

__all__ = ["append", "canonical", "entries", "from_plain", "from_row", "one", "plain", "verify"]

_JSON = ("shown", "probabilities", "model", "settings", "box", "edit")
_BATCH = 1000


def append(connection: Connection, entry: Entry) -> Entry:
    """Write the entry behind the last one; its number, the hash before and its own are given here. The caller is the only writer."""
    last = connection.execute(select(EntryTable.seq, EntryTable.hash).order_by(EntryTable.seq.desc()).limit(1)).first()
    sealed = replace(entry, seq=last.seq + 1 if last else 1, previous=last.hash if last else START, hash="")
    sealed = replace(sealed, hash=hash_of(sealed))
    connection.execute(insert(EntryTable), [_row(sealed)])
    return sealed


def _row(entry: Entry) -> dict[str, Any]:
    row = plain(entry)
    return {**row, **{name: canonical(row[name]) for name in _JSON}}


def from_row(row: RowMapping) -> Entry:
    """Return the entry a row of the table holds."""
    values = dict(row)
    for name in _JSON:
        values[name] = json.loads(values[name])
    return from_plain(values)


def entries(connection: Connection, *conditions: Any) -> Iterator[Entry]:
    """Yield the entries that meet the conditions, oldest first."""
    return map(from_row, _rows(connection, *conditions))


def _rows(connection: Connection, *conditions: Any) -> Iterator[RowMapping]:
    """Yield rows a batch at a time: memory stays flat however long the chain is."""
    after = 0
    while True:
        asked = select(EntryTable.__table__).where(EntryTable.seq > after, *conditions).order_by(EntryTable.seq).limit(_BATCH)
        rows = connection.execute(asked).mappings().all()
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1]["seq"]


def one(connection: Connection, uid: str) -> Entry | None:
    """Return the entry with this uid."""
    row = connection.execute(select(EntryTable.__table__).where(EntryTable.uid == uid)).mappings().first()
    return from_row(row) if row else None


def verify(connection: Connection) -> Chain:
    """Walk the chain and return the first row that is not what it must be."""
    seq, head = 0, START
    for row in _rows(connection):
        problem = _problem(row, seq + 1, head)
        if problem:
            return Chain(seq, head, row["seq"], problem)
        seq, head = row["seq"], row["hash"]
    missing = connection.execute(
        select(StandingTable.target).where(StandingTable.version.not_in(select(EntryTable.uid))).order_by(StandingTable.target).limit(1)
    ).first()
    if missing:
        return Chain(seq, head, seq + 1, f"the last entry about {missing.target} is gone: rows at the end were removed")
    return Chain(seq, head, None, "")


def _problem(row: RowMapping, seq: int, head: str) -> str:
    """Return what is wrong with a row, empty if nothing is."""
    if row["seq"] != seq:
        return f"row {seq} is missing"
    if row["previous"] != head:
        return f"row {seq} does not follow the row before it"
    try:
        right = hash_of(from_row(row))
    except (ValueError, TypeError, KeyError) as error:
        return f"row {seq} cannot be read: {error}"
    return "" if right == row["hash"] else f"row {seq} was changed after it was written"
