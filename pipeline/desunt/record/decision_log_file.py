"""A log of decisions on disk: proved line by line, and asked about one document at a time, so that memory stays flat however long it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desunt.errors import IntegrityError
from desunt.record.decision_log import INITIAL_HASH, VERSION_READERS, LogEntry, decision_of, effective_entries, hash_of_dict, replay
from desunt.record.edits import DocumentDecisions
from desunt.record.files import type_adapter

DECISION_LOG_FILE = "decisions.jsonl"


@dataclass(frozen=True, slots=True)
class DecisionLog:
    """A log whose chain holds: the file, its number of entries, the hash of the last, and where each document's lines begin."""

    path: Path
    entry_count: int
    head: str
    offsets: dict[str, list[int]]

    def decisions_about(self, document_id: str) -> DocumentDecisions:
        """Return what the log says holds for a document."""
        return _replay_all(self._entries(document_id))

    def lookup(self, document_id: str) -> DocumentDecisions | None:
        """Return what the log says holds for a document; None if it says nothing about it."""
        return self.decisions_about(document_id) if document_id in self.offsets else None

    def _entries(self, document_id: str) -> Iterator[LogEntry]:
        with self.path.open("rb") as file:
            for offset in self.offsets.get(document_id, ()):
                file.seek(offset)
                yield _parse_entry(json.loads(file.readline()))


def verify_log(path: Path) -> DecisionLog:
    """Prove a log from its first line to its last.

    Raises IntegrityError, which names the line, at the first that is no entry, was changed, or does not follow the one before it.
    """
    offsets: dict[str, list[int]] = {}
    number, head, offset = 0, INITIAL_HASH, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                entry = _verified_entry(json.loads(line), number, head)
            # A line can be broken in every way that JSON, text and numbers can be.
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise _broken_line(number, f"is no entry of the log: {str(error).splitlines()[0]}") from None
            offsets.setdefault(entry.document_id, []).append(offset)
            head, offset = entry.hash, offset + len(line)
    return DecisionLog(path, number, head, offsets)


def _verified_entry(values: dict[str, Any], number: int, head: str) -> LogEntry:
    """Return the entry of a line that is what its hash says, and stands where it belongs."""
    if hash_of_dict(values) != values["hash"]:
        raise _broken_line(number, "was changed after it was written: its hash is another")
    if (values["seq"], values["previous"]) != (number, head):
        raise _broken_line(number, "does not follow the line before it: a line was removed, moved or slipped in")
    entry = _parse_entry(values)
    if entry.action in {"decide", "resolve"} and entry.verdict is None:
        raise ValueError("it decides and has no verdict")
    return entry


def _broken_line(number: int, problem: str) -> IntegrityError:
    return IntegrityError(f"line {number} {problem}", remedy="Ask for the hand-over again")


def _parse_entry(values: dict[str, Any]) -> LogEntry:
    reader = VERSION_READERS.get(str(values["schema"]))
    if reader is None:
        raise ValueError(f"{values['schema']!r} is no version that can be read; a later desunt may know it")
    entry: LogEntry = type_adapter(LogEntry).validate_json(json.dumps(reader(values)), strict=True)
    return entry


def _replay_all(entries: Iterable[LogEntry]) -> DocumentDecisions:
    histories: dict[str, list[LogEntry]] = {}
    for entry in entries:
        histories.setdefault(entry.target, []).append(entry)
    states = {target: replay(history) for target, history in sorted(histories.items())}
    decisions = {target: decision_of(state, target) for target, state in states.items() if state and not state.contested}
    edits = (entry for history in histories.values() for entry in effective_entries(history) if entry.edit)
    return DocumentDecisions(decisions, tuple(entry.edit for entry in sorted(edits, key=lambda entry: entry.seq) if entry.edit))


@contextmanager
def log_snapshot(lines: Iterable[str]) -> Iterator[DecisionLog]:
    """Write a log's lines into a file of our own, prove them, and give the log for as long as the block lasts. Raises IntegrityError."""
    with tempfile.TemporaryDirectory(prefix="desunt-") as folder:
        path = Path(folder) / DECISION_LOG_FILE
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        yield verify_log(path)
