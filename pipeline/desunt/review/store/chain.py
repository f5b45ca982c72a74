"""The chain of entries: each row carries the hash of the one before, so that a row changed, removed or slipped in is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from desunt.conjecture import ModelRef
from desunt.document import Box
from desunt.edits import GapEdit
from desunt.record import adapter
from desunt.review.store.entries import Chain, Entry
from desunt.review.store.schema import EntryTable, StandingTable

START = "0" * 64
_JSON = ("shown", "probabilities", "model", "settings", "box", "edit")
_BATCH = 1000


def canonical(value: object) -> str:
    """Return JSON with sorted keys and nothing that could be written in two ways."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(entry: Entry) -> dict[str, Any]:
    """Return the entry as JSON has it: keys in the order of the type."""
    return {field.name: asdict_or_same(getattr(entry, field.name)) for field in fields(Entry)}


def asdict_or_same(value: Any) -> Any:
    """Return a dataclass as a dictionary, tuples as lists, and anything else as it is."""
    if isinstance(value, Box | ModelRef | GapEdit):
        return json.loads(json.dumps(asdict(value)))
    return json.loads(json.dumps(value)) if isinstance(value, tuple) else value


def hash_of(entry: Entry) -> str:
    """Return the SHA-256 over the hash before and all other fields but the hash itself."""
    return hash_of_plain(plain(entry))


def hash_of_plain(values: dict[str, Any]) -> str:
    """Return the hash of an entry of any version, as JSON has it."""
    content = {name: value for name, value in values.items() if name != "hash"}
    return hashlib.sha256(canonical(content).encode("utf-8", "surrogatepass")).hexdigest()


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


def from_plain(values: dict[str, Any]) -> Entry:
    """Return the entry that `plain` wrote."""
    return Entry(
        **{
            **values,
            "shown": tuple(values["shown"]),
            "probabilities": tuple(map(float, values["probabilities"])),
            # JSON may say 1 for 1.0; the database says 1.0, and the hash is over what it says.
            "probability": None if values["probability"] is None else float(values["probability"]),
            "settings": tuple((name, value) for name, value in values["settings"]),
            "model": ModelRef(**values["model"]) if values["model"] else None,
            "box": Box(**values["box"]) if values["box"] else None,
            "edit": adapter(GapEdit).validate_python(values["edit"]) if values["edit"] else None,
        }
    )


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
