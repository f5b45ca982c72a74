"""Lines that an engine read across two lines of the page: their words are gathered anew along the slope they stand on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.type_metrics import TypeMetrics, baseline_y, center_x, center_y
from desunt.record.document import Box

# From one word of a line to the next the type jumps up or down by no more; a shorter line shows nothing.
MAX_JUMP_HEIGHTS, MIN_LINE_LETTERS = 0.6, 10.0
# Words this near to each other (or overlapping) show the slope they stand on, if they stand on one line beyond doubt; fewer pairs
# show none.
MAX_NEIGHBOUR_LETTERS, MAX_NEIGHBOUR_OVERLAP_LETTERS, MAX_LEVEL_HEIGHTS, MIN_PAIRS = 3.0, 0.5, 0.4, 5
# Lines whose boxes share more of the lower one's height run into each other, if they lie no farther apart.
MIN_SHARED_HEIGHT, MAX_DISTANCE_LETTERS = 0.25, 1.5
# A word is of a line from whose course it is no farther away, and whose words it covers no more (of the narrower one's width).
MAX_OFF_COURSE_HEIGHTS, MAX_COVERED_WIDTH = 0.55, 0.5
# The course of a line at one place is that of its nearest words.
COURSE_WORDS = 4
# A higher box may reach over two lines.
MAX_SINGLE_LINE_HEIGHTS = 1.4


def repair_lines(lines: Sequence[EngineLine], metrics: TypeMetrics) -> tuple[tuple[EngineLine, ...], ...]:
    """Return the lines in runs that belong together, each line alone but those whose words were read across several lines of the page.

    Words stay exactly as they are; what changes is which line a word is in, and that is left as it was where it becomes no better.
    """
    runs: dict[int, tuple[EngineLine, ...]] = {place: (line,) for place, line in enumerate(lines)}
    for zone in _torn_zones(lines, metrics):
        torn = [lines[place] for place in zone]
        repaired = _regather(torn, metrics)
        if _count_jumps(repaired, metrics) < _count_jumps(torn, metrics):
            runs |= {zone[0]: repaired} | dict.fromkeys(zone[1:], ())
    return tuple(run for run in runs.values() if run)


def usual_slope(lines: Sequence[EngineLine], metrics: TypeMetrics) -> float:
    """Return the usual slope from word to word beside each other: pixels down for a pixel to the right, 0 where too few show it."""
    words = sorted((word for line in lines for word in line.words if metrics.matches(word)), key=lambda word: word.box.left)
    lefts, slopes = [word.box.left for word in words], []
    for word in words:
        start = word.box.right - MAX_NEIGHBOUR_OVERLAP_LETTERS * metrics.advance
        end = word.box.right + MAX_NEIGHBOUR_LETTERS * metrics.advance
        for other in words[bisect_left(lefts, start) : bisect_right(lefts, end)]:
            is_level = abs(center_y(other.box) - center_y(word.box)) <= MAX_LEVEL_HEIGHTS * metrics.height
            if is_level and center_x(other) > center_x(word):
                slopes.append((baseline_y(other) - baseline_y(word)) / (center_x(other) - center_x(word)))
    return median(slopes) if len(slopes) >= MIN_PAIRS else 0.0


def jumps(line: EngineLine, slope: float, metrics: TypeMetrics) -> Iterator[float]:
    """Yield how far, in heights of the type, a line jumps down (or up, negative) from word to word where it jumps too far for one line."""
    words = [word for word in line.words if metrics.matches(word)]
    for word, following in pairwise(words):
        rise = slope * (center_x(following) - center_x(word))
        jump = (center_y(following.box) - center_y(word.box) - rise) / metrics.height
        if abs(jump) > MAX_JUMP_HEIGHTS and following.box.left > word.box.left:
            yield jump


def _count_jumps(lines: Sequence[EngineLine], metrics: TypeMetrics) -> int:
    slope = usual_slope(lines, metrics)
    return sum(1 for line in lines for _ in jumps(line, slope, metrics))


def _torn_zones(lines: Sequence[EngineLine], metrics: TypeMetrics) -> Iterator[list[int]]:
    """Yield the places of torn lines with all that lie in among them, as far as one runs into the next."""
    wide = [place for place, line in enumerate(lines) if line.box.width >= MIN_LINE_LETTERS * metrics.advance]
    torn = [place for place in wide if any(jumps(lines[place], usual_slope([lines[place]], metrics), metrics))]
    rest = set(range(len(lines)))
    for start in torn:
        if start in rest:
            zone, unvisited = {start}, [start]
            while unvisited:
                box = lines[unvisited.pop()].box
                near = {place for place in rest - zone if _runs_into(box, lines[place].box, metrics)}
                zone |= near
                unvisited += near
            rest -= zone
            yield sorted(zone)


def _runs_into(box: Box, other: Box, metrics: TypeMetrics) -> bool:
    shared_height = min(box.bottom, other.bottom) - max(box.top, other.top)
    distance = max(box.left, other.left) - min(box.right, other.right)
    return distance <= MAX_DISTANCE_LETTERS * metrics.advance and shared_height > MIN_SHARED_HEIGHT * min(box.height, other.height)


@dataclass(frozen=True, slots=True)
class _PlacedWord:
    """A word and the height at which it stands, in pixels, its line's slope taken out."""

    word: EngineWord
    height: float


