"""The facsimile of a TEI file: a surface a page, and on it the zones of blocks, lines, gaps and doubtful words, in original pixels."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from lxml import etree

from desunt.export.formats.tei.context import (
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


def surface_of(page: Page, context: TeiContext) -> etree._Element:
    """Return the surface of a page that has a scan; right and bottom of a zone are exclusive, as in the record."""
    assert page.image is not None
    image = page.image
    surface = element(
        f"{{{TEI}}}surface", {XML_ID: surface_id(page), "n": page.number, "ulx": 0, "uly": 0, "lrx": image.width, "lry": image.height}
    )
    graphic = subelement(surface, "graphic", {"url": quote(image.path), "width": f"{image.width}px", "height": f"{image.height}px"})
    subelement(graphic, "desc", {}, _image_description(image))
    for zone_id, zone_type, box in _zones(page, context):
        subelement(surface, "zone", {XML_ID: zone_id, "type": zone_type, **zone_corners(box)})
    return indent(surface)


def _image_description(image: ImageRef) -> str:
    return f"frame {image.frame + 1} of the file, {image.dpi} dpi, SHA-256 of the file {image.sha256}"


def _zones(page: Page, context: TeiContext) -> Iterator[tuple[str, str, Box]]:
    line_number = 0
    for region_number, region in enumerate(page.regions, 1):
        if region.box:
            yield region_zone_id(page, region_number), region.kind, region.box
        for line in region.lines:
            line_number += 1
            yield from _line_zones(page, line_number, line, context)


def _line_zones(page: Page, line_number: int, line: Line, context: TeiContext) -> Iterator[tuple[str, str, Box]]:
    if line.box:
        yield line_zone_id(page, line_number), "line", line.box
    for token_number, token in enumerate(line.tokens, 1):
        if token.box is None:
            continue
        if isinstance(token, Gap):
            yield f"zone-{context.xml_ids[token.id]}", "gap", token.box
        elif is_doubtful(token, context.vouch) or token.id in context.xml_ids:
            yield word_zone_id(page, line_number, token_number), "word", token.box
