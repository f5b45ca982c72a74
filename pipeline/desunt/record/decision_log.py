"""The desk's log of decisions as values: entries, the hash that ties each to the one before, and what those about a place come to.

The desk keeps them in a database; a hand-over carries them as lines of JSON. Both are proved, and read, by what stands here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

from desunt.record.conjecture import Basis, Decision, ModelRef, Verdict
from desunt.record.document import Box
from desunt.record.edits import GapEdit
from desunt.record.files import type_adapter

Action: TypeAlias = Literal["decide", "revoke", "confirm", "contest", "resolve", "edit"]
LOG_SCHEMA = "desunt-decisions-1"
INITIAL_HASH = "0" * 64
# The versions that can be read, each with what makes its line one of today's; hashes are proved before.
VERSION_READERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {LOG_SCHEMA: dict}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row of the chain and one line of decisions.jsonl; never changed, never removed.

    `target` is the id of the gap, the word, or the line (for `edit`); `saw` the uid of the last entry about it that the editor knew;
    `refers` the uid that is revoked, confirmed, contested or resolved. `stale`: it came second and has no effect.
    `moved_from` is the uid of the entry this one carries over to a gap that a new reading of the page put in the same place; `origin` the
    hash of the entry in the chain it was imported from. `probabilities` go with `shown`, and `top`, `probability` and `refused` are the
    first candidate as it then was. `at` is ISO 8601, UTC. `hash` is the SHA-256 of all other fields, `previous` among them
    (docs/formats.md).
    """

    schema: str
    seq: int
    uid: str
    action: Action
    document_id: str
    target: str
    verdict: Verdict | None
    basis: Basis | None
    text: str | None
    note: str
    editor: str
    at: str
    saw: str
    refers: str | None
    stale: bool
    series: str | None
    shown: tuple[str, ...]
    probabilities: tuple[float, ...]
    top: str | None
    probability: float | None
    refused: bool | None
    blind: str | None
    model: ModelRef | None
    settings: tuple[tuple[str, str], ...]
    record_sha256: str
    scan_sha256: str | None
    frame: int | None
    page: int | None
    box: Box | None
    edit: GapEdit | None
    moved_from: str | None
    origin: str | None
    previous: str
    hash: str


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and nothing that could be written in two ways."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def entry_to_dict(entry: LogEntry) -> dict[str, Any]:
    """Return the entry as JSON has it: keys in the order of the type."""
    return {field.name: _json_value(getattr(entry, field.name)) for field in fields(LogEntry)}


def _json_value(value: Any) -> Any:
    """Return a dataclass as a dictionary, tuples as lists, and anything else as it is."""
    if isinstance(value, Box | ModelRef | GapEdit):
        return json.loads(json.dumps(asdict(value)))
    return json.loads(json.dumps(value)) if isinstance(value, tuple) else value


def entry_hash(entry: LogEntry) -> str:
    """Return the SHA-256 over the hash before and all other fields but the hash itself."""
    return hash_of_dict(entry_to_dict(entry))


def hash_of_dict(values: dict[str, Any]) -> str:
    """Return the hash of an entry of any version, as JSON has it."""
    content = {name: value for name, value in values.items() if name != "hash"}
    return hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()


def entry_from_dict(values: dict[str, Any]) -> LogEntry:
    """Return the entry that `entry_to_dict` wrote."""
    return LogEntry(
        **{
            **values,
            "shown": tuple(values["shown"]),
            "probabilities": tuple(map(float, values["probabilities"])),
            # JSON may say 1 for 1.0; the database says 1.0, and the hash is over what it says.
            "probability": None if values["probability"] is None else float(values["probability"]),
            "settings": tuple((name, value) for name, value in values["settings"]),
            "model": ModelRef(**values["model"]) if values["model"] else None,
            "box": Box(**values["box"]) if values["box"] else None,
            "edit": type_adapter(GapEdit).validate_python(values["edit"]) if values["edit"] else None,
        }
    )


@dataclass(frozen=True, slots=True)
class PlaceState:
    """The reading that holds or is contested, who came to the same, and who to another."""

    entry: LogEntry
    confirmed: tuple[str, ...] = ()
    contested: tuple[LogEntry, ...] = ()


def comparable_reading(entry: LogEntry) -> tuple[str, ...]:
    """Return what an entry says about the place, so that two readers can be compared: the text, or else the verdict."""
    return ("text", " ".join(entry.text.split())) if entry.text is not None else ("verdict", str(entry.verdict))


def effective_entries(history: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
    """Return the entries that took effect and were not taken back, oldest first.

    Read backwards: an entry can only be revoked by a later one, whose own fate is then known.
    """
    revoked: set[str] = set()
    effective = []
    for entry in reversed(history):
        if entry.stale or entry.uid in revoked:
            continue
        if entry.action == "revoke" and entry.refers:
            revoked.add(entry.refers)
        effective.append(entry)
    return tuple(reversed(effective))


def replay(history: Sequence[LogEntry]) -> PlaceState | None:
    """Return what the entries about one place come to; None if nothing is decided."""
    state: PlaceState | None = None
    for entry in effective_entries(history):
        if entry.action == "decide":
            state = PlaceState(entry)
        elif entry.action == "resolve":
            state = PlaceState(entry, _agreeing_readers(entry, state))
        elif state and entry.refers == state.entry.uid and entry.action == "confirm":
            state = PlaceState(state.entry, (*state.confirmed, entry.editor), state.contested)
        elif state and entry.refers == state.entry.uid and entry.action == "contest":
            state = PlaceState(state.entry, state.confirmed, (*state.contested, entry))
    return state


def _agreeing_readers(resolved: LogEntry, state: PlaceState | None) -> tuple[str, ...]:
    """Return the readers whose own reading an approver's resolution upholds."""
    if state is None:
        return ()
    first = (state.entry.editor, *state.confirmed) if comparable_reading(state.entry) == comparable_reading(resolved) else ()
    second = tuple(entry.editor for entry in state.contested if comparable_reading(entry) == comparable_reading(resolved))
    return tuple(name for name in dict.fromkeys((*first, *second)) if name != resolved.editor)


def decision_of(state: PlaceState, target: str) -> Decision:
    """Return the decision that stands, as exporters see it."""
    entry = state.entry
    assert entry.verdict is not None
    return Decision(target, entry.verdict, entry.basis, entry.text, entry.editor, entry.at, entry.shown, entry.note, state.confirmed)
