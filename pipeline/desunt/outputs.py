"""Write a document's results: the record, its exports, and the manifest that ties them together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from desunt.document import ImageRef
from desunt.errors import InputError
from desunt.executor import Executor
from desunt.export import export_name, exporter_names, load_exporter
from desunt.record import Record, read_record, write_atomically, write_record
from desunt.settings import Settings
from desunt.verify import write_manifest

# Wide enough to read typescript on a page image beside the text; the original stays where it is.
PICTURE_WIDTH = 1400


def export_all(record: Record, stem: str, scan: Path, formats: tuple[str, ...], limits: dict[str, int]) -> dict[str, bytes]:
    """Return the content of each export by file name; runs in a worker and writes nothing."""
    from desunt import scan as scans

    def pictures(image: ImageRef) -> bytes | None:
        return scans.picture(scan, image, width=PICTURE_WIDTH, **limits)

    exporters = [load_exporter(name) for name in formats]
    return {export_name(stem, exporter): exporter.export(record, pictures) for exporter in exporters}


def finish(
    record: Record, folder: Path, scan: Path, settings: Settings, executor: Executor, said: Callable[[BaseException | None], None]
) -> dict[Future[Any], Callable[[Future[Any]], None]]:
    """Write the record now, and its exports and manifest when a worker has made them; return what to wait for.

    `manifest.json` comes last: a folder without one is unfinished, whatever else lies in it.
    """
    forget_results(folder)
    write_record(record, folder)
    limits = {"max_pixels": settings.max_pixels, "pdf_dpi": settings.pdf_dpi}
    future = executor.submit(export_all, record, folder.name, scan, settings.formats, limits)

    def written(done: Future[Any]) -> None:
        error = done.exception()
        if not error:
            write_exports(done.result(), folder)
        said(error)

    return {future: written}


def forget_results(folder: Path) -> None:
    """Remove what was made from pages that are about to change; a run that is killed now leaves an unfinished folder, not a wrong one."""
    exports = [export_name(folder.name, load_exporter(name)) for name in exporter_names()]
    for name in ("manifest.json", *exports, "record.json", "conjectures.json"):
        (folder / name).unlink(missing_ok=True)


def write_exports(made: dict[str, bytes], folder: Path) -> None:
    """Write the exports and then the manifest over all files of the folder."""
    for name, content in made.items():
        write_atomically(folder / name, content)
    write_manifest(folder)


def export_folder(folder: Path, formats: tuple[str, ...], settings: Settings) -> list[str]:
    """Export a document's folder anew; return the names written. Raises InputError if it holds no record."""
    record = read_record(folder)
    scan = Path(record.document.source)
    limits = {"max_pixels": settings.max_pixels, "pdf_dpi": settings.pdf_dpi}
    made = export_all(record, folder.name, scan, formats, limits)
    write_exports(made, folder)
    return sorted(made)


def document_folders(out: Path) -> list[Path]:
    """Return the folders that hold a record; raises InputError if there are none."""
    found = sorted(path.parent for path in out.glob("*/record.json"))
    if not found:
        raise InputError(f"{out}: no results here", remedy="Run `desunt run` first, or name the folder with the results")
    return found


def is_exported(folder: Path, formats: tuple[str, ...]) -> bool:
    """Say whether the folder is finished: a manifest, and every export that is asked for."""
    names = (export_name(folder.name, load_exporter(name)) for name in formats)
    return (folder / "manifest.json").exists() and all((folder / name).exists() for name in names)
