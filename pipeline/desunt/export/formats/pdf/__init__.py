"""The document as a searchable PDF/A-2b: page images, over them the text unseen, and comments over the gaps.

What is searched and copied is the text of the mode, never a conjecture: those stand in comments, and only in the apparatus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from desunt.export import Mode, Pictures, original_of
from desunt.export.formats.pdf.annotations import Area, Comment, annotate, comment_of
from desunt.export.formats.pdf.fonts import Letters, write_fonts
from desunt.export.formats.pdf.metadata import Said, information, metadata
from desunt.export.formats.pdf.text_layer import Sheet, layer
from desunt.export.formats.pdf.typesetting import HEIGHT, WIDTH, Mark, Set, areas, sheet_content, typeset
from desunt.export.formats.pdf.writer import SRGB, PdfFile, number
from desunt.export.gap_entries import Entry
from desunt.export.modes import Standing, in_mode, is_given_back, page_text, pieces, standings
from desunt.export.notes import note_about, notes_of
from desunt.export.text_stream import INSIDE
from desunt.export.wording import GENERATOR, title_of
from desunt.record.document import Page
from desunt.record.files import Record
from desunt.scan.originals import Original

# The longest side a PDF page may have, in points (ISO 32000-1, annex C).
LONGEST = 14_400


@dataclass(slots=True)
class _Work:
    """What is kept while pages are written and given away."""

    pdf: PdfFile
    mode: Mode
    record: Record
    known: dict[str, Entry]
    pages: list[int] = field(default_factory=list)
    unseen: Letters = field(default_factory=Letters)
    seen: Letters = field(default_factory=Letters)
    tree: int = 0
    resources: int = 0


class PdfExporter:
    """Write a PDF page by page; at no time is more than one image in memory."""

    name = "pdf"
    suffix = ".pdf"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield the PDF. Scans that are not to be had leave their page empty but for its text."""
        shown = in_mode(record, mode)
        pdf = PdfFile()
        yield pdf.begin()
        root, info, tree, resources, unseen, seen = (pdf.reserve() for _ in range(6))
        work = _Work(pdf, mode, shown, notes_of(shown), tree=tree, resources=resources)
        for page in shown.document.pages if not is_given_back(shown.document) else ():
            yield from (
                _scanned(work, page, pictures) if page.image else _sheets(work, page_text(page, shown, mode), _page_marks(work, page))
            )
        if is_given_back(shown.document):
            yield from _sheets(work, *_given_back(work))
        if not work.pages:
            yield from _sheets(work, "", [])
        yield from write_fonts(pdf, (unseen, work.unseen), (seen, work.seen))
        yield from _ending(work, root, info, unseen, seen)


def _scanned(work: _Work, page: Page, pictures: Pictures) -> Iterator[bytes]:
    image = page.image
    assert image is not None
    scale = min(72 / image.dpi, LONGEST / max(image.width, image.height))
    sheet = Sheet(max(3.0, image.width * scale), max(3.0, image.height * scale), scale)
    original = original_of(pictures, image)
    content, picture = b"", 0
    if original:
        picture = work.pdf.reserve()
        yield work.pdf.stream(picture, _image_keys(original), original.data)
        content = b"q %s 0 0 %s 0 0 cm /Scan%d Do Q\n" % (number(sheet.width), number(sheet.height), page.number)
    found = {line.id: list(standings(line, work.record, work.mode)) for line in page.lines}
    lines = ((line, [(one.text, one.token.box) for one in found[line.id]]) for line in page.lines)
    content += layer(lines, sheet, work.unseen)
    notes = _page_notes(work, [one for line in page.lines for one in found[line.id]], sheet)
    scan = b" /XObject << /Scan%d %d 0 R >>" % (page.number, picture) if picture else b""
    yield from _page(work, (sheet.width, sheet.height), content, notes, scan)


def _image_keys(original: Original) -> bytes:
    colours = b"/DeviceGray" if original.channels == 1 else b"/DeviceRGB"
    keys = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s" % (original.width, original.height, colours)
    if original.coding == "jpeg":
        return keys + b" /BitsPerComponent 8 /Filter /DCTDecode"
    parameters = b"<< /K -1 /Columns %d /Rows %d /BlackIs1 true >>" % (original.width, original.height)
    return keys + b" /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms " + parameters


def _about(work: _Work, one: Standing) -> Comment | None:
    note = note_about(one, work.known, work.mode)
    return comment_of(note) if note else None


