"""PAGE XML beside the scan as engine input: from desunt itself, Transkribus, eScriptorium, OCR-D, Aletheia; versions 2010 to 2019."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from desunt.ocr.engines.sidecar import Corners, FileEngine, Points, Sheet, SheetLine, SheetWord, around, clean_text, numbers, share, split

NAMES = ("{stem}.page.xml", "{stem}.xml", "page/{stem}.xml", "page/{stem}.page.xml")


def page_xml(lang: str = "eng") -> FileEngine:
    """Return the engine that reads PAGE XML; the language is the file's."""
    return FileEngine("page", "PAGE XML", "PcGts", NAMES, page_sheet)


def page_sheet(root: Any, number: int) -> Sheet | None:
    """Return the page of a file: its lines in reading order. A PAGE file holds one page."""
    page = root.find("{*}Page")
    if page is None or number > 1:
        return None
    regions = _ordered(page)
    lines = tuple(line for block, region in enumerate(regions) for line in _lines(region, block))
    return Sheet(lines, _length(page.get("imageWidth")), _length(page.get("imageHeight")))


def _length(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _ordered(page: Any) -> list[Any]:
    """Return the text regions, those the reading order names first and in its order, the others as they come."""
    regions = {region.get("id"): region for region in page.iter("{*}TextRegion")}
    order = page.find("{*}ReadingOrder")
    named = [one.get("regionRef") for one in _references(order)] if order is not None else []
    first = [regions[name] for name in dict.fromkeys(named) if name in regions]
    return [*first, *(region for region in page.iter("{*}TextRegion") if region not in first)]


def _references(group: Any) -> Iterator[Any]:
    """Yield the references of a group and of the groups in it; indexed ones by their index."""
    for one in sorted(group, key=_index):
        if one.get("regionRef"):
            yield one
        yield from _references(one)


def _lines(region: Any, block: int) -> Iterator[SheetLine]:
    """Yield the region's own lines; a region inside it comes as a block of its own."""
    lines = region.findall("{*}TextLine")
    for line in sorted(lines, key=_index):
        corners = around(_points(line))
        said = [one for one in line.findall("{*}Word") if _text(one)[0]]
        words = tuple(word for one in said for word in _word(one))
        if not said and corners:
            # Transkribus and eScriptorium write lines without words, and some programs words without text.
            words = tuple(split(_text(line)[0], corners, _text(line)[1]))
        baseline = line.find("{*}Baseline")
        yield SheetLine(words, corners, block, () if baseline is None else numbers(baseline.get("points")))


def _index(one: Any) -> int:
    text = one.get("index") or ""
    return int(text) if text.isdecimal() else 0


def _word(word: Any) -> Iterator[SheetWord]:
    """Yield what a word element says; the mark of a gap is no word."""
    text, confidence = _text(word)
    corners: Corners | None = around(_points(word))
    if text and corners and not any(one.get("name") == "gap" for one in word.iter("{*}UserAttribute")):
        # A word is one word, also where a typist's or an engine's space stands in it.
        yield SheetWord(text, corners, confidence)


def _text(one: Any) -> tuple[str, float]:
    """Return the text of an element and its confidence; of several texts the one with the lowest index is the text."""
    texts = [text for text in one.findall("{*}TextEquiv") if text.find("{*}Unicode") is not None]
    if not texts:
        return "", 1.0
    best = min(texts, key=_index)
    return clean_text(best.findtext("{*}Unicode")), share(best.get("conf"))


def _points(one: Any) -> Points:
    coords = one.find("{*}Coords")
    if coords is None:
        return ()
    if coords.get("points"):
        return numbers(coords.get("points"))
    # Up to 2010 each point was an element.
    return tuple(pair for point in coords.iter("{*}Point") for pair in numbers(f"{point.get('x')},{point.get('y')}"))
