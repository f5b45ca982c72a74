"""PAGE XML beside the scan as engine input: from desunt itself, Transkribus, eScriptorium, OCR-D, Aletheia; versions 2010 to 2019."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from desunt.ocr.engines.sidecar import (
    Bounds,
    ParsedLine,
    ParsedPage,
    ParsedWord,
    Points,
    SidecarFileEngine,
    bounds_of,
    normalize_text,
    parse_confidence,
    parse_points,
    split_words,
)

NAMES = ("{stem}.page.xml", "{stem}.xml", "page/{stem}.xml", "page/{stem}.page.xml")


def page_xml_engine(lang: str = "eng") -> SidecarFileEngine:
    """Return the engine that reads PAGE XML; the language is the file's."""
    return SidecarFileEngine("page", "PAGE XML", "PcGts", NAMES, parse_page_xml)


def parse_page_xml(root: Any, number: int) -> ParsedPage | None:
    """Return the page of a file: its lines in reading order. A PAGE file holds one page."""
    page = root.find("{*}Page")
    if page is None or number > 1:
        return None
    regions = _in_reading_order(page)
    lines = tuple(line for block, region in enumerate(regions) for line in _lines(region, block))
    return ParsedPage(lines, _length(page.get("imageWidth")), _length(page.get("imageHeight")))


def _length(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _in_reading_order(page: Any) -> list[Any]:
    """Return the text regions, those the reading order names first and in its order, the others as they come."""
    regions = {region.get("id"): region for region in page.iter("{*}TextRegion")}
    order = page.find("{*}ReadingOrder")
    names = [reference.get("regionRef") for reference in _region_references(order)] if order is not None else []
    first = [regions[name] for name in dict.fromkeys(names) if name in regions]
    return [*first, *(region for region in page.iter("{*}TextRegion") if region not in first)]


def _region_references(group: Any) -> Iterator[Any]:
    """Yield the references of a group and of the groups in it; indexed ones by their index."""
    for element in sorted(group, key=_index):
        if element.get("regionRef"):
            yield element
        yield from _region_references(element)


def _lines(region: Any, block: int) -> Iterator[ParsedLine]:
    """Yield the region's own lines; a region inside it comes as a block of its own."""
    lines = region.findall("{*}TextLine")
    for line in sorted(lines, key=_index):
        bounds = bounds_of(_points(line))
        elements = [element for element in line.findall("{*}Word") if _text(element)[0]]
        words = tuple(word for element in elements for word in _word(element))
        if not elements and bounds:
            # Transkribus and eScriptorium write lines without words, and some programs words without text.
            words = tuple(split_words(_text(line)[0], bounds, _text(line)[1]))
        baseline = line.find("{*}Baseline")
        yield ParsedLine(words, bounds, block, () if baseline is None else parse_points(baseline.get("points")))


def _index(element: Any) -> int:
    text = element.get("index") or ""
    return int(text) if text.isdecimal() else 0


def _word(word: Any) -> Iterator[ParsedWord]:
    """Yield what a word element says; the mark of a gap is no word."""
    text, confidence = _text(word)
    bounds: Bounds | None = bounds_of(_points(word))
    if text and bounds and not any(attribute.get("name") == "gap" for attribute in word.iter("{*}UserAttribute")):
        # A word is one word, also where a typist's or an engine's space stands in it.
        yield ParsedWord(text, bounds, confidence)


def _text(element: Any) -> tuple[str, float]:
    """Return the text of an element and its confidence; of several texts the one with the lowest index is the text."""
    texts = [text for text in element.findall("{*}TextEquiv") if text.find("{*}Unicode") is not None]
    if not texts:
        return "", 1.0
    best = min(texts, key=_index)
    return normalize_text(best.findtext("{*}Unicode")), parse_confidence(best.get("conf"))


def _points(element: Any) -> Points:
    coords = element.find("{*}Coords")
    if coords is None:
        return ()
    if coords.get("points"):
        return parse_points(coords.get("points"))
    # Up to 2010 each point was an element.
    return tuple(pair for point in coords.iter("{*}Point") for pair in parse_points(f"{point.get('x')},{point.get('y')}"))
