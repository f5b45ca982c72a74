"""What a second engine made of the ink that the first did not read: evidence in gaps, never text."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from desunt.document import Box, Gap, Line, Page, Region, Token, Word, stable_id
from desunt.gaps.pitch import Measure, around, measure, mostly_inside
from desunt.ocr import EngineWord, Reading

# Read again where so few of a page's letters stand in words that are vouched for, or where there are so few words.
READS_WELL, LEAST_WORDS, VOUCHED = 0.7, 20, 0.8
# Only gaps for these reasons take a reading; what is withheld keeps none, and so does what the second engine sees through its edge.
OPEN = frozenset({"illegible", "damaged", "low-confidence"})
HIDDEN, COVERED = 0.25, 0.3
# Ink that only the second engine saw becomes a gap where at least this share of its letters stands in known words.
KNOWN = 0.5
LEAST_LETTERS = 4
WORD = re.compile(r"[^\W\d_]{3,}")


def reads_badly(page: Page) -> bool:
    """Return whether a page is worth a second reading: too few of its letters, those of gaps included, stand in sure words."""
    tokens = [token for line in page.lines for token in line.tokens]
    words = [token for token in tokens if isinstance(token, Word)]
    sure = sum(len(word.text) for word in words if (word.legibility or 0.0) >= VOUCHED)
    lost = sum(_letters(token) for token in tokens if isinstance(token, Gap) and token.reason in OPEN)
    return len(words) < LEAST_WORDS or sure < READS_WELL * (sum(len(word.text) for word in words) + lost)


def with_second(page: Page, second: Reading, lexicon: Container[str], document_id: str) -> Page:
    """Return the page with what a second engine read where the first did not.

    A gap takes the second reading in place of the first if more of its letters stand in words of the lexicon. What lies beyond all words
    and gaps becomes a gap of its own. Words stay as they are: a second engine vouches for nothing.
    """
    tokens = [token for line in page.lines for token in line.tokens]
    closed = [t.box for t in tokens if isinstance(t, Gap) and t.reason not in OPEN and t.box]
    read = [t.box for t in tokens if isinstance(t, Word) and t.box]
    free = [w for w in second.words if not mostly_inside(w.box, closed, HIDDEN) and not _covered(w.box, read)]
    gaps = [gap for gap in page.gaps if gap.reason in OPEN]
    told = {gap.id: _with_reading(gap, [w for w in free if gap.box and _inside(w.box, gap.box)], lexicon) for gap in gaps}
    size = measure(second.words, page.image.dpi if page.image else 300)
    boxes = [token.box for token in tokens if token.box]
    page = _mapped(page, told)
    for words in (found for line in second.lines for found in _beyond(line.words, boxes) if _plausible(found, lexicon)):
        page = _with_gap(page, words, size, document_id)
    return page


def _with_reading(gap: Gap, words: Sequence[EngineWord], lexicon: Container[str]) -> Gap:
    text = " ".join(word.text for word in words)
    return replace(gap, engine_reading=text) if known_letters(text, lexicon) > known_letters(gap.engine_reading or "", lexicon) else gap


def known_letters(text: str, lexicon: Container[str]) -> int:
    """Return how many letters of a text stand in words of the lexicon; those of one or two letters are found in any noise."""
    return sum(len(word) for word in WORD.findall(text) if word in lexicon or word.lower() in lexicon)


def _plausible(words: Sequence[EngineWord], lexicon: Container[str]) -> bool:
    text = " ".join(word.text for word in words)
    letters = sum(char.isalnum() for char in text)
    return letters >= LEAST_LETTERS and known_letters(text, lexicon) >= KNOWN * letters


def _beyond(words: Sequence[EngineWord], boxes: Sequence[Box]) -> Iterator[list[EngineWord]]:
    """Yield the stretches of a line's words that touch no word and no gap of the page."""
    for touches, run in groupby(words, key=lambda word: any(word.box.intersection(box) for box in boxes)):
        if not touches:
            yield list(run)


def _covered(box: Box, others: Sequence[Box]) -> bool:
    return sum(box.intersection(other) for other in others) >= COVERED * box.area


def _inside(inner: Box, outer: Box) -> bool:
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x < outer.right and outer.top <= y < outer.bottom


def _letters(gap: Gap) -> int:
    """Return about how many letters a gap stands for; a line counts as fifty."""
    if gap.extent is None:
        return 1
    return gap.extent.least * {"character": 1, "word": 5, "line": 50}[gap.extent.unit]


def _mapped(page: Page, gaps: dict[str, Gap]) -> Page:
    def line_of(line: Line) -> Line:
        return replace(line, tokens=tuple(gaps.get(token.id, token) for token in line.tokens))

    return replace(page, regions=tuple(replace(r, lines=tuple(map(line_of, r.lines))) for r in page.regions))


def _with_gap(page: Page, words: Sequence[EngineWord], size: Measure, document_id: str) -> Page:
    """Return the page with one more gap: in the line it continues, or as a region of its own before the first below it."""
    box = around([word.box for word in words])
    about = (document_id, page.image.sha256, page.image.frame) if page.image else (document_id,)
    sides = (box.left, box.top, box.right, box.bottom)
    gap = Gap(stable_id(*about, *sides), box, size.letters(box.width), "low-confidence", " ".join(w.text for w in words), continues=None)
    host = next((line for line in page.lines if line.box and _continues(box, line)), None)
    if host is not None:
        joined = replace(host, box=host.box.union(box) if host.box else box, tokens=_sorted((*host.tokens, gap)))
        return replace(page, regions=tuple(_with_line(region, joined) for region in page.regions))
    line = Line(stable_id(*about, "line", *sides), box, (gap,))
    place = next((n for n, r in enumerate(page.regions) if r.box and r.box.top > box.top), len(page.regions))
    region = Region(f"p{page.number}-s{stable_id(*sides)}", "unread", box, (line,))
    return replace(page, regions=(*page.regions[:place], region, *page.regions[place:]))


def _with_line(region: Region, line: Line) -> Region:
    if all(other.id != line.id for other in region.lines):
        return region
    box = region.box.union(line.box) if region.box and line.box else region.box
    return replace(region, box=box, lines=tuple(line if other.id == line.id else other for other in region.lines))


def _sorted(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Return tokens from left to right; only a gap at the end of its line may go on in the next."""
    ordered = sorted(tokens, key=lambda token: token.box.left if token.box else 0)
    return tuple(replace(t, continues=None if t is ordered[-1] else False) if isinstance(t, Gap) else t for t in ordered)


def _continues(box: Box, line: Line) -> bool:
    """Return whether a box stands at the height of a line of one row, beside its words."""
    host = line.box
    if host is None or host.height > 2 * box.height:
        return False
    shared = min(host.bottom, box.bottom) - max(host.top, box.top)
    return shared > 0.6 * min(host.height, box.height) and host.left - 5 * box.height < box.left < host.right + 5 * box.height
