"""Whether a document's files have changed, told without reading them."""

from __future__ import annotations

from pathlib import Path

from desunt.review.store.errors import Away


def glance(folder: Path) -> str:
    """Return the time and size of a folder's two files: while they are the same, the files are not read again."""
    found = [(folder / name).stat() for name in ("record.json", "conjectures.json")]
    return " ".join(f"{one.st_mtime_ns}:{one.st_size}:{one.st_ino}" for one in found)


def there(folder: Path, document_id: str) -> str:
    """Return the glance of a document's folder. Raises Away while a run has taken its files away."""
    try:
        return glance(folder)
    except OSError:
        raise Away(f"{document_id} is not there now: a run is writing it anew", remedy="Wait until the run is done") from None
