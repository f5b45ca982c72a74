"""One database, SQLite or PostgreSQL: how it is opened, how a writer has it alone, and how its tables are brought up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from desunt.errors import DependencyMissing, UsageError

# How long a writer waits for another one. Far more than any transaction takes; less than a browser waits.
LOCK_TIMEOUT_MS = 30_000
# PostgreSQL's lock that makes writers follow each other, as SQLite's do by nature: a chain has one end.
WRITER_LOCK, MIGRATION_LOCK = 0x6465_7375, 0x6465_7376
SQLITE_PRAGMAS = ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-16000", "PRAGMA temp_store=MEMORY")


def now() -> str:
    """Return the time as ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Database:
    """An open database and the clock that dates its rows."""

    engine: Engine
    clock: Callable[[], str]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database and changes nothing."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that is the only writer; all of it is kept, or nothing if an error is raised."""
        with self.engine.connect().execution_options(desunt_writes=True) as connection, connection.begin():
            lock(connection, WRITER_LOCK)
            yield connection

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


def lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds this lock of PostgreSQL; SQLite's writers are alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def open_database(outputs: Path, url: str | None, clock: Callable[[], str] = now, *, pool: bool = True) -> Database:
    """Open the database and migrate it; without a `pool` each connection is closed after its use, and nobody has to close the database.

    Raises UsageError if it cannot be opened, DependencyMissing without PostgreSQL's driver.
    """
    address = url or f"sqlite:///{outputs / 'desk.sqlite'}"
    try:
        database = Database(_create_engine(address, pool), clock)
        migrate(database)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"--database {address}: {error}", remedy="Give sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    except ModuleNotFoundError:
        raise DependencyMissing("PostgreSQL's driver is not installed", remedy="pip install 'desunt[postgres]'") from None
    except DBAPIError as error:
        url_shown = make_url(address).render_as_string(hide_password=True)
        raise UsageError(f"--database {url_shown}: {error.orig}", remedy="Check that the server runs and the folder exists") from None
    return database


def _create_engine(address: str, pool: bool) -> Engine:
    url = make_url(address)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ArgumentError(f"{url.get_backend_name()} is not a database the desk knows")
    pool_options: dict[str, Any] = {"pool_size": 8, "max_overflow": 32} if pool else {"poolclass": NullPool}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_MS / 1000, "check_same_thread": False}, **pool_options)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_transaction)
        return engine
    return create_engine(url, pool_pre_ping=True, **pool_options)


def _configure_sqlite(connection: Any, _: object) -> None:
    """Set up a connection of SQLite: transactions are ours to begin, readers do not wait for the writer."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_MS}")
    _enable_wal(connection)
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _enable_wal(connection: Any) -> None:
    """Turn WAL on. Two processes that do so at once can be refused whatever the busy timeout says: so try again."""
    import sqlite3

    for attempt in range(100):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == 99:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_transaction(connection: Connection) -> None:
    # A reader that becomes a writer halfway can be refused: writers say so at once.
    writes = connection.get_execution_options().get("desunt_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(database: Database) -> None:
    """Bring the tables up to date; of two processes that open at once, one waits and finds the work done.

    Raises UsageError for a database of a later version.
    """
    from alembic.util import CommandError

    from desunt.review.store.migrations import upgrade

    try:
        with database.engine.connect().execution_options(desunt_writes=True) as connection, connection.begin():
            lock(connection, MIGRATION_LOCK)
            upgrade(connection)
    except CommandError as error:
        database.engine.dispose()
        raise UsageError(f"the database was made by another version: {error}", remedy="Update desunt") from None
