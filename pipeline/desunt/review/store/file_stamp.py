"""Whether a document's files have changed, told without reading them."""

from __future__ import annotations

from pathlib import Path

from desunt.review.store.errors import Unavailable


def file_stamp(folder: Path) -> str:
    """Return the times and sizes of a folder's two files: while they are the same, the files are not read again."""
    stats = [(folder / name).stat() for name in ("record.json", "conjectures.json")]
    return " ".join(f"{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}" for stat in stats)


def require_stamp(folder: Path, document_id: str) -> str:
    """Return the stamp of a document's folder. Raises Unavailable while a run has taken its files away."""
    try:
        return file_stamp(folder)
    except OSError:
        raise Unavailable(f"{document_id} is not there now: a run is writing it anew", remedy="Wait until the run is done") from None
