"""ALTO beside the scan as engine input: from desunt itself, eScriptorium, Tesseract, ABBYY, docWorks; versions 1 to 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from desunt.ocr.engines.sidecar import (
    Bounds,
    ParsedLine,
    ParsedPage,
    ParsedWord,
    Points,
    SidecarFileEngine,
    normalize_text,
    parse_confidence,
    parse_points,
    split_words,
)

NAMES = ("{stem}.alto.xml", "{stem}.xml", "alto/{stem}.xml", "alto/{stem}.alto.xml")
# The units a file may measure in, as a part of an inch.
UNIT_INCHES = {"mm10": 1 / 254, "inch1200": 1 / 1200}


def alto_engine(lang: str = "eng") -> SidecarFileEngine:
    """Return the engine that reads ALTO; the language is the file's."""
    return SidecarFileEngine("alto", "ALTO", "alto", NAMES, parse_alto)


def parse_alto(root: Any, number: int) -> ParsedPage | None:
    """Return a page of a file, counted from 1; None if it has not so many."""
    pages = root.findall("{*}Layout/{*}Page")
    if number > len(pages):
        return None
    page = pages[number - 1]
    gaps = frozenset(tag.get("ID") for tag in root.iter("{*}OtherTag") if tag.get("TYPE") == "gap")
    lines = tuple(
        _line(line, block, gaps) for block, text_block in enumerate(page.iter("{*}TextBlock")) for line in text_block.findall("{*}TextLine")
    )
    unit = (root.findtext("{*}Description/{*}MeasurementUnit") or "pixel").strip()
    return ParsedPage(lines, _float(page.get("WIDTH")), _float(page.get("HEIGHT")), UNIT_INCHES.get(unit))


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _line(line: Any, block: int, gaps: frozenset[str | None]) -> ParsedLine:
    bounds = _bounds(line)
    words = tuple(word for string in line.findall("{*}String") for word in _string(string, bounds, gaps))
    hyphen = line.find("{*}HYP")
    if hyphen is not None and words:
        words = (*words[:-1], replace(words[-1], text=words[-1].text + normalize_text(hyphen.get("CONTENT"))))
    return ParsedLine(words, bounds, block, _baseline(line.get("BASELINE"), bounds))


def _string(string: Any, line_bounds: Bounds | None, gaps: frozenset[str | None]) -> Iterator[ParsedWord]:
    """Yield the words of a string; some programs write a whole line as one, some without a box. The mark of a gap is no word."""
    text, bounds = normalize_text(string.get("CONTENT")), _bounds(string) or line_bounds
    if not text or bounds is None or gaps & set((string.get("TAGREFS") or "").split()):
        return
    confidence = parse_confidence(string.get("WC"))
    is_whole_line = " " in text and string.getparent().find("{*}SP") is None
    yield from split_words(text, bounds, confidence) if is_whole_line else (ParsedWord(text, bounds, confidence),)


def _bounds(element: Any) -> Bounds | None:
    left, top, width, height = (_float(element.get(name)) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if left is None or top is None or not width or not height:
        return None
    return left, top, left + width, top + height


def _baseline(text: str | None, line_bounds: Bounds | None) -> Points:
    """Return the baseline; up to ALTO 4.0 it was one height."""
    points = parse_points(text)
    if points or not text or line_bounds is None:
        return points
    height = _float(text)
    return () if height is None else ((line_bounds[0], height), (line_bounds[2], height))
