"""The index of the collection: read from the records on disk, and read again when one of them changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from desunt.errors import DesuntError
from desunt.record.atomic import sha256_of
from desunt.record.decision_log import replay
from desunt.record.document import ImageRef, Word, lines_with_pages
from desunt.record.edits import DocumentDecisions, GapEdit, apply_edits
from desunt.record.files import Record, read_record
from desunt.record.folder import document_folders
from desunt.review.store.current import history, index_columns, last_effective_uid, standing_decisions, standing_edits
from desunt.review.store.database import Database
from desunt.review.store.errors import NotFound, Unavailable
from desunt.review.store.file_stamp import file_stamp, require_stamp
from desunt.review.store.index_rows import gap_rows, word_rows
from desunt.review.store.occurrences import find_in_collection, find_in_document
from desunt.review.store.queue import gap_row
from desunt.review.store.reattach import detach_all, reattach
from desunt.review.store.schema import DeskTable, DocumentTable, GapTable, ScanTable, StandingTable, WordTable
from desunt.review.store.values import GapRow, IndexedDocument, Occurrence, RefreshResult

# Parsed records in memory; a page of the desk asks for the same one again and again.
MAX_CACHED_RECORDS = 8
INSERT_BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class FolderResult:
    """The document of a folder, whether it changed, how many decisions moved to new places, and what is wrong with it."""

    document_id: str
    changed: bool = False
    reattached: int = 0
    problem: str = ""


class CollectionIndex:
    """What there is to decide, and where it stands."""

    def __init__(self, database: Database, outputs: Path) -> None:
        self._database, self._outputs = database, outputs
        self._refresh_lock, self._cache_lock = threading.Lock(), threading.Lock()
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()

    def refresh(self, redo: bool = False) -> RefreshResult:
        """Read the records that changed since the last time (`redo`: all), one document after the other; decisions re-attach on the way."""
        with self._refresh_lock:
            folders = document_folders(self._outputs, finished=True)
            results = [self._refresh_folder(folder, redo) for folder in folders]
            document_ids = {result.document_id for result in results if result.document_id}
            self._mark_missing(document_ids, {folder.name for folder in folders})
        return RefreshResult(
            len(document_ids), sum(result.changed for result in results), sum(result.reattached for result in results),
            tuple(result.problem for result in results if result.problem),
        )  # fmt: skip

    def _refresh_folder(self, folder: Path, redo: bool) -> FolderResult:
        document_id = ""
        try:
            with self._database.reading() as connection:
                row = connection.execute(select(DocumentTable).where(DocumentTable.folder == folder.name)).first()
                document_id = row.document_id if row else ""
                edits = standing_edits(connection, document_id) if row else ()
            unchanged = row and not row.missing and row.glance == file_stamp(folder) and row.key == _index_key(row.record_sha256, edits)
            return FolderResult(document_id) if unchanged and not redo else self._index_folder(folder)
        except (DesuntError, OSError) as error:
            return FolderResult(document_id, problem=str(error))

    def _index_folder(self, folder: Path) -> FolderResult:
        stamp = file_stamp(folder)
        record, sha256 = read_record(folder), sha256_of(folder / "record.json")
        document_id = record.document.id
        with self._database.writing() as connection:
            other = connection.execute(
                select(DocumentTable.folder).where(DocumentTable.document_id == document_id, DocumentTable.folder != folder.name)
            ).scalar()
            if other and (self._outputs / other / "record.json").exists():
                return FolderResult("", problem=f"{folder}: the same document as {self._outputs / other}; this copy is left out")
            edits = standing_edits(connection, document_id)
            document, lost = apply_edits(record.document, edits)
            edited = replace(record, document=document)
            _delete_document(connection, document_id)
            connection.execute(insert(DocumentTable), [_document_row(edited, folder, sha256, stamp, edits)])
            reattached = reattach(connection, edited, sha256, lost)
            clashes = _insert_rows(connection, edited)
        problem = f"{folder}: {clashes} gaps have ids that another document has; they are left out" if clashes else ""
        return FolderResult(document_id, True, reattached, problem)

    def _mark_missing(self, document_ids: set[str], folders: set[str]) -> None:
        with self._database.writing() as connection:
            rows = connection.execute(select(DocumentTable.document_id, DocumentTable.folder).where(~DocumentTable.missing)).all()
            for document_id, folder in rows:
                if document_id not in document_ids and folder not in folders:
                    _delete_rows(connection, document_id)
                    connection.execute(update(DocumentTable).where(DocumentTable.document_id == document_id).values(missing=True))
                    detach_all(connection, document_id)

    def reindex(self, document_id: str) -> None:
        """Bring one document up to date at once, after an edit."""
        with self._refresh_lock:
            self._index_folder(self.folder(document_id))

    def reindex_present(self, document_ids: Iterable[str]) -> None:
        """Read these documents again as far as the collection has them, after decisions about them came from elsewhere."""
        present = {document.document_id for document in self.documents() if not document.missing}
        for document_id in document_ids:
            if document_id in present:
                self.reindex(document_id)

    def documents(self) -> tuple[IndexedDocument, ...]:
        """Return all documents, in the order of their names."""
        gaps = func.count(GapTable.gap_id)
        open_gaps = gaps.filter(GapTable.status == "open")
        rows = (
            select(DocumentTable, gaps.label("gaps"), open_gaps.label("open"))
            .outerjoin(GapTable, GapTable.document_id == DocumentTable.document_id)
            .group_by(DocumentTable.document_id)
            .order_by(DocumentTable.document_id)
        )
        with self._database.reading() as connection:
            return tuple(
                IndexedDocument(r.document_id, r.folder, r.title, r.pages, r.gaps, r.open, r.record_sha256, r.missing)
                for r in connection.execute(rows)
            )

    def folder(self, document_id: str) -> Path:
        """Return the folder of a document. Raises NotFound."""
        with self._database.reading() as connection:
            name = connection.execute(
                select(DocumentTable.folder).where(DocumentTable.document_id == document_id, ~DocumentTable.missing)
            ).scalar()
        if name is None:
            raise NotFound(f"no document {document_id!r} in {self._outputs}")
        return self._outputs / name

    def record_sha256(self, document_id: str) -> str:
        """Return the hash of a document's record as it was last read. Raises NotFound."""
        with self._database.reading() as connection:
            sha256 = connection.execute(select(DocumentTable.record_sha256).where(DocumentTable.document_id == document_id)).scalar()
        if sha256 is None:
            raise NotFound(f"no document {document_id!r}")
        return sha256

    def stored_record(self, document_id: str) -> Record:
        """Return the record as it is on disk, without decisions; the last few are kept in memory."""
        folder = self.folder(document_id)
        key = (document_id, require_stamp(folder, document_id))
        with self._cache_lock:
            if key in self._records:
                self._records.move_to_end(key)
                return self._records[key]
        record = self._read_changed_record(folder, document_id)
        with self._cache_lock:
            self._records[key] = record
            while len(self._records) > MAX_CACHED_RECORDS:
                self._records.popitem(last=False)
        return record

    def _read_changed_record(self, folder: Path, document_id: str) -> Record:
        """Read a record that changed, and the index with it: what is decided must be logged with the hash of what was shown.

        Raises Unavailable while a run writes the folder, NotFound where it now holds another document.
        """
        with self._refresh_lock:
            problem = self._refresh_folder(folder, redo=False).problem
        if problem:
            raise Unavailable(f"{document_id} cannot be read now: {problem}", remedy="If a run is at work on it, wait until it is done")
        record = read_record(folder)
        if record.document.id != document_id:
            raise NotFound(f"no document {document_id!r} in {self._outputs}", remedy="Its folder holds another one now")
        return record

    def decided_record(self, document_id: str) -> Record:
        """Return the record with the decisions and edits that stand, as the exporters take it. Raises NotFound."""
        decided = self.document_decisions(document_id)
        return replace(self.stored_record(document_id), decisions=decided.decisions, edits=decided.edits)

    def edited_record(self, document_id: str) -> Record:
        """Return the record with the edits laid over it, as the pages show it. Raises NotFound."""
        record = self.decided_record(document_id)
        return replace(record, document=apply_edits(record.document, record.edits)[0], edits=())

    def document_decisions(self, document_id: str) -> DocumentDecisions:
        """Return what stands for a document: decisions by the id of the gap or word, and edits in their order."""
        with self._database.reading() as connection:
            return DocumentDecisions(standing_decisions(connection, document_id), standing_edits(connection, document_id))

    def find_gap(self, gap_id: str) -> GapRow:
        """Return one gap. Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(GapTable.__table__).where(GapTable.gap_id == gap_id)).mappings().first()
        if row is None:
            raise NotFound(f"no gap {gap_id!r}", remedy="Its page may have been read anew: look for it in the queue")
        return gap_row(row)

    def find_word(self, document_id: str, word_id: str) -> Word:
        """Return one word of a document. Raises NotFound."""
        for _, line in lines_with_pages(self.stored_record(document_id).document):
            for token in line.tokens:
                if isinstance(token, Word) and token.id == word_id:
                    return token
        raise NotFound(f"no word {word_id!r} in {document_id}")

    def find_occurrences(self, text: str, document_id: str | None = None, limit: int = 20) -> tuple[Occurrence, ...]:
        """Return where the text stands among the words that were read: in one document each place, else a row a document."""
        if document_id is not None:
            return find_in_document(self.stored_record(document_id).document, text, limit)
        with self._database.reading() as connection:
            return find_in_collection(connection, text, limit)

    def find_scan(self, sha256: str) -> tuple[str, ImageRef]:
        """Return a document that has this scan, and the scan's first page. Raises NotFound."""
        with self._database.reading() as connection:
            document_id = connection.execute(select(ScanTable.document_id).where(ScanTable.scan_sha256 == sha256)).scalar()
        if document_id is not None:
            for page in self.stored_record(document_id).document.pages:
                if page.image and page.image.sha256 == sha256:
                    return document_id, page.image
        raise NotFound(f"no scan {sha256!r}")


