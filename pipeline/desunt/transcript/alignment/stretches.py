"""What stands on the scan between two words that transcript and engine agree on: ink nobody read, or empty paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby, pairwise
from statistics import median

from desunt.record.document import Box, Extent, Gap, Line, Page, Region, Token, Word

# A type is of fixed pitch where the steps of its words differ from the median by less, in the median.
FIXED = 0.06
# Letters more or less that a measured length may have: on fixed pitch, and as a share of the length on other types.
SLACK, LOOSE_SLACK = 1, 0.25


@dataclass(frozen=True, slots=True)
class Ink:
    """A word or a gap that the engine found: its text (nothing for unread ink), and its line, counted through the whole scan."""

    text: str
    box: Box | None
    line: int
    token: Token


@dataclass(frozen=True, slots=True)
class ScanLine:
    """A line of the scan with the region and the page it lies in; `margins` are the left and right border of the region's text."""

    line: Line
    region: Region
    page: Page
    margins: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Pitch:
    """The step of one letter in pixels, and whether it is the same for all letters."""

    step: float
    fixed: bool

    def extent(self, letters: float, lines: int = 1, *, open_end: bool = False) -> Extent | None:
        """Return the extent of a stretch so many steps wide; None if not one letter fits."""
        count = round(letters)
        slack = SLACK * lines if self.fixed else max(SLACK, round(LOOSE_SLACK * count))
        if count < 1:
            return None
        return Extent("character", 1 if open_end else max(1, count - slack), count + slack)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The place of a gap: its line on the scan, its box, what the engine read there, and how many letters fit."""

    line: int
    box: Box | None = None
    reading: str | None = None
    extent: Extent | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word beside a gap that was found on the scan."""

    text: str
    box: Box | None
    line: int


def scan_lines(pages: Sequence[Page]) -> tuple[ScanLine, ...]:
    """Return all lines of the scan in reading order."""
    return tuple(ScanLine(line, region, page, _margins(region)) for page in pages for region in page.regions for line in region.lines)


def inks(lines: Sequence[ScanLine]) -> tuple[Ink, ...]:
    """Return all that the engine found, in reading order; unread ink beside words of another line is put among them."""
    read = [Ink(_said(token), token.box, n, token) for n, scanned in enumerate(lines) for token in scanned.line.tokens]
    homes = _Homes(lines)
    homed = [replace(ink, line=homes.line_of(ink)) for ink in read]
    # Sorting is stable: only ink that moved to another line is put in its place from left to right.
    moved = [ink for ink, before in zip(homed, read, strict=True) if ink.line != before.line]
    stayed = [ink for ink, before in zip(homed, read, strict=True) if ink.line == before.line]
    return tuple(_merged(stayed, moved))


def _merged(stayed: Sequence[Ink], moved: Sequence[Ink]) -> Iterator[Ink]:
    waiting = sorted(moved, key=_place)
    for ink in stayed:
        while waiting and (waiting[0].line < ink.line or (waiting[0].line == ink.line and _place(waiting[0])[1] < _place(ink)[1])):
            yield waiting.pop(0)
        yield ink
    yield from waiting


def _place(ink: Ink) -> tuple[int, int]:
    return ink.line, ink.box.left + ink.box.right if ink.box else 0


class _Homes:
    """Finds the line of words that unread ink stands in, where the engine or the search for gaps made it a line of its own."""

    def __init__(self, lines: Sequence[ScanLine]) -> None:
        self._read: dict[int, list[tuple[int, Box]]] = {}
        self._with_words: set[int] = set()
        self._page = [scanned.page.number for scanned in lines]
        for n, scanned in enumerate(lines):
            box = union([token.box for token in scanned.line.tokens if isinstance(token, Word) and token.box])
            if box:
                self._with_words.add(n)
                self._read.setdefault(scanned.page.number, []).append((n, box))

    def line_of(self, ink: Ink) -> int:
        """Return the line whose words stand at the ink's height and leave room for it, else the ink's own."""
        if ink.box is None or ink.text or ink.line in self._with_words:
            return ink.line
        middle = (ink.box.top + ink.box.bottom) / 2
        near = [
            (abs(middle - (box.top + box.bottom) / 2), n)
            for n, box in self._read.get(self._page[ink.line], ())
            if box.top < middle < box.bottom
        ]
        return min(near)[1] if near else ink.line


def _said(token: Token) -> str:
    return token.text if isinstance(token, Word) else token.engine_reading or ""


def _margins(region: Region) -> tuple[int, int] | None:
    boxes = [token.box for line in region.lines for token in line.tokens if token.box] or [line.box for line in region.lines if line.box]
    return (min(box.left for box in boxes), max(box.right for box in boxes)) if boxes else None


def pitch_of(words: Sequence[Neighbour]) -> Pitch | None:
    """Return the pitch of the type from neighbouring words of the same lines, None where there are too few.

    From the left edge of a word to that of the next there are as many steps as the word has letters, and one for the space.
    """
    steps = [
        (following.box.left - word.box.left) / (len(word.text) + 1)
        for word, following in pairwise(words)
        if word.line == following.line and word.box and following.box and following.box.left > word.box.right and len(word.text) > 2
    ]
    if len(steps) < 5:
        return None
    step = median(steps)
    return Pitch(step, median(abs(s - step) for s in steps) < FIXED * step)


