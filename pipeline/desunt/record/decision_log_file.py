"""A log of decisions on disk: proved line by line, and asked about one document at a time, so that memory stays flat however long it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from desunt.errors import WallBroken
from desunt.record.conjecture import Decision
from desunt.record.decision_log import READERS, START, Entry, decision_of, hash_of_plain, in_force, stand_of
from desunt.record.edits import GapEdit
from desunt.record.files import adapter

LOG = "decisions.jsonl"

# What holds for a document: decisions by the id of the gap or word, and edits in the order they were made.
Stands: TypeAlias = tuple[dict[str, Decision], tuple[GapEdit, ...]]


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose chain holds: the file, its number of entries, the hash of the last, and where each document's lines begin."""

    path: Path
    rows: int
    head: str
    places: dict[str, list[int]]

    def __call__(self, document_id: str) -> Stands:
        """Return what the log says holds for a document."""
        return _stands(self._entries(document_id))

    def known(self, document_id: str) -> Stands | None:
        """Return what the log says holds for a document; None if it says nothing about it."""
        return self(document_id) if document_id in self.places else None

    def _entries(self, document_id: str) -> Iterator[Entry]:
        with self.path.open("rb") as file:
            for place in self.places.get(document_id, ()):
                file.seek(place)
                yield _entry(json.loads(file.readline()))


def proved_log(path: Path) -> Log:
    """Prove a log from its first line to its last.

    Raises WallBroken, which names the line, at the first that is no entry, was changed, or does not follow the one before it.
    """
    places: dict[str, list[int]] = {}
    number, head, at = 0, START, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                entry = _following(json.loads(line), number, head)
            # A line can be broken in every way that JSON, text and numbers can be.
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise _broken(number, f"is no entry of the log: {str(error).splitlines()[0]}") from None
            places.setdefault(entry.document_id, []).append(at)
            head, at = entry.hash, at + len(line)
    return Log(path, number, head, places)


def _following(values: dict[str, Any], number: int, head: str) -> Entry:
    """Return the entry of a line that is what its hash says, and stands where it belongs."""
    if hash_of_plain(values) != values["hash"]:
        raise _broken(number, "was changed after it was written: its hash is another")
    if (values["seq"], values["previous"]) != (number, head):
        raise _broken(number, "does not follow the line before it: a line was removed, moved or slipped in")
    entry = _entry(values)
    if entry.action in {"decide", "resolve"} and entry.verdict is None:
        raise ValueError("it decides and has no verdict")
    return entry


def _broken(number: int, problem: str) -> WallBroken:
    return WallBroken(f"line {number} {problem}", remedy="Ask for the hand-over again")


def _entry(values: dict[str, Any]) -> Entry:
    reader = READERS.get(str(values["schema"]))
    if reader is None:
        raise ValueError(f"{values['schema']!r} is no version that can be read; a later desunt may know it")
    entry: Entry = adapter(Entry).validate_json(json.dumps(reader(values)), strict=True)
    return entry


def _stands(entries: Iterable[Entry]) -> Stands:
    histories: dict[str, list[Entry]] = {}
    for entry in entries:
        histories.setdefault(entry.target, []).append(entry)
    found = {target: stand_of(history) for target, history in sorted(histories.items())}
    decisions = {target: decision_of(stand, target) for target, stand in found.items() if stand and not stand.contested}
    edits = (entry for history in histories.values() for entry in in_force(history) if entry.edit)
    return decisions, tuple(entry.edit for entry in sorted(edits, key=lambda entry: entry.seq) if entry.edit)


@contextmanager
def taken_down(lines: Iterable[str]) -> Iterator[Log]:
    """Write a log's lines into a file of our own, prove them, and give the log for as long as the block lasts. Raises WallBroken."""
    with tempfile.TemporaryDirectory(prefix="desunt-") as folder:
        path = Path(folder) / LOG
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        yield proved_log(path)
