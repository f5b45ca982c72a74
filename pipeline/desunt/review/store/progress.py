"""How far the work is, how far readers agree, and how often the first candidate was right: calibration as it happens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from desunt.review.store.database import Database
from desunt.review.store.schema import AssignmentTable, DocumentTable, EntryTable, GapTable, StandingTable
from desunt.review.store.values import STATUSES

# Ten bands of probability, the last with 1.0 in it.
BAND_COUNT = 10
VERDICTS = ("accepted", "amended", "rejected")
# What a spreadsheet takes for the start of a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


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
    """How a document's gaps divide; `aside` are the excluded ones, by the name that the table has had from its first version on."""

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
class CalibrationBand:
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


class ProgressFigures:
    """Figures of the whole collection, by query."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_editor(self) -> tuple[EditorProgress, ...]:
        """Return what each editor did, by name."""
        with self._database.reading() as connection:
            return tuple(_by_editor(connection))

    def by_document(self) -> tuple[DocumentProgress, ...]:
        """Return how far each document is, by id."""
        counts = [func.count(GapTable.gap_id).filter(GapTable.status == status) for status in STATUSES]
        documents = (
            select(DocumentTable.document_id, DocumentTable.title, func.count(GapTable.gap_id), *counts)
            .outerjoin(GapTable, GapTable.document_id == DocumentTable.document_id)
            .where(~DocumentTable.missing)
            .group_by(DocumentTable.document_id, DocumentTable.title)
            .order_by(DocumentTable.document_id)
        )
        with self._database.reading() as connection:
            return tuple(DocumentProgress(*tuple(row)) for row in connection.execute(documents))

    def agreement(self) -> Agreement:
        """Return how far readers agree, with each other and with what they had typed before they saw the list."""
        outcomes = select(AssignmentTable.outcome, func.count()).group_by(AssignmentTable.outcome)
        blind_read = and_(EntryTable.blind.is_not(None), EntryTable.blind != "", EntryTable.text.is_not(None))
        listed, same = EntryTable.shown != "[]", EntryTable.blind == EntryTable.text
        counts = [func.coalesce(_count_where(when), 0) for when in (EntryTable.blind == EntryTable.top, listed, and_(listed, same))]
        blind = select(func.count(), *counts).where(blind_read, ~EntryTable.stale, EntryTable.moved_from.is_(None))
        with self._database.reading() as connection:
            by_outcome: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(outcomes)}
            blind_counts = tuple(connection.execute(blind).one())
        return Agreement(by_outcome.get("confirm", 0), by_outcome.get("contest", 0), by_outcome.get(None, 0), *blind_counts)

    def bands(self) -> tuple[CalibrationBand, ...]:
        """Return, for each band of probability with decisions, how often the first candidate was the reading that stands."""
        width = 1.0 / BAND_COUNT
        number = case((EntryTable.probability >= 1.0 - width, BAND_COUNT - 1), else_=func.floor(EntryTable.probability * BAND_COUNT + 1e-9))
        right, ink = EntryTable.text == EntryTable.top, EntryTable.basis == "ink"
        counts = [_count_where(when) for when in (right, ink, and_(right, ink))]
        bands = (
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
            rows = connection.execute(bands).all()
        return tuple(
            CalibrationBand(round(int(n) * width, 1), round((int(n) + 1) * width, 1), decided, hits, read, read_hits, round(float(mean), 4))
            for n, decided, hits, read, read_hits, mean in rows
        )

    def csv(self) -> str:
        """Return all figures as CSV, one table below the other, with an empty line between."""
        tables: tuple[tuple[type, Iterable[object]], ...] = (
            (EditorProgress, self.by_editor()), (DocumentProgress, self.by_document()),
            (Agreement, [self.agreement()]), (CalibrationBand, self.bands()),
        )  # fmt: skip
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for number, (row_type, rows) in enumerate(tables):
            names = [field.name for field in fields(row_type)]
            writer.writerows([*([[]] if number else []), names, *([escape_formula(getattr(row, name)) for name in names] for row in rows)])
        return buffer.getvalue()


def escape_formula(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS else value


def _count_where(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


def _by_editor(connection: Connection) -> Iterable[EditorProgress]:
    standing = EntryTable.uid.in_(select(StandingTable.uid).where(StandingTable.uid.is_not(None)))
    revoked = EntryTable.uid.in_(select(EntryTable.refers).where(EntryTable.action == "revoke", ~EntryTable.stale))
    second = EntryTable.action.in_(("confirm", "contest"))
    editors = (
        select(
            EntryTable.editor, func.count(), _count_where(standing),
            *(_count_where(standing, EntryTable.verdict == verdict) for verdict in VERDICTS),
            _count_where(revoked), _count_where(EntryTable.stale.is_(True)), _count_where(second),
        )
        .where(EntryTable.moved_from.is_(None))
        .group_by(EntryTable.editor)
        .order_by(EntryTable.editor)
    )  # fmt: skip
    for row in connection.execute(editors):
        yield EditorProgress(*tuple(row))
