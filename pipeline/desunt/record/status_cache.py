"""What is known about every document's folder, kept so that asking again need not read them all: an index, never the truth.

A folder's files are only ever made, replaced and removed under their names, and each of these changes the time of their folder. An entry
holds as long as these times do; without the index, or with one that cannot be read, everything is read anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

FILE = ".status.sqlite"
# Changes within one tick of the file system's clock have one time: what changed so lately is not kept yet (nanoseconds).
SETTLED = 2_000_000_000
# Another layout has another number; entries of other layouts are forgotten.
LAYOUT = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept about a folder: when it and its `pages/` last changed, in nanoseconds, and its status as text."""

    changed: tuple[int, int]
    status: str


def statuses(out: Path, made: Callable[[Path], str | None]) -> Iterator[str]:
    """Yield the status of every document's folder in the order of their names; `made` makes those that are not known.

    `made` returns None for a folder that holds no document.
    """
    known, new = _read(out / FILE), dict[str, Known]()
    folders = sorted((entry.name, entry.path) for entry in os.scandir(out) if entry.is_dir() and not entry.name.startswith("."))
    now = time.time_ns()
    for name, path in folders:
        changed = _changed(path)
        found = known.get(name)
        status = found.status if found and found.changed == changed else made(Path(path))
        if status is None:
            continue
        if (not found or found.changed != changed) and max(changed) < now - SETTLED:
            new[name] = Known(changed, status)
        yield status
    gone = known.keys() - {name for name, _ in folders}
    if new or gone:
        _write(out / FILE, new, gone)


def _changed(path: str) -> tuple[int, int]:
    try:
        pages = os.stat(f"{path}/pages").st_mtime_ns  # noqa: PTH116 (a hundred thousand paths are not worth making)
    except OSError:
        pages = 0
    return os.stat(path).st_mtime_ns, pages  # noqa: PTH116


def _read(path: Path) -> dict[str, Known]:
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA user_version").fetchone() != (LAYOUT,):
                return {}
            rows = connection.execute("SELECT folder, changed, pages_changed, status FROM known").fetchall()
            return {folder: Known((changed, pages), status) for folder, changed, pages, status in rows}
    except sqlite3.Error:
        return {}


def _write(path: Path, new: Mapping[str, Known], gone: Iterable[str]) -> None:
    """Keep what is new; an index that cannot be written is only slower the next time."""
    with suppress(sqlite3.Error, OSError):
        try:
            _put(path, new, gone)
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            _put(path, new, gone)


def _put(path: Path, new: Mapping[str, Known], gone: Iterable[str]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        if connection.execute("PRAGMA user_version").fetchone() != (LAYOUT,):
            connection.execute("DROP TABLE IF EXISTS known")
            connection.execute("CREATE TABLE known (folder TEXT PRIMARY KEY, changed INTEGER, pages_changed INTEGER, status TEXT)")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.executemany("DELETE FROM known WHERE folder = ?", [(name,) for name in gone])
        rows = [(name, *one.changed, one.status) for name, one in new.items()]
        connection.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", rows)
