"""Prove, over an outputs folder, that no conjecture passes for the source and that every hash holds."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from desunt.errors import InputError
from desunt.record.decision_log_file import DecisionLog
from desunt.record.manifest import MANIFEST, write_manifest
from desunt.verify.document import verify_document
from desunt.verify.findings import Breach, Finding, Remark, Unfinished
from desunt.verify.handover import read_handed_log, unpack, verify_checksums, verify_handed_log

__all__ = ["Breach", "VerificationReport", "as_json", "format_report", "verify", "with_findings", "write_manifest"]

DOCUMENT_MARKERS = ("record.json", "conjectures.json", MANIFEST, "source.json", "pages")


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What a proof found: breaches, documents that are not finished, and notes on what could not be checked."""

    documents: int
    breaches: tuple[Breach, ...]
    unfinished: tuple[Unfinished, ...]
    notes: tuple[Remark, ...]


def verify(folder: Path, *, scans: Path | None = None) -> VerificationReport:
    """Prove every document under the folder, or the one whose folder it is, or what a ZIP for hand-over holds.

    Scans are looked for in `scans` first, then where they were. A list of checksums is proved where there is one, and the log of
    decisions beside it. Raises InputError if there is no such folder. Files that cannot be read are breaches, never errors.
    """
    if folder.is_file():
        with tempfile.TemporaryDirectory(prefix="desunt-") as unpack_folder:
            return _verify(Path(unpack_folder), scans, unpack(folder, Path(unpack_folder)))
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", remedy="Name the folder with the results (`outputs` if you named none)")
    return _verify(folder, scans, [])


def _verify(folder: Path, scans: Path | None, archive_breaches: list[Breach]) -> VerificationReport:
    document_folders = list(_document_folders(folder))
    handed_log = read_handed_log(folder)
    log = handed_log if isinstance(handed_log, DecisionLog) else None
    document_findings = (
        finding
        for document_folder in document_folders
        for finding in verify_document(document_folder, _name_in_report(document_folder, folder), scans, log)
    )
    findings = (*archive_breaches, *verify_checksums(folder), *verify_handed_log(handed_log, folder, document_folders), *document_findings)
    return with_findings(VerificationReport(len(document_folders), (), (), ()), findings)


def with_findings(report: VerificationReport, findings: tuple[Finding, ...]) -> VerificationReport:
    """Return the report with more that was found."""
    return VerificationReport(
        report.documents,
        (*report.breaches, *(finding for finding in findings if isinstance(finding, Breach))),
        (*report.unfinished, *(finding for finding in findings if isinstance(finding, Unfinished))),
        (*report.notes, *(finding for finding in findings if isinstance(finding, Remark))),
    )


def _document_folders(folder: Path) -> Iterator[Path]:
    for name, folders, _ in os.walk(folder):
        path = Path(name)
        if any((path / marker).exists() for marker in DOCUMENT_MARKERS):
            folders.clear()
            yield path
        folders.sort()


def _name_in_report(document_folder: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(document_folder.relative_to(folder).as_posix())


def format_report(report: VerificationReport) -> str:
    """Return the report for a person: breaches first, each with its file and place."""
    lines = [f"BROKEN  {_where(finding)}: {finding.problem}" for finding in report.breaches]
    lines += [f"unfinished  {finding.file}: {finding.problem}" for finding in report.unfinished]
    lines += [f"note  {_where(finding)}: {finding.problem}" for finding in report.notes]
    return "\n".join([*lines, _verdict(report)])


def _verdict(report: VerificationReport) -> str:
    count = f"{report.documents} document{'' if report.documents == 1 else 's'}"
    if report.breaches:
        files = len({breach.file for breach in report.breaches})
        return (
            f"{count}: {len(report.breaches)} breach{'' if len(report.breaches) == 1 else 'es'} in {files} file{'' if files == 1 else 's'}"
        )
    unfinished_note = f"; {len(report.unfinished)} not finished" if report.unfinished else ""
    return (
        f"{count}: no conjecture stands in a reading text, and every hash holds{unfinished_note}"
        if report.documents
        else "no documents here"
    )


def _where(finding: Breach | Remark) -> str:
    return f"{finding.file}: {finding.place}" if finding.place else finding.file


def as_json(report: VerificationReport) -> str:
    """Return the report for a program."""
    return json.dumps({"schema": "desunt-verify-1", **asdict(report)}, ensure_ascii=False, indent=1)