def _regather(lines: Sequence[EngineLine], metrics: TypeMetrics) -> tuple[EngineLine, ...]:
    """Return the lines made anew from left to right: first of words as tall as the type, which show their courses, then of the rest."""
    slope = usual_slope(lines, metrics)
    words = sorted((word for line in lines for word in line.words), key=lambda word: (word.box.left, word.box.top))
    rows: list[list[_PlacedWord]] = []
    for is_usual in (True, False):
        for word in words:
            if _is_usual(word, metrics) is is_usual:
                _place(word, rows, slope, metrics)
    rows.sort(key=lambda row: median(placed.height for placed in row))
    return tuple(_line(row, slope, lines[0].block) for row in rows)


def _is_usual(word: EngineWord, metrics: TypeMetrics) -> bool:
    return metrics.matches(word) and word.box.height <= MAX_SINGLE_LINE_HEIGHTS * metrics.height


def _place(word: EngineWord, rows: list[list[_PlacedWord]], slope: float, metrics: TypeMetrics) -> None:
    """Put a word into the line whose course it is nearest to, or begin one with it."""
    rise = slope * center_x(word)
    fits = [
        (abs(height - rise - course), height - rise, number)
        for number, row in enumerate(rows)
        if _has_room(row, word)
        for course in [_course_at(row, center_x(word))]
        for height in _possible_heights(word.box, metrics)
    ]
    distance, height, number = min(fits, default=(metrics.height, center_y(word.box) - rise, len(rows)))
    if distance > MAX_OFF_COURSE_HEIGHTS * metrics.height:
        rows.append([_PlacedWord(word, center_y(word.box) - rise)])
    else:
        rows[number] = sorted([*rows[number], _PlacedWord(word, height)], key=lambda placed: placed.word.box.left)


def _possible_heights(box: Box, metrics: TypeMetrics) -> list[float]:
    """Return the heights at which a word may stand: one whose box reaches over two lines is of the upper or the lower."""
    is_tall = box.height > MAX_SINGLE_LINE_HEIGHTS * metrics.height
    return [center_y(box), *([box.top + metrics.height / 2, box.bottom - metrics.height / 2] if is_tall else [])]


def _course_at(row: Sequence[_PlacedWord], x: float) -> float:
    nearest = sorted(row, key=lambda placed: abs(center_x(placed.word) - x))[:COURSE_WORDS]
    return median(placed.height for placed in nearest)


def _has_room(row: Sequence[_PlacedWord], word: EngineWord) -> bool:
    boxes = [placed.word.box for placed in row]
    shared_widths = [(min(box.right, word.box.right) - max(box.left, word.box.left), box.width) for box in boxes]
    return all(shared <= MAX_COVERED_WIDTH * min(width, word.box.width) for shared, width in shared_widths)


def _line(row: Sequence[_PlacedWord], slope: float, block: int) -> EngineLine:
    words = tuple(placed.word for placed in row)
    box = Box.enclosing(word.box for word in words)
    base = median(baseline_y(word) - slope * center_x(word) for word in words)
    return EngineLine(words, box, block, ((box.left, round(base + slope * box.left)), (box.right, round(base + slope * box.right))))
