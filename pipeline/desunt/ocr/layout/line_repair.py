"""Lines that an engine read across two lines of the page: their words are gathered anew along the slope they stand on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from desunt.ocr.engines import EngineLine, EngineWord, box_around
from desunt.ocr.layout.type_metrics import Type, across, foot, middle
from desunt.record.document import Box

# From one word of a line to the next the type leaps up or down by no more than so many heights; a shorter line, in letters, shows nothing.
LEAP, LEAST_WIDTH = 0.6, 10.0
# Words so near each other, in letters, show the slope they stand on, if they stand on one line beyond doubt (within so many heights).
BESIDE, LEVEL, LEAST_PAIRS = 3.0, 0.4, 5
# Lines whose boxes share so much of the lower one's height run into each other, if no more than so many letters lie between them.
INTO, APART = 0.25, 1.5
# A word is of a line from whose course it is no more than so many heights away, and whose words it does not cover by half.
NEAR, COVERED = 0.55, 0.5
# The course of a line at one place is that of so many of its nearest words.
NEAREST = 4
TALL = 1.4


def mended(lines: Sequence[EngineLine], size: Type) -> tuple[tuple[EngineLine, ...], ...]:
    """Return the lines in runs that belong together, each line alone but those whose words were read across several lines of the page.

    Words stay exactly as they are; what changes is which line a word is in, and that is left as it was where it becomes no better.
    """
    runs: dict[int, tuple[EngineLine, ...]] = {place: (line,) for place, line in enumerate(lines)}
    for zone in _zones(lines, size):
        old = [lines[place] for place in zone]
        new = _gathered(old, size)
        if _leaps(new, size) < _leaps(old, size):
            runs |= {zone[0]: new} | dict.fromkeys(zone[1:], ())
    return tuple(run for run in runs.values() if run)


def slope_in(lines: Sequence[EngineLine], size: Type) -> float:
    """Return the usual slope from word to word beside each other: pixels down for a pixel to the right, 0 where too few show it."""
    words = sorted((word for line in lines for word in line.words if size.is_of_it(word)), key=lambda word: word.box.left)
    lefts, found = [word.box.left for word in words], []
    for one in words:
        start, end = one.box.right - 0.5 * size.letter, one.box.right + BESIDE * size.letter
        for other in words[bisect_left(lefts, start) : bisect_right(lefts, end)]:
            if abs(middle(other.box) - middle(one.box)) <= LEVEL * size.height and across(other) > across(one):
                found.append((foot(other) - foot(one)) / (across(other) - across(one)))
    return median(found) if len(found) >= LEAST_PAIRS else 0.0


def leaps(line: EngineLine, slope: float, size: Type) -> Iterator[float]:
    """Yield how far, in heights of the type, a line leaps down (or up, negative) from word to word where it leaps too far for one line."""
    words = [word for word in line.words if size.is_of_it(word)]
    for one, other in pairwise(words):
        leap = (middle(other.box) - middle(one.box) - slope * (across(other) - across(one))) / size.height
        if abs(leap) > LEAP and other.box.left > one.box.left:
            yield leap


def _leaps(lines: Sequence[EngineLine], size: Type) -> int:
    slope = slope_in(lines, size)
    return sum(sum(1 for _ in leaps(line, slope, size)) for line in lines)


def _zones(lines: Sequence[EngineLine], size: Type) -> Iterator[list[int]]:
    """Yield the places of torn lines with all that lie in among them, as far as one runs into the next."""
    wide = [place for place, line in enumerate(lines) if line.box.width >= LEAST_WIDTH * size.letter]
    left = set(range(len(lines)))
    for start in (place for place in wide if any(leaps(lines[place], slope_in([lines[place]], size), size))):
        if start in left:
            zone, unseen = {start}, [start]
            while unseen:
                one = lines[unseen.pop()].box
                near = {place for place in left - zone if _runs_into(one, lines[place].box, size)}
                zone |= near
                unseen += near
            left -= zone
            yield sorted(zone)


def _runs_into(one: Box, other: Box, size: Type) -> bool:
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    beside = max(one.left, other.left) - min(one.right, other.right)
    return beside <= APART * size.letter and down > INTO * min(one.height, other.height)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word and the height at which it stands, in pixels, its line's slope taken out."""

    word: EngineWord
    height: float


def _gathered(lines: Sequence[EngineLine], size: Type) -> tuple[EngineLine, ...]:
    """Return the lines made anew from left to right: first of words as tall as the type, which show their courses, then of the rest."""
    slope = slope_in(lines, size)
    words = sorted((word for line in lines for word in line.words), key=lambda word: (word.box.left, word.box.top))
    rows: list[list[_Placed]] = []
    for usual in (True, False):
        for word in words:
            if _is_usual(word, size) is usual:
                _place(word, rows, slope, size)
    rows.sort(key=lambda row: median(placed.height for placed in row))
    return tuple(_line(row, slope, lines[0].block) for row in rows)


def _is_usual(word: EngineWord, size: Type) -> bool:
    return size.is_of_it(word) and word.box.height <= TALL * size.height


def _place(word: EngineWord, rows: list[list[_Placed]], slope: float, size: Type) -> None:
    """Put a word into the line whose course it is nearest to, or begin one with it."""
    rise = slope * across(word)
    fits = [
        (abs(height - rise - course), height - rise, number)
        for number, row in enumerate(rows)
        if _has_room(row, word)
        for course in [_course(row, across(word))]
        for height in _heights(word.box, size)
    ]
    apart, height, number = min(fits, default=(size.height, middle(word.box) - rise, len(rows)))
    if apart > NEAR * size.height:
        rows.append([_Placed(word, middle(word.box) - rise)])
    else:
        rows[number] = sorted([*rows[number], _Placed(word, height)], key=lambda placed: placed.word.box.left)


def _heights(box: Box, size: Type) -> list[float]:
    """Return the heights at which a word may stand: one whose box reaches over two lines is of the upper or the lower."""
    tall = [box.top + size.height / 2, box.bottom - size.height / 2] if box.height > TALL * size.height else []
    return [middle(box), *tall]


def _course(row: Sequence[_Placed], place: float) -> float:
    nearest = sorted(row, key=lambda placed: abs(across(placed.word) - place))[:NEAREST]
    return median(placed.height for placed in nearest)


def _has_room(row: Sequence[_Placed], word: EngineWord) -> bool:
    boxes = [placed.word.box for placed in row]
    shared = [(min(box.right, word.box.right) - max(box.left, word.box.left), box.width) for box in boxes]
    return all(wide <= COVERED * min(width, word.box.width) for wide, width in shared)


def _line(row: Sequence[_Placed], slope: float, block: int) -> EngineLine:
    words = tuple(placed.word for placed in row)
    box = box_around(words)
    base = median(foot(word) - slope * across(word) for word in words)
    return EngineLine(words, box, block, ((box.left, round(base + slope * box.left)), (box.right, round(base + slope * box.right))))
