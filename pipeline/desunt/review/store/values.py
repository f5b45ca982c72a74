"""What the desk's pages are given about gaps, queues and users: frozen values, free of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from desunt.record.conjecture import Verdict
from desunt.record.document import Box, Reason, Unit

# `excluded` is a withheld or blank place: nobody is asked to fill it, and any editor may still decide otherwise.
Status: TypeAlias = Literal["open", "decided", "left-open", "contested", "excluded"]
Order: TypeAlias = Literal["most_certain", "document", "least_certain"]
GapKind: TypeAlias = Literal["name", "number", "word"]
Role: TypeAlias = Literal["reader", "editor", "approver"]

STATUSES: tuple[Status, ...] = get_args(Status)
ROLES: tuple[Role, ...] = get_args(Role)
# Words of 0.2.0 that addresses and cursors may still carry.
QUEUE_WORD_ALIASES = {"cheap": "most_certain", "doubt": "least_certain", "aside": "excluded"}


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a queue shows; None and "" ask for everything.

    Orders: `most_certain` has the best first candidates first and refusals last, `document` is reading order, `least_certain` is for
    a fresh mind. `least`-`most` is a length in letters that the gap may have; `mine` is the name of the editor whose decisions hold;
    `text` is looked for, without regard to case, in the engine reading, the words around the gap and the first candidate.
    """

    order: Order = "most_certain"
    status: Status | None = "open"
    document: str | None = None
    reason: Reason | None = None
    kind: GapKind | None = None
    least: int | None = None
    most: int | None = None
    mine: str | None = None
    refused: bool | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap of the index.

    `line` counts the page's lines from 1; `before` and `after` are diplomatic text; `top` is the first CONJECTURE,
    `probability` its own, `refusal` why none is offered. `reading` is the text of the standing decision.
    `version` must be handed back with a decision.
    `series` is the key of the gaps that look alike, None where there is no engine reading to go by.
    """

    gap_id: str
    document_id: str
    page: int
    line: int
    line_id: str
    place: int
    reason: Reason
    kind: GapKind
    unit: Unit | None
    least: int | None
    most: int | None
    box: Box | None
    scan_sha256: str | None
    frame: int | None
    engine_reading: str | None
    before: str
    after: str
    top: str | None
    probability: float | None
    none_of_these: float | None
    refusal: str | None
    series: str | None
    status: Status
    verdict: Verdict | None
    reading: str | None
    decided_by: str | None
    confirmed: int
    version: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Gaps in the order that was asked for; `following` and `preceding` are cursors for `GapQueue.page`, None at the ends."""

    rows: tuple[GapRow, ...]
    following: str | None
    preceding: str | None


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many gaps a filter lets through, and how they divide, each by its name, most first."""

    total: int
    status: dict[str, int]
    reason: dict[str, int]
    kind: dict[str, int]
    document: dict[str, int]


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document of the collection; `missing` if its folder is gone, while decisions about it are kept."""

    document_id: str
    folder: str
    title: str
    pages: int
    gaps: int
    open: int
    record_sha256: str
    missing: bool


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a look at the folders found; `problems` name the folders that could not be read and why."""

    documents: int
    changed: int
    reattached: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a word stands in the text of the collection: facts, never conjectures."""

    document_id: str
    page: int
    line_id: str
    word_id: str
    line: str
    times: int


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """Gaps of one series that are open, and the reading the engine made of each of them."""

    series: str
    engine_reading: str
    kind: GapKind
    open: int
    total: int


@dataclass(frozen=True, slots=True)
class SeriesMember:
    """A gap of a series; `same_words` if its neighbours are those of the gap that was asked about."""

    gap: GapRow
    same_words: bool


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    name: str
    role: Role
    created: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A line of the log of sign-ins; `result` is `in`, `wrong`, `throttled` or `out`."""

    at: str
    name: str
    address: str
    result: str
