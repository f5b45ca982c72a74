"""What has just been done, in a sentence, with the way to undo it."""

from __future__ import annotations

from dataclasses import dataclass

from desunt.record.edits import EditKind
from desunt.review.environment import Environment
from desunt.review.store.types import Action, Entry

EDITS: dict[EditKind, str] = {"add": "gap added", "split": "gap split", "join": "gaps joined", "move": "gap moved"}
ACTIONS: dict[Action, str] = {
    "confirm": "second reading, agrees: ", "contest": "second reading, disagrees: ", "resolve": "disagreement settled: ",
}  # fmt: skip
CARRIED = "carried over to a new reading of the page: "


@dataclass(frozen=True, slots=True)
class Done:
    """An entry of the log that has just been written; `undo` is the uid to undo it by, None for an undo itself."""

    uid: str
    said: str
    target: str
    undo: str | None


def done_view(desk: Environment, uid: str) -> Done | None:
    """Return the entry of a uid in words; None without one."""
    return done_of(desk.store.decisions.entry(uid)) if uid else None


def done_of(entry: Entry) -> Done:
    """Return an entry in words."""
    return Done(entry.uid, in_words(entry), entry.target, None if entry.action == "revoke" else entry.uid)


def in_words(entry: Entry) -> str:
    """Say what an entry did: `accepted as a guess, not read on the page: “management”`.

    The text comes last and isolated (U+2068, U+2069): what turns the direction of writing in it turns nothing of the sentence.
    """
    if entry.action == "revoke":
        return "took back what was decided"
    if entry.action == "edit":
        return EDITS[entry.edit.kind] if entry.edit else "gaps changed"
    verdict = (entry.verdict or entry.action).replace("-", " ")
    before = CARRIED if entry.moved_from else ACTIONS.get(entry.action, "")
    if entry.text is None:
        return before + verdict
    basis = "read in the ink" if entry.basis == "ink" else "as a guess, not read on the page"
    return f"{before}{verdict}, {basis}: “\u2068{entry.text}\u2069”"
