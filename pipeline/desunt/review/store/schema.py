"""The tables of the desk: an index of the gaps, the log of entries, what holds now, and the accounts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Dialect, Float, ForeignKey, Index, Integer, MetaData, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class DeskTable(DeclarativeBase):
    """All tables; constraints have names, so that a migration can speak of them."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = {str: Text, int: Integer, float: Float(53)}  # noqa: RUF012 -- SQLAlchemy's own way


class StatusText(TypeDecorator[str]):
    """The status of a gap or word; the tables have said `aside` for `excluded` from their first version on."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the word as the tables have it."""
        return "aside" if value == "excluded" else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the word as the desk has it."""
        return "excluded" if value == "aside" else value


class DocumentTable(DeskTable):
    """A document as it was last read; `key` is the hash of its record with its edits, `glance` the file stamp that spares hashing it."""

    __tablename__ = "documents"

    document_id: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str]
    title: Mapped[str]
    pages: Mapped[int]
    record_sha256: Mapped[str]
    glance: Mapped[str]
    key: Mapped[str]
    missing: Mapped[bool]


class GapTable(DeskTable):
    """One gap of the collection as it is now; all of it can be made again from the files and the chain.

    `cheap` and `doubt` are the sort keys of the orders most_certain and least_certain, smallest first; `place` counts the gaps
    of the document from 0.
    """

    __tablename__ = "gaps"

    gap_id: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"))
    page: Mapped[int]
    line: Mapped[int]
    line_id: Mapped[str]
    place: Mapped[int]
    reason: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str | None]
    least: Mapped[int | None]
    most: Mapped[int | None]
    box: Mapped[str | None]
    scan_sha256: Mapped[str | None]
    frame: Mapped[int | None]
    engine_reading: Mapped[str | None]
    before: Mapped[str]
    after: Mapped[str]
    top: Mapped[str | None]
    probability: Mapped[float | None]
    none_of_these: Mapped[float | None]
    refusal: Mapped[str | None]
    series: Mapped[str | None]
    search: Mapped[str]
    cheap: Mapped[float]
    doubt: Mapped[float]
    status: Mapped[str] = mapped_column(StatusText)
    verdict: Mapped[str | None]
    reading: Mapped[str | None]
    decided_by: Mapped[str | None]
    confirmed: Mapped[int]
    version: Mapped[str]

    __table_args__ = (
        Index(None, "status", "cheap", "gap_id"),
        Index(None, "status", "doubt", "gap_id"),
        Index(None, "document_id", "place", "gap_id"),
        Index(None, "status", "document_id", "reason", "kind"),
        Index(None, "series", "status"),
    )


class ScanTable(DeskTable):
    """Which document a page's scan belongs to."""

    __tablename__ = "scans"

    scan_sha256: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)


class WordTable(DeskTable):
    """Which words a document has: each once, without regard to case, with its first place."""

    __tablename__ = "words"

    word: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)
    times: Mapped[int]
    page: Mapped[int]
    line_id: Mapped[str]
    word_id: Mapped[str]
    line: Mapped[str]

    __table_args__ = (Index(None, "document_id"),)


class EntryTable(DeskTable):
    """The log: what LogEntry says, a row an entry. Triggers refuse to change or remove a row."""

    __tablename__ = "entries"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
    uid: Mapped[str] = mapped_column(unique=True)
    schema: Mapped[str]
    action: Mapped[str]
    document_id: Mapped[str]
    target: Mapped[str]
    verdict: Mapped[str | None]
    basis: Mapped[str | None]
    text: Mapped[str | None]
    note: Mapped[str]
    editor: Mapped[str]
    at: Mapped[str]
    saw: Mapped[str]
    refers: Mapped[str | None]
    stale: Mapped[bool]
    series: Mapped[str | None]
    shown: Mapped[str]
    probabilities: Mapped[str]
    top: Mapped[str | None]
    probability: Mapped[float | None]
    refused: Mapped[bool | None]
    blind: Mapped[str | None]
    model: Mapped[str]
    settings: Mapped[str]
    record_sha256: Mapped[str]
    scan_sha256: Mapped[str | None]
    frame: Mapped[int | None]
    page: Mapped[int | None]
    box: Mapped[str]
    edit: Mapped[str]
    moved_from: Mapped[str | None]
    origin: Mapped[str | None]
    previous: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        Index(None, "target", "seq"),
        Index(None, "document_id", "seq"),
        Index(None, "editor", "seq"),
        Index(None, "series", "seq"),
        Index(None, "stale", "seq"),
        Index(None, "action", "document_id"),
    )


class StandingTable(DeskTable):
    """What holds for each gap, word or line that was ever spoken of; made again from the log at any time."""

    __tablename__ = "standing"

    target: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str]
    status: Mapped[str] = mapped_column(StatusText)
    uid: Mapped[str | None]
    decision: Mapped[str | None]
    version: Mapped[str]

    __table_args__ = (Index(None, "document_id", "status"), Index(None, "status"))


class DetachedTable(DeskTable):
    """Standing decisions and edits that found no place when their document was last read."""

    __tablename__ = "detached"

    uid: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str]
    problem: Mapped[str]


class AssignmentTable(DeskTable):
    """Gaps to be read a second time; `uid` is the decision that is judged, `outcome` None while open."""

    __tablename__ = "assignments"

    id: Mapped[int] = mapped_column(primary_key=True)
    gap_id: Mapped[str]
    document_id: Mapped[str]
    uid: Mapped[str]
    reader: Mapped[str]
    assigned_by: Mapped[str]
    at: Mapped[str]
    outcome: Mapped[str | None]

    __table_args__ = (UniqueConstraint("uid", "reader"), Index(None, "reader", "outcome"))


class UserTable(DeskTable):
    """An account; the password is kept as its argon2 hash only."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    password: Mapped[str]
    created: Mapped[str]


class SessionTable(DeskTable):
    """A browser that is signed in; only the hash of its token is kept, so that a stolen database opens nothing."""

    __tablename__ = "sessions"

    token: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("users.name"))
    expires: Mapped[str]


class SignInTable(DeskTable):
    """The log of sign-ins."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    result: Mapped[str]

    __table_args__ = (Index(None, "name", "at"), Index(None, "address", "at"))
