"""The facsimile of a TEI file: a surface a page, and on it the zones of blocks, lines, gaps and doubtful words, in original pixels."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from lxml import etree

from desunt.export.formats.tei.names import (
    TEI,
    XML_ID,
    TeiContext,
    is_doubtful,
    line_zone_id,
    region_zone_id,
    surface_id,
    word_zone_id,
    zone_corners,
)
from desunt.export.xml import element, indent, subelement
from desunt.record.document import Box, Gap, ImageRef, Line, Page


def surface_of(page: Page, view: TeiContext) -> etree._Element:
    """Return the surface of a page that has a scan; right and bottom of a zone are exclusive, as in the record."""
    assert page.image is not None
    image = page.image
    surface = element(
        f"{{{TEI}}}surface", {XML_ID: surface_id(page), "n": page.number, "ulx": 0, "uly": 0, "lrx": image.width, "lry": image.height}
    )
    graphic = subelement(surface, "graphic", {"url": quote(image.path), "width": f"{image.width}px", "height": f"{image.height}px"})
    subelement(graphic, "desc", {}, _image_description(image))
    for name, kind, box in _zones(page, view):
        subelement(surface, "zone", {XML_ID: name, "type": kind, **zone_corners(box)})
    return indent(surface)


def _image_description(image: ImageRef) -> str:
    return f"frame {image.frame + 1} of the file, {image.dpi} dpi, SHA-256 of the file {image.sha256}"


def _zones(page: Page, view: TeiContext) -> Iterator[tuple[str, str, Box]]:
    number = 0
    for block, region in enumerate(page.regions, 1):
        if region.box:
            yield region_zone_id(page, block), region.kind, region.box
        for line in region.lines:
            number += 1
            yield from _line_zones(page, number, line, view)


def _line_zones(page: Page, number: int, line: Line, view: TeiContext) -> Iterator[tuple[str, str, Box]]:
    if line.box:
        yield line_zone_id(page, number), "line", line.box
    for place, token in enumerate(line.tokens, 1):
        if token.box is None:
            continue
        if isinstance(token, Gap):
            yield f"zone-{view.places[token.id]}", "gap", token.box
        elif is_doubtful(token, view.vouch) or token.id in view.places:
            yield word_zone_id(page, number, place), "word", token.box
