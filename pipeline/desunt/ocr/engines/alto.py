"""ALTO beside the scan as engine input: from desunt itself, eScriptorium, Tesseract, ABBYY, docWorks; versions 1 to 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from desunt.ocr.engines.sidecar import Corners, FileEngine, Points, Sheet, SheetLine, SheetWord, clean_text, numbers, share, split

NAMES = ("{stem}.alto.xml", "{stem}.xml", "alto/{stem}.xml", "alto/{stem}.alto.xml")
# The units a file may measure in, as a part of an inch.
INCHES = {"mm10": 1 / 254, "inch1200": 1 / 1200}


def alto(lang: str = "eng") -> FileEngine:
    """Return the engine that reads ALTO; the language is the file's."""
    return FileEngine("alto", "ALTO", "alto", NAMES, alto_sheet)


def alto_sheet(root: Any, number: int) -> Sheet | None:
    """Return a page of a file, counted from 1; None if it has not so many."""
    pages = root.findall("{*}Layout/{*}Page")
    if number > len(pages):
        return None
    page = pages[number - 1]
    gaps = frozenset(tag.get("ID") for tag in root.iter("{*}OtherTag") if tag.get("TYPE") == "gap")
    lines = tuple(_line(line, block, gaps) for block, one in enumerate(page.iter("{*}TextBlock")) for line in one.findall("{*}TextLine"))
    unit = (root.findtext("{*}Description/{*}MeasurementUnit") or "pixel").strip()
    return Sheet(lines, _float(page.get("WIDTH")), _float(page.get("HEIGHT")), INCHES.get(unit))


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _line(line: Any, block: int, gaps: frozenset[str | None]) -> SheetLine:
    corners = _corners(line)
    words = tuple(word for one in line.findall("{*}String") for word in _string(one, corners, gaps))
    hyphen = line.find("{*}HYP")
    if hyphen is not None and words:
        words = (*words[:-1], replace(words[-1], text=words[-1].text + clean_text(hyphen.get("CONTENT"))))
    return SheetLine(words, corners, block, _baseline(line.get("BASELINE"), corners))


def _string(string: Any, line: Corners | None, gaps: frozenset[str | None]) -> Iterator[SheetWord]:
    """Yield the words of a string; some programs write a whole line as one, some without a box. The mark of a gap is no word."""
    text, corners = clean_text(string.get("CONTENT")), _corners(string) or line
    if not text or corners is None or gaps & set((string.get("TAGREFS") or "").split()):
        return
    confidence = share(string.get("WC"))
    whole = " " in text and string.getparent().find("{*}SP") is None
    yield from split(text, corners, confidence) if whole else (SheetWord(text, corners, confidence),)


def _corners(one: Any) -> Corners | None:
    left, top, width, height = (_float(one.get(name)) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if left is None or top is None or not width or not height:
        return None
    return left, top, left + width, top + height


def _baseline(text: str | None, line: Corners | None) -> Points:
    """Return the baseline; up to ALTO 4.0 it was one height."""
    points = numbers(text)
    if points or not text or line is None:
        return points
    height = _float(text)
    return () if height is None else ((line[0], height), (line[2], height))
