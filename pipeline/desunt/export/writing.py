"""Make exports: chunk by chunk into hidden files, which the parent of all workers then gives their names; and make them anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import TypeAlias

from desunt import scan as scans
from desunt.errors import InputError, UsageError
from desunt.export import MODES, Exporter, Mode, NeedsBaseUri, export_file_name, export_files, exporter_names, load_exporter
from desunt.record.atomic import publish_part, write_part
from desunt.record.document import ImageRef
from desunt.record.edits import DecisionLookup, DocumentDecisions
from desunt.record.files import DECISIONS_FILE, Record, write_decisions
from desunt.record.lazy import open_record
from desunt.record.manifest import MANIFEST, write_manifest
from desunt.record.scan_files import scan_path
from desunt.scan.image_encoding import EmbeddedImage
from desunt.settings import Settings

# Wide enough to read typescript on a page image beside the text; the original stays where it is.
DISPLAY_WIDTH_PX = 1400

ExportRequest: TypeAlias = tuple[str, Mode]


@dataclass(frozen=True, slots=True)
class ScanImageSource:
    """The page images of a document, for display and in full size; `scan` is its file, or the folder of its files."""

    scan: Path
    max_pixels: int
    pdf_dpi: int

    def __call__(self, image: ImageRef) -> bytes | None:
        return scans.display_jpeg(
            scan_path(self.scan, image.path), image, width=DISPLAY_WIDTH_PX, max_pixels=self.max_pixels, pdf_dpi=self.pdf_dpi
        )

    def full_size(self, image: ImageRef) -> EmbeddedImage | None:
        return scans.embedded_image(scan_path(self.scan, image.path), image, max_pixels=self.max_pixels, pdf_dpi=self.pdf_dpi)


def export_requests(formats: tuple[str, ...], mode: Mode | None = None) -> tuple[ExportRequest, ...]:
    """Return what to export: each format in the mode, or in its own default.

    Raises UsageError for a format that lacks the mode, naming the modes it has and the formats that have the one asked for.
    """
    requests = []
    for name in formats:
        exporter = load_exporter(name)
        if mode is not None and mode not in exporter.modes:
            raise UsageError(
                f"format {name} has no mode {mode}, only {', '.join(exporter.modes)}",
                remedy=f"formats with {mode}: {', '.join(formats_with_mode(mode))}",
            )
        requests.append((name, mode or exporter.modes[0]))
    return tuple(requests)


def parse_mode(name: str) -> Mode:
    """Return the mode of that name. Raises UsageError that lists the modes."""
    known_mode = next((mode for mode in MODES if mode == name), None)
    if known_mode is None:
        raise UsageError(f"unknown mode {name!r}", remedy=f"Known modes: {', '.join(MODES)}")
    return known_mode


def formats_with_mode(mode: Mode) -> tuple[str, ...]:
    """Return the formats that have a mode."""
    return tuple(name for name in exporter_names() if mode in load_exporter(name).modes)


def write_export_parts(
    record: Record, folder: Path, scan: Path, requests: tuple[ExportRequest, ...], settings: Settings
) -> dict[str, Path]:
    """Write each export into a hidden file of the folder; return those files by the name each is to have. Runs in a worker."""
    images = ScanImageSource(scan, settings.max_pixels, settings.pdf_dpi)
    parts: dict[str, Path] = {}
    try:
        for name, mode in requests:
            exporter = with_base_uri(load_exporter(name), settings.base_uri)
            for file, page_record in export_files(folder.name, exporter, mode, record):
                parts[file] = write_part(folder / file, exporter.export(page_record, images, mode))
    except BaseException:
        for path in parts.values():
            path.unlink(missing_ok=True)
        raise
    return parts


def with_base_uri(exporter: Exporter, base_uri: str) -> Exporter:
    """Return the exporter, told where its file will be served if it has to say."""
    if isinstance(exporter, NeedsBaseUri):
        exporter.base_uri = base_uri
    return exporter


def remove_outputs(folder: Path) -> None:
    """Remove what was made from pages that are about to change; a run that is killed now leaves an unfinished folder, not a wrong one."""
    exports = [
        path
        for exporter in map(load_exporter, exporter_names())
        for mode in exporter.modes
        for path in _existing_files(folder, exporter, mode)
    ]
    for path in (folder / MANIFEST, *folder.glob(".*.part"), *exports, folder / "record.json", folder / "conjectures.json"):
        path.unlink(missing_ok=True)


def _existing_files(folder: Path, exporter: Exporter, mode: Mode) -> list[Path]:
    """Return the files of an export that are there."""
    name = export_file_name(folder.name, exporter, mode)
    of_pages = f"{escape(folder.name)}.[0-9]*{name.removeprefix(folder.name)}" if exporter.one_per == "page" else ""
    return [path for path in (folder / name, *(folder.glob(of_pages) if of_pages else ())) if path.exists()]


def commit_exports(parts: dict[str, Path], folder: Path) -> None:
    """Give finished exports their names, and then write the manifest over all files of the folder."""
    for name, part in parts.items():
        publish_part(part, folder / name)
    write_manifest(folder)


def export_folder(
    folder: Path,
    requests: tuple[ExportRequest, ...],
    settings: Settings,
    decision_lookup: DecisionLookup | None = None,
    *,
    always: bool = False,
) -> list[str]:
    """Export a document's folder anew; return the names written.

    Raises InputError if it holds no record, or decisions that the desk never heard of: they were made elsewhere, and are not thrown away.

    Where decisions are told, those that stand at the desk count: `decisions.json` becomes a snapshot of them, and if they are others than
    before, every export of the folder that tells decisions is made anew with those asked for, so that all files agree. If only texts
    without decisions are asked for, the snapshot is left as it is, unless `always`.
    """
    with open_record(folder) as stored:
        record, changed = stored, False
        if decision_lookup and (always or any(mode != "diplomatic" for _, mode in requests)):
            current = decision_lookup(stored.document.id) or _no_decisions(stored, folder)
            record = replace(stored, decisions=dict(current.decisions), edits=current.edits)
            changed = _decisions_in(stored) != _decisions_in(record)
        if changed:
            requests = tuple(dict.fromkeys((*requests, *_formats_with_decisions(folder))))
        parts = write_export_parts(record, folder, Path(record.document.source), requests, settings)
    if changed:
        # Until the new manifest is there, the folder counts as unfinished.
        (folder / MANIFEST).unlink(missing_ok=True)
        write_decisions(record, folder)
    commit_exports(parts, folder)
    return sorted(parts)


def _no_decisions(record: Record, folder: Path) -> DocumentDecisions:
    if record.decisions or record.edits:
        raise InputError(
            f"{folder / DECISIONS_FILE}: these decisions are not in the desk's log",
            remedy="name the desk they were made at with --database, or take over its log (decisions.jsonl), or move the file away",
        )
    return DocumentDecisions({})


def _decisions_in(record: Record) -> DocumentDecisions:
    return DocumentDecisions(dict(record.decisions or {}), record.edits)


def _formats_with_decisions(folder: Path) -> Iterator[ExportRequest]:
    """Yield the exports of a folder that tell decisions."""
    for name in exporter_names():
        exporter = load_exporter(name)
        yield from ((name, mode) for mode in exporter.modes if mode != "diplomatic" and _existing_files(folder, exporter, mode))


def is_exported(folder: Path, formats: tuple[str, ...]) -> bool:
    """Say whether the folder is finished: a manifest, and every export that is asked for."""
    exporters = [load_exporter(name) for name in formats]
    # A document without a scan has no files a page; the manifest, which is written last, vouches for their number.
    of_documents = [exporter for exporter in exporters if exporter.one_per == "document"]
    return (folder / MANIFEST).exists() and all(_existing_files(folder, exporter, exporter.modes[0]) for exporter in of_documents)
