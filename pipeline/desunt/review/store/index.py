"""The index of the collection: read from the records on disk, and read again when one of them changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from desunt.errors import DesuntError, InputError
from desunt.export.outputs import document_folders
from desunt.record.conjecture import Decision
from desunt.record.document import ImageRef, Word, lines_with_pages
from desunt.record.edits import GapEdit, apply_edits
from desunt.record.files import Record, read_record, sha256_of
from desunt.review.store import current as standing
from desunt.review.store.database import Database
from desunt.review.store.errors import Away, Unknown
from desunt.review.store.file_stamp import glance, there
from desunt.review.store.index_rows import gap_rows, word_rows
from desunt.review.store.occurrences import of_collection, of_document
from desunt.review.store.queue import gap_row
from desunt.review.store.reattach import detach_all, reattach
from desunt.review.store.schema import DocumentTable, GapTable, ScanTable, StandingTable, WordTable
from desunt.review.store.valid import decided_in, edits_in
from desunt.review.store.values import DocumentRow, GapRow, Occurrence, Refreshed

# Parsed records that are kept; a page of the desk asks for the same one again and again.
KEPT = 8
BATCH = 500


class Index:
    """What there is to decide, and where it stands."""

    def __init__(self, database: Database, outputs: Path) -> None:
        self._database, self._outputs = database, outputs
        self._refreshing, self._reading = threading.Lock(), threading.Lock()
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()

    def refresh(self, redo: bool = False) -> Refreshed:
        """Read the records that changed since the last time (`redo`: all), one document after the other; decisions re-attach on the way."""
        with self._refreshing:
            found = _folders(self._outputs)
            results = [self._look(folder, redo) for folder in found]
            seen = {document_id for document_id, *_ in results if document_id}
            self._miss(seen, {folder.name for folder in found})
        return Refreshed(
            len(seen), sum(changed for _, changed, *_ in results), sum(moved for *_, moved, _ in results),
            tuple(problem for *_, problem in results if problem),
        )  # fmt: skip

    def _look(self, folder: Path, redo: bool) -> tuple[str, bool, int, str]:
        """Return the id of a folder's document, whether it changed, how many decisions moved, and what is wrong with it."""
        try:
            with self._database.reading() as connection:
                known = connection.execute(select(DocumentTable).where(DocumentTable.folder == folder.name)).first()
                edits = edits_in(connection, known.document_id) if known else ()
            if (
                known
                and not redo
                and not known.missing
                and known.glance == glance(folder)
                and known.key == _key(known.record_sha256, edits)
            ):
                return known.document_id, False, 0, ""
            return self._take(folder)
        except (DesuntError, OSError) as error:
            return known.document_id if known else "", False, 0, str(error)

    def _take(self, folder: Path) -> tuple[str, bool, int, str]:
        seen = glance(folder)
        record, sha256 = read_record(folder), sha256_of(folder / "record.json")
        document_id = record.document.id
        with self._database.writing() as connection:
            other = connection.execute(
                select(DocumentTable.folder).where(DocumentTable.document_id == document_id, DocumentTable.folder != folder.name)
            ).scalar()
            if other and (self._outputs / other / "record.json").exists():
                return "", False, 0, f"{folder}: the same document as {self._outputs / other}; this copy is left out"
            edits = edits_in(connection, document_id)
            shown, lost = apply_edits(record.document, edits)
            laid = replace(record, document=shown)
            _forget(connection, document_id)
            connection.execute(insert(DocumentTable), [_document_row(laid, folder, sha256, seen, edits)])
            moved = reattach(connection, laid, sha256, lost)
            clashes = _insert(connection, laid)
        problem = f"{folder}: {clashes} gaps have ids that another document has; they are left out" if clashes else ""
        return document_id, True, moved, problem

    def _miss(self, seen: set[str], folders: set[str]) -> None:
        with self._database.writing() as connection:
            known = connection.execute(select(DocumentTable.document_id, DocumentTable.folder).where(~DocumentTable.missing)).all()
            for document_id, folder in known:
                if document_id not in seen and folder not in folders:
                    _empty(connection, document_id)
                    connection.execute(update(DocumentTable).where(DocumentTable.document_id == document_id).values(missing=True))
                    detach_all(connection, document_id)

    def reread(self, document_id: str) -> None:
        """Bring one document up to date at once, after an edit."""
        with self._refreshing:
            self._take(self.folder(document_id))

    def refresh_documents(self, names: Iterable[str]) -> None:
        """Read these documents again as far as the collection has them, after decisions about them came from elsewhere."""
        here = {row.document_id for row in self.documents() if not row.missing}
        for document_id in names:
            if document_id in here:
                self.reread(document_id)

    def documents(self) -> tuple[DocumentRow, ...]:
        """Return all documents, in the order of their names."""
        gaps = func.count(GapTable.gap_id)
        still = func.count(GapTable.gap_id).filter(GapTable.status == "open")
        asked = (
            select(DocumentTable, gaps.label("gaps"), still.label("open"))
            .outerjoin(GapTable, GapTable.document_id == DocumentTable.document_id)
            .group_by(DocumentTable.document_id)
            .order_by(DocumentTable.document_id)
        )
        with self._database.reading() as connection:
            return tuple(
                DocumentRow(r.document_id, r.folder, r.title, r.pages, r.gaps, r.open, r.record_sha256, r.missing)
                for r in connection.execute(asked)
            )

    def folder(self, document_id: str) -> Path:
        """Return the folder of a document. Raises Unknown."""
        with self._database.reading() as connection:
            name = connection.execute(
                select(DocumentTable.folder).where(DocumentTable.document_id == document_id, ~DocumentTable.missing)
            ).scalar()
        if name is None:
            raise Unknown(f"no document {document_id!r} in {self._outputs}")
        return self._outputs / name

    def record_sha256(self, document_id: str) -> str:
        """Return the hash of a document's record as it was last read. Raises Unknown."""
        with self._database.reading() as connection:
            found = connection.execute(select(DocumentTable.record_sha256).where(DocumentTable.document_id == document_id)).scalar()
        if found is None:
            raise Unknown(f"no document {document_id!r}")
        return found

    def facts(self, document_id: str) -> Record:
        """Return the record as it is on disk, without decisions; the last few are kept in memory."""
        folder = self.folder(document_id)
        seen = there(folder, document_id)
        key = (document_id, seen)
        with self._reading:
            if key in self._records:
                self._records.move_to_end(key)
                return self._records[key]
        record = self._in_step(folder, document_id)
        with self._reading:
            self._records[key] = record
            while len(self._records) > KEPT:
                self._records.popitem(last=False)
        return record

    def _in_step(self, folder: Path, document_id: str) -> Record:
        """Read a record that changed, and the index with it: what is decided must be logged with the hash of what was shown.

        Raises Away while a run writes the folder, Unknown where it now holds another document.
        """
        with self._refreshing:
            _, _, _, problem = self._look(folder, False)
        if problem:
            raise Away(f"{document_id} cannot be read now: {problem}", remedy="If a run is at work on it, wait until it is done")
        record = read_record(folder)
        if record.document.id != document_id:
            raise Unknown(f"no document {document_id!r} in {self._outputs}", remedy="Its folder holds another one now")
        return record

    def record(self, document_id: str) -> Record:
        """Return the record with the decisions and edits that stand, as the exporters take it. Raises Unknown."""
        decisions, edits = self.decided(document_id)
        return replace(self.facts(document_id), decisions=decisions, edits=edits)

    def shown(self, document_id: str) -> Record:
        """Return the record with the edits laid over it, as the pages show it. Raises Unknown."""
        found = self.record(document_id)
        return replace(found, document=apply_edits(found.document, found.edits)[0], edits=())

    def decided(self, document_id: str) -> tuple[dict[str, Decision], tuple[GapEdit, ...]]:
        """Return what stands for a document: decisions by the id of the gap or word, and edits in their order."""
        with self._database.reading() as connection:
            return decided_in(connection, document_id), edits_in(connection, document_id)

    def gap(self, gap_id: str) -> GapRow:
        """Return one gap. Raises Unknown."""
        with self._database.reading() as connection:
            row = connection.execute(select(GapTable.__table__).where(GapTable.gap_id == gap_id)).mappings().first()
        if row is None:
            raise Unknown(f"no gap {gap_id!r}", remedy="Its page may have been read anew: look for it in the queue")
        return gap_row(row)

    def word(self, document_id: str, word_id: str) -> Word:
        """Return one word of a document. Raises Unknown."""
        for _, line in lines_with_pages(self.facts(document_id).document):
            for token in line.tokens:
                if isinstance(token, Word) and token.id == word_id:
                    return token
        raise Unknown(f"no word {word_id!r} in {document_id}")

    def occurrences(self, text: str, document_id: str | None = None, limit: int = 20) -> tuple[Occurrence, ...]:
        """Return where the text stands among the words that were read: in one document each place, else a row a document."""
        if document_id is not None:
            return of_document(self.facts(document_id).document, text, limit)
        with self._database.reading() as connection:
            return of_collection(connection, text, limit)

    def scan(self, sha256: str) -> tuple[str, ImageRef]:
        """Return a document that has this scan, and the scan's first page. Raises Unknown."""
        with self._database.reading() as connection:
            document_id = connection.execute(select(ScanTable.document_id).where(ScanTable.scan_sha256 == sha256)).scalar()
        if document_id is not None:
            for page in self.facts(document_id).document.pages:
                if page.image and page.image.sha256 == sha256:
                    return document_id, page.image
        raise Unknown(f"no scan {sha256!r}")