def _page_notes(work: _Work, found: list[Standing], sheet: Sheet) -> Iterator[tuple[Area, Comment]]:
    """Yield the comments of a page with their places; those about something without a box stand in the left margin, one below the other."""
    without = 0
    for one in found:
        note = _about(work, one)
        if note is None:
            continue
        box = one.token.box
        if box:
            left, right = (min(max(x * sheet.scale, 0.0), sheet.width - 1) for x in (box.left, box.right))
            top, bottom = (min(max(sheet.height - y * sheet.scale, 1.0), sheet.height) for y in (box.top, box.bottom))
            yield (left, min(bottom, top - 1), max(right, left + 1), top), note
        else:
            top = sheet.height - 2 - 12 * without % max(1.0, sheet.height - 14)
            without += 1
            yield (2.0, top - 10, 12.0, top), note


def _page_marks(work: _Work, page: Page) -> list[tuple[Mark, Comment]]:
    """Return the comments of a page without a scan, with their places in its text."""
    text = page_text(page, work.record, work.mode)
    found, at = [], 0
    for line in page.lines:
        for one in standings(line, work.record, work.mode):
            start = text.index(one.text, at)
            at = start + len(one.text)
            note = _about(work, one)
            if note:
                found.append((Mark(start, at, one.token.id), note))
    return found


def _given_back(work: _Work) -> tuple[str, list[tuple[Mark, Comment]]]:
    """Return the text of a transcript, and the comments with their places in it."""
    text, found = "", []
    for one in pieces(work.record, work.mode):
        if not isinstance(one, str):
            note = _about(work, one)
            if note:
                found.append((Mark(len(text), len(text) + len(one.text), one.token.id), note))
        text += one if isinstance(one, str) else one.text
    return text, found


def _sheets(work: _Work, text: str, marks: list[tuple[Mark, Comment]]) -> Iterator[bytes]:
    sheets: dict[int, list[Set]] = {0: []}
    for word in typeset(text):
        sheets.setdefault(word.sheet, []).append(word)
    for _, words in sorted(sheets.items()):
        notes = ((area, note) for mark, note in marks for area in areas(mark, words))
        yield from _page(work, (WIDTH, HEIGHT), sheet_content(words, work.seen), notes, b"")


def _page(work: _Work, size: tuple[float, float], content: bytes, notes: Iterator[tuple[Area, Comment]], scan: bytes) -> Iterator[bytes]:
    pdf, (page, stream) = work.pdf, (work.pdf.reserve(), work.pdf.reserve())
    listed = []
    for area, note in notes:
        for index, (reference, made) in enumerate(annotate(pdf, area, note, page)):
            yield made
            listed += [b"%d 0 R" % reference] if index else []
    yield pdf.stream(stream, b"", content)
    annotations = b" /Annots [%s]" % b" ".join(listed) if listed else b""
    fonts = b"/Font %d 0 R" % work.resources
    yield pdf.write(
        page,
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources << %s%s >> /Contents %d 0 R%s >>"
        % (work.tree, number(size[0]), number(size[1]), fonts, scan, stream, annotations),
    )
    work.pages.append(page)


def _ending(work: _Work, root: int, info: int, unseen: int, seen: int) -> Iterator[bytes]:
    pdf = work.pdf
    about, profile = pdf.reserve(), pdf.reserve()
    said = Said(title_of(work.record.document), INSIDE[work.mode], GENERATOR)
    fonts = [(b"Unseen", unseen, work.unseen), (b"Seen", seen, work.seen)]
    used = b" ".join(b"/%s %d 0 R" % (name, reference) for name, reference, letters in fonts if letters.codes)
    yield pdf.write(work.resources, b"<< %s >>" % used)
    yield pdf.write(work.tree, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(work.pages), b" ".join(b"%d 0 R" % n for n in work.pages)))
    yield pdf.stream(about, b"/Type /Metadata /Subtype /XML", metadata(said))
    yield pdf.stream(profile, b"/N 3", SRGB)
    intent = b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB) /DestOutputProfile %d 0 R >>" % profile
    yield pdf.write(
        root,
        b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /OutputIntents [%s] /ViewerPreferences << /DisplayDocTitle true >> >>"
        % (work.tree, about, intent),
    )
    yield pdf.write(info, information(said))
    yield from pdf.end(root, info)
