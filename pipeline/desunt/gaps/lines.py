"""Lines in the making: which of an engine's words stay, which become gaps, and which are no text at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from statistics import median

from desunt.gaps.detectors.blots import Band, letterlike
from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.pitch import Measure, around, mostly_inside
from desunt.ocr.preprocessing.ink import Ink
from desunt.record.document import Box, Extent, Reason

TRUSTED, TRUSTED_LETTERS = 0.8, 5
# A block or line with so small a share of its letters in legible words was not read at all.
LEAST_READ = 0.2
UNREAD_LETTERS = 12
UNREAD_LINES = 3
# Hopeless words become one gap when they stand so close (in letters), or when there are so many of them in a row.
CLOSE, MANY, APART = 0.6, 3, 3.0
# Marks outside the text area with so few letters are no text.
STRAY_LETTERS = 4
LONG_LINE = 15
# How much of a word a redaction must cover for its reading to be dropped: the rest of the word is dropped with it.
HIDDEN = 0.25


@dataclass(frozen=True, slots=True)
class Judged:
    """An engine's word with its legibility, 0-1."""

    word: EngineWord
    legibility: float

    @property
    def box(self) -> Box:
        return self.word.box

    @property
    def letters(self) -> int:
        return sum(char.isalnum() for char in self.word.text)


@dataclass(frozen=True, slots=True)
class Found:
    """A gap before it has an id."""

    box: Box
    extent: Extent
    reason: Reason
    engine_reading: str | None = None
    other_readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line in the making: `block` is the engine's text block, `unread` says that it is one gap because nothing of it was read."""

    tokens: tuple[Judged | Found, ...]
    block: int
    baseline: tuple[tuple[int, int], tuple[int, int]] | None = None
    unread: bool = False

    @property
    def box(self) -> Box:
        return around([token.box for token in self.tokens])

    @property
    def words(self) -> tuple[Judged, ...]:
        return tuple(token for token in self.tokens if isinstance(token, Judged))


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about a word: the least legibility of one that stays, the type, the redactions, the ink, where text stands."""

    least: float
    size: Measure
    withheld: tuple[Box, ...]
    ink: Ink
    area: Box


def rows_of(lines: Sequence[EngineLine], judged: Sequence[Judged], rules: Rules) -> list[Row]:
    """Return the rows of a page in the engine's order; `judged` holds the words of all lines in their order."""
    words, rows = iter(judged), []
    for block, group in groupby(lines, key=lambda line: line.block):
        members = [(line, _side_by_side([item for _, item in zip(line.words, words, strict=False)], rules)) for line in group]
        members = [(line, _text_of(items, rules)) for line, items in members]
        lost = len(members) >= UNREAD_LINES and _unread([item for _, items in members for item in items], rules)
        rows += [row for line, items in members if items and (row := _row(line, items, block, rules, lost=lost))]
    return rows


def _side_by_side(items: list[Judged], rules: Rules) -> list[Judged]:
    """Return the words of a line with the box of each hopeless one cut off where the next word begins.

    Of words that it misreads the engine often gives boxes that run over those behind them; they would seem longer than they are.
    """
    cut = []
    for item, after in zip_longest(items, items[1:]):
        if after and item.legibility < rules.least and _runs_over(item.box, after.box, rules.size):
            item = replace(item, word=replace(item.word, box=replace(item.box, right=after.box.left)))  # noqa: PLW2901
        cut.append(item)
    return cut


def _runs_over(box: Box, after: Box, size: Measure) -> bool:
    shared = min(box.bottom, after.bottom) - max(box.top, after.top)
    return after.left - box.left >= 2 * size.letter and box.right - after.left > CLOSE * size.letter and 2 * shared > after.height


def _text_of(items: list[Judged], rules: Rules) -> list[Judged]:
    """Return the words of a line that are text in sight: neither withheld nor specks, rules and edges taken for letters."""
    left = [item for item in items if not mostly_inside(item.box, rules.withheld, HIDDEN) and not _is_mark(item, rules)]
    return [item for item in left if not _is_stray(item, left, rules)]


def _is_mark(item: Judged, rules: Rules) -> bool:
    """Return whether a hopeless word is no text: a rule, a speck, an edge."""
    if item.legibility >= rules.least:
        return False
    box, size = item.box, rules.size
    # Tall ink within the text is a stamp or a heading that was not read, and must not vanish; beyond it, an edge or a picture.
    tallest = 5.0 if box.intersection(rules.area) else 2.5
    if not 0.35 * size.height <= box.height <= tallest * size.height or not letterlike(rules.ink, box, size):
        return True
    return item.letters == 0 and (box.width < 2.5 * size.letter or box.height < 0.5 * size.height)


