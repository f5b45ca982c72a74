"""Read exports back as a stranger would: their text-bearing part, and candidates that carry no label.

Nothing here is shared with the code that writes the exports, so that a fault there cannot hide itself here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.verify.readback.pdf import pdf_generator, pdf_labelled, pdf_shown, pdf_text, pdf_unlabelled
from desunt.verify.readback.plain_text import (
    csv_labelled,
    csv_unlabelled,
    manifest_labelled,
    manifest_text,
    manifest_unlabelled,
    markdown_labelled,
    markdown_text,
    markdown_unlabelled,
    one_spaced,
    plain_labelled,
    plain_text,
    plain_unlabelled,
    written_out,
)
from desunt.verify.readback.xml import (
    alto_labelled,
    alto_text,
    alto_unlabelled,
    hocr_labelled,
    hocr_text,
    hocr_unlabelled,
    page_labelled,
    page_text,
    page_unlabelled,
    shown,
    tei_labelled,
    tei_text,
    tei_unlabelled,
    xml_generator,
)

# Elements that have no end tag, by the HTML standard; the others of our page are always closed.
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
WRITTEN_BY = re.compile(r"Written by (desunt \S+)\.\*?$", re.MULTILINE)
CANDIDATE_LINE = re.compile(r"\s*\d+\.\s")
JPEG = "data:image/jpeg;base64,"


class _Page(HTMLParser):
    """Collect the text columns, the candidates and the page images of a review page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.columns: list[str] = []
        self.candidates: list[str] = []
        self.pictures: dict[int, str] = {}
        self.generator = ""
        self._open: list[tuple[str, list[str] | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._notice(tag, given)
        target = self.columns if "data-text" in given else self.candidates if "data-candidate" in given else None
        if target is not None:
            target.append("")
        if tag not in VOID:
            self._open.append((tag, target))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._notice(tag, dict(attrs))

    def _notice(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "meta" and given.get("name") == "generator":
            self.generator = given.get("content") or ""
        number = (given.get("id") or "").removeprefix("scan-")
        if tag == "image" and number.isdecimal():
            self.pictures[int(number)] = given.get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, _ = self._open.pop()
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        for target in {id(target): target for _, target in self._open if target is not None}.values():
            target[-1] += data


@lru_cache(maxsize=1)
def _parsed(content: str) -> _Page:
    page = _Page()
    page.feed(content)
    page.close()
    return page


def html_text(content: str) -> str:
    """Return the text columns, pages joined by form feeds; a NUL cannot be written in HTML and stands as its symbol."""
    return "\f".join(_parsed(content).columns)


def html_pictures(content: str) -> dict[int, bytes]:
    """Return the page images inside the page by page number; an image that is no JPEG data URI is left out."""
    pictures = {}
    for number, href in _parsed(content).pictures.items():
        if href.startswith(JPEG):
            try:
                pictures[number] = base64.b64decode(href.removeprefix(JPEG), validate=True)
            except binascii.Error:
                continue
    return pictures


def _html_unlabelled(content: str) -> Iterator[str]:
    for number, words in enumerate(_parsed(content).candidates, start=1):
        if not words.split() or not words.split()[0].startswith(CONJECTURE_LABEL):
            yield f"candidate {number} of the page ({' '.join(words.split())[:60]!r})"


def _markdown_unlabelled(content: str) -> Iterator[str]:
    for number, line in enumerate(content.splitlines(), start=1):
        if CANDIDATE_LINE.match(line) and not CANDIDATE_LINE.sub("", line, count=1).startswith(CONJECTURE_LABEL):
            yield f"line {number} ({line.strip()[:60]!r})"


def _json_unlabelled(content: str) -> Iterator[str]:
    def walk(value: Any, place: str) -> Iterator[str]:
        if isinstance(value, dict):
            if "probability" in value and value.get("status") != CONJECTURE_LABEL:
                yield place
            for key, inner in value.items():
                yield from walk(inner, f"{place}/{key}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                yield from walk(inner, f"{place}/{number}")

    yield from walk(json.loads(content), "")


def _json_text(content: str) -> str:
    found = json.loads(content)
    return str(found["text"]) if isinstance(found, dict) and "text" in found else ""


def _json_candidates(content: str) -> int:
    return sum(len(gap["candidates"]) for gap in json.loads(content)["gaps"])


# How to read the text of an export, whether it is a reading export or carries the text beside an apparatus; by format.
TEXT_OF: dict[str, Callable[[str], str]] = {
    "text": plain_text,
    "html": html_text,
    "json": _json_text,
    "tei": tei_text,
    "page": page_text,
    "alto": alto_text,
    "hocr": hocr_text,
    "markdown": markdown_text,
    "iiif": manifest_text,
    "pdf": pdf_text,
}
# How a format shows text that it cannot hold as it is; both what is read back and the truth are compared in this form.
SHOWN: dict[str, Callable[[str], str]] = {
    "html": lambda text: text.replace("\0", "␀"),
    "tei": shown,
    "page": shown,
    "alto": shown,
    "hocr": shown,
    "markdown": written_out,
    "iiif": one_spaced,
    "pdf": pdf_shown,
}
# How to find candidates without a label, by format.
UNLABELLED: dict[str, Callable[[str], Iterator[str]]] = {
    "apparatus": _markdown_unlabelled,
    "html": _html_unlabelled,
    "json": _json_unlabelled,
    "tei": tei_unlabelled,
    "page": page_unlabelled,
    "alto": alto_unlabelled,
    "hocr": hocr_unlabelled,
    "text": plain_unlabelled,
    "markdown": markdown_unlabelled,
    "csv": csv_unlabelled,
    "iiif": manifest_unlabelled,
    "pdf": pdf_unlabelled,
}
# How many labelled candidates a file holds, by format: none may be missing or stand outside its place.
LABELLED: dict[str, Callable[[str], int]] = {
    "apparatus": lambda content: sum(bool(CANDIDATE_LINE.match(line)) for line in content.splitlines()),
    "html": lambda content: len(_parsed(content).candidates),
    "json": _json_candidates,
    "tei": tei_labelled,
    "page": page_labelled,
    "alto": alto_labelled,
    "hocr": hocr_labelled,
    "text": plain_labelled,
    "markdown": markdown_labelled,
    "csv": csv_labelled,
    "iiif": manifest_labelled,
    "pdf": pdf_labelled,
}


def generator_of(name: str, content: str) -> str:
    """Return which desunt wrote an export; nothing where the format does not say."""
    if name == "pdf":
        return pdf_generator(content)
    if name in ("tei", "page", "alto", "hocr"):
        return xml_generator(name, content)
    if name == "html":
        return _parsed(content).generator
    if name == "json":
        found = json.loads(content)
        return str(found.get("generator", "")) if isinstance(found, dict) else ""
    if name == "iiif":
        said = [pair["value"]["none"][0] for pair in json.loads(content)["metadata"] if pair["label"]["none"] == ["Written by"]]
        return str(said[-1]) if said else ""
    if name in ("text", "markdown"):
        return next((found[1] for found in WRITTEN_BY.finditer(content)), "")
    if name == "apparatus":
        said = [line.removeprefix("- Written by ") for line in content.splitlines() if line.startswith("- Written by ")]
        return said[-1] if said else ""
    return ""
