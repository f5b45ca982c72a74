"""What an entry of the log says, in a sentence, and the way to undo what has just been done."""

from __future__ import annotations

from dataclasses import dataclass

from desunt.record.decision_log import Action, LogEntry
from desunt.record.edits import EditKind
from desunt.review.environment import Environment

EDIT_WORDS: dict[EditKind, str] = {"add": "gap added", "split": "gap split", "join": "gaps joined", "move": "gap moved"}
ACTION_WORDS: dict[Action, str] = {
    "confirm": "second reading, agrees: ", "contest": "second reading, disagrees: ", "resolve": "disagreement settled: ",
}  # fmt: skip
CARRIED_OVER = "carried over to a new reading of the page: "


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """An entry of the log that has just been written; `undo` is the uid to undo it by, None for an undo itself."""

    uid: str
    said: str
    target: str
    undo: str | None


def recorded_action(desk: Environment, uid: str) -> RecordedAction | None:
    """Return the entry of a uid in words; None without one."""
    if not uid:
        return None
    entry = desk.store.decisions.find(uid)
    return RecordedAction(entry.uid, describe_entry(entry), entry.target, None if entry.action == "revoke" else entry.uid)


def describe_entry(entry: LogEntry) -> str:
    """Say what an entry did: `accepted as a guess, not read on the page: “management”`.

    The text comes last and isolated (U+2068, U+2069): what turns the direction of writing in it turns nothing of the sentence.
    """
    if entry.action == "revoke":
        return "took back what was decided"
    if entry.action == "edit":
        return EDIT_WORDS[entry.edit.kind] if entry.edit else "gaps changed"
    verdict = (entry.verdict or entry.action).replace("-", " ")
    before = CARRIED_OVER if entry.moved_from else ACTION_WORDS.get(entry.action, "")
    if entry.text is None:
        return before + verdict
    basis = "read in the ink" if entry.basis == "ink" else "as a guess, not read on the page"
    return f"{before}{verdict}, {basis}: “\u2068{entry.text}\u2069”"
