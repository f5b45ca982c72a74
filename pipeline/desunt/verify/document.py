"""Prove one document's folder: that its files are whole, agree with each other, and keep facts and opinions apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Opinion
from desunt.record.decision_log_file import DecisionLog
from desunt.record.document import Document, Gap
from desunt.record.files import (
    CONJECTURES_SCHEMA,
    DECISIONS_FILE,
    DECISIONS_SCHEMA,
    PAGE_CONJECTURES_SCHEMA,
    PAGE_SCHEMA,
    RECORD_SCHEMA,
    ConjecturesFile,
    DecisionsFile,
    PageConjecturesFile,
    PageFile,
    Record,
    RecordFile,
    to_json,
    type_adapter,
)
from desunt.record.manifest import MANIFEST, MANIFEST_SCHEMA, ManifestFile, list_files
from desunt.verify.decisions import verify_against_log, verify_decisions
from desunt.verify.exports import match_export, verify_export
from desunt.verify.findings import Breach, Finding, Remark, Unfinished
from desunt.verify.scans import verify_page_images, verify_scans

PAGES_FOLDER = "pages/"
# Exports that hold page images.
FORMATS_WITH_IMAGES = ("html", "pdf")


@dataclass(frozen=True, slots=True)
class DocumentFolder:
    """A document's folder: where it is, what it is called in the report, and its files by their path in it."""

    path: Path
    name: PurePosixPath
    files: dict[str, Path]

    def report_path(self, file: str) -> str:
        return str(self.name / file)

    def breach(self, file: str, place: str, problem: str) -> Breach:
        return Breach(self.report_path(file), place, problem)


def verify_document(path: Path, name: PurePosixPath, scans: Path | None, log: DecisionLog | None = None) -> Iterator[Finding]:
    """Yield all that is wrong with a document's folder, what is not finished, and what could not be checked.

    Decisions are compared with the log, if there is one.
    """
    folder = DocumentFolder(path, name, list_files(path))
    manifest_or_breach = _read_manifest(folder)
    if manifest_or_breach is None and "record.json" not in folder.files:
        yield Unfinished(str(name), _progress(folder))
        return
    manifest = None if isinstance(manifest_or_breach, Breach) else manifest_or_breach
    findings = list(_verify_contents(folder, manifest, scans, log))
    yield from findings
    if manifest is not None:
        yield from _verify_hashes(folder, manifest, {finding.file for finding in findings})
    elif isinstance(manifest_or_breach, Breach):
        yield manifest_or_breach
    else:
        yield Unfinished(
            str(name), f"no {MANIFEST}: the run was interrupted before its end, or the file was removed; run `desunt run` again"
        )


def _progress(folder: DocumentFolder) -> str:
    try:
        problem = json.loads(folder.files["source.json"].read_bytes())["problem"]
    except (KeyError, TypeError, ValueError, OSError, RecursionError):
        problem = ""
    if problem:
        return f"could not be read: {problem}"
    pages = sum(name.startswith(PAGES_FOLDER) and name.count(".") == 1 for name in folder.files)
    return f"{pages} page{'' if pages == 1 else 's'} read, no record yet; run `desunt run` again"


def read_file(folder: DocumentFolder, kind: type, schema: str, file: str) -> Any | Breach:
    """Return the content of a file of the folder, or the breach if it is not exactly what desunt would have written."""
    from pydantic import ValidationError

    try:
        content = folder.files[file].read_bytes()
        value = type_adapter(kind).validate_json(content, strict=True)
        if value.schema != schema:
            return folder.breach(file, "schema", f"is {value.schema!r}, not {schema!r}")
        # A key that no schema knows would be read past, and could hide anything.
        if to_json(value) != content:
            return folder.breach(file, "", "is not as desunt writes it: it was changed by hand, or holds more than its schema")
    except KeyError:
        return folder.breach(file, "", "is missing")
    except ValidationError as error:
        return folder.breach(file, *_clearest_error(error))
    except (OSError, ValueError, RecursionError) as error:
        return folder.breach(file, "", f"cannot be read: {error}")
    return value


