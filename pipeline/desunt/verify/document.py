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
    DECISIONS,
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

    folder: Path
    name: PurePosixPath
    files: dict[str, Path]

    def says(self, file: str) -> str:
        return str(self.name / file)

    def breach(self, file: str, place: str, problem: str) -> Breach:
        return Breach(self.says(file), place, problem)


def verify_document(folder: Path, name: PurePosixPath, scans: Path | None, log: DecisionLog | None = None) -> Iterator[Finding]:
    """Yield all that is wrong with a document's folder, what is not finished, and what could not be checked.

    Decisions are compared with the log, if there is one.
    """
    home = DocumentFolder(folder, name, list_files(folder))
    read = _read_manifest(home)
    if read is None and "record.json" not in home.files:
        yield Unfinished(str(name), _progress(home))
        return
    manifest = None if isinstance(read, Breach) else read
    found = list(_verify_contents(home, manifest, scans, log))
    yield from found
    if manifest is not None:
        yield from _verify_hashes(home, manifest, {one.file for one in found})
    elif isinstance(read, Breach):
        yield read
    else:
        yield Unfinished(
            str(name), f"no {MANIFEST}: the run was interrupted before its end, or the file was removed; run `desunt run` again"
        )


def _progress(home: DocumentFolder) -> str:
    try:
        problem = json.loads(home.files["source.json"].read_bytes())["problem"]
    except (KeyError, TypeError, ValueError, OSError, RecursionError):
        problem = ""
    if problem:
        return f"could not be read: {problem}"
    pages = sum(name.startswith(PAGES_FOLDER) and name.count(".") == 1 for name in home.files)
    return f"{pages} page{'' if pages == 1 else 's'} read, no record yet; run `desunt run` again"


def read_file(home: DocumentFolder, kind: type, schema: str, file: str) -> Any | Breach:
    """Return the content of a file of the folder, or the breach if it is not exactly what desunt would have written."""
    from pydantic import ValidationError

    try:
        content = home.files[file].read_bytes()
        value = type_adapter(kind).validate_json(content, strict=True)
        if value.schema != schema:
            return home.breach(file, "schema", f"is {value.schema!r}, not {schema!r}")
        # A key that no schema knows would be read past, and could hide anything.
        if to_json(value) != content:
            return home.breach(file, "", "is not as desunt writes it: it was changed by hand, or holds more than its schema")
    except KeyError:
        return home.breach(file, "", "is missing")
    except ValidationError as error:
        return home.breach(file, *_clearest_error(error))
    except (OSError, ValueError, RecursionError) as error:
        return home.breach(file, "", f"cannot be read: {error}")
    return value


