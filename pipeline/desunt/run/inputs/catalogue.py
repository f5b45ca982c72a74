"""A catalogue of scans as a table: which files to read, in which order, and what is known about each (`desunt run --manifest FILE.csv`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from desunt.errors import UsageError

# Names and values, in the order of the table's columns.
Pairs: TypeAlias = tuple[tuple[str, str], ...]

PATH = "path"
# The column that says which files make one document, see `grouping.py`.
GROUPED = "document"


def read_catalogue(path: Path) -> dict[Path, Pairs]:
    """Return the files that a table lists, in its order, each with its metadata: the other columns that are not empty.

    The table is CSV in UTF-8 with a heading; `path` is relative to the table's folder. Names of columns become names of metadata, in small
    letters, spaces as hyphens (`Reference code`: `reference-code`). Raises UsageError that names the line.
    """
    found: dict[Path, Pairs] = {}
    listed: set[Path] = set()
    for line, row in rows_of(path):
        scan = path.parent / row[PATH]
        if not row[PATH]:
            raise UsageError(f"{path}, line {line}: no path", remedy="Every line names a file, or is left out")
        if not scan.is_file():
            raise UsageError(f"{path}, line {line}: {row[PATH]}: no such file", remedy="Paths are relative to the table's folder")
        if scan.resolve() in listed:
            raise UsageError(f"{path}, line {line}: {row[PATH]} is listed twice", remedy="Leave one of the lines out")
        listed.add(scan.resolve())
        found[scan] = tuple((name, value) for name, value in row.items() if value and name not in (PATH, GROUPED))
    if not found:
        raise UsageError(f"{path}: the table lists nothing", remedy=f"Give a line for each scan below the heading, which names {PATH}")
    return found


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
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
    if PATH not in names:
        raise UsageError(f"{path}, line 1: no column is called {PATH}", remedy="The first line names the columns: path, title, date, ...")
    if len(set(names)) < len(names) or "" in names:
        raise UsageError(f"{path}, line 1: a column has no name, or the name of another", remedy="Give every column a name of its own")
    return names


def joined(catalogued: Pairs, own: Pairs) -> Pairs:
    """Return what a catalogue says, then what the document says of itself about other things."""
    known: Mapping[str, str] = dict(catalogued)
    return (*catalogued, *((name, value) for name, value in own if name not in known))
