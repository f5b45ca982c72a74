"""What editors hand in, what is logged of it, and what stands: frozen values, free of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desunt.record.conjecture import Basis, Decision, Verdict
from desunt.record.decision_log import LogEntry
from desunt.record.document import Box, Extent, Letters, Reason
from desunt.record.edits import EditKind
from desunt.review.store.values import Status

NO_LETTERS = Letters()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an editor hands in about one gap, or about one word where the verdict is `corrected`.

    `version` is the `GapRow.version` the editor saw (for a word: `DecisionRepository.version`). `shown` are the candidates in the
    order they were shown, empty if none were; `blind` is what was typed before the list appeared. `document_id` is needed for words
    only. `uid` is 32 hexadecimal digits of the client's choice: handing the same one in twice decides once.
    """

    gap_id: str
    verdict: Verdict
    editor: str
    version: str
    basis: Basis | None = None
    text: str | None = None
    note: str = ""
    shown: tuple[str, ...] = ()
    blind: str | None = None
    document_id: str = ""
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class NewGap:
    """A gap as an editor draws it; its id is given by the store."""

    box: Box | None
    reason: Reason = "illegible"
    extent: Extent | None = None
    letters: Letters = NO_LETTERS


@dataclass(frozen=True, slots=True)
class EditProposal:
    """A change of which places of a line are gaps, as `edits.GapEdit` describes it; `version` is `DecisionRepository.version(line_id)`."""

    document_id: str
    kind: EditKind
    line_id: str
    tokens: tuple[str, ...]
    after: str | None
    gaps: tuple[NewGap, ...]
    editor: str
    version: str
    note: str = ""
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceStatus:
    """What holds for a gap or word now: its status, the decision (None if open or contested), and the version to hand back."""

    target: str
    document_id: str
    status: Status
    decision: Decision | None
    uid: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A gap to be read a second time; what the first reader decided is not in it, on purpose."""

    id: int
    gap_id: str
    document_id: str
    reader: str
    assigned_by: str
    at: str
    outcome: Literal["confirm", "contest", "void"] | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A contested decision and the readings that stand against it, oldest first."""

    gap_id: str
    document_id: str
    first: LogEntry
    others: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """What became of a decision on many gaps: the entries that took effect, and those that came second."""

    series: str
    entries: tuple[LogEntry, ...]
    stale: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class DetachedEntry:
    """A standing decision or edit that found no place after a new reading of the page; `problem` says why in a sentence."""

    entry: LogEntry
    problem: str


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The proof of the chain: how many rows hold, the hash of the last, and the first broken row with what is wrong (None: all hold)."""

    rows: int
    head: str
    broken: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: entries taken over, entries that were there already, and entries that conflict, each with a sentence."""

    added: int
    already_there: int
    conflicts: tuple[tuple[str, str], ...]
