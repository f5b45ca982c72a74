"""Make exports: chunk by chunk into hidden files, which the parent of all workers then gives their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from desunt import scan as scans
from desunt.errors import UsageError
from desunt.export import MODES, Based, Exporter, Mode, export_files, exporter_names, load_exporter
from desunt.record.document import ImageRef
from desunt.record.files import Record, write_part
from desunt.record.scan_files import file_of
from desunt.scan.originals import Original
from desunt.settings import Settings

# Wide enough to read typescript on a page image beside the text; the original stays where it is.
PICTURE_WIDTH = 1400

Order: TypeAlias = tuple[str, Mode]


@dataclass(frozen=True, slots=True)
class ScanPictures:
    """The page images of a document, for display and in full size; `scan` is its file, or the folder of its files."""

    scan: Path
    max_pixels: int
    pdf_dpi: int

    def __call__(self, image: ImageRef) -> bytes | None:
        return scans.picture(file_of(self.scan, image.path), image, width=PICTURE_WIDTH, max_pixels=self.max_pixels, pdf_dpi=self.pdf_dpi)

    def original(self, image: ImageRef) -> Original | None:
        return scans.original(file_of(self.scan, image.path), image, max_pixels=self.max_pixels, pdf_dpi=self.pdf_dpi)


def orders(formats: tuple[str, ...], mode: Mode | None = None) -> tuple[Order, ...]:
    """Return what to export: each format in the mode, or in its own default.

    Raises UsageError for a format that lacks the mode, naming the modes it has and the formats that have the one asked for.
    """
    found = []
    for name in formats:
        exporter = load_exporter(name)
        if mode is not None and mode not in exporter.modes:
            raise UsageError(
                f"format {name} has no mode {mode}, only {', '.join(exporter.modes)}",
                remedy=f"formats with {mode}: {', '.join(formats_with(mode))}",
            )
        found.append((name, mode or exporter.modes[0]))
    return tuple(found)


def mode_named(name: str) -> Mode:
    """Return the mode of that name. Raises UsageError that lists the modes."""
    found = next((mode for mode in MODES if mode == name), None)
    if found is None:
        raise UsageError(f"unknown mode {name!r}", remedy=f"Known modes: {', '.join(MODES)}")
    return found


def formats_with(mode: Mode) -> tuple[str, ...]:
    """Return the formats that have a mode."""
    return tuple(name for name in exporter_names() if mode in load_exporter(name).modes)


def export_parts(record: Record, folder: Path, scan: Path, wanted: tuple[Order, ...], settings: Settings) -> dict[str, Path]:
    """Write each export into a hidden file of the folder; return those files by the name each is to have. Runs in a worker."""
    pictures = ScanPictures(scan, settings.max_pixels, settings.pdf_dpi)
    made: dict[str, Path] = {}
    try:
        for name, mode in wanted:
            exporter = based(load_exporter(name), settings.base_uri)
            for file, part in export_files(folder.name, exporter, mode, record):
                made[file] = write_part(folder / file, exporter.export(part, pictures, mode))
    except BaseException:
        for path in made.values():
            path.unlink(missing_ok=True)
        raise
    return made


def based(exporter: Exporter, base_uri: str) -> Exporter:
    """Return the exporter, told where its file will be served if it has to say."""
    if isinstance(exporter, Based):
        exporter.base_uri = base_uri
    return exporter
