"""How far the work is, how far readers agree, and how often the first candidate was right: calibration as it happens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from desunt.review.store.database import Database
from desunt.review.store.schema import AssignmentTable, DocumentTable, EntryTable, GapTable, StandingTable

# Ten bands of probability, the last with 1.0 in it.
BANDS = 10
VERDICTS = ("accepted", "amended", "rejected")
# What a spreadsheet takes for the start of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class EditorProgress:
    """What one editor did.

    `standing` are decisions that hold, and of those `accepted`, `amended`, `rejected`; `revoked` were taken back by anybody, `stale`
    came second, `second` are second readings.
    """

    editor: str
    entries: int
    standing: int
    accepted: int
    amended: int
    rejected: int
    revoked: int
    stale: int
    second: int


@dataclass(frozen=True, slots=True)
class DocumentProgress:
    """How a document's gaps divide."""

    document_id: str
    title: str
    gaps: int
    open: int
    decided: int
    left_open: int
    contested: int
    aside: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Second readings: those that came to the same, and those that did not; and readings typed before the list of candidates appeared.

    Of those typed, `typed_top` are the machine's first candidate. `blind` had the list shown afterwards, and `blind_same` of them were
    decided as they had been typed.
    """

    confirmed: int
    contested: int
    waiting: int
    typed: int
    typed_top: int
    blind: int
    blind_same: int


@dataclass(frozen=True, slots=True)
class Band:
    """Decisions with a text about gaps whose first candidate had a probability of `least` to `most`, and in how many it was right.

    `read` are those of them that rest on the ink, where the editor's reading is a witness and no guess.
    """

    least: float
    most: float
    decided: int
    right: int
    read: int
    read_right: int
    mean: float


class Progress:
    """Figures of the whole collection, by query."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_editor(self) -> tuple[EditorProgress, ...]:
        """Return what each editor did, by name."""
        with self._database.reading() as connection:
            return tuple(_by_editor(connection))

    def by_document(self) -> tuple[DocumentProgress, ...]:
        """Return how far each document is, by id."""
        statuses = ("open", "decided", "left-open", "contested", "aside")
        counts = [func.count(GapTable.gap_id).filter(GapTable.status == status) for status in statuses]
        asked = (
            select(DocumentTable.document_id, DocumentTable.title, func.count(GapTable.gap_id), *counts)
            .outerjoin(GapTable, GapTable.document_id == DocumentTable.document_id)
            .where(~DocumentTable.missing)
            .group_by(DocumentTable.document_id, DocumentTable.title)
            .order_by(DocumentTable.document_id)
        )
        with self._database.reading() as connection:
            return tuple(DocumentProgress(*tuple(row)) for row in connection.execute(asked))

    def agreement(self) -> Agreement:
        """Return how far readers agree, with each other and with what they had typed before they saw the list."""
        outcomes = select(AssignmentTable.outcome, func.count()).group_by(AssignmentTable.outcome)
        blind_read = and_(EntryTable.blind.is_not(None), EntryTable.blind != "", EntryTable.text.is_not(None))
        seen = EntryTable.shown != "[]"
        counts = [_times(when) for when in (EntryTable.blind == EntryTable.top, seen, and_(seen, EntryTable.blind == EntryTable.text))]
        blind = select(func.count(), *counts).where(blind_read, ~EntryTable.stale, EntryTable.moved_from.is_(None))
        with self._database.reading() as connection:
            found: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(outcomes)}
            typed, top, listed, same = tuple(connection.execute(blind).one())
        return Agreement(found.get("confirm", 0), found.get("contest", 0), found.get(None, 0), typed, top, listed, same)

    def bands(self) -> tuple[Band, ...]:
        """Return, for each band of probability with decisions, how often the first candidate was the reading that stands."""
        width = 1.0 / BANDS
        number = case((EntryTable.probability >= 1.0 - width, BANDS - 1), else_=func.floor(EntryTable.probability * BANDS + 1e-9))
        right, ink = EntryTable.text == EntryTable.top, EntryTable.basis == "ink"
        counts = [func.sum(case((when, 1), else_=0)) for when in (right, ink, and_(right, ink))]
        asked = (
            select(number, func.count(), *counts, func.avg(EntryTable.probability))
            .join(StandingTable, StandingTable.uid == EntryTable.uid)
            .where(
                StandingTable.status == "decided",
                EntryTable.text.is_not(None),
                EntryTable.probability.is_not(None),
                EntryTable.refused.is_(False),
            )
            .group_by(number)
            .order_by(number)
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        return tuple(
            Band(round(int(n) * width, 1), round((int(n) + 1) * width, 1), decided, hits, read, read_hits, round(float(mean), 4))
            for n, decided, hits, read, read_hits, mean in rows
        )

    def csv(self) -> str:
        """Return all figures as CSV, one table below the other, with an empty line between."""
        tables: tuple[tuple[type, Iterable[object]], ...] = (
            (EditorProgress, self.by_editor()), (DocumentProgress, self.by_document()),
            (Agreement, [self.agreement()]), (Band, self.bands()),
        )  # fmt: skip
        out = io.StringIO()
        writer = csv.writer(out)
        for at, (kind, rows) in enumerate(tables):
            names = [field.name for field in fields(kind)]
            writer.writerows([*([[]] if at else []), names, *([safe(getattr(row, name)) for name in names] for row in rows)])
        return out.getvalue()


def safe(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value


def _times(when: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((when, 1), else_=0)), 0)


def _by_editor(connection: Connection) -> Iterable[EditorProgress]:
    def count(*when: Any) -> ColumnElement[int]:
        return func.sum(case((and_(*when), 1), else_=0))

    standing = select(StandingTable.uid).where(StandingTable.uid.is_not(None))
    revoked = select(EntryTable.refers).where(EntryTable.action == "revoke", ~EntryTable.stale)
    stands = EntryTable.uid.in_(standing)
    asked = (
        select(
            EntryTable.editor, func.count(), count(stands), *(count(stands, EntryTable.verdict == v) for v in VERDICTS),
            count(EntryTable.uid.in_(revoked)), count(EntryTable.stale), count(EntryTable.action.in_(("confirm", "contest"))),
        )
        .where(EntryTable.moved_from.is_(None))
        .group_by(EntryTable.editor)
        .order_by(EntryTable.editor)
    )  # fmt: skip
    for row in connection.execute(asked):
        yield EditorProgress(*tuple(row))
