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

from desunt.errors import WallBroken
from desunt.record.decision_log import READERS, hash_of_plain
from desunt.record.files import adapter
from desunt.review.store import current as stands
from desunt.review.store import log as chain
from desunt.review.store.database import Database
from desunt.review.store.entries import DECISIONS_SCHEMA, Entry, Imported
from desunt.review.store.index import Index
from desunt.review.store.progress import FORMULA
from desunt.review.store.validation import UNFIT

COLUMNS = tuple(field.name for field in fields(Entry))
MOST = 2**31 - 1
# What an import changes of an entry: its place in this chain, and whether it took effect here.
OWN = ("seq", "stale", "origin", "previous", "hash", "saw")


class Exchange:
    """Writes the chain and reads one from elsewhere."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database, self._index = database, index

    def export_jsonl(self) -> Iterator[str]:
        """Yield a line an entry, oldest first."""
        for entry in self._entries():
            yield json.dumps(chain.plain(entry), ensure_ascii=False) + "\n"

    def export_csv(self) -> Iterator[str]:
        """Yield the same as CSV: lists and boxes are JSON in their cells, and a cell that would be a formula begins with '."""
        yield _csv_row(COLUMNS)
        for entry in self._entries():
            row = chain.plain(entry)
            yield _csv_row([_cell(row[name]) for name in COLUMNS])

    def _entries(self) -> Iterator[Entry]:
        with self._database.reading() as connection:
            yield from chain.entries(connection)

    def import_jsonl(self, lines: Iterable[str]) -> Imported:
        """Take over the entries of a decisions.jsonl: who and when stay as they were, and a second import changes nothing.

        An entry about a place that was decided otherwise here is kept without effect and listed. Raises WallBroken, and takes over
        nothing, if a line is not what its hash says, or the lines do not follow each other.
        """
        return self._import(_proved(_parsed(number, line) for number, line in enumerate(lines, start=1) if line.strip()))

    def import_csv(self, lines: Iterable[str]) -> Imported:
        """Take over the entries of a CSV that `export_csv` wrote; raises as `import_jsonl` does."""
        rows = csv.DictReader(line if line.endswith("\n") else f"{line}\n" for line in lines)
        try:
            if rows.fieldnames and tuple(rows.fieldnames) != COLUMNS:
                raise WallBroken(f"its columns are not those of {DECISIONS_SCHEMA}", remedy="Export it anew")
            return self._import(_proved(_uncelled(number, row) for number, row in enumerate(rows, start=2)))
        except csv.Error as error:
            raise WallBroken(f"CSV, line {rows.line_num}: {error}", remedy="Export it anew") from None

    def _import(self, found: Iterator[Entry]) -> Imported:
        added, known = 0, 0
        conflicts: list[tuple[str, str]] = []
        touched: dict[str, None] = {}
        with self._database.writing() as connection:
            for entry in found:
                here = chain.one(connection, entry.uid)
                if here is None:
                    problem = _take(connection, entry)
                    added += 1
                    touched.setdefault(entry.document_id)
                else:
                    problem = "" if _same(here, entry) else "an entry of this id says something else here; it is left as it is"
                    known += not problem
                conflicts += [(entry.uid, problem)] if problem else []
        self._index.refresh_documents(touched)
        return Imported(added, known, tuple(conflicts))


def _take(connection: Connection, entry: Entry) -> str:
    """Append an entry from elsewhere; return why it has no effect here, empty if it has."""
    now = stands.version(connection, entry.target)
    late = not entry.stale and now != entry.saw and _against(connection, entry)
    made = chain.append(connection, replace(entry, stale=entry.stale or late, origin=entry.origin or entry.hash))
    if not made.stale:
        stands.restand(connection, made.document_id, made.target)
    return f"{entry.target} was decided otherwise here meanwhile" if late else ""


def _against(connection: Connection, entry: Entry) -> bool:
    """Say whether something else holds here; whoever came to the same decision does not disagree."""
    if entry.action != "decide":
        return chain.one(connection, entry.refers or "") is None if entry.refers else entry.action == "edit"
    stand = stands.stand_of(stands.history(connection, entry.target))
    return stand is not None and stands.meaning(stand.entry) != stands.meaning(entry)


def _same(here: Entry, there: Entry) -> bool:
    mine, theirs = chain.plain(here), chain.plain(there)
    return all(mine[name] == theirs[name] for name in COLUMNS if name not in OWN)


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WallBroken(f"line {number}: {error}", remedy="Export it anew") from None
    if not isinstance(values, dict):
        raise WallBroken(f"line {number} is no entry", remedy="Export it anew")
    return values


def _proved(lines: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    """Yield the entries after proof of all their hashes: not one is given out before the last is proved."""
    entries, before = [], None
    for number, values in enumerate(lines, start=1):
        where = f"decision {values.get('uid')!r} (entry {number})"
        if hash_of_plain(values) != values.get("hash"):
            raise WallBroken(f"{where} was changed after it was written", remedy="Export it anew")
        if before and values.get("seq") == before["seq"] + 1 and values.get("previous") != before["hash"]:
            raise WallBroken(f"{where} does not follow the one before it", remedy="Export it anew")
        entries.append(_entry(where, values))
        before = values
    yield from entries


def _entry(where: str, values: dict[str, Any]) -> Entry:
    reader = READERS.get(str(values.get("schema")))
    if reader is None:
        raise WallBroken(f"{where}: {values.get('schema')!r} is no version that can be read", remedy="Update desunt")
    if UNFIT.search(json.dumps(values, ensure_ascii=False)) or any(UNFIT.search(text) for text in values.values() if isinstance(text, str)):
        raise WallBroken(f"{where} holds control characters or half letters", remedy="Export it anew")
    try:
        today = reader(values)
        # What no database gives back as it was would break the chain here: neither infinite numbers nor endless ones.
        adapter(Entry).validate_json(json.dumps(today, allow_nan=False), strict=True)
        if any(isinstance(value, int) and abs(value) > MOST for value in today.values()):
            raise ValueError("a number is too large")
        return chain.from_plain(today)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise WallBroken(f"{where}: {error}", remedy="Export it anew") from None


def _csv_row(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(value: Any) -> str:
    """Return a text as it is, unless it would pass for a formula or for JSON's null; and JSON for all else."""
    if not isinstance(value, str):
        return chain.canonical(value)
    return f"'{value}" if value == "null" or value[:1] in {*FORMULA, "'"} else value


TEXTS = ("schema", "uid", "action", "document_id", "target", "note", "editor", "at", "saw", "record_sha256", "previous", "hash")
MAYBE_TEXTS = ("verdict", "basis", "text", "refers", "series", "top", "blind", "scan_sha256", "moved_from", "origin")


def _uncelled(number: int, row: dict[str, Any]) -> dict[str, Any]:
    if tuple(row) != COLUMNS or None in row.values():
        raise WallBroken(f"CSV, line {number}: its columns are not those of {DECISIONS_SCHEMA}", remedy="Export it anew")
    try:
        return {name: _uncell(name, value) for name, value in row.items()}
    except (ValueError, RecursionError) as error:
        raise WallBroken(f"CSV, line {number}: {error}", remedy="Export it anew") from None


def _uncell(name: str, value: str) -> Any:
    if name in TEXTS or name in MAYBE_TEXTS:
        if name in MAYBE_TEXTS and value == "null":
            return None
        return value.removeprefix("'")
    return json.loads(value)
