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
from desunt.export.formats.pdf.metadata import PdfInfo, info_dictionary, xmp_packet
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
from desunt.scan.image_encoding import EmbeddedImage

# The longest side a PDF page may have, in points (ISO 32000-1, annex C).
MAX_PAGE_SIDE_PT = 14_400


@dataclass(slots=True)
class _PdfState:
    """What is kept while pages are written and given away."""

    pdf: PdfFile
    mode: Mode
    record: Record
    entries: dict[str, ApparatusEntry]
    pages: list[int] = field(default_factory=list)
    unseen_codes: FontCodes = field(default_factory=FontCodes)
    visible_codes: FontCodes = field(default_factory=FontCodes)
    page_tree: int = 0
    resources: int = 0


class PdfExporter:
    """Write a PDF page by page; at no time is more than one image in memory."""

    name = "pdf"
    suffix = ".pdf"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the PDF. Scans that are not to be had leave their page empty but for its text."""
        view = view_for_mode(record, mode)
        pdf = PdfFile()
        yield pdf.begin()
        root, info, page_tree, resources, unseen_font, visible_font = (pdf.reserve() for _ in range(6))
        state = _PdfState(pdf, mode, view, entries_by_gap(view), page_tree=page_tree, resources=resources)
        for page in view.document.pages if not is_transcript_only(view.document) else ():
            yield from (
                _scanned_page(state, page, images)
                if page.image
                else _typeset_pages(state, page_text(page, view, mode), _page_comments(state, page))
            )
        if is_transcript_only(view.document):
            yield from _typeset_pages(state, *_transcript_comments(state))
        if not state.pages:
            yield from _typeset_pages(state, "", [])
        yield from write_fonts(pdf, (unseen_font, state.unseen_codes), (visible_font, state.visible_codes))
        yield from _trailing_objects(state, root, info, unseen_font, visible_font)


def _scanned_page(state: _PdfState, page: Page, images: ImageSource) -> Iterator[bytes]:
    image = page.image
    assert image is not None
    scale = min(72 / image.dpi, MAX_PAGE_SIDE_PT / max(image.width, image.height))
    transform = PageTransform(max(3.0, image.width * scale), max(3.0, image.height * scale), scale)
    full_size = full_size_image(images, image)
    content, image_object = b"", 0
    if full_size:
        image_object = state.pdf.reserve()
        yield state.pdf.stream(image_object, _image_keys(full_size), full_size.data)
        content = b"q %s 0 0 %s 0 0 cm /Scan%d Do Q\n" % (format_number(transform.width), format_number(transform.height), page.number)
    rendered_lines = {line.id: list(render_line(line, state.record, state.mode)) for line in page.lines}
    lines = ((line, [(rendered.text, rendered.token.box) for rendered in rendered_lines[line.id]]) for line in page.lines)
    content += text_layer_content(lines, transform, state.unseen_codes)
    comments = _placed_comments(state, [rendered for line in page.lines for rendered in rendered_lines[line.id]], transform)
    scan_resource = b" /XObject << /Scan%d %d 0 R >>" % (page.number, image_object) if image_object else b""
    yield from _write_page(state, (transform.width, transform.height), content, comments, scan_resource)


def _image_keys(full_size: EmbeddedImage) -> bytes:
    colour_space = b"/DeviceGray" if full_size.channels == 1 else b"/DeviceRGB"
    keys = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s" % (full_size.width, full_size.height, colour_space)
    if full_size.coding == "jpeg":
        return keys + b" /BitsPerComponent 8 /Filter /DCTDecode"
    parameters = b"<< /K -1 /Columns %d /Rows %d /BlackIs1 true >>" % (full_size.width, full_size.height)
    return keys + b" /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms " + parameters


def _comment_about(state: _PdfState, rendered: RenderedToken) -> Comment | None:
    note = note_about(rendered, state.entries, state.mode)
    return comment_of(note) if note else None


def _placed_comments(state: _PdfState, rendered_tokens: list[RenderedToken], transform: PageTransform) -> Iterator[tuple[Area, Comment]]:
    """Yield the comments of a page with their places; those about something without a box stand in the left margin, one below the other."""
    unplaced = 0
    for rendered in rendered_tokens:
        comment = _comment_about(state, rendered)
        if comment is None:
            continue
        box = rendered.token.box
        if box:
            left, right = (min(max(x * transform.scale, 0.0), transform.width - 1) for x in (box.left, box.right))
            top, bottom = (min(max(transform.height - y * transform.scale, 1.0), transform.height) for y in (box.top, box.bottom))
            yield (left, min(bottom, top - 1), max(right, left + 1), top), comment
        else:
            top = transform.height - 2 - 12 * unplaced % max(1.0, transform.height - 14)
            unplaced += 1
            yield (2.0, top - 10, 12.0, top), comment


def _page_comments(state: _PdfState, page: Page) -> list[tuple[CommentedSpan, Comment]]:
    """Return the comments of a page without a scan, with their places in its text."""
    text = page_text(page, state.record, state.mode)
    comments, end = [], 0
    for line in page.lines:
        for rendered in render_line(line, state.record, state.mode):
            start = text.index(rendered.text, end)
            end = start + len(rendered.text)
            comment = _comment_about(state, rendered)
            if comment:
                comments.append((CommentedSpan(start, end, rendered.token.id), comment))
    return comments


def _transcript_comments(state: _PdfState) -> tuple[str, list[tuple[CommentedSpan, Comment]]]:
    """Return the text of a transcript, and the comments with their places in it."""
    text, comments = "", []
    for part in render_transcript(state.record, state.mode):
        if not isinstance(part, str):
            comment = _comment_about(state, part)
            if comment:
                comments.append((CommentedSpan(len(text), len(text) + len(part.text), part.token.id), comment))
        text += part if isinstance(part, str) else part.text
    return text, comments


def _typeset_pages(state: _PdfState, text: str, comments: list[tuple[CommentedSpan, Comment]]) -> Iterator[bytes]:
    sheets: dict[int, list[TypesetWord]] = {0: []}
    for word in typeset(text):
        sheets.setdefault(word.sheet, []).append(word)
    for _, words in sorted(sheets.items()):
        placed_comments = ((area, comment) for span, comment in comments for area in covered_areas(span, words))
        yield from _write_page(state, (SHEET_WIDTH_PT, SHEET_HEIGHT_PT), sheet_content(words, state.visible_codes), placed_comments, b"")


def _write_page(
    state: _PdfState, size: tuple[float, float], content: bytes, placed_comments: Iterator[tuple[Area, Comment]], image_resource: bytes
) -> Iterator[bytes]:
    pdf, (page, stream) = state.pdf, (state.pdf.reserve(), state.pdf.reserve())
    annotation_refs = []
    for area, comment in placed_comments:
        for place, (reference, annotation_object) in enumerate(annotate(pdf, area, comment, page)):
            yield annotation_object
            annotation_refs += [b"%d 0 R" % reference] if place else []
    yield pdf.stream(stream, b"", content)
    annotations = b" /Annots [%s]" % b" ".join(annotation_refs) if annotation_refs else b""
    fonts = b"/Font %d 0 R" % state.resources
    yield pdf.write(
        page,
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources << %s%s >> /Contents %d 0 R%s >>"
        % (state.page_tree, format_number(size[0]), format_number(size[1]), fonts, image_resource, stream, annotations),
    )
    state.pages.append(page)


def _trailing_objects(state: _PdfState, root: int, info_reference: int, unseen_font: int, visible_font: int) -> Iterator[bytes]:
    pdf = state.pdf
    xmp, colour_profile = pdf.reserve(), pdf.reserve()
    info_values = PdfInfo(title_of(state.record.document), MODE_STATEMENTS[state.mode], GENERATOR)
    fonts = [(b"Unseen", unseen_font, state.unseen_codes), (b"Seen", visible_font, state.visible_codes)]
    font_resources = b" ".join(b"/%s %d 0 R" % (name, reference) for name, reference, codes in fonts if codes.codes)
    yield pdf.write(state.resources, b"<< %s >>" % font_resources)
    yield pdf.write(
        state.page_tree, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(state.pages), b" ".join(b"%d 0 R" % n for n in state.pages))
    )
    yield pdf.stream(xmp, b"/Type /Metadata /Subtype /XML", xmp_packet(info_values))
    yield pdf.stream(colour_profile, b"/N 3", SRGB_PROFILE)
    intent = (
        b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB) /DestOutputProfile %d 0 R >>" % colour_profile
    )
    yield pdf.write(
        root,
        b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /OutputIntents [%s] /ViewerPreferences << /DisplayDocTitle true >> >>"
        % (state.page_tree, xmp, intent),
    )
    yield pdf.write(info_reference, info_dictionary(info_values))
    yield from pdf.end(root, info_reference)
