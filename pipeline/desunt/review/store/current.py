"""What stands: the history of a place read from its first entry to its last, and kept in step with the chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from desunt.record.conjecture import Decision
from desunt.record.decision_log import Entry, Stand, decision_of, in_force, meaning, stand_of
from desunt.record.files import adapter
from desunt.review.store.entries import Standing
from desunt.review.store.log import canonical, entries
from desunt.review.store.schema import EntryTable, GapTable, StandingTable
from desunt.review.store.values import Status

__all__ = [
    "Stand", "columns", "from_row", "history", "in_force", "meaning", "rebuild", "restand", "stand_of", "standing", "status_of", "version",
]  # fmt: skip

NEVER_ASKED = ("withheld", "blank")


def status_of(stand: Stand | None, reason: str | None = None) -> Status:
    """Return the status of a place; a withheld or blank gap nobody spoke of is set aside."""
    if stand is None:
        return "aside" if reason in NEVER_ASKED else "open"
    if stand.contested:
        return "contested"
    return "left-open" if stand.entry.verdict == "left-open" else "decided"


def history(connection: Connection, target: str) -> tuple[Entry, ...]:
    """Return all entries about a gap, word or line, oldest first."""
    return tuple(entries(connection, EntryTable.target == target))


def restand(connection: Connection, document_id: str, target: str) -> Standing:
    """Work out anew what stands for a place, and keep it; in the same transaction as the entry that changed it."""
    found = history(connection, target)
    told = [entry for entry in found if not entry.stale]
    if not told:
        return Standing(target, document_id, "open", None, None, "")
    made = _standing(document_id, target, found, told[-1].uid)
    stand = stand_of(found)
    connection.execute(delete(StandingTable).where(StandingTable.target == target))
    connection.execute(insert(StandingTable), [_row(made)])
    connection.execute(
        update(GapTable).where(GapTable.gap_id == target).values(**columns(made.version, stand, _reason(connection, target)))
    )
    return made


def _standing(document_id: str, target: str, found: Sequence[Entry], version: str) -> Standing:
    stand = stand_of(found)
    if stand is None:
        return Standing(target, document_id, "open", None, None, version)
    decision = None if stand.contested else decision_of(stand, target)
    return Standing(target, document_id, status_of(stand), decision, stand.entry.uid, version)


def _reason(connection: Connection, target: str) -> str | None:
    return connection.execute(select(GapTable.reason).where(GapTable.gap_id == target)).scalar()


def columns(version: str, stand: Stand | None, reason: str | None) -> dict[str, Any]:
    """Return what the index keeps of the standing, so that a queue needs no second table."""
    entry = stand.entry if stand else None
    return {
        "status": status_of(stand, reason),
        "verdict": entry.verdict if entry else None,
        "reading": entry.text if entry else None,
        "decided_by": entry.editor if entry else None,
        "confirmed": len(stand.confirmed) if stand else 0,
        "version": version,
    }


def _row(made: Standing) -> dict[str, Any]:
    decision = canonical(adapter(Decision).dump_python(made.decision, mode="json")) if made.decision else None
    return {
        "target": made.target, "document_id": made.document_id, "status": made.status,
        "uid": made.uid, "decision": decision, "version": made.version,
    }  # fmt: skip


def standing(connection: Connection, target: str) -> Standing | None:
    """Return what is kept about a place; None if nothing was ever said of it."""
    row = connection.execute(select(StandingTable.__table__).where(StandingTable.target == target)).mappings().first()
    return from_row(dict(row)) if row else None


def from_row(row: dict[str, Any]) -> Standing:
    """Return the standing that a row holds."""
    decision = adapter(Decision).validate_python(json.loads(row["decision"])) if row["decision"] else None
    return Standing(row["target"], row["document_id"], row["status"], decision, row["uid"], row["version"])


def version(connection: Connection, target: str) -> str:
    """Return the uid of the last entry that took effect about a place, empty if there is none."""
    return connection.execute(select(StandingTable.version).where(StandingTable.target == target)).scalar() or ""


def rebuild(connection: Connection, targets: Iterable[tuple[str, str]]) -> None:
    """Work out anew what stands for many places, given as (document, target)."""
    for document_id, target in targets:
        restand(connection, document_id, target)
