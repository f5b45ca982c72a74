"""Lay a transcript over its scan: the transcript's words and gaps on the scan's lines, with the scan's boxes.

A human reading outranks the machine's. What the engine read and the transcript does not have is told in the document's notes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from desunt.errors import InputError
from desunt.record.document import Box, Document, Gap, Line, Page, Region, Token, Word, stable_id
from desunt.transcript.alignment.gap_placement import scan_lines
from desunt.transcript.alignment.token_alignment import TokenAlignment, align_tokens

# A transcript of which a smaller share was found on the scan is perhaps one of another document.
MIN_FOUND_SHARE = 0.5


def align(transcript: Document, pages: tuple[Page, ...], *, document_id: str, source: str) -> Document:
    """Return the scan's document with the transcript's words and gaps; `pages` are what the engine read, with boxes.

    Words the engine did not find stay in the line of the word before them, without a box. Lines on which nothing of the transcript
    stands are left out, and what the engine read there is in the notes. Raises InputError without a transcript or a page.
    """
    if transcript.transcript is None:
        raise InputError(f"{transcript.source}: not a transcript", remedy="Give a text file")
    if not pages:
        raise InputError(f"{source}: the scan has no page", remedy="Check the file")
    pages = _ensure_line(pages, document_id)
    alignment = align_tokens(transcript, scan_lines(pages))
    tokens = _tokens_by_line(alignment, (document_id, transcript.transcript.sha256))
    counter = count()
    aligned = tuple(_align_page(page, tokens, counter) for page in pages)
    notes = (*transcript.notes, *_notes(alignment, pages))
    return Document(document_id, source, transcript.metadata, aligned, transcript.transcript, notes)


def _ensure_line(pages: tuple[Page, ...], document_id: str) -> tuple[Page, ...]:
    """Give the first page a line where the engine found none on any: the transcript's words must stand somewhere."""
    if any(page.lines for page in pages):
        return pages
    line = Line(stable_id(document_id, "line"), None, ())
    region = Region(stable_id(document_id, "region"), "body", None, (line,))
    return (replace(pages[0], regions=(region,)), *pages[1:])


def _tokens_by_line(alignment: TokenAlignment, id_seed: tuple[str, str]) -> dict[int, list[Token]]:
    """Return the tokens of each line of the scan: words without a place follow the one before them.

    Areas the engine found withheld stay though the transcript does not mark them: nothing may ever be supposed there.
    """
    tokens: dict[int, list[Token]] = defaultdict(list)
    withheld = [n for n, scan_token in enumerate(alignment.scan_tokens) if n not in alignment.used and _is_withheld(scan_token.token)]
    line = min((place.line for place in alignment.places.values()), default=0)
    for n, token in enumerate(alignment.source.tokens):
        place = alignment.places.get(n)
        while withheld and place and place.scan_tokens and withheld[0] < place.scan_tokens[0]:
            scan_token = alignment.scan_tokens[withheld.pop(0)]
            tokens[scan_token.line].append(scan_token.token)
        line = max(line, place.line) if place else line
        tokens[line].append(_place_token(alignment, n, token, id_seed, line))
    for n in withheld:
        tokens[alignment.line_of(n)].append(alignment.scan_tokens[n].token)
    return tokens


def _is_withheld(token: Token) -> bool:
    return isinstance(token, Gap) and token.reason == "withheld"


def _place_token(alignment: TokenAlignment, n: int, token: Token, id_seed: tuple[str, str], line: int) -> Token:
    token_id = stable_id(*id_seed, token.span[0] if token.span else n)
    box = alignment.places[n].box if n in alignment.places else None
    if isinstance(token, Word):
        return replace(token, id=token_id, box=box)
    placement = alignment.gap_placements.get(n)
    return replace(
        token,
        id=token_id,
        box=box,
        # What the transcriber says of the length outranks what was measured.
        extent=token.extent or (placement.extent if placement else None),
        engine_reading=placement.reading if placement and token.reason != "withheld" else None,
        continues=False if _continues_on_line(alignment, n, line) else token.continues,
    )


def _continues_on_line(alignment: TokenAlignment, n: int, line: int) -> bool:
    """Tell whether the next word of the transcript stands on the gap's own line of the scan."""
    following = alignment.places.get(n + 1)
    return following is not None and following.line == line


def _align_page(page: Page, tokens: dict[int, list[Token]], counter: Iterator[int]) -> Page:
    regions = [replace(region, lines=tuple(_align_lines(region.lines, tokens, counter))) for region in page.regions]
    return replace(page, regions=tuple(region for region in regions if region.lines), legibility=None)


def _align_lines(lines: Sequence[Line], tokens: dict[int, list[Token]], counter: Iterator[int]) -> Iterator[Line]:
    for line in lines:
        if placed := tokens.get(next(counter)):
            yield replace(line, tokens=tuple(placed), box=Box.enclosing_known((line.box, *(token.box for token in placed))))


def _notes(alignment: TokenAlignment, pages: tuple[Page, ...]) -> Iterator[str]:
    """Yield what an editor should know: how much was found, what the engine read besides, and where scan and marks disagree."""
    words = len(alignment.source.keys)
    found_words = sum(1 for n in alignment.source.keys if n in alignment.places)
    if found_words < MIN_FOUND_SHARE * words:
        yield f"only {found_words} of the transcript's {words} words were found on the scan: it may be the transcript of another document"
    elif found_words < words:
        yield f"{words - found_words} of the transcript's {words} words were not found on the scan and have no box"
    for page in pages:
        yield from _page_notes(alignment, page)


def _page_notes(alignment: TokenAlignment, page: Page) -> Iterator[str]:
    on_page = [n for n, scan_token in enumerate(alignment.scan_tokens) if alignment.lines[scan_token.line].page is page]
    unused = [alignment.scan_tokens[n] for n in on_page if n not in alignment.used]
    words = [scan_token.text for scan_token in unused if scan_token.text]
    if words:
        yield f"page {page.number}: the engine read words that the transcript does not have: {' '.join(words)}"
    unread = sum(1 for scan_token in unused if not scan_token.text and not _is_withheld(scan_token.token))
    if unread:
        yield f"page {page.number}: the engine could not read {unread} places for which the transcript has neither word nor mark"
    if any(_is_withheld(scan_token.token) for scan_token in unused):
        yield f"page {page.number}: the scan shows a withheld area that the transcript does not mark"
    if any(_is_withheld(alignment.scan_tokens[n].token) and n in alignment.used for n in on_page):
        yield f"page {page.number}: the transcript has a mark or words where the scan shows what may be a withheld area"
