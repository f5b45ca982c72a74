"""`desunt export` and `verify`: write exports anew, pack them for hand-over, and prove them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desunt.cli.options import Database, Formats, Json, Outputs, Scans, desk_decisions, parse_formats
from desunt.errors import ExitCode

if TYPE_CHECKING:
    from desunt.record.decision_log_file import DecisionLog


def export(
    outputs: Outputs = Path("outputs"),
    formats: Formats = None,
    mode: Annotated[str | None, typer.Option(help="diplomatic, accepted or apparatus [each format's own].")] = None,
    database: Database = None,
    archive: Annotated[Path | None, typer.Option("--zip", help="Pack everything for hand-over, with checksums, into this file.")] = None,
) -> None:
    """Export finished documents anew from their records, with what editors decided."""
    from desunt.export.writing import export_folder, export_requests, formats_with_mode, parse_mode
    from desunt.record.folder import require_document_folders
    from desunt.settings import read_settings

    settings = read_settings(out=outputs, formats=parse_formats(formats))
    one_mode = parse_mode(mode) if mode else None
    chosen = formats_with_mode(one_mode) if one_mode and formats is None else settings.formats
    requests, folders = export_requests(chosen, one_mode), require_document_folders(outputs, finished=True)
    with desk_log(outputs, database) if archive else nullcontext() as log:
        # What is handed over tells what the log in it tells, whatever editors do meanwhile.
        decision_lookup = log.lookup if log else desk_decisions(outputs, database)
        for folder in folders:
            for name in export_folder(folder, requests, settings, decision_lookup, always=log is not None):
                typer.echo(folder / name)
        if archive:
            from desunt.export.handover import pack

            pack(outputs, folders, archive, log)
            typer.echo(archive)


def desk_log(outputs: Path, database: str | None) -> AbstractContextManager[DecisionLog | None]:
    """Take down the desk's log of decisions as it is now; nothing where there is no desk."""
    if database is None and not (outputs / "desk.sqlite").exists():
        return nullcontext()
    from desunt.record.decision_log_file import log_snapshot
    from desunt.review import log_lines

    return log_snapshot(log_lines(outputs, database))


def verify(
    outputs: Annotated[Path, typer.Argument(help="Folder with results, or a ZIP for hand-over.")] = Path("outputs"),
    scans: Scans = None,
    as_json: Json = False,
) -> None:
    """Prove that no conjecture stands in a reading text, that accepted readings name their editor, and that every hash holds."""
    from desunt import verify as proof
    from desunt.review.chain_check import verify_desk

    report = proof.with_findings(proof.verify(outputs, scans=scans), tuple(verify_desk(outputs)))
    typer.echo(proof.as_json(report) if as_json else proof.format_report(report))
    if report.breaches:
        raise typer.Exit(ExitCode.INTEGRITY)
