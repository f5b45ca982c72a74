"""Prove one export: its text, read back by another way than it was written, its labels, and its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html import unescape
from itertools import zip_longest
from typing import TypeAlias
from urllib.parse import quote

from desunt.errors import DesuntError
from desunt.export import (
    RESERVED_FILE_NAMES,
    Exporter,
    ImageSource,
    Mode,
    NeedsBaseUri,
    export_file_name,
    export_files,
    exporter_names,
    load_exporter,
)
from desunt.export.dehyphenation import text_in_format
from desunt.export.formats.text import text_encoding
from desunt.export.modes import render_line, view_for_mode
from desunt.export.wording import GENERATOR
from desunt.record.document import ImageRef, Word, lines_with_pages
from desunt.record.files import Record
from desunt.verify.findings import Breach, Finding, Remark
from desunt.verify.readback import READERS
from desunt.verify.readback.html import html_page_images
from desunt.verify.readback.plain_text import normalise_for_markdown
from desunt.verify.scans import pdf_image_source

ExportKind: TypeAlias = tuple[Exporter, Mode]


def match_export(file: str) -> ExportKind | None:
    """Return the exporter and mode whose file this would be by its name; None for records, pages and files of no format."""
    if file.casefold() in RESERVED_FILE_NAMES or (file.startswith("pages/") and file.endswith(".json")):
        return None
    endings = {export_file_name("", exporter, mode).casefold(): (exporter, mode) for exporter in _exporters() for mode in exporter.modes}
    fitting = [ending for ending in endings if file.casefold().endswith(ending)]
    return endings[max(fitting, key=len)] if fitting else None


@cache
def _exporters() -> tuple[Exporter, ...]:
    return tuple(map(load_exporter, exporter_names()))


def verify_export(kind: ExportKind, content: bytes, record: Record, file: str, *, opinions_known: bool) -> Iterator[Finding]:
    """Yield what is wrong with an export; `opinions_known` says whether the opinions of the record could be read."""
    exporter, mode = kind
    if (part := _part_of_record(kind, record, file)) is None:
        yield Breach(file, "", "is the export of a page that record.json does not have")
        return
    record = part
    breaches = list(_verify_contents(kind, content, record, file, opinions_known=opinions_known))
    yield from breaches
    if not breaches and (opinions_known or (exporter.kind == "reading" and mode != "apparatus")):
        yield from _reexport(exporter, mode, content, record, file)


def _part_of_record(kind: ExportKind, record: Record, file: str) -> Record | None:
    """Return the part of the record that a file is made from; None if there is no such page."""
    part_by_name = {name.casefold(): part for name, part in export_files("", *kind, record)}
    return next((part_by_name[ending] for ending in sorted(part_by_name, key=len, reverse=True) if file.casefold().endswith(ending)), None)


def _verify_contents(kind: ExportKind, content: bytes, record: Record, file: str, *, opinions_known: bool) -> Iterator[Breach]:
    exporter, mode = kind
    try:
        written = decode(kind, content, record)
        yield from _verify_text(kind, written, record, file)
        yield from _verify_editor_names(kind, written, record, file)
        reader = READERS.get(exporter.name)
        for place in reader.find_unlabelled(written) if reader else ():
            yield Breach(file, place, "is a candidate without the word CONJECTURE before it")
        if opinions_known and reader:
            supposed = record if exporter.kind == "apparatus" or mode == "apparatus" else replace(record, opinions={})
            yield from _verify_candidate_count(reader.count_labelled(written), supposed, file)
    except (LookupError, TypeError, ValueError, RecursionError, AssertionError, SyntaxError) as error:
        yield Breach(file, "", f"is not what a {exporter.name} export is: {type(error).__name__}: {error}")


def decode(kind: ExportKind, content: bytes, record: Record) -> str:
    """Return the content of an export as characters; of a PDF its bytes, as Latin-1."""
    exporter, mode = kind
    encodings = {"text": text_encoding(record, mode), "pdf": "latin-1"}
    return content.decode(encodings.get(exporter.name, "utf-8"))


def _verify_editor_names(kind: ExportKind, written: str, record: Record, file: str) -> Iterator[Breach]:
    """Yield each reading of an editor that stands in an accepted text without the editor's name."""
    exporter, mode = kind
    if mode != "accepted":
        return
    credits = READERS[exporter.name].credits if exporter.name in READERS else unescape
    credit_text, view = credits(written), view_for_mode(record, mode)
    for _, line in lines_with_pages(view.document):
        for token in render_line(line, view, mode):
            if token.decision and not any(name in credit_text for name in _spellings(token.decision.editor)):
                place = f"{'word' if isinstance(token.token, Word) else 'gap'} {token.token.id}"
                yield Breach(file, place, f"has the reading {token.text!r} and does not name its editor, {token.decision.editor!r}")


