"""What the desk works with: the store, the images of pages, and where it listens."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from desunt.errors import UsageError
from desunt.record.document import stable_id
from desunt.review.page_images import PageImages
from desunt.review.store.types import IndexedDocument, NotFound

if TYPE_CHECKING:
    from desunt.review.store import Store

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class DocumentLibrary:
    """The documents by the key that stands in addresses: 12 hexadecimal digits, so that no path ever comes from a browser."""

    store: Store
    rows: dict[str, IndexedDocument] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: str) -> IndexedDocument:
        """Return the document of a key; raises NotFound."""
        row = self.rows.get(key) or self.refresh().get(key)
        if row is None:
            raise NotFound(f"there is no document {key}", remedy="go back to the overview; the collection may have changed")
        return row

    def find_by_id(self, document_id: str) -> IndexedDocument:
        """Return the row of a document by its id; raises NotFound."""
        return self.find(document_key(document_id))

    def refresh(self) -> dict[str, IndexedDocument]:
        """Read the documents anew."""
        rows = {document_key(row.document_id): row for row in self.store.index.documents()}
        with self.lock:
            self.rows = rows
        return rows


@dataclass(frozen=True)
class Environment:
    """All that `create_app` needs; `host` is the address the desk listens on."""

    store: Store
    page_images: PageImages
    host: str = "127.0.0.1"

    @cached_property
    def library(self) -> DocumentLibrary:
        return DocumentLibrary(self.store)

    @property
    def accepts_names(self) -> bool:
        """Say whether a name is enough to come in: only on this machine, and only while there are no accounts.

        A desk that listens elsewhere stays shut when its last account is removed.
        """
        return self.host in LOOPBACK and not self.store.accounts.exist()

    @property
    def hosts(self) -> frozenset[str] | None:
        """Return the names under which the desk may be asked; None if any will do, because accounts protect it.

        On loopback, without accounts, a page of any other site could point a name of its own at this machine and ask under it.
        """
        return LOOPBACK if self.host in LOOPBACK else None


def document_key(document_id: str) -> str:
    """Return the 12 hexadecimal digits that stand for a document in addresses."""
    return stable_id("document", document_id)


def open_environment(outputs: Path, database: str | None = None, *, host: str = "127.0.0.1", scans: Path | None = None) -> Environment:
    """Open the store of an outputs folder and bring its index up to date.

    Raises UsageError where the desk would listen beyond this machine and there are no accounts.
    """
    from desunt.review.store import open_store

    store = open_store(outputs, database)
    if host not in LOOPBACK and not store.accounts.exist():
        store.close()
        raise UsageError(
            f"to listen on {host} the desk demands accounts, and there are none",
            remedy="add one with `desunt users add NAME approver`, or leave out --host",
        )
    store.index.refresh()
    return Environment(store, PageImages(scans), host)