def _clearest_error(validation_error: Any) -> tuple[str, str]:
    """Return place and message of the error that says most: a value that broke a rule, else the first."""
    errors = validation_error.errors(include_url=False, include_context=False, include_input=False)
    clearest = next((error_details for error_details in errors if error_details["type"] == "value_error"), errors[0])
    return "/".join(map(str, clearest["loc"])), clearest["msg"]


def _read_manifest(folder: DocumentFolder) -> ManifestFile | Breach | None:
    path = folder.path / MANIFEST
    if not path.exists():
        return None
    manifest: ManifestFile | Breach = read_file(
        DocumentFolder(folder.path, folder.name, {MANIFEST: path}), ManifestFile, MANIFEST_SCHEMA, MANIFEST
    )
    return manifest


def _verify_hashes(folder: DocumentFolder, manifest: ManifestFile, accused_files: set[str]) -> Iterator[Finding]:
    """Compare hashes. Where a file is otherwise proved right to the last byte, it is the manifest that was changed."""
    for file, sha256 in manifest.files.items():
        if file not in folder.files:
            yield folder.breach(file, "", f"is missing; {MANIFEST} lists it")
            continue
        try:
            differs = sha256_of(folder.files[file]) != sha256
        except OSError as error:
            yield folder.breach(file, "", f"cannot be read: {error}")
            continue
        if differs and folder.report_path(file) not in accused_files and _is_determined(file):
            yield folder.breach(MANIFEST, file, "gives another SHA-256 than the file has, and the file itself is what the record makes it")
        elif differs:
            yield folder.breach(file, "", f"has another SHA-256 than {MANIFEST} says: it was changed after the run")
    for file in folder.files.keys() - manifest.files.keys():
        if not match_export(file) and not file.startswith(PAGES_FOLDER):
            yield Remark(folder.report_path(file), "", f"not from a run: {MANIFEST} does not list it")


def _is_determined(file: str) -> bool:
    """Say whether other files settle every byte of this one; a review page holds images that only a scan can settle."""
    kind = match_export(file)
    return file == "record.json" or (kind is not None and kind[0].name not in FORMATS_WITH_IMAGES)


def _verify_contents(
    folder: DocumentFolder, manifest: ManifestFile | None, scans: Path | None, log: DecisionLog | None
) -> Iterator[Finding]:
    facts = read_file(folder, RecordFile, RECORD_SCHEMA, "record.json")
    opinions = read_file(folder, ConjecturesFile, CONJECTURES_SCHEMA, "conjectures.json")
    if isinstance(opinions, Breach):
        yield opinions
    if isinstance(facts, Breach):
        yield facts
        return
    yield from _verify_facts(folder, facts.document)
    if isinstance(opinions, ConjecturesFile):
        yield from _verify_opinions(folder, facts, opinions)
    known_opinions: dict[str, Opinion] | None = dict(opinions.opinions) if isinstance(opinions, ConjecturesFile) else None
    if manifest is not None:
        yield from _verify_pages(folder, facts.document, known_opinions)
    yield from verify_scans(facts.document, folder.report_path("record.json"), scans)
    record = Record(facts.document, known_opinions or {}, facts.steps)
    decisions_file = read_file(folder, DecisionsFile, DECISIONS_SCHEMA, DECISIONS_FILE) if DECISIONS_FILE in folder.files else None
    if isinstance(decisions_file, Breach):
        yield decisions_file
    elif decisions_file is not None:
        record = replace(record, decisions=decisions_file.decisions, edits=decisions_file.edits)
        yield from verify_decisions(record, folder.report_path(DECISIONS_FILE))
    if log is not None and not isinstance(decisions_file, Breach):
        yield from verify_against_log(record, log, folder.report_path(DECISIONS_FILE))
    yield from _verify_exports(folder, record, manifest, known_opinions is not None, scans)


def _verify_facts(folder: DocumentFolder, document: Document) -> Iterator[Breach]:
    gap_ids: set[str] = set()
    for gap in document.gaps:
        if gap.id in gap_ids:
            yield folder.breach("record.json", f"gap {gap.id}", "stands twice: an opinion about it could not be told apart")
        gap_ids.add(gap.id)
    transcript = document.transcript
    if transcript:
        try:
            is_same = sha256_of(transcript.text.encode(transcript.encoding)) == transcript.sha256
        except (LookupError, ValueError) as error:
            yield folder.breach("record.json", "transcript", f"cannot be given back: {error}")
        else:
            if not is_same:
                yield folder.breach("record.json", "transcript", "is not the text whose SHA-256 stands beside it")


