"""desunt reads scanned archival pages, says which words it could not read, and offers labelled conjectures for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from desunt.__version__ import __version__

if TYPE_CHECKING:
    from desunt.export.api import DocumentView

__all__ = ["__version__", "documents", "open"]


def open(path: str | Path) -> DocumentView:
    """Open a document's folder of an outputs folder; its text is diplomatic, and what is supposed must be called for by name.

    Raises InputError if there is no record, and IntegrityError if its files do not belong together.
    """
    from desunt.export.api import open_document

    return open_document(Path(path))


def documents(outputs: str | Path) -> Iterator[DocumentView]:
    """Yield every finished document of an outputs folder, one at a time. Raises InputError if there are none."""
    from desunt.export.api import open_documents

    return open_documents(Path(outputs))
