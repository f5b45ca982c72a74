"""Where the file of a page is to be found: beside its document's other files, or where scans were moved to."""

from __future__ import annotations

from pathlib import Path

from desunt.record.document import Document


def scan_path(source: Path, path: str) -> Path:
    """Return the file that a record calls `path`: the document's source, or the file of that name in it where it is a folder of several."""
    return source / path if source.is_dir() else source


def find_scan_files(document: Document, path: str, scans: Path | None) -> list[Path]:
    """Return the files that may be a scan or transcript of the document, the likeliest first; those that exist.

    Scans that were moved are looked for in `scans` first.
    """
    where_moved = [scans / path, scans / document.id, scans / Path(path).name] if scans else []
    recorded = [scan_path(Path(document.source), path), Path(path)]
    return [file for file in dict.fromkeys([*where_moved, *recorded]) if file.is_file()]
