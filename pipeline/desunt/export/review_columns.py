"""The columns of the review page: the diplomatic text in pieces, each with its box, and the gaps that go with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import assert_never

from desunt.export import Pictures
from desunt.export.gap_entries import Entry, each_entry, entries, lines_of
from desunt.export.wording import per_cent, vouch_of
from desunt.record.conjecture import Conjectured, Corrected, Decided, Illegible, Read, Refused, Segment
from desunt.record.document import Box, Document, Page, Word
from desunt.record.files import Record

# Pixels of the original shown round a gap in its card, as a share of the page's width, on each side.
CROP_MARGIN = 0.12
# What follows the last page that has gaps: no page has this number.
NO_MORE: tuple[int, Iterator[Entry]] = 0, iter(())


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of diplomatic text: white space, a word, or the mark of a gap."""

    text: str
    box: Box | None = None
    unclear: str = ""
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class PageView:
    """One page as the template shows it; `lines` are the diplomatic text in pieces, line feeds included."""

    page: Page
    picture: str | None
    lines: tuple[tuple[Piece, ...], ...]
    entries: tuple[Entry, ...]
    words: int
    unclear: int

    @property
    def unclear_boxes(self) -> tuple[Piece, ...]:
        return tuple(piece for line in self.lines for piece in line if piece.unclear and piece.box)


def page_views(record: Record, pictures: Pictures) -> Iterator[PageView]:
    """Yield the pages of a document; a transcript without a scan is one page, as its text is one."""
    if _is_given_back(record.document):
        found = entries(record)
        pieces = tuple(_transcript_pieces(record.document, found))
        yield PageView(Page(1, None, ()), None, (pieces,), found, sum(len(words_of(page)) for page in record.document.pages), 0)
        return
    by_page = groupby(each_entry(record), attrgetter("page"))
    number, here = next(by_page, NO_MORE)
    for page in record.document.pages:
        found = tuple(here) if number == page.number else ()
        if number == page.number:
            number, here = next(by_page, NO_MORE)
        yield _page_view(page, record, found, pictures)


def counted(record: Record) -> tuple[int, int]:
    """Return how many words were read, and how many of them are unclear; of a transcript none is."""
    vouch, words, unclear = 0.0 if _is_given_back(record.document) else vouch_of(record), 0, 0
    for page in record.document.pages:
        found = words_of(page)
        words, unclear = words + len(found), unclear + sum(bool(_unclear(word, vouch)) for word in found)
    return words, unclear


def _page_view(page: Page, record: Record, here: tuple[Entry, ...], pictures: Pictures) -> PageView:
    jpeg, vouch = pictures(page.image) if page.image else None, vouch_of(record)
    picture = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else None
    words = words_of(page)
    unclear = sum(bool(_unclear(word, vouch)) for word in words)
    return PageView(page, picture, tuple(_page_lines(page, record, here, vouch)), here, len(words), unclear)


def words_of(page: Page) -> list[Word]:
    """Return the words of a page in reading order."""
    return [token for line in page.lines for token in line.tokens if isinstance(token, Word)]


def _is_given_back(document: Document) -> bool:
    return document.transcript is not None and not any(page.image for page in document.pages)


def _page_lines(page: Page, record: Record, here: tuple[Entry, ...], vouch: float) -> Iterator[tuple[Piece, ...]]:
    """Yield `Page.text` and a line feed, in pieces."""
    joined, numbered = lines_of(page, record), iter(here)
    regions = [region for region in page.regions if region.lines]
    for number, region in enumerate(regions):
        if number:
            yield (Piece("\n"),)
        for _ in region.lines:
            _, tokens = next(joined)
            yield (*_spaced([_piece(token, numbered, vouch) for token in tokens]), Piece("\n"))
    if not regions:
        yield (Piece("\n"),)


def _spaced(pieces: list[Piece]) -> Iterator[Piece]:
    for number, piece in enumerate(pieces):
        if number:
            yield Piece(" ")
        yield piece


def _transcript_pieces(document: Document, found: tuple[Entry, ...]) -> Iterator[Piece]:
    """Yield the transcript exactly as it came, its gaps linked; a gap without a usable place in it stays plain text."""
    assert document.transcript is not None
    text, at = document.transcript.text, 0
    for entry in found:
        start, end = entry.gap.span or (-1, -1)
        if at <= start < end <= len(text):
            yield Piece(text[at:start])
            yield Piece(text[start:end], entry=entry)
            at = end
    yield Piece(text[at:])


def _piece(token: Segment, numbered: Iterator[Entry], vouch: float) -> Piece:
    match token:
        case Read(word) | Corrected(word):
            return Piece(word.text, word.box, _unclear(word, vouch))
        case Illegible(gap) | Conjectured(gap) | Refused(gap) | Decided(gap):
            return Piece(gap.printed, gap.box, entry=next(numbered))
        case _:
            assert_never(token)


def _unclear(word: Word, vouch: float) -> str:
    """Say how doubtful a word is; nothing if it is vouched for."""
    if word.legibility is None or word.legibility >= vouch:
        return ""
    return f"Unclear: the probability that this word is read right is {per_cent(word.legibility)}"


def crop(entry: Entry, page: Page) -> tuple[int, int, int, int] | None:
    """Return left, top, width, height of the part of the scan a card shows: the gap and what stands round it in its line."""
    box, image = entry.gap.box, page.image
    if box is None or image is None:
        return None
    margin = max(int(image.width * CROP_MARGIN), box.height * 3)
    height = max(box.height // 2, int(image.width * 0.012))
    left, top = max(0, box.left - margin), max(0, box.top - height)
    return left, top, max(1, min(image.width, box.right + margin) - left), max(1, min(image.height, box.bottom + height) - top)
