"""What is said about a place of the text beside the text: the facts of a gap, what is supposed, labelled, and what an editor decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.export import Mode
from desunt.export.gap_entries import ApparatusEntry, decision_of, entries, opinion_of
from desunt.export.markdown_escape import visible_text
from desunt.export.modes import RenderedToken, editor_reading
from desunt.export.wording import REASON_WORDS, decision_in_words, extent_in_words, per_cent
from desunt.record.conjecture import CONJECTURE_LABEL, Corrected, Decision, Refusal
from desunt.record.document import Gap
from desunt.record.files import Record

NoteKind: TypeAlias = Literal["gap", "conjecture", "editor"]


@dataclass(frozen=True, slots=True)
class Note:
    """A note in lines of plain text, each readable alone; `who` made what it tells, if an editor did."""

    kind: NoteKind
    lines: tuple[str, ...]
    editor: str = ""


def entries_by_gap(record: Record) -> dict[str, ApparatusEntry]:
    """Return the gaps of a record by id, as `note_about` wants them."""
    return {entry.gap.id: entry for entry in entries(record)}


def note_about(rendered: RenderedToken, entries_by_id: dict[str, ApparatusEntry], mode: Mode) -> Note | None:
    """Return the note about what stands at a place; none about a word as the page has it."""
    if rendered.decision:
        return Note("editor", tuple(_decision_lines(rendered.text, rendered.decision)), rendered.decision.editor)
    if isinstance(rendered.token, Gap):
        entry = entries_by_id.get(rendered.token.id)
        return _gap_note(entry, mode) if entry else None
    if isinstance(rendered.segment, Corrected) and mode == "apparatus":
        decision = rendered.segment.decision
        return Note("editor", tuple(_decision_lines(editor_reading(decision), decision)), decision.editor)
    return None


def _decision_lines(text: str | None, decision: Decision) -> list[str]:
    reading_lines = [f"Read by an editor: {labelled_reading(text, decision)}"] if text else []
    return [*reading_lines, visible_text(decision_in_words(decision)), *_confirmation_and_note(decision)]


def labelled_reading(text: str, decision: Decision) -> str:
    """Return an editor's reading; if it is a guess that was accepted, it says so."""
    return f"{'' if decision.basis == 'ink' else f'{CONJECTURE_LABEL}, accepted: '}{visible_text(text)}"


def _confirmation_and_note(decision: Decision) -> list[str]:
    confirmed = [f"Confirmed by {', '.join(map(visible_text, decision.confirmed_by))}"] if decision.confirmed_by else []
    return confirmed + ([f"Note: {visible_text(decision.note)}"] if decision.note else [])


def _gap_note(entry: ApparatusEntry, mode: Mode) -> Note:
    """Return the facts of a gap; what is supposed about it is told in the apparatus only."""
    lines = [f"Gap {entry.number}, {entry.place}: {REASON_WORDS[entry.gap.reason]}; {extent_in_words(entry.gap)}"]
    decision = decision_of(entry.segment) if mode != "diplomatic" else None
    if decision and mode == "apparatus":
        reading = editor_reading(decision)
        reading_words = f": {labelled_reading(reading, decision)}" if reading else ""
        lines += [f"Decision: {visible_text(decision_in_words(decision))}{reading_words}", *_confirmation_and_note(decision)]
    elif decision:
        lines += [f"Decision: {visible_text(decision_in_words(decision))}"]
    conjecture_lines = _conjecture_lines(entry) if mode == "apparatus" else []
    kind: NoteKind = "conjecture" if len(conjecture_lines) > 1 else "editor" if decision else "gap"
    return Note(kind, (*lines, *conjecture_lines), decision.editor if decision else "")


def _conjecture_lines(entry: ApparatusEntry) -> list[str]:
    opinion = opinion_of(entry.segment)
    if opinion is None:
        return []
    refused = isinstance(opinion, Refusal)
    lines = [f"No reading is offered: {visible_text(opinion.reason)}"] if isinstance(opinion, Refusal) else []
    label = f"{CONJECTURE_LABEL}, not offered:" if refused else f"{CONJECTURE_LABEL}:"
    lines += [f"{label} {visible_text(candidate.text)}, {per_cent(candidate.probability)}" for candidate in opinion.candidates]
    return [*lines, f"None of these: {per_cent(opinion.none_of_these)}"] if opinion.candidates else lines
