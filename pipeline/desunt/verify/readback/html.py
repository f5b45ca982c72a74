"""Read the review page back as a stranger would; nothing here is shared with the code that writes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

from desunt.record.conjecture import CONJECTURE_LABEL

# Elements that have no end tag, by the HTML standard; the others of our page are always closed.
VOID_ELEMENTS = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
JPEG_URI = "data:image/jpeg;base64,"


class _ReviewPage(HTMLParser):
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
        if tag not in VOID_ELEMENTS:
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
def _parsed(content: str) -> _ReviewPage:
    page = _ReviewPage()
    page.feed(content)
    page.close()
    return page


def html_text(content: str) -> str:
    """Return the text columns, pages joined by form feeds; a NUL cannot be written in HTML and stands as its symbol."""
    return "\f".join(_parsed(content).columns)


def html_page_images(content: str) -> dict[int, bytes]:
    """Return the page images inside the page by page number; an image that is no JPEG data URI is left out."""
    pictures = {}
    for number, href in _parsed(content).pictures.items():
        if href.startswith(JPEG_URI):
            try:
                pictures[number] = base64.b64decode(href.removeprefix(JPEG_URI), validate=True)
            except binascii.Error:
                continue
    return pictures


def html_unlabelled(content: str) -> Iterator[str]:
    for number, words in enumerate(_parsed(content).candidates, start=1):
        if not words.split() or not words.split()[0].startswith(CONJECTURE_LABEL):
            yield f"candidate {number} of the page ({' '.join(words.split())[:60]!r})"


def html_labelled(content: str) -> int:
    """Count the candidates."""
    return len(_parsed(content).candidates)


def html_generator(content: str) -> str:
    """Return which desunt wrote the page."""
    return _parsed(content).generator
