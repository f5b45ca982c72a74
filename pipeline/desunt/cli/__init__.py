"""The command line: parse, call the library, print, and end with an exit code. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desunt.cli.evaluate import Json, Model, Rescore, evaluation
from desunt.cli.users import users
from desunt.errors import DesuntError, ExitCode, UsageError

if TYPE_CHECKING:
    from desunt.export.outputs import Decided
    from desunt.record.decision_log_file import Log
    from desunt.run.inputs.catalogue import Pairs

app = typer.Typer(
    name="desunt", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Read scanned archival pages, say which words could not be read, and offer labelled conjectures for them.",
)  # fmt: skip
app.add_typer(evaluation, name="evaluate")
app.add_typer(users, name="users")

Outputs = Annotated[Path, typer.Argument(help="Folder with results.")]
LexiconFile = Annotated[Path | None, typer.Option(help="File with names and words of the collection, one a line.")]


def version(asked: bool) -> None:
    if asked:
        from desunt.__version__ import __version__

        typer.echo(f"desunt {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command()
def run(
    scans: Annotated[
        list[Path] | None, typer.Argument(help="Scans (PNG, JPEG, TIFF, JPEG 2000, PDF), folders of them, or transcripts.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [outputs].")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes [one a core].")] = None,
    executor: Annotated[str | None, typer.Option(help="serial, process or dask [process].")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask cluster to join, tcp://HOST:PORT.")] = None,
    ship: Annotated[str | None, typer.Option(help="What a cluster's workers get of a scan: path or bytes [path].")] = None,
    shard: Annotated[str | None, typer.Option(help="Do one share of the documents: i/n.")] = None,
    names: Annotated[Path | None, typer.Option("--list", help="File that names scans or folders, one a line.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Table (CSV) of scans and what is known about each.")] = None,
    model: Model = None,
    rescore: Rescore = None,
    engine: Annotated[str | None, typer.Option(help="tesseract, rapid, or page, alto: a file beside the scan [tesseract].")] = None,
    second: Annotated[str | None, typer.Option(help="none, or rapid: an engine that reads doubtful words again [rapid].")] = None,
    lang: Annotated[str | None, typer.Option(help="Language data of the engine [eng].")] = None,
    vouch: Annotated[float | None, typer.Option(help="Words less legible than this are marked unclear [0.9].")] = None,
    read: Annotated[float | None, typer.Option(help="Words less legible than this become gaps [fitted].")] = None,
    lexicon: LexiconFile = None,
    transcript: Annotated[Path | None, typer.Option(help="Transcript of the one scan, with [ILLEGIBLE] marks.")] = None,
    formats: Annotated[str | None, typer.Option("--format", help="Exports, by commas [text,apparatus,html,json].")] = None,
    page_seconds: Annotated[float | None, typer.Option(help="Time limit of one engine call [180].")] = None,
    page_memory: Annotated[int | None, typer.Option(help="MiB that a worker may use; 0 is no limit [6144].")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="Pages with more pixels are refused [200000000].")] = None,
    max_failures: Annotated[int | None, typer.Option(help="Stop after so many failed pages.")] = None,
    redo: Annotated[bool, typer.Option("--redo", help="Work on pages again that are done.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Work on pages again that failed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, and read nothing.")] = False,
) -> None:
    """Read scans: words, gaps, conjectures; write every export. Pages that are done are not done again."""
    from desunt.cli.progress import report_summary, watching
    from desunt.settings import read_settings

    settings = read_settings(
        out=out, jobs=jobs, executor=executor, model=model, rescore=rescore, engine=engine, second=second, lang=lang, vouch=vouch,
        read=read, lexicon=lexicon, page_seconds=page_seconds, page_memory=page_memory, scheduler=scheduler, ship=ship,
        max_pixels=max_pixels, max_failures=max_failures, formats=split(formats),
    )  # fmt: skip
    from desunt.run import batch
    from desunt.run.cache_key import versions
    from desunt.run.inputs.discovery import Shard
    from desunt.run.inputs.grouping import read_groups

    inputs, catalogue = inputs_of(scans, names, manifest)
    groups = read_groups(manifest) if manifest else ()
    share = Shard.parsed(shard) if shard else None
    # Whoever ends a run by `kill`, a scheduler say, ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with watching() as watch:
        summary = batch.run(
            inputs, settings, versions(settings), catalogue=catalogue, groups=groups, transcript=transcript, shard=share,
            redo=redo, retry_failed=retry_failed, dry_run=dry_run, watch=watch,
        )  # fmt: skip
        if not dry_run and not share and not summary.broken and summary.pages.keys() - {"skipped"}:
            from desunt.run.report import write_report

            write_report(settings.out, decisions_of(settings.out, None))
    report_summary(summary, settings.out)
    raise typer.Exit(summary.exit_code)


def inputs_of(scans: list[Path] | None, names: Path | None, manifest: Path | None) -> tuple[list[Path], dict[Path, Pairs]]:
    """Return what is to be read, in order, and what a catalogue says about it; raises UsageError if nothing is named."""
    from desunt.run.inputs.catalogue import read_catalogue
    from desunt.run.inputs.discovery import listed

    catalogue = read_catalogue(manifest) if manifest else {}
    inputs = [*(scans or []), *(listed(names) if names else []), *catalogue]
    if not inputs:
        raise UsageError("no scans named", remedy="Name scans or folders, or a list of them with --list or --manifest")
    return inputs, catalogue


def split(formats: str | None) -> tuple[str, ...] | None:
    """Return the names in a list by commas; raises UsageError for one that is not known."""
    if formats is None:
        return None
    from desunt.export import load_exporter

    names = tuple(name.strip() for name in formats.split(",") if name.strip())
    for name in names:
        load_exporter(name)
    return names


@app.command()
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
    from desunt.run import fill as filling

    if gaps:
        filling.fill_gaps(gaps, settings, sys.stdout)
        return
    content = sys.stdin.buffer.read() if transcript == "-" else None
    record = filling.fill_transcript(Path(transcript or "-"), content, settings)
    if as_json:
        typer.echo(json.dumps(filling.as_json(record), ensure_ascii=False, indent=1))
        return
    sys.stdout.buffer.write(filling.source_and_apparatus(record))
    sys.stdout.flush()


@app.command()
def export(
    outputs: Outputs = Path("outputs"),
    formats: Annotated[str | None, typer.Option("--format", help="Exports, by commas [text,apparatus,html,json].")] = None,
    mode: Annotated[str | None, typer.Option(help="diplomatic, accepted or apparatus [each format's own].")] = None,
    database: Annotated[str | None, typer.Option(help="The desk's database [OUTPUTS/desk.sqlite, if it is there].")] = None,
    archive: Annotated[Path | None, typer.Option("--zip", help="Pack everything for hand-over, with checksums, into this file.")] = None,
) -> None:
    """Export finished documents anew from their records, with what editors decided."""
    from desunt.export.outputs import document_folders, export_folder
    from desunt.export.writing import formats_with, mode_named, orders
    from desunt.settings import read_settings

    settings = read_settings(out=outputs, formats=split(formats))
    asked = mode_named(mode) if mode else None
    chosen = formats_with(asked) if asked and formats is None else settings.formats
    wanted, folders = orders(chosen, asked), document_folders(outputs)
    with log_of(outputs, database) if archive else nullcontext() as log:
        # What is handed over tells what the log in it tells, whatever editors do meanwhile.
        decided = log.known if log else decisions_of(outputs, database)
        for folder in folders:
            for name in export_folder(folder, wanted, settings, decided, always=log is not None):
                typer.echo(folder / name)
        if archive:
            from desunt.export.handover import pack

            pack(outputs, folders, archive, log)
            typer.echo(archive)


def decisions_of(outputs: Path, database: str | None) -> Decided | None:
    """Return how to ask the desk what stands about a document; nothing where there is no desk."""
    if database is None and not (outputs / "desk.sqlite").exists():
        return None
    from desunt.review import decided

    return decided(outputs, database)


def log_of(outputs: Path, database: str | None) -> AbstractContextManager[Log | None]:
    """Take down the desk's log of decisions as it is now; nothing where there is no desk."""
    if database is None and not (outputs / "desk.sqlite").exists():
        return nullcontext()
    from desunt.record.decision_log_file import taken_down
    from desunt.review import log_lines

    return taken_down(log_lines(outputs, database))


