"""What stands on the scan between two words that transcript and engine agree on: ink nobody read, or empty paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from desunt.record.document import Box, Extent, Gap, Line, Page, Region, Token, Word

# A type is of fixed pitch where the steps of its words differ from the median by less, in the median.
MONOSPACED_TOLERANCE = 0.06
# Letters more or less that a measured length may have: on fixed pitch, and as a share of the length on other types.
EXTENT_SLACK_LETTERS, PROPORTIONAL_SLACK_SHARE = 1, 0.25


@dataclass(frozen=True, slots=True)
class ScanToken:
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
class TypePitch:
    """The step of one letter in pixels, and whether it is the same for all letters."""

    advance: float
    monospaced: bool

    def extent(self, letters: float, lines: int = 1, *, open_end: bool = False) -> Extent | None:
        """Return the extent of a stretch so many steps wide; None if not one letter fits."""
        count = round(letters)
        slack = EXTENT_SLACK_LETTERS * lines if self.monospaced else max(EXTENT_SLACK_LETTERS, round(PROPORTIONAL_SLACK_SHARE * count))
        if count < 1:
            return None
        return Extent("character", 1 if open_end else max(1, count - slack), count + slack)


@dataclass(frozen=True, slots=True)
class GapPlacement:
    """The place of a gap: its line on the scan, its box, what the engine read there, and how many letters fit."""

    line: int
    box: Box | None = None
    reading: str | None = None
    extent: Extent | None = None


@dataclass(frozen=True, slots=True)
class AnchorWord:
    """A word beside a gap that was found on the scan."""

    text: str
    box: Box | None
    line: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies round a gap: the scan's lines, the words before and after it, the pitch of the type there.

    `own_lines` are the lines of the gap's ink on which no word of the transcript stands.
    """

    lines: Sequence[ScanLine]
    before: AnchorWord | None
    after: AnchorWord | None
    pitch: TypePitch | None
    own_lines: frozenset[int]


def scan_lines(pages: Sequence[Page]) -> tuple[ScanLine, ...]:
    """Return all lines of the scan in reading order."""
    return tuple(ScanLine(line, region, page, _margins_of(region)) for page in pages for region in page.regions for line in region.lines)


def scan_tokens(lines: Sequence[ScanLine]) -> tuple[ScanToken, ...]:
    """Return all that the engine found, in reading order; unread ink beside words of another line is put among them."""
    read = [ScanToken(_text_of(token), token.box, n, token) for n, scanned in enumerate(lines) for token in scanned.line.tokens]
    finder = _LineFinder(lines)
    placed = [replace(scan_token, line=finder.line_of(scan_token)) for scan_token in read]
    # Sorting is stable: only ink that moved to another line is put in its place from left to right.
    moved = [scan_token for scan_token, before in zip(placed, read, strict=True) if scan_token.line != before.line]
    stayed = [scan_token for scan_token, before in zip(placed, read, strict=True) if scan_token.line == before.line]
    return tuple(_merge_moved(stayed, moved))


def _merge_moved(stayed: Sequence[ScanToken], moved: Sequence[ScanToken]) -> Iterator[ScanToken]:
    waiting = sorted(moved, key=_reading_position)
    for scan_token in stayed:
        line, center = _reading_position(scan_token)
        while waiting and (waiting[0].line < line or (waiting[0].line == line and _reading_position(waiting[0])[1] < center)):
            yield waiting.pop(0)
        yield scan_token
    yield from waiting


def _reading_position(scan_token: ScanToken) -> tuple[int, int]:
    return scan_token.line, scan_token.box.left + scan_token.box.right if scan_token.box else 0


class _LineFinder:
    """Finds the line of words that unread ink stands in, where the engine or the search for gaps made it a line of its own."""

    def __init__(self, lines: Sequence[ScanLine]) -> None:
        self._word_boxes: dict[int, list[tuple[int, Box]]] = {}
        self._with_words: set[int] = set()
        self._page_numbers = [scanned.page.number for scanned in lines]
        for n, scanned in enumerate(lines):
            box = Box.enclosing_known(token.box for token in scanned.line.tokens if isinstance(token, Word))
            if box:
                self._with_words.add(n)
                self._word_boxes.setdefault(scanned.page.number, []).append((n, box))

    def line_of(self, scan_token: ScanToken) -> int:
        """Return the line whose words stand at the ink's height and leave room for it, else the ink's own."""
        if scan_token.box is None or scan_token.text or scan_token.line in self._with_words:
            return scan_token.line
        middle = (scan_token.box.top + scan_token.box.bottom) / 2
        near = [
            (abs(middle - (box.top + box.bottom) / 2), n)
            for n, box in self._word_boxes.get(self._page_numbers[scan_token.line], ())
            if box.top < middle < box.bottom
        ]
        return min(near)[1] if near else scan_token.line


def _text_of(token: Token) -> str:
    return token.text if isinstance(token, Word) else token.engine_reading or ""


def _margins_of(region: Region) -> tuple[int, int] | None:
    boxes = [token.box for line in region.lines for token in line.tokens if token.box] or [line.box for line in region.lines if line.box]
    return (min(box.left for box in boxes), max(box.right for box in boxes)) if boxes else None