def union(boxes: Sequence[Box]) -> Box | None:
    """Return the smallest box around all."""
    return reduce(Box.union, boxes) if boxes else None


def share(box: Box, lengths: Sequence[int]) -> list[Box]:
    """Cut a box from left to right by the lengths of the words in it, with the width of a letter between them."""
    total = sum(lengths) + len(lengths) - 1
    edges, start = [], 0
    for length in lengths:
        edges.append((box.left + box.width * start // total, box.left + box.width * (start + length) // total))
        start += length + 1
    return [Box(left, box.top, max(left + 1, right), box.bottom) for left, right in edges]


def stretch_of(
    gap: Gap,
    found: Sequence[Ink],
    lines: Sequence[ScanLine],
    before: Neighbour | None,
    after: Neighbour | None,
    pitch: Pitch | None,
    whole: frozenset[int],
) -> Stretch:
    """Return the place of a gap between two neighbours from the ink between them, or from the empty paper if there is none.

    `whole` are the lines on which no word of the transcript stands.
    """
    if any(ink.box for ink in found):
        return _inked(gap, found, lines, before, after, pitch, whole)
    line = before.line if before else after.line if after else 0
    room, open_end = _room(lines, before, after, pitch)
    if room is None or pitch is None:
        return Stretch(line)
    return Stretch(line, room, None, pitch.extent(room.width / pitch.step - _surviving(gap), open_end=open_end))


def _inked(
    gap: Gap,
    found: Sequence[Ink],
    lines: Sequence[ScanLine],
    before: Neighbour | None,
    after: Neighbour | None,
    pitch: Pitch | None,
    whole: frozenset[int],
) -> Stretch:
    grouped = ((line, [ink.box for ink in group if ink.box]) for line, group in groupby(found, key=lambda ink: ink.line))
    by_line = [(line, boxes) for line, boxes in grouped if boxes]
    # Lines that the gap has for itself make one box; of others only the first part does, or the box would cover words that were read.
    own = by_line if all(line in whole for line, _ in by_line) else by_line[:1]
    box = union([box for _, boxes in own for box in boxes])
    reading = " ".join(ink.text for ink in found if ink.text) or None
    return Stretch(own[0][0], box, reading, _measured(gap, by_line, lines, before, after, pitch))


def _measured(
    gap: Gap,
    by_line: Sequence[tuple[int, Sequence[Box]]],
    lines: Sequence[ScanLine],
    before: Neighbour | None,
    after: Neighbour | None,
    pitch: Pitch | None,
) -> Extent | None:
    """Return how many letters the ink of a gap may be.

    An engine that did not read the ink may have seen only a part of it: where no word closes the gap on its line, it may reach to the
    margin.
    """
    if pitch is None:
        return None
    between = _between(before, after, pitch) if len(by_line) == 1 else None
    if between is not None:
        return pitch.extent(between - _surviving(gap))
    steps = sum((boxes[-1].right - boxes[0].left) / pitch.step for _, boxes in by_line) + len(by_line) - 1 - _surviving(gap)
    extent = pitch.extent(steps, len(by_line))
    last, boxes = by_line[-1]
    margins = lines[last].margins
    if extent is None or extent.most is None or not margins or (after and after.line == last):
        return extent
    return replace(extent, most=extent.most + max(0, round((margins[1] - boxes[-1].right) / pitch.step)))


def _between(before: Neighbour | None, after: Neighbour | None, pitch: Pitch | None) -> float | None:
    """Return how many letters fit between two words of one line: on fixed pitch that is exacter than the edges of spoilt ink."""
    if not (before and after and before.box and after.box and pitch and pitch.fixed and before.line == after.line):
        return None
    return (after.box.left - before.box.left) / pitch.step - len(before.text) - 2


def _room(lines: Sequence[ScanLine], before: Neighbour | None, after: Neighbour | None, pitch: Pitch | None) -> tuple[Box | None, bool]:
    """Return the empty paper of a gap without ink, and whether its end is open: between its neighbours, or to the line's end or start."""
    if pitch is None:
        return None, False
    if before and after and before.line == after.line:
        return paper(lines, before, after, pitch), False
    return (paper(lines, before, None, pitch) if before else paper(lines, None, after, pitch)), True


def paper(lines: Sequence[ScanLine], before: Neighbour | None, after: Neighbour | None, pitch: Pitch) -> Box | None:
    """Return the empty paper between two words of one line, or between one and the margin; None if not a letter fits.

    It is as high as the word beside it, and the spaces at its ends are no part of it.
    """
    beside = before or after
    margins = lines[beside.line].margins if beside else None
    if not beside or not beside.box or not margins:
        return None
    space = round(pitch.step)
    left = before.box.right + space if before and before.box else margins[0]
    right = after.box.left - space if after and after.box else margins[1]
    return Box(left, beside.box.top, right, beside.box.bottom) if right - left > space else None


def _surviving(gap: Gap) -> int:
    return len(gap.letters.before) + len(gap.letters.after)
