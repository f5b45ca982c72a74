"""Decisions out of the database and into another one: decisions.jsonl, which carries its own proof, and CSV with the same fields."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from desunt.errors import IntegrityError
from desunt.record.decision_log import (
    LOG_SCHEMA,
    VERSION_READERS,
    LogEntry,
    canonical_json,
    comparable_reading,
    entry_from_dict,
    entry_to_dict,
    hash_of_dict,
    replay,
)
from desunt.record.files import type_adapter
from desunt.review.store import current, log
from desunt.review.store.database import Database
from desunt.review.store.entries import ImportResult
from desunt.review.store.index import CollectionIndex
from desunt.review.store.progress import FORMULA_STARTS
from desunt.review.store.validation import UNSTORABLE

COLUMNS = tuple(field.name for field in fields(LogEntry))
MAX_INT32 = 2**31 - 1
# What an import changes of an entry: its place in this chain, and whether it took effect here.
LOCAL_FIELDS = ("seq", "stale", "origin", "previous", "hash", "saw")


class LogExchange:
    """Writes the log and takes over one from elsewhere."""

    def __init__(self, database: Database, index: CollectionIndex) -> None:
        self._database, self._index = database, index

    def export_jsonl(self) -> Iterator[str]:
        """Yield a line an entry, oldest first."""
        for entry in self._all_entries():
            yield json.dumps(entry_to_dict(entry), ensure_ascii=False) + "\n"

    def export_csv(self) -> Iterator[str]:
        """Yield the same as CSV: lists and boxes are JSON in their cells, and a cell that would be a formula begins with '."""
        yield _csv_row(COLUMNS)
        for entry in self._all_entries():
            row = entry_to_dict(entry)
            yield _csv_row([_encode_cell(row[name]) for name in COLUMNS])

    def _all_entries(self) -> Iterator[LogEntry]:
        with self._database.reading() as connection:
            yield from log.entries(connection)

    def import_jsonl(self, lines: Iterable[str]) -> ImportResult:
        """Take over the entries of a decisions.jsonl: who and when stay as they were, and a second import changes nothing.

        An entry about a place that was decided otherwise here is kept without effect and listed. Raises IntegrityError, and takes over
        nothing, if a line is not what its hash says, or the lines do not follow each other.
        """
        return self._import(_verified_entries(_parse_line(number, line) for number, line in enumerate(lines, start=1) if line.strip()))

    def import_csv(self, lines: Iterable[str]) -> ImportResult:
        """Take over the entries of a CSV that `export_csv` wrote; raises as `import_jsonl` does."""
        rows = csv.DictReader(line if line.endswith("\n") else f"{line}\n" for line in lines)
        try:
            if rows.fieldnames and tuple(rows.fieldnames) != COLUMNS:
                raise IntegrityError(f"its columns are not those of {LOG_SCHEMA}", remedy="Export it anew")
            return self._import(_verified_entries(_parse_csv_row(number, row) for number, row in enumerate(rows, start=2)))
        except csv.Error as error:
            raise IntegrityError(f"CSV, line {rows.line_num}: {error}", remedy="Export it anew") from None

    def _import(self, imported: Iterator[LogEntry]) -> ImportResult:
        added, already_there = 0, 0
        conflicts: list[tuple[str, str]] = []
        changed_documents: dict[str, None] = {}
        with self._database.writing() as connection:
            for entry in imported:
                own = log.find(connection, entry.uid)
                if own is None:
                    problem = _append_imported(connection, entry)
                    added += 1
                    changed_documents.setdefault(entry.document_id)
                else:
                    problem = "" if _same_content(own, entry) else "an entry of this id says something else here; it is left as it is"
                    already_there += not problem
                conflicts += [(entry.uid, problem)] if problem else []
        self._index.reindex_present(changed_documents)
        return ImportResult(added, already_there, tuple(conflicts))


def _append_imported(connection: Connection, entry: LogEntry) -> str:
    """Append an entry from elsewhere; return why it has no effect here, empty if it has."""
    version = current.current_version(connection, entry.target)
    late = not entry.stale and version != entry.saw and _contradicts_here(connection, entry)
    appended = log.append(connection, replace(entry, stale=entry.stale or late, origin=entry.origin or entry.hash))
    if not appended.stale:
        current.update_projection(connection, appended.document_id, appended.target)
    return f"{entry.target} was decided otherwise here meanwhile" if late else ""


