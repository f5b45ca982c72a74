"""Exports: one file a format, each a pure function of the record and the page images."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Literal, Protocol, TypeAlias

from desunt.document import ImageRef
from desunt.errors import UsageError
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


EXPORTERS: dict[str, str] = {
    "text": "desunt.export.text:TextExporter",
    "apparatus": "desunt.export.apparatus:ApparatusExporter",
    "html": "desunt.export.html:HtmlExporter",
    "json": "desunt.export.json:JsonExporter",
}
GROUP = "desunt.export"
# Files of a document's folder that are not exports: a scan called record.png must not overwrite the facts with its JSON.
RESERVED = frozenset({"record.json", "conjectures.json", "manifest.json", "source.json"})


def exporter_names() -> list[str]:
    """Return the names of all exporters: the table's in its order, then those of installed packages."""
    found = entry_points(group=GROUP).names
    return [*EXPORTERS, *sorted(found - EXPORTERS.keys())]


def load_exporter(name: str) -> Exporter:
    """Return the exporter of that name; an installed package cannot replace one of the table.

    Raises UsageError that lists the known names.
    """
    if name not in exporter_names():
        raise UsageError(f"unknown format {name!r}", remedy=f"Known formats: {', '.join(exporter_names())}")
    if name in EXPORTERS:
        module, _, member = EXPORTERS[name].partition(":")
        made: Exporter = getattr(import_module(module), member)()
        return made
    (entry,) = list(entry_points(group=GROUP, name=name))[:1]
    found: Exporter = entry.load()()
    return found


def export_name(stem: str, exporter: Exporter) -> str:
    """Return the file name of an export of a document."""
    name = f"{stem}{exporter.suffix}"
    return f"{stem}.export{exporter.suffix}" if name.casefold() in RESERVED else name
