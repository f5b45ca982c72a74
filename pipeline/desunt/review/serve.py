"""Run the desk until it is interrupted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from desunt.errors import UsageError
from desunt.review.app import create_app
from desunt.review.environment import open_environment


def back_up(outputs: Path, database: str | None, target: Path) -> None:
    """Write a copy of the desk's database as it is at one moment, also while the desk runs.

    Raises UsageError where there is no desk, where it is PostgreSQL, and where the target exists: a backup is never written over.
    """
    address = make_url(database or f"sqlite:///{outputs / 'desk.sqlite'}")
    if address.get_backend_name() != "sqlite":
        raise UsageError("--backup copies an SQLite file", remedy="Use pg_dump for PostgreSQL")
    source = Path(address.database or "")
    if not source.is_file():
        raise UsageError(f"{source}: there is no desk to back up", remedy="Name the folder with the results, or --database")
    if target.exists():
        raise UsageError(f"{target}: is there already", remedy="Give the backup a new name")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as desk, closing(sqlite3.connect(part)) as copy:
            desk.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise UsageError(
            f"{target}: the backup could not be written: {error}", remedy="Check the folder and the space on the disk"
        ) from None


def serve(
    outputs: Path, *, port: int, host: str, database: str | None, scans: Path | None, ready: Callable[[], None] = lambda: None
) -> None:  # fmt: skip
    """Open the desk over a folder with results, say when it is `ready`, and answer until it is interrupted.

    Raises UsageError where it would listen beyond this machine without accounts, or the database cannot be opened.
    """
    import uvicorn

    environment = open_environment(outputs, database, host=host, scans=scans)
    try:
        ready()
        # The log of requests would tell more about who reads what than anybody needs; errors are still printed.
        uvicorn.run(create_app(environment), host=host, port=port, log_level="warning", access_log=False, server_header=False)
    finally:
        environment.store.close()