def _contradicts_here(connection: Connection, entry: LogEntry) -> bool:
    """Say whether something else holds here; whoever came to the same decision does not disagree."""
    if entry.action != "decide":
        return log.find(connection, entry.refers or "") is None if entry.refers else entry.action == "edit"
    state = replay(current.history(connection, entry.target))
    return state is not None and comparable_reading(state.entry) != comparable_reading(entry)


def _same_content(own: LogEntry, imported: LogEntry) -> bool:
    own_values, imported_values = entry_to_dict(own), entry_to_dict(imported)
    return all(own_values[name] == imported_values[name] for name in COLUMNS if name not in LOCAL_FIELDS)


def _parse_line(number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"line {number}: {error}", remedy="Export it anew") from None
    if not isinstance(values, dict):
        raise IntegrityError(f"line {number} is no entry", remedy="Export it anew")
    return values


def _verified_entries(lines: Iterable[dict[str, Any]]) -> Iterator[LogEntry]:
    """Yield the entries after proof of all their hashes: not one is given out before the last is proved."""
    entries, previous = [], None
    for number, values in enumerate(lines, start=1):
        where = f"decision {values.get('uid')!r} (entry {number})"
        if hash_of_dict(values) != values.get("hash"):
            raise IntegrityError(f"{where} was changed after it was written", remedy="Export it anew")
        if previous and values.get("seq") == previous["seq"] + 1 and values.get("previous") != previous["hash"]:
            raise IntegrityError(f"{where} does not follow the one before it", remedy="Export it anew")
        entries.append(_read_entry(where, values))
        previous = values
    yield from entries


def _read_entry(where: str, values: dict[str, Any]) -> LogEntry:
    reader = VERSION_READERS.get(str(values.get("schema")))
    if reader is None:
        raise IntegrityError(f"{where}: {values.get('schema')!r} is no version that can be read", remedy="Update desunt")
    texts = [json.dumps(values, ensure_ascii=False), *(text for text in values.values() if isinstance(text, str))]
    if any(map(UNSTORABLE.search, texts)):
        raise IntegrityError(f"{where} holds control characters or half letters", remedy="Export it anew")
    try:
        upgraded = reader(values)
        # What no database gives back as it was would break the chain here: neither infinite numbers nor endless ones.
        type_adapter(LogEntry).validate_json(json.dumps(upgraded, allow_nan=False), strict=True)
        if any(isinstance(value, int) and abs(value) > MAX_INT32 for value in upgraded.values()):
            raise ValueError("a number is too large")
        return entry_from_dict(upgraded)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{where}: {error}", remedy="Export it anew") from None


def _csv_row(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _encode_cell(value: Any) -> str:
    """Return a text as it is, unless it would pass for a formula or for JSON's null; and JSON for all else."""
    if not isinstance(value, str):
        return canonical_json(value)
    return f"'{value}" if value == "null" or value[:1] in {*FORMULA_STARTS, "'"} else value


TEXT_COLUMNS = ("schema", "uid", "action", "document_id", "target", "note", "editor", "at", "saw", "record_sha256", "previous", "hash")
NULLABLE_TEXT_COLUMNS = ("verdict", "basis", "text", "refers", "series", "top", "blind", "scan_sha256", "moved_from", "origin")


def _parse_csv_row(number: int, row: dict[str, Any]) -> dict[str, Any]:
    if tuple(row) != COLUMNS or None in row.values():
        raise IntegrityError(f"CSV, line {number}: its columns are not those of {LOG_SCHEMA}", remedy="Export it anew")
    try:
        return {name: _decode_cell(name, value) for name, value in row.items()}
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"CSV, line {number}: {error}", remedy="Export it anew") from None


def _decode_cell(name: str, value: str) -> Any:
    if name in TEXT_COLUMNS or name in NULLABLE_TEXT_COLUMNS:
        if name in NULLABLE_TEXT_COLUMNS and value == "null":
            return None
        return value.removeprefix("'")
    return json.loads(value)
