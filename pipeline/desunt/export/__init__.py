"""Exports: one file a format, each a pure function of the record and the page images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from desunt.errors import UsageError
from desunt.record.document import ImageRef
from desunt.record.files import Record

if TYPE_CHECKING:
    from desunt.scan.image_encoding import EmbeddedImage

# Return a page's image as JPEG bytes for display, or None if the scan is not to be had.
ImageSource: TypeAlias = Callable[[ImageRef], "bytes | None"]


@runtime_checkable
class FullSizeImageSource(Protocol):
    """An image source that also has the pages' pixels in full size."""

    def __call__(self, image: ImageRef) -> bytes | None: ...

    def full_size(self, image: ImageRef) -> EmbeddedImage | None: ...


def full_size_image(images: ImageSource, image: ImageRef) -> EmbeddedImage | None:
    """Return a page's pixels in full size where they are to be had, else its image for display; None without either."""
    if isinstance(images, FullSizeImageSource):
        return images.full_size(image)
    from desunt.scan.image_encoding import embeddable_jpeg

    jpeg = images(image)
    return embeddable_jpeg(jpeg) if jpeg else None


# What stands in the text: the page's own words and gaps; those and what editors accepted; the page's own, and labelled what is supposed.
Mode: TypeAlias = Literal["diplomatic", "accepted", "apparatus"]
MODES: tuple[Mode, ...] = get_args(Mode)


class Exporter(Protocol):
    """Turn a record into the bytes of one file, in pieces, so that a long document never stands in memory as a whole.

    `kind` is `reading` (its text-bearing part equals the text of its mode, see `reading.py`) or `apparatus` (it has candidates in every
    mode, each labelled CONJECTURE). The first of `modes` is the default. `one_per` says whether a file holds a document or, where the
    format cannot hold more, a page: then `export` is given a record of that page alone, and only of pages that have a scan.
    """

    name: str
    suffix: str
    kind: Literal["reading", "apparatus"]
    modes: tuple[Mode, ...]
    one_per: Literal["document", "page"]

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]: ...


@runtime_checkable
class NeedsBaseUri(Protocol):
    """An exporter whose file names addresses under which it will be served."""

    base_uri: str


EXPORTERS: dict[str, str] = {
    "text": "desunt.export.formats.text:TextExporter",
    "apparatus": "desunt.export.formats.apparatus:ApparatusExporter",
    "html": "desunt.export.formats.html:HtmlExporter",
    "json": "desunt.export.formats.json:JsonExporter",
    "tei": "desunt.export.formats.tei:TeiExporter",
    "page": "desunt.export.formats.page_xml:PageExporter",
    "alto": "desunt.export.formats.alto:AltoExporter",
    "hocr": "desunt.export.formats.hocr:HocrExporter",
    "markdown": "desunt.export.formats.markdown:MarkdownExporter",
    "csv": "desunt.export.formats.csv:CsvExporter",
    "pdf": "desunt.export.formats.pdf:PdfExporter",
    "iiif": "desunt.export.formats.iiif:IiifExporter",
}
ENTRY_POINT_GROUP = "desunt.export"
# Files of a document's folder that are not exports: a scan called record.png must not overwrite the facts with its JSON.
RESERVED_FILE_NAMES = frozenset({"record.json", "conjectures.json", "manifest.json", "source.json", "decisions.json"})


def exporter_names() -> list[str]:
    """Return the names of all exporters: the table's in its order, then those of installed packages."""
    installed = entry_points(group=ENTRY_POINT_GROUP).names
    return [*EXPORTERS, *sorted(installed - EXPORTERS.keys())]


def load_exporter(name: str) -> Exporter:
    """Return the exporter of that name; an installed package cannot replace one of the table.

    Raises UsageError that lists the known names.
    """
    if name not in exporter_names():
        raise UsageError(f"unknown format {name!r}", remedy=f"Known formats: {', '.join(exporter_names())}")
    if name in EXPORTERS:
        module, _, member = EXPORTERS[name].partition(":")
        exporter: Exporter = getattr(import_module(module), member)()
        return exporter
    (entry,) = list(entry_points(group=ENTRY_POINT_GROUP, name=name))[:1]
    installed: Exporter = entry.load()()
    return installed


def export_file_name(stem: str, exporter: Exporter, mode: Mode) -> str:
    """Return the file name of an export of a document; it carries the mode unless that is the exporter's default."""
    mode_part = "" if mode == exporter.modes[0] else f".{mode}"
    name = f"{stem}{mode_part}{exporter.suffix}"
    return f"{stem}.export{exporter.suffix}" if name.casefold() in RESERVED_FILE_NAMES else name


def export_files(stem: str, exporter: Exporter, mode: Mode, record: Record) -> Iterator[tuple[str, Record]]:
    """Yield the name of each file an export consists of, with the record it is made from.

    A file a page is named after the page (`letter.0002.page.xml`) if the document has more than one.
    """
    if exporter.one_per == "document":
        yield export_file_name(stem, exporter, mode), record
        return
    pages = record.document.pages
    for page in pages:
        if page.image is not None:
            page_stem = f"{stem}.{page.number:04d}" if len(pages) > 1 else stem
            yield export_file_name(page_stem, exporter, mode), replace(record, document=replace(record.document, pages=(page,)))
