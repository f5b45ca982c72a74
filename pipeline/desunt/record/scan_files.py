"""Where the file of a page is to be found: beside its document's other files, or where scans were moved to."""

from __future__ import annotations

from pathlib import Path

from desunt.record.document import Document


def file_of(source: Path, path: str) -> Path:
    """Return the file that a record calls `path`: the document's source, or the file of that name in it where it is a folder of several."""
    return source / path if source.is_dir() else source


def places_of(document: Document, path: str, scans: Path | None) -> list[Path]:
    """Return the files that may be a scan or transcript of the document, the likeliest first; those that exist.

    Scans that were moved are looked for in `scans` first.
    """
    moved = [scans / path, scans / document.id, scans / Path(path).name] if scans else []
    known = [file_of(Path(document.source), path), Path(path)]
    return [place for place in dict.fromkeys([*moved, *known]) if place.is_file()]