def _spellings(name: str) -> tuple[str, ...]:
    """Return a name as formats may write it."""
    shown = normalise_for_markdown(name)
    return name, shown, re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shown), json.dumps(shown, ensure_ascii=False)[1:-1]


def _verify_text(kind: ExportKind, written: str, record: Record, file: str) -> Iterator[Breach]:
    exporter, mode = kind
    reader = READERS.get(exporter.name)
    if reader is None or reader.text is None:
        return
    # The diplomatic text has nothing around it that would have to be taken away.
    read_text = str if (exporter.name, mode) == ("text", "diplomatic") else reader.text
    text, truth = reader.normalise(read_text(written)), reader.normalise(text_in_format(exporter.name, record, mode))
    if text != truth:
        line, found, expected = _first_difference(text, truth)
        yield Breach(file, f"line {line} of the text", f"is {found}, where the record has {expected}")
    for opinion in record.opinions.values():
        for candidate in opinion.candidates:
            if candidate.text not in truth and candidate.text in text:
                yield Breach(file, f"gap {opinion.gap_id}", f"the text holds {candidate.text!r}, a conjecture that the page does not say")


def _first_difference(text: str, truth: str) -> tuple[int, str, str]:
    """Return the first line that differs, from 1, and what stands there in both."""
    pairs = enumerate(zip_longest(text.split("\n"), truth.split("\n")), start=1)
    number, (found, expected) = next(((number, pair) for number, pair in pairs if pair[0] != pair[1]), (0, ("", "")))
    # Lines of markup are long: show them from a little before the place where they part.
    first_mismatch = next((place for place, (a, b) in enumerate(zip(found or "", expected or "", strict=False)) if a != b), 0)
    start = max(0, first_mismatch - 40)
    return number, _excerpt(found, start), _excerpt(expected, start)


def _excerpt(line: str | None, start: int) -> str:
    if line is None:
        return "nothing"
    shown = ("..." if start else "") + line[start:]
    return repr(shown if len(shown) <= 100 else shown[:97] + "...")


def _verify_candidate_count(found: int, record: Record, file: str) -> Iterator[Breach]:
    gaps = {gap.id for gap in record.document.gaps}
    expected = sum(len(opinion.candidates) for gap_id, opinion in record.opinions.items() if gap_id in gaps)
    if found != expected:
        yield Breach(file, "candidates", f"holds {found}, where conjectures.json has {expected}")


def _reexport(exporter: Exporter, mode: Mode, content: bytes, record: Record, file: str) -> Iterator[Finding]:
    """Compare with what the record gives now; page images are taken from the export itself, and proved from the scans apart."""
    try:
        exporter = _with_own_base_uri(exporter, content, record)
        reexported = b"".join(exporter.export(record, _embedded_images(exporter, content, record), mode))
    except (DesuntError, ValueError, LookupError) as error:
        yield Breach(file, "", f"cannot be made from the record: {error}")
        return
    if reexported == content:
        return
    reader = READERS.get(exporter.name)
    writer = reader.generator(decode((exporter, mode), content, record)) if reader else ""
    if writer and writer != GENERATOR:
        yield Remark(file, "", f"written by {writer}: this is {GENERATOR}, so text and labels were proved, not every byte")
        return
    line, found, expected = _first_difference(content.decode(errors="backslashreplace"), reexported.decode(errors="backslashreplace"))
    yield Breach(file, f"line {line}", f"is {found}, where the record gives {expected}; `desunt export` writes it anew")


def _with_own_base_uri(exporter: Exporter, content: bytes, record: Record) -> Exporter:
    """Return the exporter with the address that the file itself gives."""
    if not isinstance(exporter, NeedsBaseUri):
        return exporter
    own = load_exporter(exporter.name)
    assert isinstance(own, NeedsBaseUri)
    own.base_uri = str(json.loads(content)["id"]).removesuffix(f"/{quote(record.document.id)}/manifest.json")
    return own


def _embedded_images(exporter: Exporter, content: bytes, record: Record) -> ImageSource:
    if exporter.name == "pdf":
        return pdf_image_source(content, record)
    found = html_page_images(content.decode(errors="replace")) if exporter.name == "html" else {}
    pictures: dict[ImageRef, bytes] = {
        page.image: found[page.number] for page in record.document.pages if page.image and page.number in found
    }
    return pictures.get
