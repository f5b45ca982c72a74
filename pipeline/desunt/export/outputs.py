"""Write a document's results: the record, its exports, and the manifest that ties them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Any, TypeAlias

from desunt.errors import InputError, UsageError
from desunt.export import Exporter, Mode, export_name, exporter_names, load_exporter
from desunt.export.writing import Order, export_parts, orders
from desunt.record.conjecture import Decision
from desunt.record.edits import GapEdit
from desunt.record.files import DECISIONS, Record, publish_part, with_decisions, write_decisions, write_record
from desunt.record.lazy import stored_record
from desunt.run.executors import Executor
from desunt.settings import Settings
from desunt.verify import write_manifest

# Return what stands at the desk about a document, by its id: decisions by the id of the gap or word, and edits, oldest first; None if
# nobody ever did anything to the document there.
Decided: TypeAlias = Callable[[str], tuple[Mapping[str, Decision], tuple[GapEdit, ...]] | None]


def finish(
    record: Record, folder: Path, scan: Path, settings: Settings, executor: Executor, said: Callable[[BaseException | None], None]
) -> dict[Future[Any], Callable[[Future[Any]], None]]:
    """Write the record now, and its exports and manifest when a worker has made them; return what to wait for.

    `manifest.json` comes last: a folder without one is unfinished, whatever else lies in it.
    """
    forget_results(folder)
    write_record(record, folder)
    # What editors decided survives a new run: the decisions find their gaps again by their ids.
    future = executor.submit_here(export_parts, with_decisions(record, folder), folder, scan, orders(settings.formats), settings)

    def written(done: Future[Any]) -> None:
        error = done.exception()
        if not error:
            publish(done.result(), folder)
        said(error)

    return {future: written}


def forget_results(folder: Path) -> None:
    """Remove what was made from pages that are about to change; a run that is killed now leaves an unfinished folder, not a wrong one."""
    exports = [
        path for exporter in map(load_exporter, exporter_names()) for mode in exporter.modes for path in _found(folder, exporter, mode)
    ]
    for path in (folder / "manifest.json", *folder.glob(".*.part"), *exports, folder / "record.json", folder / "conjectures.json"):
        path.unlink(missing_ok=True)


def _found(folder: Path, exporter: Exporter, mode: Mode) -> list[Path]:
    """Return the files of an export that are there."""
    name = export_name(folder.name, exporter, mode)
    of_pages = f"{escape(folder.name)}.[0-9]*{name.removeprefix(folder.name)}" if exporter.one_per == "page" else ""
    return [path for path in (folder / name, *(folder.glob(of_pages) if of_pages else ())) if path.exists()]


def publish(made: dict[str, Path], folder: Path) -> None:
    """Give finished exports their names, and then write the manifest over all files of the folder."""
    for name, part in made.items():
        publish_part(part, folder / name)
    write_manifest(folder)


def export_folder(
    folder: Path, wanted: tuple[Order, ...], settings: Settings, decided: Decided | None = None, *, always: bool = False
) -> list[str]:
    """Export a document's folder anew; return the names written.

    Raises InputError if it holds no record, or decisions that the desk never heard of: they were made elsewhere, and are not thrown away.

    Where decisions are told, those that stand at the desk count: `decisions.json` becomes a snapshot of them, and if they are others than
    before, every export of the folder that tells decisions is made anew with those asked for, so that all files agree. If only texts
    without decisions are asked for, the snapshot is left as it is, unless `always`.
    """
    with stored_record(folder) as stored:
        record, changed = stored, False
        if decided and (always or any(mode != "diplomatic" for _, mode in wanted)):
            decisions, edits = decided(stored.document.id) or _nothing_decided(stored, folder)
            record = replace(stored, decisions=dict(decisions), edits=edits)
            changed = _stands(stored) != _stands(record)
        if changed:
            wanted = tuple(dict.fromkeys((*wanted, *_telling(folder))))
        made = export_parts(record, folder, Path(record.document.source), wanted, settings)
    if changed:
        # Until the new manifest is there, the folder counts as unfinished.
        (folder / "manifest.json").unlink(missing_ok=True)
        write_decisions(record, folder)
    publish(made, folder)
    return sorted(made)


def _nothing_decided(record: Record, folder: Path) -> tuple[Mapping[str, Decision], tuple[GapEdit, ...]]:
    if record.decisions or record.edits:
        raise InputError(
            f"{folder / DECISIONS}: these decisions are not in the desk's log",
            remedy="name the desk they were made at with --database, or take over its log (decisions.jsonl), or move the file away",
        )
    return {}, ()


def _stands(record: Record) -> tuple[Mapping[str, Decision], tuple[GapEdit, ...]]:
    return dict(record.decisions or {}), record.edits


def _telling(folder: Path) -> Iterator[Order]:
    """Yield the exports of a folder that tell decisions."""
    for name in exporter_names():
        exporter = load_exporter(name)
        yield from ((name, mode) for mode in exporter.modes if mode != "diplomatic" and _found(folder, exporter, mode))


def document_folders(out: Path) -> list[Path]:
    """Return the folders that hold a record; raises InputError if there are none."""
    found = sorted(path.parent for path in out.glob("*/record.json"))
    if not found:
        raise InputError(f"{out}: no results here", remedy="Run `desunt run` first, or name the folder with the results")
    return found


def any_document(out: Path) -> None:
    """Raise UsageError if a folder holds no documents, finished or not."""
    if next(iter(out.glob("*/source.json")), None) is None:
        raise UsageError(f"{out}: no results here", remedy="Run `desunt run` first, or name the folder with the results")


def is_exported(folder: Path, formats: tuple[str, ...]) -> bool:
    """Say whether the folder is finished: a manifest, and every export that is asked for."""
    exporters = [load_exporter(name) for name in formats]
    # A document without a scan has no files a page; the manifest, which is written last, vouches for their number.
    asked = [one for one in exporters if one.one_per == "document"]
    return (folder / "manifest.json").exists() and all(_found(folder, one, one.modes[0]) for one in asked)