def _verify_opinions(folder: DocumentFolder, facts: RecordFile, opinions: ConjecturesFile) -> Iterator[Breach]:
    if opinions.record_sha256 != sha256_of(to_json(facts)):
        yield folder.breach("record.json", "", "is not the record that conjectures.json is about: one of the two was changed")
    gaps = {gap.id: gap for gap in facts.document.gaps}
    for gap_id, opinion in opinions.opinions.items():
        gap: Gap | None = gaps.get(gap_id)
        if gap is None:
            yield folder.breach("conjectures.json", f"gap {gap_id}", "is about a gap that the record does not have")
        elif opinion.gap_id != gap_id:
            yield folder.breach("conjectures.json", f"gap {gap_id}", f"holds an opinion about another gap, {opinion.gap_id}")
        elif gap.reason == "withheld" and opinion.candidates:
            yield folder.breach("conjectures.json", f"gap {gap_id}", "offers candidates for what was withheld")


def _verify_pages(folder: DocumentFolder, document: Document, known_opinions: dict[str, Opinion] | None) -> Iterator[Breach]:
    """Compare the files of single pages with the record; a transcript aligned with its scan has pages of its own."""
    is_transcript_only = document.transcript is not None and not any(page.image for page in document.pages)
    is_aligned = document.transcript is not None and not is_transcript_only
    page_opinions: dict[str, Opinion] = {}
    for page in document.pages:
        file = f"{PAGES_FOLDER}{page.number:04d}.json"
        failed = file.replace(".json", ".failed.json") in folder.files
        if file not in folder.files and (is_transcript_only or (failed and not _has_words(document, page.number))):
            continue
        facts = read_file(folder, PageFile, PAGE_SCHEMA, file)
        opinions = read_file(folder, PageConjecturesFile, PAGE_CONJECTURES_SCHEMA, file.replace(".json", ".conjectures.json"))
        yield from (opinion for opinion in (facts, opinions) if isinstance(opinion, Breach))
        if isinstance(facts, PageFile) and facts.page != page and not (is_aligned and facts.page.image == page.image):
            yield folder.breach(file, "page", "says something else than record.json")
        if isinstance(opinions, PageConjecturesFile):
            page_opinions |= opinions.opinions
            if (
                known_opinions is not None
                and not is_aligned
                and any(known_opinions.get(gap_id) != opinion for gap_id, opinion in opinions.opinions.items())
            ):
                yield folder.breach(file.replace(".json", ".conjectures.json"), "opinions", "say something else than conjectures.json")
    if known_opinions and not is_aligned and (page_opinions or not is_transcript_only) and known_opinions.keys() - page_opinions.keys():
        yield folder.breach(
            "conjectures.json",
            "opinions",
            f"holds opinions that no page has: {', '.join(sorted(known_opinions.keys() - page_opinions.keys()))}",
        )
    last = f"{PAGES_FOLDER}{len(document.pages):04d}.json"
    for file in folder.files:
        if file.startswith(PAGES_FOLDER) and file.count(".") == 1 and file > last:
            yield folder.breach(file, "", "is a page that record.json does not have")


def _has_words(document: Document, number: int) -> bool:
    return any(
        not isinstance(token, Gap) for page in document.pages if page.number == number for line in page.lines for token in line.tokens
    )


def _verify_exports(
    folder: DocumentFolder, record: Record, manifest: ManifestFile | None, opinions_known: bool, scans: Path | None
) -> Iterator[Finding]:
    for file, path in folder.files.items():
        kind = match_export(file)
        if kind is None:
            continue
        if manifest is not None and file not in manifest.files:
            yield folder.breach(file, "", f"is a stranger: it looks like an export, and {MANIFEST} does not list it")
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            yield folder.breach(file, "", f"cannot be read: {error}")
            continue
        yield from verify_export(kind, content, record, folder.report_path(file), opinions_known=opinions_known)
        if kind[0].name in FORMATS_WITH_IMAGES:
            yield from verify_page_images(kind[0].name, content, record, folder.report_path(file), scans)
