"""The document as a searchable PDF/A-2b: page images, over them the text unseen, and comments over the gaps.

What is searched and copied is the text of the mode, never a conjecture: those stand in comments, and only in the apparatus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from desunt.export import ImageSource, Mode, full_size_image
from desunt.export.formats.pdf.annotations import Area, Comment, annotate, comment_of
from desunt.export.formats.pdf.fonts import FontCodes, write_fonts
from desunt.export.formats.pdf.metadata import PdfInfo, info_dictionary, metadata
from desunt.export.formats.pdf.text_layer import PageTransform, text_layer_content
from desunt.export.formats.pdf.typesetting import (
    SHEET_HEIGHT_PT,
    SHEET_WIDTH_PT,
    CommentedSpan,
    TypesetWord,
    covered_areas,
    sheet_content,
    typeset,
)
from desunt.export.formats.pdf.writer import SRGB_PROFILE, PdfFile, format_number
from desunt.export.gap_entries import ApparatusEntry
from desunt.export.modes import RenderedToken, is_transcript_only, page_text, render_line, render_transcript, view_for_mode
from desunt.export.notes import entries_by_gap, note_about
from desunt.export.text_stream import MODE_STATEMENTS
from desunt.export.wording import GENERATOR, title_of
from desunt.record.document import Page
from desunt.record.files import Record
from desunt.scan.originals import EmbeddedImage

# The longest side a PDF page may have, in points (ISO 32000-1, annex C).
MAX_PAGE_SIDE_PT = 14_400


@dataclass(slots=True)
class _PdfState:
    """What is kept while pages are written and given away."""

    pdf: PdfFile
    mode: Mode
    record: Record
    known: dict[str, ApparatusEntry]
    pages: list[int] = field(default_factory=list)
    unseen: FontCodes = field(default_factory=FontCodes)
    seen: FontCodes = field(default_factory=FontCodes)
    tree: int = 0
    resources: int = 0


class PdfExporter:
    """Write a PDF page by page; at no time is more than one image in memory."""

    name = "pdf"
    suffix = ".pdf"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the PDF. Scans that are not to be had leave their page empty but for its text."""
        shown = view_for_mode(record, mode)
        pdf = PdfFile()
        yield pdf.begin()
        root, info, tree, resources, unseen, seen = (pdf.reserve() for _ in range(6))
        work = _PdfState(pdf, mode, shown, entries_by_gap(shown), tree=tree, resources=resources)
        for page in shown.document.pages if not is_transcript_only(shown.document) else ():
            yield from (
                _scanned_page(work, page, pictures)
                if page.image
                else _typeset_pages(work, page_text(page, shown, mode), _page_comments(work, page))
            )
        if is_transcript_only(shown.document):
            yield from _typeset_pages(work, *_transcript_comments(work))
        if not work.pages:
            yield from _typeset_pages(work, "", [])
        yield from write_fonts(pdf, (unseen, work.unseen), (seen, work.seen))
        yield from _trailing_objects(work, root, info, unseen, seen)


def _scanned_page(work: _PdfState, page: Page, pictures: ImageSource) -> Iterator[bytes]:
    image = page.image
    assert image is not None
    scale = min(72 / image.dpi, MAX_PAGE_SIDE_PT / max(image.width, image.height))
    sheet = PageTransform(max(3.0, image.width * scale), max(3.0, image.height * scale), scale)
    original = full_size_image(pictures, image)
    content, picture = b"", 0
    if original:
        picture = work.pdf.reserve()
        yield work.pdf.stream(picture, _image_keys(original), original.data)
        content = b"q %s 0 0 %s 0 0 cm /Scan%d Do Q\n" % (format_number(sheet.width), format_number(sheet.height), page.number)
    found = {line.id: list(render_line(line, work.record, work.mode)) for line in page.lines}
    lines = ((line, [(one.text, one.token.box) for one in found[line.id]]) for line in page.lines)
    content += text_layer_content(lines, sheet, work.unseen)
    notes = _placed_comments(work, [one for line in page.lines for one in found[line.id]], sheet)
    scan = b" /XObject << /Scan%d %d 0 R >>" % (page.number, picture) if picture else b""
    yield from _write_page(work, (sheet.width, sheet.height), content, notes, scan)


