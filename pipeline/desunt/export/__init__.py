"""Exports: one file a format, each a pure function of the record and the page images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from desunt.document import ImageRef
from desunt.record import Record

# Return a page's image as JPEG bytes for display, or None if the scan is not to be had.
Pictures: TypeAlias = Callable[[ImageRef], "bytes | None"]


class Exporter(Protocol):
    """Turn a record into the bytes of one file.

    `kind` is `reading` (its text-bearing part equals the diplomatic text) or `apparatus` (every candidate is labelled CONJECTURE).
    """

    name: str
    suffix: str
    kind: Literal["reading", "apparatus"]

    def export(self, record: Record, pictures: Pictures) -> bytes: ...
