"""The columns of the review page: the diplomatic text in pieces, each with its box, and the gaps that go with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import assert_never

from desunt.export import ImageSource
from desunt.export.gap_entries import ApparatusEntry, entries, iter_entries, joined_lines
from desunt.export.modes import is_transcript_only
from desunt.export.wording import per_cent, vouch_threshold
from desunt.record.conjecture import Conjectured, Corrected, Decided, Illegible, Read, Refused, Segment
from desunt.record.document import Box, Document, Page, Word
from desunt.record.files import Record

# Pixels of the original shown round a gap in its card, as a share of the page's width, on each side.
CROP_MARGIN_SHARE = 0.12
# What follows the last page that has gaps: no page has this number.
NO_MORE_ENTRIES: tuple[int, Iterator[ApparatusEntry]] = 0, iter(())


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A run of diplomatic text: white space, a word, or the mark of a gap."""

    text: str
    box: Box | None = None
    unclear: str = ""
    entry: ApparatusEntry | None = None


@dataclass(frozen=True, slots=True)
class PageColumns:
    """One page as the template shows it; `lines` are the diplomatic text in pieces, line feeds included."""

    page: Page
    picture: str | None
    lines: tuple[tuple[TextPiece, ...], ...]
    entries: tuple[ApparatusEntry, ...]
    words: int
    unclear: int

    @property
    def unclear_boxes(self) -> tuple[TextPiece, ...]:
        return tuple(piece for line in self.lines for piece in line if piece.unclear and piece.box)


def page_columns(record: Record, images: ImageSource) -> Iterator[PageColumns]:
    """Yield the pages of a document; a transcript without a scan is one page, as its text is one."""
    if is_transcript_only(record.document):
        page_entries = entries(record)
        pieces = tuple(_transcript_pieces(record.document, page_entries))
        yield PageColumns(Page(1, None, ()), None, (pieces,), page_entries, sum(len(words_of(page)) for page in record.document.pages), 0)
        return
    by_page = groupby(iter_entries(record), attrgetter("page"))
    next_page, next_entries = next(by_page, NO_MORE_ENTRIES)
    for page in record.document.pages:
        page_entries = tuple(next_entries) if next_page == page.number else ()
        if next_page == page.number:
            next_page, next_entries = next(by_page, NO_MORE_ENTRIES)
        yield _columns_of(page, record, page_entries, images)


def count_words(record: Record) -> tuple[int, int]:
    """Return how many words were read, and how many of them are unclear; of a transcript none is."""
    vouch, words, unclear = 0.0 if is_transcript_only(record.document) else vouch_threshold(record), 0, 0
    for page in record.document.pages:
        page_words = words_of(page)
        words, unclear = words + len(page_words), unclear + sum(bool(_unclear_note(word, vouch)) for word in page_words)
    return words, unclear


def _columns_of(page: Page, record: Record, page_entries: tuple[ApparatusEntry, ...], images: ImageSource) -> PageColumns:
    jpeg, vouch = images(page.image) if page.image else None, vouch_threshold(record)
    picture = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else None
    words = words_of(page)
    unclear = sum(bool(_unclear_note(word, vouch)) for word in words)
    return PageColumns(page, picture, tuple(_page_lines(page, record, page_entries, vouch)), page_entries, len(words), unclear)


def words_of(page: Page) -> list[Word]:
    """Return the words of a page in reading order."""
    return [token for line in page.lines for token in line.tokens if isinstance(token, Word)]


def _page_lines(page: Page, record: Record, page_entries: tuple[ApparatusEntry, ...], vouch: float) -> Iterator[tuple[TextPiece, ...]]:
    """Yield `Page.text` and a line feed, in pieces."""
    segmented_lines, entry_queue = joined_lines(page, record), iter(page_entries)
    regions = [region for region in page.regions if region.lines]
    for number, region in enumerate(regions):
        if number:
            yield (TextPiece("\n"),)
        for _ in region.lines:
            _, tokens = next(segmented_lines)
            yield (*_spaced([_piece_of(token, entry_queue, vouch) for token in tokens]), TextPiece("\n"))
    if not regions:
        yield (TextPiece("\n"),)


def _spaced(pieces: list[TextPiece]) -> Iterator[TextPiece]:
    for number, piece in enumerate(pieces):
        if number:
            yield TextPiece(" ")
        yield piece


def _transcript_pieces(document: Document, gap_entries: tuple[ApparatusEntry, ...]) -> Iterator[TextPiece]:
    """Yield the transcript exactly as it came, its gaps linked; a gap without a usable place in it stays plain text."""
    assert document.transcript is not None
    text, position = document.transcript.text, 0
    for entry in gap_entries:
        start, end = entry.gap.span or (-1, -1)
        if position <= start < end <= len(text):
            yield TextPiece(text[position:start])
            yield TextPiece(text[start:end], entry=entry)
            position = end
    yield TextPiece(text[position:])


def _piece_of(segment: Segment, entry_queue: Iterator[ApparatusEntry], vouch: float) -> TextPiece:
    match segment:
        case Read(word) | Corrected(word):
            return TextPiece(word.text, word.box, _unclear_note(word, vouch))
        case Illegible(gap) | Conjectured(gap) | Refused(gap) | Decided(gap):
            return TextPiece(gap.printed, gap.box, entry=next(entry_queue))
        case _:
            assert_never(segment)


def _unclear_note(word: Word, vouch: float) -> str:
    """Say how doubtful a word is; nothing if it is vouched for."""
    if word.legibility is None or word.legibility >= vouch:
        return ""
    return f"Unclear: the probability that this word is read right is {per_cent(word.legibility)}"


def crop_around(entry: ApparatusEntry, page: Page) -> tuple[int, int, int, int] | None:
    """Return left, top, width, height of the part of the scan a card shows: the gap and what stands round it in its line."""
    box, image = entry.gap.box, page.image
    if box is None or image is None:
        return None
    margin = max(int(image.width * CROP_MARGIN_SHARE), box.height * 3)
    height = max(box.height // 2, int(image.width * 0.012))
    left, top = max(0, box.left - margin), max(0, box.top - height)
    return left, top, max(1, min(image.width, box.right + margin) - left), max(1, min(image.height, box.bottom + height) - top)