def measure_pitch(words: Sequence[AnchorWord]) -> TypePitch | None:
    """Return the pitch of the type from neighbouring words of the same lines, None where there are too few.

    From the left edge of a word to that of the next there are as many steps as the word has letters, and one for the space.
    """
    advances = [
        (following.box.left - word.box.left) / (len(word.text) + 1)
        for word, following in pairwise(words)
        if word.line == following.line and word.box and following.box and following.box.left > word.box.right and len(word.text) > 2
    ]
    if len(advances) < 5:
        return None
    advance = median(advances)
    return TypePitch(advance, median(abs(other - advance) for other in advances) < MONOSPACED_TOLERANCE * advance)


def split_box(box: Box, lengths: Sequence[int]) -> list[Box]:
    """Cut a box from left to right by the lengths of the words in it, with the width of a letter between them."""
    total = sum(lengths) + len(lengths) - 1
    edges, start = [], 0
    for length in lengths:
        edges.append((box.left + box.width * start // total, box.left + box.width * (start + length) // total))
        start += length + 1
    return [Box(left, box.top, max(left + 1, right), box.bottom) for left, right in edges]


def place_gap(gap: Gap, unread: Sequence[ScanToken], around: Surroundings) -> GapPlacement:
    """Return the place of a gap between two words from the ink between them, or from the empty paper if there is none."""
    if any(scan_token.box for scan_token in unread):
        return _place_on_ink(gap, unread, around)
    line = around.before.line if around.before else around.after.line if around.after else 0
    room, open_end = _blank_space_of(around)
    if room is None or around.pitch is None:
        return GapPlacement(line)
    letters = room.width / around.pitch.advance - _surviving_letters(gap)
    return GapPlacement(line, room, None, around.pitch.extent(letters, open_end=open_end))


def _place_on_ink(gap: Gap, unread: Sequence[ScanToken], around: Surroundings) -> GapPlacement:
    grouped = ((line, [token.box for token in tokens if token.box]) for line, tokens in groupby(unread, key=lambda token: token.line))
    by_line = [(line, boxes) for line, boxes in grouped if boxes]
    # Lines that the gap has for itself make one box; of others only the first part does, or the box would cover words that were read.
    own = by_line if all(line in around.own_lines for line, _ in by_line) else by_line[:1]
    box = Box.enclosing(box for _, boxes in own for box in boxes)
    reading = " ".join(scan_token.text for scan_token in unread if scan_token.text) or None
    return GapPlacement(own[0][0], box, reading, _measure_extent(gap, by_line, around))


def _measure_extent(gap: Gap, by_line: Sequence[tuple[int, Sequence[Box]]], around: Surroundings) -> Extent | None:
    """Return how many letters the ink of a gap may be.

    An engine that did not read the ink may have seen only a part of it: where no word closes the gap on its line, it may reach to the
    margin.
    """
    pitch = around.pitch
    if pitch is None:
        return None
    between = _letters_between(around.before, around.after, pitch) if len(by_line) == 1 else None
    if between is not None:
        return pitch.extent(between - _surviving_letters(gap))
    letters = sum((boxes[-1].right - boxes[0].left) / pitch.advance for _, boxes in by_line) + len(by_line) - 1 - _surviving_letters(gap)
    extent = pitch.extent(letters, len(by_line))
    last, boxes = by_line[-1]
    margins = around.lines[last].margins
    if extent is None or extent.most is None or not margins or (around.after and around.after.line == last):
        return extent
    return replace(extent, most=extent.most + max(0, round((margins[1] - boxes[-1].right) / pitch.advance)))


def _letters_between(before: AnchorWord | None, after: AnchorWord | None, pitch: TypePitch) -> float | None:
    """Return how many letters fit between two words of one line: on fixed pitch that is exacter than the edges of spoilt ink."""
    if not (before and after and before.box and after.box and pitch.monospaced and before.line == after.line):
        return None
    return (after.box.left - before.box.left) / pitch.advance - len(before.text) - 2


def _blank_space_of(around: Surroundings) -> tuple[Box | None, bool]:
    """Return the empty paper of a gap without ink, and whether its end is open: between its neighbours, or to the line's end or start."""
    lines, before, after, pitch = around.lines, around.before, around.after, around.pitch
    if pitch is None:
        return None, False
    if before and after and before.line == after.line:
        return blank_space(lines, before, after, pitch), False
    return (blank_space(lines, before, None, pitch) if before else blank_space(lines, None, after, pitch)), True


def blank_space(lines: Sequence[ScanLine], before: AnchorWord | None, after: AnchorWord | None, pitch: TypePitch) -> Box | None:
    """Return the empty paper between two words of one line, or between one and the margin; None if not a letter fits.

    It is as high as the word beside it, and the spaces at its ends are no part of it.
    """
    beside = before or after
    margins = lines[beside.line].margins if beside else None
    if not beside or not beside.box or not margins:
        return None
    space = round(pitch.advance)
    left = before.box.right + space if before and before.box else margins[0]
    right = after.box.left - space if after and after.box else margins[1]
    return Box(left, beside.box.top, right, beside.box.bottom) if right - left > space else None


def _surviving_letters(gap: Gap) -> int:
    return len(gap.letters.before) + len(gap.letters.after)