def _clearest_error(error: Any) -> tuple[str, str]:
    """Return place and message of the error that says most: a value that broke a rule, else the first."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((one for one in found if one["type"] == "value_error"), found[0])
    return "/".join(map(str, first["loc"])), first["msg"]


def _read_manifest(home: DocumentFolder) -> ManifestFile | Breach | None:
    path = home.folder / MANIFEST
    if not path.exists():
        return None
    read: ManifestFile | Breach = read_file(
        DocumentFolder(home.folder, home.name, {MANIFEST: path}), ManifestFile, MANIFEST_SCHEMA, MANIFEST
    )
    return read


def _verify_hashes(home: DocumentFolder, manifest: ManifestFile, doubtful: set[str]) -> Iterator[Finding]:
    """Compare hashes. Where a file is otherwise proved right to the last byte, it is the manifest that was changed."""
    for file, sha256 in manifest.files.items():
        if file not in home.files:
            yield home.breach(file, "", f"is missing; {MANIFEST} lists it")
            continue
        try:
            differs = sha256_of(home.files[file]) != sha256
        except OSError as error:
            yield home.breach(file, "", f"cannot be read: {error}")
            continue
        if differs and home.says(file) not in doubtful and _is_determined(file):
            yield home.breach(MANIFEST, file, "gives another SHA-256 than the file has, and the file itself is what the record makes it")
        elif differs:
            yield home.breach(file, "", f"has another SHA-256 than {MANIFEST} says: it was changed after the run")
    for file in home.files.keys() - manifest.files.keys():
        if not match_export(file) and not file.startswith(PAGES_FOLDER):
            yield Remark(home.says(file), "", f"not from a run: {MANIFEST} does not list it")


def _is_determined(file: str) -> bool:
    """Say whether other files settle every byte of this one; a review page holds images that only a scan can settle."""
    kind = match_export(file)
    return file == "record.json" or (kind is not None and kind[0].name not in FORMATS_WITH_IMAGES)


def _verify_contents(home: DocumentFolder, manifest: ManifestFile | None, scans: Path | None, log: DecisionLog | None) -> Iterator[Finding]:
    facts = read_file(home, RecordFile, RECORD_SCHEMA, "record.json")
    opinions = read_file(home, ConjecturesFile, CONJECTURES_SCHEMA, "conjectures.json")
    if isinstance(opinions, Breach):
        yield opinions
    if isinstance(facts, Breach):
        yield facts
        return
    yield from _verify_facts(home, facts.document)
    if isinstance(opinions, ConjecturesFile):
        yield from _verify_opinions(home, facts, opinions)
    known: dict[str, Opinion] | None = dict(opinions.opinions) if isinstance(opinions, ConjecturesFile) else None
    if manifest is not None:
        yield from _verify_pages(home, facts.document, known)
    yield from verify_scans(facts.document, home.says("record.json"), scans)
    record = Record(facts.document, known or {}, facts.steps)
    decided = read_file(home, DecisionsFile, DECISIONS_SCHEMA, DECISIONS) if DECISIONS in home.files else None
    if isinstance(decided, Breach):
        yield decided
    elif decided is not None:
        record = replace(record, decisions=decided.decisions, edits=decided.edits)
        yield from verify_decisions(record, home.says(DECISIONS))
    if log is not None and not isinstance(decided, Breach):
        yield from verify_against_log(record, log, home.says(DECISIONS))
    yield from _verify_exports(home, record, manifest, known is not None, scans)


def _verify_facts(home: DocumentFolder, document: Document) -> Iterator[Breach]:
    seen: set[str] = set()
    for gap in document.gaps:
        if gap.id in seen:
            yield home.breach("record.json", f"gap {gap.id}", "stands twice: an opinion about it could not be told apart")
        seen.add(gap.id)
    transcript = document.transcript
    if transcript:
        try:
            same = sha256_of(transcript.text.encode(transcript.encoding)) == transcript.sha256
        except (LookupError, ValueError) as error:
            yield home.breach("record.json", "transcript", f"cannot be given back: {error}")
        else:
            if not same:
                yield home.breach("record.json", "transcript", "is not the text whose SHA-256 stands beside it")


def _verify_opinions(home: DocumentFolder, facts: RecordFile, opinions: ConjecturesFile) -> Iterator[Breach]:
    if opinions.record_sha256 != sha256_of(to_json(facts)):
        yield home.breach("record.json", "", "is not the record that conjectures.json is about: one of the two was changed")
    gaps = {gap.id: gap for gap in facts.document.gaps}
    for gap_id, opinion in opinions.opinions.items():
        gap: Gap | None = gaps.get(gap_id)
        if gap is None:
            yield home.breach("conjectures.json", f"gap {gap_id}", "is about a gap that the record does not have")
        elif opinion.gap_id != gap_id:
            yield home.breach("conjectures.json", f"gap {gap_id}", f"holds an opinion about another gap, {opinion.gap_id}")
        elif gap.reason == "withheld" and opinion.candidates:
            yield home.breach("conjectures.json", f"gap {gap_id}", "offers candidates for what was withheld")


def _verify_pages(home: DocumentFolder, document: Document, known: dict[str, Opinion] | None) -> Iterator[Breach]:
    """Compare the files of single pages with the record; a transcript aligned with its scan has pages of its own."""
    given_back = document.transcript is not None and not any(page.image for page in document.pages)
    aligned = document.transcript is not None and not given_back
    joined: dict[str, Opinion] = {}
    for page in document.pages:
        file = f"{PAGES_FOLDER}{page.number:04d}.json"
        failed = file.replace(".json", ".failed.json") in home.files
        if file not in home.files and (given_back or (failed and not _has_words(document, page.number))):
            continue
        facts = read_file(home, PageFile, PAGE_SCHEMA, file)
        opinions = read_file(home, PageConjecturesFile, PAGE_CONJECTURES_SCHEMA, file.replace(".json", ".conjectures.json"))
        yield from (one for one in (facts, opinions) if isinstance(one, Breach))
        if isinstance(facts, PageFile) and facts.page != page and not (aligned and facts.page.image == page.image):
            yield home.breach(file, "page", "says something else than record.json")
        if isinstance(opinions, PageConjecturesFile):
            joined |= opinions.opinions
            if known is not None and not aligned and any(known.get(gap_id) != one for gap_id, one in opinions.opinions.items()):
                yield home.breach(file.replace(".json", ".conjectures.json"), "opinions", "say something else than conjectures.json")
    if known and not aligned and (joined or not given_back) and known.keys() - joined.keys():
        yield home.breach(
            "conjectures.json", "opinions", f"holds opinions that no page has: {', '.join(sorted(known.keys() - joined.keys()))}"
        )
    last = f"{PAGES_FOLDER}{len(document.pages):04d}.json"
    for file in home.files:
        if file.startswith(PAGES_FOLDER) and file.count(".") == 1 and file > last:
            yield home.breach(file, "", "is a page that record.json does not have")


def _has_words(document: Document, number: int) -> bool:
    return any(not isinstance(t, Gap) for page in document.pages if page.number == number for line in page.lines for t in line.tokens)


def _verify_exports(
    home: DocumentFolder, record: Record, manifest: ManifestFile | None, complete: bool, scans: Path | None
) -> Iterator[Finding]:
    for file, path in home.files.items():
        kind = match_export(file)
        if kind is None:
            continue
        if manifest is not None and file not in manifest.files:
            yield home.breach(file, "", f"is a stranger: it looks like an export, and {MANIFEST} does not list it")
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            yield home.breach(file, "", f"cannot be read: {error}")
            continue
        yield from verify_export(kind, content, record, home.says(file), complete=complete)
        if kind[0].name in FORMATS_WITH_IMAGES:
            yield from verify_page_images(kind[0].name, content, record, home.says(file), scans)