def _is_stray(item: Judged, line: list[Judged], rules: Rules) -> bool:
    """Return whether a hopeless word is a few marks outside the text, with nothing beside them."""
    if item.legibility >= rules.least or item.letters > STRAY_LETTERS or item.box.intersection(rules.area):
        return False
    apart = APART * rules.size.letter
    others = (other.box for other in line if other is not item)
    return not any(other.left - item.box.right < apart and item.box.left - other.right < apart for other in others)


def _unread(items: list[Judged], rules: Rules) -> bool:
    letters = sum(item.letters for item in items)
    return letters > 0 and sum(item.letters for item in items if item.legibility >= rules.least) < LEAST_READ * letters


def _row(line: EngineLine, items: list[Judged], block: int, rules: Rules, *, lost: bool) -> Row | None:
    """Return the line's row, None if it is nothing but a few stray marks."""
    letters = sum(item.letters for item in items)
    hopeless = _unread(items, rules)
    if hopeless and (letters <= 3 or around([item.box for item in items]).width < 2.5 * rules.size.letter):
        return None
    if hopeless and (lost or letters >= UNREAD_LETTERS):
        reading = " ".join(item.word.text for item in items)
        gap = Found(around([item.box for item in items]), Extent("line", 1, 1), "low-confidence", reading)
        return Row((gap,), block, line.baseline, unread=True)
    return Row(tuple(_tokens(items, rules)), block, line.baseline)


def _tokens(items: list[Judged], rules: Rules) -> Iterator[Judged | Found]:
    """Yield words that stay, and gaps for those that do not."""
    for hopeless, group in groupby(items, key=lambda item: item.legibility < rules.least):
        run = list(group)
        if not hopeless:
            yield from run
        else:
            for near in _split(run, APART * rules.size.letter):
                for joined in [near] if len(near) >= MANY else _split(near, CLOSE * rules.size.letter):
                    box = around([item.box for item in joined])
                    reading = " ".join(item.word.text for item in joined)
                    yield Found(box, rules.size.letters(box.width), "low-confidence", reading, _others(joined))


def _others(items: Sequence[Judged]) -> tuple[str, ...]:
    """Return what else was read where words stand; a word that was read once stands in both readings."""
    if not any(item.word.others for item in items):
        return ()
    return (" ".join(item.word.others[0] if item.word.others else item.word.text for item in items),)


def _split(run: list[Judged], apart: float) -> list[list[Judged]]:
    """Return the words in groups, split where they stand farther apart than so many pixels."""
    groups = [[run[0]]]
    for item in run[1:]:
        if item.box.left - groups[-1][-1].box.right < apart:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def bands(rows: Sequence[Row], rules: Rules) -> list[Band]:
    """Return for each row where its words stand and how far it may go; nothing is looked for in rows that were hardly read."""
    slope, places = _slope(rows, rules.size), [row.box for row in rows]
    found = []
    for number, row in enumerate(rows):
        trusted = sum(item.letters for item in row.words if item.legibility >= TRUSTED)
        boxes = tuple(room_of(token, rules.size) for token in row.tokens) if trusted >= TRUSTED_LETTERS else ()
        found.append(Band(boxes, *_limits(number, places, rules.area), slope))
    return found


def _limits(number: int, places: Sequence[Box], area: Box) -> tuple[int, int]:
    """Return how far to the left and right a row may go: to the edge of the text, or to the next column; `places` has all rows' boxes."""
    own = places[number]
    # A row is never beside itself: its box neither ends before it begins nor begins behind its end.
    beside = [box for box in places if min(box.bottom, own.bottom) > max(box.top, own.top)]
    left = max((box.right for box in beside if box.right <= own.left), default=area.left)
    right = min((box.left for box in beside if box.left >= own.right), default=area.right)
    return min(left, own.left), max(right, own.right)


def _slope(rows: Sequence[Row], size: Measure) -> float:
    """Return the usual slope of the page's long lines, 0 where the engine gave no baselines."""
    ends = [row.baseline for row in rows if row.baseline is not None]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in ends if b[0] - a[0] >= LONG_LINE * size.letter]
    return median(slopes) if slopes else 0.0


def room_of(token: Judged | Found, size: Measure) -> Box:
    """Return the box of a token, as wide as its letters need: engines cut boxes off, and the ink beside them is of the same word."""
    text = token.word.text if isinstance(token, Judged) else token.engine_reading or ""
    lacking = max(0, round(len(text) * size.letter - token.box.width))
    return Box(token.box.left - lacking, token.box.top, token.box.right + lacking, token.box.bottom)


def with_gaps(row: Row, gaps: Sequence[Found]) -> Row:
    """Return the row with more gaps, each in its place from left to right."""
    return replace(row, tokens=tuple(sorted((*row.tokens, *gaps), key=lambda token: token.box.left))) if gaps else row
