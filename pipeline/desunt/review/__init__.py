"""The review desk: editors decide, gap by gap, and every decision is on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from desunt.record.edits import DecisionLookup, DocumentDecisions


def decision_lookup(outputs: Path, database: str | None) -> DecisionLookup:
    """Return a look-up of what stands for a document, by the document's id: decisions by gap or word, and edits in their order.

    None stands for a document that nobody ever did anything to.

    Where nobody ever opened the desk there is nothing to look up, and no database is made.
    """
    if database is None and not (outputs / "desk.sqlite").exists():
        return lambda _: None
    from desunt.review.store.current import has_entries, standing_decisions, standing_edits
    from desunt.review.store.database import open_database

    desk = open_database(outputs, database, pool=False)

    def look_up(document_id: str) -> DocumentDecisions | None:
        with desk.reading() as connection:
            if not has_entries(connection, document_id):
                return None
            return DocumentDecisions(standing_decisions(connection, document_id), standing_edits(connection, document_id))

    return look_up


def log_lines(outputs: Path, database: str | None) -> Iterator[str]:
    """Return the desk's log of decisions, a line of JSON an entry, oldest first."""
    from desunt.review.store import open_store

    return open_store(outputs, database).exchange.export_jsonl()
