"""A catalogue of scans as a table (`desunt run --manifest FILE.csv`): the files to read, what is known of each, which make one document."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TypeAlias

from desunt.errors import UsageError
from desunt.record.document import Metadata
from desunt.run.inputs.discovery import ARCHIVE_SUFFIX, TRANSCRIPT_SUFFIXES, InputSource

# A line of a table: its number, and its cells by the names of their columns.
TableRow: TypeAlias = tuple[int, dict[str, str]]

PATH_COLUMN = "path"
# The column that says which files make one document.
DOCUMENT_COLUMN = "document"


def read_catalogue(path: Path) -> dict[Path, Metadata]:
    """Return the files that a table lists, in its order, each with its metadata: the other columns that are not empty.

    The table is CSV in UTF-8 with a heading; `path` is relative to the table's folder. Names of columns become names of metadata, in small
    letters, spaces as hyphens (`Reference code`: `reference-code`). Raises UsageError that names the line.
    """
    catalogue: dict[Path, Metadata] = {}
    listed: set[Path] = set()
    for line, row in read_table(path):
        scan = path.parent / row[PATH_COLUMN]
        if not row[PATH_COLUMN]:
            raise UsageError(f"{path}, line {line}: no path", remedy="Every line names a file, or is left out")
        if not scan.is_file():
            raise UsageError(f"{path}, line {line}: {row[PATH_COLUMN]}: no such file", remedy="Paths are relative to the table's folder")
        if scan.resolve() in listed:
            raise UsageError(f"{path}, line {line}: {row[PATH_COLUMN]} is listed twice", remedy="Leave one of the lines out")
        listed.add(scan.resolve())
        catalogue[scan] = tuple((name, value) for name, value in row.items() if value and name not in (PATH_COLUMN, DOCUMENT_COLUMN))
    if not catalogue:
        raise UsageError(
            f"{path}: the table lists nothing", remedy=f"Give a line for each scan below the heading, which names {PATH_COLUMN}"
        )
    return catalogue


def read_table(path: Path) -> Iterator[TableRow]:
    """Yield the lines of a table with their numbers: names of columns and cells. Raises UsageError that names the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the table cannot be read ({error})", remedy="Give CSV in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    heading: list[str] = []
    try:
        for cells in reader:
            if not heading:
                heading = _heading(cells, path)
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(heading):
                    problem = f"{len(cells)} cells under {len(heading)} names"
                    raise UsageError(f"{path}, line {reader.line_num}: {problem}", remedy="Put cells that hold commas in quotes")
                yield reader.line_num, dict(zip(heading, map(str.strip, cells), strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}", remedy="Save the table as CSV again") from None


def _heading(cells: list[str], path: Path) -> list[str]:
    names = ["-".join(cell.casefold().split()) for cell in cells]
    if PATH_COLUMN not in names:
        raise UsageError(
            f"{path}, line 1: no column is called {PATH_COLUMN}", remedy="The first line names the columns: path, title, date, ..."
        )
    if len(set(names)) < len(names) or "" in names:
        raise UsageError(f"{path}, line 1: a column has no name, or the name of another", remedy="Give every column a name of its own")
    return names


def merge_metadata(catalogued: Metadata, own: Metadata) -> Metadata:
    """Return what a catalogue says, then what the document says of itself about other things."""
    names = dict(catalogued)
    return (*catalogued, *((name, value) for name, value in own if name not in names))


@dataclass(frozen=True, slots=True)
class DocumentGroup:
    """The files that make one document, in the order of its pages: their names in the folder `root`; `where` is its first line."""

    name: str
    root: Path
    files: tuple[str, ...]
    where: str


def read_groups(table: Path) -> tuple[DocumentGroup, ...]:
    """Return the documents that a table names in its column `document`, in the order of their first lines.

    Raises UsageError that names the line, where lines of one document contradict each other or name what has no pages.
    """
    rows_by_document: dict[str, list[TableRow]] = {}
    for line, row in read_table(table):
        # A line break inside a cell is nothing that a name should carry into logs and exports.
        if name := " ".join(row.get(DOCUMENT_COLUMN, "").split()):
            rows_by_document.setdefault(name, []).append((line, row))
    return tuple(_group(table, name, rows) for name, rows in rows_by_document.items())


def _group(table: Path, name: str, rows: Sequence[TableRow]) -> DocumentGroup:
    first = rows[0]
    for line, row in rows:
        if PurePath(row[PATH_COLUMN]).suffix.lower() in {ARCHIVE_SUFFIX, *TRANSCRIPT_SUFFIXES}:
            problem = f"{row[PATH_COLUMN]} is no scan, and cannot be a page of document {name}"
            raise UsageError(f"{table}, line {line}: {problem}", remedy=f"Leave its {DOCUMENT_COLUMN} empty, or name a scan")
        _check_agreement(table, name, first, (line, row))
    root, files = _common_folder(table.parent, [row[PATH_COLUMN] for _, row in rows])
    return DocumentGroup(name, root, files, f"{table}, line {first[0]}")


def _check_agreement(table: Path, name: str, first: TableRow, other: TableRow) -> None:
    """Raise UsageError if a later line of a document says something else than its first line."""
    for column, value in other[1].items():
        first_value = first[1][column]
        if column not in (PATH_COLUMN, DOCUMENT_COLUMN) and value and value != first_value:
            difference = f"{column} is {value!r}, but {repr(first_value) if first_value else 'nothing'}"
            problem = f"{other[1][PATH_COLUMN]}: {difference} in line {first[0]}, where document {name} begins"
            raise UsageError(f"{table}, line {other[0]}: {problem}", remedy="Say it in the document's first line, and leave it empty here")


def _common_folder(home: Path, paths: list[str]) -> tuple[Path, tuple[str, ...]]:
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


def group_sources(sources: Iterable[InputSource], catalogue: Mapping[Path, Metadata], groups: Sequence[DocumentGroup]) -> list[InputSource]:
    """Return the sources with what a catalogue says about each; the files of a group become one source, where the first of them stood.

    Raises UsageError if a group has the id of another document.
    """
    metadata = {path.resolve(): pairs for path, pairs in catalogue.items()}
    group_of = {(group.root / name).resolve(): group for group in groups for name in group.files}
    singles: dict[str, InputSource] = {}
    documents: list[InputSource] = []
    placed: set[str] = set()
    for source in sources:
        path = source.path.resolve()
        group = group_of.get(path)
        if group is None:
            documents.append(replace(source, metadata=metadata.get(path, ())))
            singles[source.id] = source
        elif group.name not in placed:
            placed.add(group.name)
            first = (group.root / group.files[0]).resolve()
            documents.append(InputSource(group.root, group.name, "scan", metadata=metadata.get(first, ()), files=group.files))
    for group in groups:
        if other := singles.get(group.name):
            problem = f"document {group.name} has the name of another document, {other.path}"
            raise UsageError(f"{group.where}: {problem}", remedy=f"Give it another name in the column {DOCUMENT_COLUMN}")
    return documents