def _image_keys(original: EmbeddedImage) -> bytes:
    colours = b"/DeviceGray" if original.channels == 1 else b"/DeviceRGB"
    keys = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s" % (original.width, original.height, colours)
    if original.coding == "jpeg":
        return keys + b" /BitsPerComponent 8 /Filter /DCTDecode"
    parameters = b"<< /K -1 /Columns %d /Rows %d /BlackIs1 true >>" % (original.width, original.height)
    return keys + b" /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms " + parameters


def _comment_about(work: _PdfState, one: RenderedToken) -> Comment | None:
    note = note_about(one, work.known, work.mode)
    return comment_of(note) if note else None


def _placed_comments(work: _PdfState, found: list[RenderedToken], sheet: PageTransform) -> Iterator[tuple[Area, Comment]]:
    """Yield the comments of a page with their places; those about something without a box stand in the left margin, one below the other."""
    without = 0
    for one in found:
        note = _comment_about(work, one)
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


def _page_comments(work: _PdfState, page: Page) -> list[tuple[CommentedSpan, Comment]]:
    """Return the comments of a page without a scan, with their places in its text."""
    text = page_text(page, work.record, work.mode)
    found, at = [], 0
    for line in page.lines:
        for one in render_line(line, work.record, work.mode):
            start = text.index(one.text, at)
            at = start + len(one.text)
            note = _comment_about(work, one)
            if note:
                found.append((CommentedSpan(start, at, one.token.id), note))
    return found


def _transcript_comments(work: _PdfState) -> tuple[str, list[tuple[CommentedSpan, Comment]]]:
    """Return the text of a transcript, and the comments with their places in it."""
    text, found = "", []
    for one in render_transcript(work.record, work.mode):
        if not isinstance(one, str):
            note = _comment_about(work, one)
            if note:
                found.append((CommentedSpan(len(text), len(text) + len(one.text), one.token.id), note))
        text += one if isinstance(one, str) else one.text
    return text, found


def _typeset_pages(work: _PdfState, text: str, marks: list[tuple[CommentedSpan, Comment]]) -> Iterator[bytes]:
    sheets: dict[int, list[TypesetWord]] = {0: []}
    for word in typeset(text):
        sheets.setdefault(word.sheet, []).append(word)
    for _, words in sorted(sheets.items()):
        notes = ((area, note) for mark, note in marks for area in covered_areas(mark, words))
        yield from _write_page(work, (SHEET_WIDTH_PT, SHEET_HEIGHT_PT), sheet_content(words, work.seen), notes, b"")


def _write_page(
    work: _PdfState, size: tuple[float, float], content: bytes, notes: Iterator[tuple[Area, Comment]], scan: bytes
) -> Iterator[bytes]:
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
        % (work.tree, format_number(size[0]), format_number(size[1]), fonts, scan, stream, annotations),
    )
    work.pages.append(page)


def _trailing_objects(work: _PdfState, root: int, info: int, unseen: int, seen: int) -> Iterator[bytes]:
    pdf = work.pdf
    about, profile = pdf.reserve(), pdf.reserve()
    said = PdfInfo(title_of(work.record.document), MODE_STATEMENTS[work.mode], GENERATOR)
    fonts = [(b"Unseen", unseen, work.unseen), (b"Seen", seen, work.seen)]
    used = b" ".join(b"/%s %d 0 R" % (name, reference) for name, reference, letters in fonts if letters.codes)
    yield pdf.write(work.resources, b"<< %s >>" % used)
    yield pdf.write(work.tree, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(work.pages), b" ".join(b"%d 0 R" % n for n in work.pages)))
    yield pdf.stream(about, b"/Type /Metadata /Subtype /XML", metadata(said))
    yield pdf.stream(profile, b"/N 3", SRGB_PROFILE)
    intent = b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB) /DestOutputProfile %d 0 R >>" % profile
    yield pdf.write(
        root,
        b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /OutputIntents [%s] /ViewerPreferences << /DisplayDocTitle true >> >>"
        % (work.tree, about, intent),
    )
    yield pdf.write(info, info_dictionary(said))
    yield from pdf.end(root, info)
