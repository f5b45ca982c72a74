"""The status of every document's folder, kept so that asking again need not read them all: a cache, never the truth.

A folder's files are only ever made, replaced and removed under their names, and each of these changes the time of their folder. An entry
holds as long as these times do; without the cache, or with one that cannot be read, everything is read anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

CACHE_FILE = ".status.sqlite"
# Changes within one tick of the file system's clock have one time: what changed so lately is not kept yet.
MTIME_SETTLED_NS = 2_000_000_000
# Another layout has another number; entries of other layouts are forgotten.
SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class CachedStatus:
    """What is kept about a folder: when it and its `pages/` last changed, in nanoseconds, and its status as text."""

    mtimes_ns: tuple[int, int]
    status: str


def cached_statuses(out: Path, compute: Callable[[Path], str | None]) -> Iterator[str]:
    """Yield the status of every document's folder in the order of their names; `compute` makes those that are not in the cache.

    `compute` returns None for a folder that holds no document.
    """
    cached, new = _read(out / CACHE_FILE), dict[str, CachedStatus]()
    folders = sorted((item.name, item.path) for item in os.scandir(out) if item.is_dir() and not item.name.startswith("."))
    now = time.time_ns()
    for name, path in folders:
        mtimes_ns = _mtimes_ns(path)
        entry = cached.get(name)
        if entry and entry.mtimes_ns == mtimes_ns:
            yield entry.status
        elif (status := compute(Path(path))) is not None:
            if max(mtimes_ns) < now - MTIME_SETTLED_NS:
                new[name] = CachedStatus(mtimes_ns, status)
            yield status
    gone = cached.keys() - {name for name, _ in folders}
    if new or gone:
        _write(out / CACHE_FILE, new, gone)


def _mtimes_ns(path: str) -> tuple[int, int]:
    try:
        pages = os.stat(f"{path}/pages").st_mtime_ns  # noqa: PTH116 (a hundred thousand paths are not worth making)
    except OSError:
        pages = 0
    return os.stat(path).st_mtime_ns, pages  # noqa: PTH116


def _read(path: Path) -> dict[str, CachedStatus]:
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
                return {}
            rows = connection.execute("SELECT folder, changed, pages_changed, status FROM known").fetchall()
            return {folder: CachedStatus((mtime_ns, pages_mtime_ns), status) for folder, mtime_ns, pages_mtime_ns, status in rows}
    except sqlite3.Error:
        return {}


def _write(path: Path, new: Mapping[str, CachedStatus], gone: Iterable[str]) -> None:
    """Keep what is new; a cache that cannot be written is only slower the next time."""
    with suppress(sqlite3.Error, OSError):
        try:
            _store(path, new, gone)
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            _store(path, new, gone)


def _store(path: Path, new: Mapping[str, CachedStatus], gone: Iterable[str]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        if connection.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
            connection.execute("DROP TABLE IF EXISTS known")
            connection.execute("CREATE TABLE known (folder TEXT PRIMARY KEY, changed INTEGER, pages_changed INTEGER, status TEXT)")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.executemany("DELETE FROM known WHERE folder = ?", [(name,) for name in gone])
        rows = [(name, *entry.mtimes_ns, entry.status) for name, entry in new.items()]
        connection.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", rows)
