"""Lay a transcript over its scan: the transcript's words and gaps on the scan's lines, with the scan's boxes.

A human reading outranks the machine's. What the engine read and the transcript does not have is told in the document's notes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from desunt.errors import InputError
from desunt.record.document import Document, Gap, Line, Page, Region, Token, Word, stable_id
from desunt.transcript.alignment.overlay import Overlay, overlay_of
from desunt.transcript.alignment.stretches import scan_lines, union

# A transcript of which a smaller share was found on the scan is perhaps one of another document.
FITS = 0.5


def align(transcript: Document, pages: tuple[Page, ...], *, document_id: str, source: str) -> Document:
    """Return the scan's document with the transcript's words and gaps; `pages` are what the engine read, with boxes.

    Words the engine did not find stay in the line of the word before them, without a box. Lines on which nothing of the transcript
    stands are left out, and what the engine read there is in the notes. Raises InputError without a transcript or a page.
    """
    if transcript.transcript is None:
        raise InputError(f"{transcript.source}: not a transcript", remedy="Give a text file")
    if not pages:
        raise InputError(f"{source}: the scan has no page", remedy="Check the file")
    pages = _with_a_line(pages, document_id)
    overlay = overlay_of(transcript, scan_lines(pages))
    tokens = _tokens_by_line(overlay, (document_id, transcript.transcript.sha256))
    counter = count()
    aligned = tuple(_page(page, tokens, counter) for page in pages)
    notes = (*transcript.notes, *_notes(overlay, pages))
    return Document(document_id, source, transcript.metadata, aligned, transcript.transcript, notes)


def _with_a_line(pages: tuple[Page, ...], document_id: str) -> tuple[Page, ...]:
    """Give the first page a line where the engine found none on any: the transcript's words must stand somewhere."""
    if any(page.lines for page in pages):
        return pages
    line = Line(stable_id(document_id, "line"), None, ())
    region = Region(stable_id(document_id, "region"), "body", None, (line,))
    return (replace(pages[0], regions=(region,)), *pages[1:])


def _tokens_by_line(overlay: Overlay, place: tuple[str, str]) -> dict[int, list[Token]]:
    """Return the tokens of each line of the scan: words without a place follow the one before them.

    Areas the engine found withheld stay though the transcript does not mark them: nothing may ever be supposed there.
    """
    tokens: dict[int, list[Token]] = defaultdict(list)
    withheld = [n for n, ink in enumerate(overlay.inks) if n not in overlay.used and _is_withheld(ink.token)]
    line = min((p.line for p in overlay.places.values()), default=0)
    for n, token in enumerate(overlay.source.tokens):
        found = overlay.places.get(n)
        while withheld and found and found.inks and withheld[0] < found.inks[0]:
            ink = overlay.inks[withheld.pop(0)]
            tokens[ink.line].append(ink.token)
        line = max(line, found.line) if found else line
        tokens[line].append(_placed(overlay, n, token, place, line))
    for n in withheld:
        tokens[overlay.inks[n].line].append(overlay.inks[n].token)
    return tokens


def _is_withheld(token: Token) -> bool:
    return isinstance(token, Gap) and token.reason == "withheld"


def _placed(overlay: Overlay, n: int, token: Token, place: tuple[str, str], line: int) -> Token:
    name = stable_id(*place, token.span[0] if token.span else n)
    box = overlay.places[n].box if n in overlay.places else None
    if isinstance(token, Word):
        return replace(token, id=name, box=box)
    stretch = overlay.stretches.get(n)
    return replace(
        token,
        id=name,
        box=box,
        # What the transcriber says of the length outranks what was measured.
        extent=token.extent or (stretch.extent if stretch else None),
        engine_reading=stretch.reading if stretch and token.reason != "withheld" else None,
        continues=False if _goes_on(overlay, n, line) else token.continues,
    )


def _goes_on(overlay: Overlay, n: int, line: int) -> bool:
    """Tell whether the next word of the transcript stands on the gap's own line of the scan."""
    following = overlay.places.get(n + 1)
    return following is not None and following.line == line


def _page(page: Page, tokens: dict[int, list[Token]], counter: Iterator[int]) -> Page:
    regions = [replace(region, lines=tuple(_lines(region.lines, tokens, counter))) for region in page.regions]
    return replace(page, regions=tuple(region for region in regions if region.lines), legibility=None)


def _lines(lines: Sequence[Line], tokens: dict[int, list[Token]], counter: Iterator[int]) -> Iterator[Line]:
    for line in lines:
        if placed := tokens.get(next(counter)):
            boxes = [box for box in (line.box, *(token.box for token in placed)) if box]
            yield replace(line, tokens=tuple(placed), box=union(boxes))


def _notes(overlay: Overlay, pages: tuple[Page, ...]) -> Iterator[str]:
    """Yield what an editor should know: how much was found, what the engine read besides, and where scan and marks disagree."""
    words = len(overlay.source.keys)
    found = sum(1 for n in overlay.source.keys if n in overlay.places)
    if found < FITS * words:
        yield f"only {found} of the transcript's {words} words were found on the scan: it may be the transcript of another document"
    elif found < words:
        yield f"{words - found} of the transcript's {words} words were not found on the scan and have no box"
    for page in pages:
        yield from _page_notes(overlay, page)


def _page_notes(overlay: Overlay, page: Page) -> Iterator[str]:
    here = [n for n, ink in enumerate(overlay.inks) if overlay.lines[ink.line].page is page]
    left = [overlay.inks[n] for n in here if n not in overlay.used]
    said = [ink.text for ink in left if ink.text]
    if said:
        yield f"page {page.number}: the engine read words that the transcript does not have: {' '.join(said)}"
    unread = sum(1 for ink in left if not ink.text and not _is_withheld(ink.token))
    if unread:
        yield f"page {page.number}: the engine could not read {unread} places for which the transcript has neither word nor mark"
    if any(_is_withheld(ink.token) for ink in left):
        yield f"page {page.number}: the scan shows a withheld area that the transcript does not mark"
    if any(_is_withheld(overlay.inks[n].token) and n in overlay.used for n in here):
        yield f"page {page.number}: the transcript has a mark or words where the scan shows what may be a withheld area"