def _folders(outputs: Path) -> list[Path]:
    try:
        return document_folders(outputs)
    except InputError:
        return []


def _key(record_sha256: str, edits: tuple[GapEdit, ...]) -> str:
    return " ".join((record_sha256, *(edit.id for edit in edits)))


def _forget(connection: Connection, document_id: str) -> None:
    _empty(connection, document_id)
    connection.execute(delete(DocumentTable).where(DocumentTable.document_id == document_id))


def _empty(connection: Connection, document_id: str) -> None:
    for table in (GapTable, ScanTable, WordTable):
        connection.execute(delete(table).where(table.document_id == document_id))


def _document_row(record: Record, folder: Path, sha256: str, seen: str, edits: tuple[GapEdit, ...]) -> dict[str, Any]:
    document = record.document
    return {
        "document_id": document.id, "folder": folder.name, "title": dict(document.metadata).get("title", folder.name),
        "pages": len(document.pages),
        "record_sha256": sha256, "glance": seen, "key": _key(sha256, edits), "missing": False,
    }  # fmt: skip


def _insert(connection: Connection, record: Record) -> int:
    """Write the rows of a document; return how many gaps have ids that another document took first."""
    clashes = 0
    for batch in _batches(gap_rows(record)):
        ids = [row["gap_id"] for row in batch]
        taken = set(connection.scalars(select(GapTable.gap_id).where(GapTable.gap_id.in_(ids))))
        told = set(connection.scalars(select(StandingTable.target).where(StandingTable.target.in_(ids))))
        clashes += len(taken)
        rows = [{**row, **_stands(connection, row, told)} for row in batch if row["gap_id"] not in taken]
        if rows:
            connection.execute(insert(GapTable), rows)
    document = record.document
    scans = dict.fromkeys(page.image.sha256 for page in document.pages if page.image)
    for table, found in ((ScanTable, [{"scan_sha256": s, "document_id": document.id} for s in scans]), (WordTable, word_rows(document))):
        if found:
            connection.execute(insert(table), found)
    return clashes


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _stands(connection: Connection, row: dict[str, Any], told: set[str]) -> dict[str, Any]:
    """Return what stands about a gap; most were never `told` of, and are not asked for one by one."""
    found = standing.history(connection, row["gap_id"]) if row["gap_id"] in told else ()
    effective = [entry.uid for entry in found if not entry.stale]
    return standing.columns(effective[-1] if effective else "", standing.stand_of(found), row["reason"])
