"""Documents of several files: a table says which files make one, and they become one source of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TypeAlias

from desunt.errors import UsageError
from desunt.run.inputs.catalogue import GROUPED, PATH, Pairs, rows_of
from desunt.run.inputs.discovery import ARCHIVE, TRANSCRIPT_SUFFIXES, Source

# A line of a table: its number, and its cells by the names of their columns.
Row: TypeAlias = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Group:
    """The files that make one document, in the order of its pages: their names in the folder `root`; `where` is its first line."""

    name: str
    root: Path
    files: tuple[str, ...]
    where: str


def read_groups(table: Path) -> tuple[Group, ...]:
    """Return the documents that a table names in its column `document`, in the order of their first lines.

    Raises UsageError that names the line, where lines of one document contradict each other or name what has no pages.
    """
    found: dict[str, list[Row]] = {}
    for line, row in rows_of(table):
        # A line break inside a cell is nothing that a name should carry into logs and exports.
        if name := " ".join(row.get(GROUPED, "").split()):
            found.setdefault(name, []).append((line, row))
    return tuple(_group(table, name, rows) for name, rows in found.items())


def _group(table: Path, name: str, rows: Sequence[Row]) -> Group:
    first = rows[0]
    for line, row in rows:
        if PurePath(row[PATH]).suffix.lower() in {ARCHIVE, *TRANSCRIPT_SUFFIXES}:
            problem = f"{row[PATH]} is no scan, and cannot be a page of document {name}"
            raise UsageError(f"{table}, line {line}: {problem}", remedy=f"Leave its {GROUPED} empty, or name a scan")
        _check_agreement(table, name, first, (line, row))
    root, files = _names(table.parent, [row[PATH] for _, row in rows])
    return Group(name, root, files, f"{table}, line {first[0]}")


def _check_agreement(table: Path, name: str, first: Row, other: Row) -> None:
    """Raise UsageError if a later line of a document says something else than its first line."""
    for column, value in other[1].items():
        said = first[1][column]
        if column not in (PATH, GROUPED) and value and value != said:
            told = f"{column} is {value!r}, but {said!r}" if said else f"{column} is {value!r}, but nothing"
            problem = f"{other[1][PATH]}: {told} in line {first[0]}, where document {name} begins"
            raise UsageError(f"{table}, line {other[0]}: {problem}", remedy="Say it in the document's first line, and leave it empty here")


def _names(home: Path, paths: list[str]) -> tuple[Path, tuple[str, ...]]:
    """Return a folder and the files' names in it: the table's own folder if all lie there, else the innermost that holds them all.

    A name is part of the record, and is looked up below a folder of the reader's choice: it must not lead out of there.
    """
    if all(not PurePath(path).is_absolute() and ".." not in PurePath(path).parts for path in paths):
        # The folder is what exports name as the source: `.` would tell nobody anything.
        return home if home.parts else home.resolve(), tuple(PurePath(path).as_posix() for path in paths)
    # Resolved, since `..` behind a symbolic link is not the folder that the text of the path suggests.
    whole = [(home / path).resolve() for path in paths]
    root = Path(os.path.commonpath([path.parent for path in whole]))
    return root, tuple(path.relative_to(root).as_posix() for path in whole)


def grouped(sources: Iterable[Source], catalogue: Mapping[Path, Pairs], groups: Sequence[Group]) -> list[Source]:
    """Return the sources with what a catalogue says about each; the files of a group become one source, where the first of them stood.

    Raises UsageError if a group has the id of another document.
    """
    about = {path.resolve(): pairs for path, pairs in catalogue.items()}
    homes = {(group.root / name).resolve(): group for group in groups for name in group.files}
    singles: dict[str, Source] = {}
    found: list[Source] = []
    placed: set[str] = set()
    for source in sources:
        place = source.path.resolve()
        group = homes.get(place)
        if group is None:
            found.append(replace(source, metadata=about.get(place, ())))
            singles[source.id] = source
        elif group.name not in placed:
            placed.add(group.name)
            first = (group.root / group.files[0]).resolve()
            found.append(Source(group.root, group.name, "scan", metadata=about.get(first, ()), files=group.files))
    for group in groups:
        if other := singles.get(group.name):
            problem = f"document {group.name} has the name of another document, {other.path}"
            raise UsageError(f"{group.where}: {problem}", remedy=f"Give it another name in the column {GROUPED}")
    return found