@app.command()
def review(
    outputs: Outputs = Path("outputs"),
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8571,
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine the desk demands accounts.")] = "127.0.0.1",
    database: Annotated[str | None, typer.Option(help="URL of the database [OUTPUTS/desk.sqlite].")] = None,
    scans: Annotated[Path | None, typer.Option(help="Folder with the scans, if they were moved.")] = None,
) -> None:
    """Open the review desk: editors decide, gap by gap, in a browser."""
    from desunt.review.serve import serve

    def ready() -> None:
        typer.echo(f"The desk: http://{'localhost' if host == '127.0.0.1' else host}:{port}/  (Ctrl-C ends it)")

    # The first look at a large collection takes a while: the address is told when somebody answers there.
    serve(outputs, port=port, host=host, database=database, scans=scans, ready=ready)


@app.command()
def report(
    outputs: Outputs = Path("outputs"),
    database: Annotated[str | None, typer.Option(help="The desk's database [OUTPUTS/desk.sqlite, if it is there].")] = None,
) -> None:
    """Write report.html and report.csv: what became of every page, what needs review first, and why pages failed."""
    from desunt.export.outputs import any_document
    from desunt.run.report import write_report

    any_document(outputs)
    for path in write_report(outputs, decisions_of(outputs, database)):
        typer.echo(path)


@app.command()
def verify(
    outputs: Annotated[Path, typer.Argument(help="Folder with results, or a ZIP for hand-over.")] = Path("outputs"),
    scans: Annotated[Path | None, typer.Option(help="Folder with the scans, if they were moved.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that no conjecture stands in a reading text, that accepted readings name their editor, and that every hash holds."""
    from desunt import verify as proof
    from desunt.review.chain_check import prove_desk

    report = proof.with_findings(proof.verify(outputs, scans=scans), tuple(prove_desk(outputs)))
    typer.echo(proof.as_json(report) if as_json else proof.format_report(report))
    if report.breaches:
        raise typer.Exit(ExitCode.WALL)


@app.command()
def status(outputs: Outputs = Path("outputs"), as_json: Json = False) -> None:
    """Say how far each document is, and how many gaps are open."""
    from desunt.cli.progress import report_status
    from desunt.record.folder import as_rows, status

    found = status(outputs)
    if not found:
        raise UsageError(f"{outputs}: no results here", remedy="Run `desunt run` first, or name the folder with the results")
    if as_json:
        typer.echo(json.dumps(as_rows(found), ensure_ascii=False, indent=1))
    else:
        report_status(found)


def main() -> None:
    """Run the command and end with its exit code; this is the only place that catches desunt's errors."""
    try:
        app()
    except DesuntError as error:
        typer.echo(f"desunt: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("desunt: interrupted; pages that were finished are kept, run the same command to go on", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.DONE)
