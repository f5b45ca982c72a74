"""`desunt run`, `fill`, `status` and `report`: read scans, fill gaps, and say how far it is."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desunt.cli.options import Database, Formats, Json, LexiconFile, Model, Outputs, Rescore, Vouch, desk_decisions, parse_formats
from desunt.errors import UsageError

if TYPE_CHECKING:
    from desunt.record.document import Metadata


def run(
    scans: Annotated[
        list[Path] | None, typer.Argument(help="Scans (PNG, JPEG, TIFF, JPEG 2000, PDF), folders of them, or transcripts.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [outputs].")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes [one a core].")] = None,
    executor: Annotated[str | None, typer.Option(help="serial, process or dask [process].")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask cluster to join, tcp://HOST:PORT.")] = None,
    ship: Annotated[
        str | None, typer.Option("--transfer", "--ship", help="What a cluster's workers get of a scan: path or bytes [path].")
    ] = None,
    shard: Annotated[str | None, typer.Option(help="Do one share of the documents: i/n.")] = None,
    file_list: Annotated[Path | None, typer.Option("--files-from", "--list", help="File that names scans or folders, one a line.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Table (CSV) of scans and what is known about each.")] = None,
    model: Model = None,
    rescore: Rescore = None,
    engine: Annotated[str | None, typer.Option(help="tesseract, rapid, or page, alto: a file beside the scan [tesseract].")] = None,
    second: Annotated[
        str | None, typer.Option("--second-engine", "--second", help="none, or rapid: an engine that reads doubtful words again [rapid].")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Language data of the engine [eng].")] = None,
    vouch: Vouch = None,
    read: Annotated[float | None, typer.Option("--gap-below", "--read", help="Words less legible than this become gaps [fitted].")] = None,
    lexicon: LexiconFile = None,
    transcript: Annotated[Path | None, typer.Option(help="Transcript of the one scan, with [ILLEGIBLE] marks.")] = None,
    formats: Formats = None,
    page_seconds: Annotated[float | None, typer.Option(help="Time limit of one engine call [180].")] = None,
    page_memory: Annotated[int | None, typer.Option(help="MiB that a worker may use; 0 is no limit [6144].")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="Pages with more pixels are refused [200000000].")] = None,
    max_failures: Annotated[int | None, typer.Option(help="Stop after so many failed pages.")] = None,
    redo: Annotated[bool, typer.Option("--redo", help="Work on pages again that are done.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Work on pages again that failed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, and read nothing.")] = False,
) -> None:
    """Read scans: words, gaps, conjectures; write every export. Pages that are done are not done again."""
    from desunt.cli.progress import print_summary, run_progress
    from desunt.settings import read_settings

    settings = read_settings(
        out=out, jobs=jobs, executor=executor, model=model, rescore=rescore, engine=engine, second=second, lang=lang, vouch=vouch,
        read=read, lexicon=lexicon, page_seconds=page_seconds, page_memory=page_memory, scheduler=scheduler, ship=ship,
        max_pixels=max_pixels, max_failures=max_failures, formats=parse_formats(formats),
    )  # fmt: skip
    from desunt.run import batch
    from desunt.run.cache_key import result_versions
    from desunt.run.inputs.catalogue import read_groups
    from desunt.run.inputs.discovery import Shard

    inputs, catalogue = read_inputs(scans, file_list, manifest)
    groups = read_groups(manifest) if manifest else ()
    share = Shard.parse(shard) if shard else None
    # Whoever ends a run by `kill`, a scheduler say, ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with run_progress() as on_progress:
        summary = batch.run(
            inputs, settings, result_versions(settings), catalogue=catalogue, groups=groups, transcript=transcript, shard=share,
            redo=redo, retry_failed=retry_failed, dry_run=dry_run, on_progress=on_progress,
        )  # fmt: skip
        if not dry_run and not share and not summary.system_failed and summary.pages.keys() - {"skipped"}:
            from desunt.run.report import write_report

            write_report(settings.out, desk_decisions(settings.out, None))
    print_summary(summary, settings.out)
    raise typer.Exit(summary.exit_code)


def read_inputs(scans: list[Path] | None, file_list: Path | None, manifest: Path | None) -> tuple[list[Path], dict[Path, Metadata]]:
    """Return what is to be read, in order, and what a catalogue says about it; raises UsageError if nothing is named."""
    from desunt.run.inputs.catalogue import read_catalogue
    from desunt.run.inputs.discovery import read_file_list

    catalogue = read_catalogue(manifest) if manifest else {}
    inputs = [*(scans or []), *(read_file_list(file_list) if file_list else []), *catalogue]
    if not inputs:
        raise UsageError("no scans named", remedy="Name scans or folders, or a list of them with --files-from or --manifest")
    return inputs, catalogue


def fill(
    transcript: Annotated[str | None, typer.Argument(help="Text with [ILLEGIBLE] marks, or - for standard input.")] = None,
    gaps: Annotated[Path | None, typer.Option(help="JSON lines of single gaps instead of a transcript.")] = None,
    as_json: Json = False,
    model: Model = None,
    rescore: Rescore = None,
    lexicon: LexiconFile = None,
) -> None:
    """Propose fillings for the gaps of a transcript: the source as it came, then the apparatus."""
    from desunt.settings import read_settings

    settings = read_settings(model=model, rescore=rescore, lexicon=lexicon)
    if (transcript is None) == (gaps is None):
        raise UsageError("name a transcript, or --gaps FILE.jsonl", remedy="`desunt fill --help` shows both")
    from desunt.run.fill import as_json as fillings_as_json
    from desunt.run.fill import fill_gap_file, fill_transcript, source_with_apparatus

    if gaps:
        fill_gap_file(gaps, settings, sys.stdout)
        return
    content = sys.stdin.buffer.read() if transcript == "-" else None
    record = fill_transcript(Path(transcript or "-"), content, settings)
    if as_json:
        typer.echo(json.dumps(fillings_as_json(record), ensure_ascii=False, indent=1))
        return
    sys.stdout.buffer.write(source_with_apparatus(record))
    sys.stdout.flush()


def report(
    outputs: Outputs = Path("outputs"),
    database: Database = None,
) -> None:
    """Write report.html and report.csv: what became of every page, what needs review first, and why pages failed."""
    from desunt.record.folder import require_document_folders
    from desunt.run.report import write_report

    require_document_folders(outputs)
    for path in write_report(outputs, desk_decisions(outputs, database)):
        typer.echo(path)


def status(outputs: Outputs = Path("outputs"), as_json: Json = False) -> None:
    """Say how far each document is, and how many gaps are open."""
    from desunt.cli.progress import print_status
    from desunt.record.status import document_statuses, statuses_as_dicts

    statuses = document_statuses(outputs)
    if not statuses:
        raise UsageError(f"{outputs}: no results here", remedy="Run `desunt run` first, or name the folder with the results")
    if as_json:
        typer.echo(json.dumps(statuses_as_dicts(statuses), ensure_ascii=False, indent=1))
    else:
        print_status(statuses)
