"""TEI P5: a diplomatic file, one with what editors accepted, and one with the apparatus behind the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lxml import etree

from desunt.export import ImageSource, Mode
from desunt.export.formats.tei.apparatus import apparatus_head, apparatus_of
from desunt.export.formats.tei.body import body_of
from desunt.export.formats.tei.context import TEI, TeiContext, tei_context
from desunt.export.formats.tei.facsimile import surface_of
from desunt.export.formats.tei.header import header_of
from desunt.export.modes import is_transcript_only, view_for_mode
from desunt.export.xml import add_placeholder, element, indent, serialize, subelement
from desunt.record.files import Record

SCHEMA = "http://www.tei-c.org/release/xml/tei/custom/schema/relaxng/tei_all.rng"


class TeiExporter:
    """Write TEI P5 that is valid against `tei_all`.

    The text of every `ab`, its tags taken away, is the text of the mode letter by letter: gaps print their mark in `gap/desc`. What a
    model supposes stands only in the `back` of the apparatus file, in `app/rdg`.
    """

    name = "tei"
    suffix = ".tei.xml"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("diplomatic", "accepted", "apparatus")
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the document: the header, the pages one by one, and in the apparatus file what is supposed about each."""
        context = tei_context(record, view_for_mode(record, mode), mode)
        element_groups = [_surfaces(context)] if _has_scan(context) else []
        element_groups += [body_of(context), *([apparatus_of(context)] if mode == "apparatus" else [])]
        yield from serialize(_document_frame(context), element_groups)


def _has_scan(context: TeiContext) -> bool:
    return any(page.image for page in context.view.document.pages)


def _surfaces(context: TeiContext) -> Iterator[etree._Element]:
    for page in context.view.document.pages:
        if page.image:
            yield surface_of(page, context)


def _document_frame(context: TeiContext) -> etree._Element:
    """Return the document without its pages; each place where pages go is marked."""
    root = element(f"{{{TEI}}}TEI")
    instruction = f'href="{SCHEMA}" type="application/xml" schematypens="http://relaxng.org/ns/structure/1.0"'
    root.addprevious(etree.ProcessingInstruction("xml-model", instruction))
    root.append(indent(header_of(context)))
    if _has_scan(context):
        add_placeholder(subelement(root, "facsimile"))
    text = subelement(root, "text")
    division = subelement(subelement(text, "body"), "div", {"type": "transcript" if is_transcript_only(context.view.document) else "pages"})
    add_placeholder(division)
    if context.mode == "apparatus":
        add_placeholder(subelement(apparatus_head(subelement(subelement(text, "back"), "div", {"type": "apparatus"})), "listApp"))
    return root
