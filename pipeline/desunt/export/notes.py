"""What is said about a place of the text beside the text: the facts of a gap, what is supposed, labelled, and what an editor decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.export import Mode
from desunt.export.gap_entries import Entry, decision_of, entries, opinion_of
from desunt.export.markdown_escape import visible
from desunt.export.modes import Standing, reading_of
from desunt.export.wording import REASONS, decision_in_words, extent_in_words, per_cent
from desunt.record.conjecture import LABEL, Corrected, Decision, Refusal
from desunt.record.document import Gap
from desunt.record.files import Record

NoteKind: TypeAlias = Literal["gap", "conjecture", "editor"]


@dataclass(frozen=True, slots=True)
class Note:
    """A note in lines of plain text, each readable alone; `who` made what it tells, if an editor did."""

    kind: NoteKind
    lines: tuple[str, ...]
    who: str = ""


def notes_of(record: Record) -> dict[str, Entry]:
    """Return the gaps of a record by id, as `note_about` wants them."""
    return {entry.gap.id: entry for entry in entries(record)}


def note_about(one: Standing, known: dict[str, Entry], mode: Mode) -> Note | None:
    """Return the note about what stands at a place; none about a word as the page has it."""
    if one.decision:
        return Note("editor", tuple(_editors(one.text, one.decision)), one.decision.editor)
    if isinstance(one.token, Gap):
        entry = known.get(one.token.id)
        return _gap(entry, mode) if entry else None
    if isinstance(one.segment, Corrected) and mode == "apparatus":
        decision = one.segment.decision
        return Note("editor", tuple(_editors(reading_of(decision), decision)), decision.editor)
    return None


def _editors(text: str | None, decision: Decision) -> list[str]:
    said = [f"Read by an editor: {said_by(text, decision)}"] if text else []
    return [*said, visible(decision_in_words(decision)), *_rest(decision)]


def said_by(text: str, decision: Decision) -> str:
    """Return an editor's reading; if it is a guess that was accepted, it says so."""
    return f"{'' if decision.basis == 'ink' else f'{LABEL}, accepted: '}{visible(text)}"


def _rest(decision: Decision) -> list[str]:
    confirmed = [f"Confirmed by {', '.join(map(visible, decision.confirmed_by))}"] if decision.confirmed_by else []
    return confirmed + ([f"Note: {visible(decision.note)}"] if decision.note else [])


def _gap(entry: Entry, mode: Mode) -> Note:
    """Return the facts of a gap; what is supposed about it is told in the apparatus only."""
    lines = [f"Gap {entry.number}, {entry.place}: {REASONS[entry.gap.reason]}; {extent_in_words(entry.gap)}"]
    decision = decision_of(entry.segment) if mode != "diplomatic" else None
    if decision and mode == "apparatus":
        reading = reading_of(decision)
        said = f": {said_by(reading, decision)}" if reading else ""
        lines += [f"Decision: {visible(decision_in_words(decision))}{said}", *_rest(decision)]
    elif decision:
        lines += [f"Decision: {visible(decision_in_words(decision))}"]
    supposed = _supposed(entry) if mode == "apparatus" else []
    kind: NoteKind = "conjecture" if len(supposed) > 1 else "editor" if decision else "gap"
    return Note(kind, (*lines, *supposed), decision.editor if decision else "")


def _supposed(entry: Entry) -> list[str]:
    opinion = opinion_of(entry.segment)
    if opinion is None:
        return []
    refused = isinstance(opinion, Refusal)
    lines = [f"No reading is offered: {visible(opinion.reason)}"] if isinstance(opinion, Refusal) else []
    mark = f"{LABEL}, not offered:" if refused else f"{LABEL}:"
    lines += [f"{mark} {visible(one.text)}, {per_cent(one.probability)}" for one in opinion.candidates]
    return [*lines, f"None of these: {per_cent(opinion.none_of_these)}"] if opinion.candidates else lines
