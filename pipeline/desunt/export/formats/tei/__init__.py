"""TEI P5: a diplomatic file, one with what editors accepted, and one with the apparatus behind the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lxml import etree

from desunt.export import Mode, Pictures
from desunt.export.formats.tei.apparatus import apparatus_head, apparatus_of
from desunt.export.formats.tei.body import body_of
from desunt.export.formats.tei.facsimile import surface_of
from desunt.export.formats.tei.header import header_of
from desunt.export.formats.tei.names import TEI, View, view_of
from desunt.export.modes import in_mode, is_given_back
from desunt.export.xml import element, indented, put_piece, sub, written
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

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield the document: the header, the pages one by one, and in the apparatus file what is supposed about each."""
        view = view_of(record, in_mode(record, mode), mode)
        pieces = [_surfaces(view)] if _has_scan(view) else []
        pieces += [body_of(view), *([apparatus_of(view)] if mode == "apparatus" else [])]
        yield from written(_frame(view), pieces)


def _has_scan(view: View) -> bool:
    return any(page.image for page in view.shown.document.pages)


def _surfaces(view: View) -> Iterator[etree._Element]:
    for page in view.shown.document.pages:
        if page.image:
            yield surface_of(page, view)


def _frame(view: View) -> etree._Element:
    """Return the document without its pages; each place where pages go is marked."""
    root = element(f"{{{TEI}}}TEI")
    instruction = f'href="{SCHEMA}" type="application/xml" schematypens="http://relaxng.org/ns/structure/1.0"'
    root.addprevious(etree.ProcessingInstruction("xml-model", instruction))
    root.append(indented(header_of(view)))
    if _has_scan(view):
        put_piece(sub(root, "facsimile"))
    text = sub(root, "text")
    division = sub(sub(text, "body"), "div", {"type": "transcript" if is_given_back(view.shown.document) else "pages"})
    put_piece(division)
    if view.mode == "apparatus":
        put_piece(sub(apparatus_head(sub(sub(text, "back"), "div", {"type": "apparatus"})), "listApp"))
    return root
