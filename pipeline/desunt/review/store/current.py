"""What holds now: the history of a place replayed from its first entry to its last, and kept as a projection in step with the log."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from desunt.record.conjecture import Decision
from desunt.record.decision_log import LogEntry, PlaceState, canonical_json, decision_of, effective_entries, replay
from desunt.record.edits import GapEdit
from desunt.record.files import type_adapter
from desunt.review.store import log
from desunt.review.store.entries import PlaceStatus
from desunt.review.store.schema import EntryTable, GapTable, StandingTable
from desunt.review.store.values import Status

EXCLUDED_REASONS = ("withheld", "blank")


def status_of(state: PlaceState | None, reason: str | None = None) -> Status:
    """Return the status of a place; a withheld or blank gap nobody spoke of is excluded."""
    if state is None:
        return "excluded" if reason in EXCLUDED_REASONS else "open"
    if state.contested:
        return "contested"
    return "left-open" if state.entry.verdict == "left-open" else "decided"


def history(connection: Connection, target: str) -> tuple[LogEntry, ...]:
    """Return all entries about a gap, word or line, oldest first."""
    return tuple(log.entries(connection, EntryTable.target == target))


def update_projection(connection: Connection, document_id: str, target: str) -> None:
    """Work out anew what holds for a place, and keep it; in the same transaction as the entry that changed it."""
    entries = history(connection, target)
    version = last_effective_uid(entries)
    if not version:
        return
    state = replay(entries)
    connection.execute(delete(StandingTable).where(StandingTable.target == target))
    connection.execute(insert(StandingTable), [_to_row(document_id, target, state, version)])
    reason = connection.execute(select(GapTable.reason).where(GapTable.gap_id == target)).scalar()
    connection.execute(update(GapTable).where(GapTable.gap_id == target).values(**index_columns(version, state, reason)))


def last_effective_uid(entries: tuple[LogEntry, ...]) -> str:
    """Return the uid of the last entry that was not stale, empty if there is none: the version of the place."""
    return next((entry.uid for entry in reversed(entries) if not entry.stale), "")


def _to_row(document_id: str, target: str, state: PlaceState | None, version: str) -> dict[str, Any]:
    decision = decision_of(state, target) if state and not state.contested else None
    return {
        "target": target, "document_id": document_id, "status": status_of(state), "uid": state.entry.uid if state else None,
        "decision": canonical_json(type_adapter(Decision).dump_python(decision, mode="json")) if decision else None, "version": version,
    }  # fmt: skip


def index_columns(version: str, state: PlaceState | None, reason: str | None) -> dict[str, Any]:
    """Return what the index of gaps keeps of the projection, so that a queue needs no second table."""
    entry = state.entry if state else None
    return {
        "status": status_of(state, reason),
        "verdict": entry.verdict if entry else None,
        "reading": entry.text if entry else None,
        "decided_by": entry.editor if entry else None,
        "confirmed": len(state.confirmed) if state else 0,
        "version": version,
    }


def current(connection: Connection, target: str) -> PlaceStatus | None:
    """Return what holds for a place; None if nothing was ever said of it."""
    return next(iter(find_all(connection, StandingTable.target == target)), None)


def find_all(connection: Connection, *conditions: Any) -> list[PlaceStatus]:
    """Return what holds for the places that meet the conditions."""
    rows = connection.execute(select(StandingTable.__table__).where(*conditions).order_by(StandingTable.target)).mappings()
    return [
        PlaceStatus(
            row["target"], row["document_id"], row["status"],
            type_adapter(Decision).validate_python(json.loads(row["decision"])) if row["decision"] else None, row["uid"], row["version"],
        )
        for row in rows
    ]  # fmt: skip


def current_version(connection: Connection, target: str) -> str:
    """Return the uid of the last entry that took effect about a place, empty if there is none."""
    return connection.execute(select(StandingTable.version).where(StandingTable.target == target)).scalar() or ""


def has_entries(connection: Connection, document_id: str) -> bool:
    """Tell whether anybody ever did anything to the document at this desk."""
    return connection.scalar(select(EntryTable.seq).where(EntryTable.document_id == document_id).limit(1)) is not None


def standing_decisions(connection: Connection, document_id: str) -> dict[str, Decision]:
    """Return the decisions that hold in a document by the id of the gap or word; contested ones do not."""
    statuses = find_all(connection, StandingTable.document_id == document_id, StandingTable.decision.is_not(None))
    return {status.target: status.decision for status in statuses if status.decision}


def standing_edits(connection: Connection, document_id: str) -> tuple[GapEdit, ...]:
    """Return the edits of a document that were not taken back, in the order they were made."""
    edits = log.entries(connection, EntryTable.document_id == document_id, EntryTable.action == "edit")
    lines = dict.fromkeys(entry.target for entry in edits)
    effective = (entry for line in lines for entry in effective_entries(history(connection, line)) if entry.edit)
    return tuple(entry.edit for entry in sorted(effective, key=lambda entry: entry.seq) if entry.edit)
