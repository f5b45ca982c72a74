"""What stands for one document, as exporters take it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from desunt.record.conjecture import Decision
from desunt.record.edits import GapEdit
from desunt.review.store import log as chain
from desunt.review.store.current import from_row, history, in_force
from desunt.review.store.schema import EntryTable, StandingTable


def is_known(connection: Connection, document_id: str) -> bool:
    """Tell whether anybody ever did anything to the document at this desk."""
    return connection.scalar(select(EntryTable.seq).where(EntryTable.document_id == document_id).limit(1)) is not None


def decided_in(connection: Connection, document_id: str) -> dict[str, Decision]:
    """Return the standing decisions of a document by the id of the gap or word; contested ones do not stand."""
    asked = select(StandingTable.__table__).where(StandingTable.document_id == document_id, StandingTable.decision.is_not(None))
    found = (from_row(dict(row)) for row in connection.execute(asked.order_by(StandingTable.target)).mappings())
    return {one.target: one.decision for one in found if one.decision}


def edits_in(connection: Connection, document_id: str) -> tuple[GapEdit, ...]:
    """Return the edits of a document that were not taken back, in the order they were made."""
    made = chain.entries(connection, EntryTable.document_id == document_id, EntryTable.action == "edit")
    lines = dict.fromkeys(entry.target for entry in made)
    standing = (entry for line in lines for entry in in_force(history(connection, line)) if entry.edit)
    return tuple(entry.edit for entry in sorted(standing, key=lambda entry: entry.seq) if entry.edit)
