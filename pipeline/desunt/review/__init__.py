"""The review desk: editors decide, gap by gap, and every decision is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from desunt.record.conjecture import Decision
from desunt.record.edits import GapEdit


def decided(outputs: Path, database: str | None) -> Callable[[str], tuple[Mapping[str, Decision], tuple[GapEdit, ...]] | None]:
    """Return a look-up of what stands for a document, by the document's id: decisions by gap or word, and edits in their order.

    None stands for a document that nobody ever did anything to.

    Where nobody ever opened the desk there is nothing to look up, and no database is made.
    """
    if database is None and not (outputs / "desk.sqlite").exists():
        return lambda _: None
    from desunt.review.store.database import open_database
    from desunt.review.store.valid import decided_in, edits_in, is_known

    opened = open_database(outputs, database, pool=False)

    def look_up(document_id: str) -> tuple[Mapping[str, Decision], tuple[GapEdit, ...]] | None:
        with opened.reading() as connection:
            if not is_known(connection, document_id):
                return None
            return decided_in(connection, document_id), edits_in(connection, document_id)

    return look_up


def log_lines(outputs: Path, database: str | None) -> Iterator[str]:
    """Return the desk's log of decisions, a line of JSON an entry, oldest first."""
    from desunt.review.store import open_store

    return open_store(outputs, database).exchange.export_jsonl()
