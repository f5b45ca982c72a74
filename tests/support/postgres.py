"""A temporary PostgreSQL for tests, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "postgres"


def programs() -> Path | None:
    """Return the folder with initdb and postgres of the newest PostgreSQL, None if there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.partition(".")[0]))
    on_path = shutil.which("postgres")
    folders = [*installed[::-1], *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _switch() -> dict[str, Any] | None:
    """Return how to start a program as another user: PostgreSQL refuses to run as root. None if there is no such user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def postgres() -> Iterator[str | None]:
    """Give the URL of a server of its own, reached by a socket in a temporary folder; None if there is no PostgreSQL to run."""
    folder, switch = programs(), _switch()
    if folder is None or switch is None:
        yield None
        return
    base = Path(tempfile.mkdtemp(prefix="desunt-pg-"))
    if switch:
        shutil.chown(base, USER)
    data, url = base / "data", f"postgresql://{USER}@/postgres?host={base}"
    initdb = [folder / "initdb", "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **switch)
    with (base / "log").open("wb") as log:
        options = ["-k", base, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync=off"]
        server = subprocess.Popen([folder / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd="/", **switch)
    try:
        _wait(url)
        yield url
    finally:
        # SIGQUIT is PostgreSQL's immediate shutdown.
        server.send_signal(signal.SIGQUIT)
        server.wait(60)
        shutil.rmtree(base, ignore_errors=True)


def _wait(url: str) -> None:
    import psycopg

    for attempt in range(300):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if attempt == 299:
                raise
            time.sleep(0.1)
        else:
            return


def new_database(server: str) -> str:
    """Make an empty schema on the server, which is all a desk needs and far cheaper than a database; return its URL."""
    import psycopg

    name = f"desk_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"