def _index_key(record_sha256: str, edits: tuple[GapEdit, ...]) -> str:
    return " ".join((record_sha256, *(edit.id for edit in edits)))


def _delete_document(connection: Connection, document_id: str) -> None:
    _delete_rows(connection, document_id)
    connection.execute(delete(DocumentTable).where(DocumentTable.document_id == document_id))


def _delete_rows(connection: Connection, document_id: str) -> None:
    for table in (GapTable, ScanTable, WordTable):
        connection.execute(delete(table).where(table.document_id == document_id))


def _document_row(record: Record, folder: Path, sha256: str, stamp: str, edits: tuple[GapEdit, ...]) -> dict[str, Any]:
    document = record.document
    return {
        "document_id": document.id, "folder": folder.name, "title": dict(document.metadata).get("title", folder.name),
        "pages": len(document.pages),
        "record_sha256": sha256, "glance": stamp, "key": _index_key(sha256, edits), "missing": False,
    }  # fmt: skip


def _insert_rows(connection: Connection, record: Record) -> int:
    """Write the rows of a document; return how many gaps have ids that another document took first."""
    clashes, rows = 0, gap_rows(record)
    while batch := list(islice(rows, INSERT_BATCH_ROWS)):
        ids = [row["gap_id"] for row in batch]
        taken = set(connection.scalars(select(GapTable.gap_id).where(GapTable.gap_id.in_(ids))))
        logged = set(connection.scalars(select(StandingTable.target).where(StandingTable.target.in_(ids))))
        clashes += len(taken)
        new_rows = [{**row, **_projection_columns(connection, row, logged)} for row in batch if row["gap_id"] not in taken]
        _insert(connection, GapTable, new_rows)
    document = record.document
    hashes = dict.fromkeys(page.image.sha256 for page in document.pages if page.image)
    _insert(connection, ScanTable, [{"scan_sha256": sha256, "document_id": document.id} for sha256 in hashes])
    _insert(connection, WordTable, word_rows(document))
    return clashes


def _insert(connection: Connection, table: type[DeskTable], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _projection_columns(connection: Connection, row: dict[str, Any], logged: set[str]) -> dict[str, Any]:
    """Return what holds for a gap; most are not among the `logged`, and are not asked for one by one."""
    entries = history(connection, row["gap_id"]) if row["gap_id"] in logged else ()
    return index_columns(last_effective_uid(entries), replay(entries), row["reason"])
