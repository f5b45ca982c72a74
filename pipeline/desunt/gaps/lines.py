"""Lines in the making: which of an engine's words stay, which become gaps, and which are no text at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from statistics import median
from typing import TypeAlias

from desunt.gaps.detectors.blots import TextBand, is_letter_like
from desunt.ocr.confidence.legibility import TRUSTED_LEGIBILITY
from desunt.ocr.engines import EngineLine, EngineWord
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import InkMask
from desunt.record.document import Box, Extent, Reason

# A line with fewer letters in trusted words shows nothing of where else text stands in it.
MIN_TRUSTED_LETTERS = 5
# A block or line with a smaller share of its letters in legible words was not read at all: such a line is one gap if it is long, or in a
# block of several lines that was not read.
MIN_READ_SHARE, MIN_UNREAD_LETTERS, MIN_UNREAD_LINES = 0.2, 12, 3
# Of an unread line with fewer letters, or narrower, nothing is kept: it is stray marks.
MIN_LINE_LETTERS, MIN_LINE_WIDTH_LETTERS = 4, 2.5
# Hopeless words are one gap when they stand this close, or in a longer row without a wide space in it.
MERGE_DISTANCE_LETTERS, MIN_RUN_WORDS, MAX_RUN_DISTANCE_LETTERS = 0.6, 3, 3.0
# The height of text in heights of the type; tall ink within the text is a stamp or a heading that was not read, and must not vanish;
# beyond it, an edge or a picture.
MIN_TEXT_HEIGHT, MAX_HEIGHT_INSIDE, MAX_HEIGHT_OUTSIDE = 0.35, 5.0, 2.5
# A mark without a letter or digit is text only if it is this wide and this high.
MIN_MARK_LETTERS, MIN_MARK_HEIGHT = 2.5, 0.5
# Marks outside the text area with no more letters, and nothing beside them, are no text.
MAX_STRAY_LETTERS = 4
# A shorter line shows no slope.
MIN_SLOPE_LETTERS = 15
# How much of a word a redaction must cover for its reading to be dropped: the rest of the word is dropped with it.
MIN_HIDDEN_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class DraftGap:
    """A gap before it has an id."""

    box: Box
    extent: Extent
    reason: Reason
    engine_reading: str | None = None
    other_readings: tuple[str, ...] = ()


DraftToken: TypeAlias = EngineWord | DraftGap


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line in the making: `block` is the engine's text block, `unread` says that it is one gap because nothing of it was read."""

    tokens: tuple[DraftToken, ...]
    block: int
    baseline: tuple[tuple[int, int], tuple[int, int]] | None = None
    unread: bool = False

    @property
    def box(self) -> Box:
        return Box.enclosing(token.box for token in self.tokens)

    @property
    def words(self) -> tuple[EngineWord, ...]:
        return tuple(token for token in self.tokens if isinstance(token, EngineWord))

    @property
    def gaps(self) -> tuple[DraftGap, ...]:
        return tuple(token for token in self.tokens if isinstance(token, DraftGap))


@dataclass(frozen=True, slots=True)
class PageContext:
    """What decides about a word: the least legibility of one that stays, the type, the redactions, the ink, where text stands."""

    min_legibility: float
    metrics: TypeMetrics
    redactions: tuple[Box, ...]
    ink: InkMask
    text_area: Box

    def is_hopeless(self, word: EngineWord) -> bool:
        return word.legibility < self.min_legibility

    def gap(self, box: Box, reason: Reason) -> DraftGap:
        """Return a gap as long as the letters its box holds."""
        return DraftGap(box, self.metrics.letters_in(box.width), reason)


def draft_lines(engine_lines: Sequence[EngineLine], context: PageContext) -> list[DraftLine]:
    """Return the lines of a page in the engine's order; the words carry their legibility."""
    drafts: list[DraftLine] = []
    for block, group in groupby(engine_lines, key=lambda line: line.block):
        lines = [(line, _visible_text(_without_overlaps(line.words, context), context)) for line in group]
        is_lost = len(lines) >= MIN_UNREAD_LINES and _is_unread([word for _, words in lines for word in words], context)
        drafts += [draft for line, words in lines if words and (draft := _draft_line(line, words, block, context, is_lost=is_lost))]
    return drafts


def _without_overlaps(words: Sequence[EngineWord], context: PageContext) -> list[EngineWord]:
    """Return the words of a line with the box of each hopeless one cut off where the next word begins.

    Of words that it misreads the engine often gives boxes that run over those behind them; they would seem longer than they are.
    """
    return [
        replace(word, box=replace(word.box, right=following.box.left))
        if following and context.is_hopeless(word) and _runs_over(word.box, following.box, context.metrics)
        else word
        for word, following in zip_longest(words, words[1:])
    ]


def _runs_over(box: Box, following: Box, metrics: TypeMetrics) -> bool:
    shared = min(box.bottom, following.bottom) - max(box.top, following.top)
    is_cut_long_enough = following.left - box.left >= 2 * metrics.advance
    return is_cut_long_enough and box.right - following.left > MERGE_DISTANCE_LETTERS * metrics.advance and 2 * shared > following.height


def _visible_text(words: Sequence[EngineWord], context: PageContext) -> list[EngineWord]:
    """Return the words of a line that are text in sight: neither withheld nor specks, rules and edges taken for letters."""
    words = [word for word in words if not word.box.is_mostly_inside(context.redactions, MIN_HIDDEN_SHARE) and not _is_mark(word, context)]
    return [word for word in words if not _is_stray(word, words, context)]


def _is_mark(word: EngineWord, context: PageContext) -> bool:
    """Return whether a hopeless word is no text: a rule, a speck, an edge."""
    if not context.is_hopeless(word):
        return False
    box, metrics = word.box, context.metrics
    max_height = MAX_HEIGHT_INSIDE if box.intersection(context.text_area) else MAX_HEIGHT_OUTSIDE
    if not MIN_TEXT_HEIGHT * metrics.height <= box.height <= max_height * metrics.height or not is_letter_like(context.ink, box, metrics):
        return True
    return word.letters == 0 and (box.width < MIN_MARK_LETTERS * metrics.advance or box.height < MIN_MARK_HEIGHT * metrics.height)


def _is_stray(word: EngineWord, line: Sequence[EngineWord], context: PageContext) -> bool:
    """Return whether a hopeless word is a few marks outside the text, with nothing beside them."""
    if not context.is_hopeless(word) or word.letters > MAX_STRAY_LETTERS or word.box.intersection(context.text_area):
        return False
    reach = MAX_RUN_DISTANCE_LETTERS * context.metrics.advance
    others = (other.box for other in line if other is not word)
    return not any(other.left - word.box.right < reach and word.box.left - other.right < reach for other in others)


def _is_unread(words: Sequence[EngineWord], context: PageContext) -> bool:
    letters = sum(word.letters for word in words)
    return letters > 0 and sum(word.letters for word in words if not context.is_hopeless(word)) < MIN_READ_SHARE * letters


def _draft_line(line: EngineLine, words: Sequence[EngineWord], block: int, context: PageContext, *, is_lost: bool) -> DraftLine | None:
    """Return the line's draft, None if it is nothing but a few stray marks; `is_lost` says that its whole block was not read."""
    if not _is_unread(words, context):
        return DraftLine(tuple(_tokens(words, context)), block, line.baseline)
    letters, box = sum(word.letters for word in words), Box.enclosing(word.box for word in words)
    if letters < MIN_LINE_LETTERS or box.width < MIN_LINE_WIDTH_LETTERS * context.metrics.advance:
        return None
    if is_lost or letters >= MIN_UNREAD_LETTERS:
        gap = DraftGap(box, Extent("line", 1, 1), "low-confidence", " ".join(word.text for word in words))
        return DraftLine((gap,), block, line.baseline, unread=True)
    return DraftLine(tuple(_tokens(words, context)), block, line.baseline)


def _tokens(words: Sequence[EngineWord], context: PageContext) -> Iterator[DraftToken]:
    """Yield words that stay, and gaps for those that do not."""
    advance = context.metrics.advance
    for is_hopeless, group in groupby(words, key=context.is_hopeless):
        if not is_hopeless:
            yield from group
            continue
        for run in _split(list(group), MAX_RUN_DISTANCE_LETTERS * advance):
            for merged in [run] if len(run) >= MIN_RUN_WORDS else _split(run, MERGE_DISTANCE_LETTERS * advance):
                gap = context.gap(Box.enclosing(word.box for word in merged), "low-confidence")
                yield replace(gap, engine_reading=" ".join(word.text for word in merged), other_readings=_alternatives(merged))


def _alternatives(words: Sequence[EngineWord]) -> tuple[str, ...]:
    """Return what else was read where words stand; a word that was read once stands in both readings."""
    if not any(word.alternatives for word in words):
        return ()
    return (" ".join(word.alternatives[0] if word.alternatives else word.text for word in words),)


def _split(words: Sequence[EngineWord], max_distance: float) -> list[list[EngineWord]]:
    """Return the words in groups, split where they stand so many pixels apart or farther."""
    groups = [[words[0]]]
    for word in words[1:]:
        if word.box.left - groups[-1][-1].box.right < max_distance:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def text_bands(lines: Sequence[DraftLine], context: PageContext) -> list[TextBand]:
    """Return for each line where its words stand and how far it may go; nothing is looked for in lines that were hardly read."""
    slope, line_boxes = _usual_slope(lines, context.metrics), [line.box for line in lines]
    bands = []
    for number, line in enumerate(lines):
        trusted_letters = sum(word.letters for word in line.words if word.legibility >= TRUSTED_LEGIBILITY)
        is_read = trusted_letters >= MIN_TRUSTED_LETTERS
        boxes = tuple(box_with_missing_letters(token, context.metrics) for token in line.tokens) if is_read else ()
        bands.append(TextBand(boxes, *_limits(number, line_boxes, context.text_area), slope))
    return bands


def _limits(number: int, line_boxes: Sequence[Box], text_area: Box) -> tuple[int, int]:
    """Return how far to the left and right a line may go: to the edge of the text, or to the next column."""
    box = line_boxes[number]
    # A line is never beside itself: its box neither ends before it begins nor begins behind its end.
    level = [other for other in line_boxes if min(other.bottom, box.bottom) > max(other.top, box.top)]
    left = max((other.right for other in level if other.right <= box.left), default=text_area.left)
    right = min((other.left for other in level if other.left >= box.right), default=text_area.right)
    return min(left, box.left), max(right, box.right)


def _usual_slope(lines: Sequence[DraftLine], metrics: TypeMetrics) -> float:
    """Return the usual slope of the page's long lines, 0 where the engine gave no baselines."""
    baselines = [line.baseline for line in lines if line.baseline is not None]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in baselines if b[0] - a[0] >= MIN_SLOPE_LETTERS * metrics.advance]
    return median(slopes) if slopes else 0.0


def box_with_missing_letters(token: DraftToken, metrics: TypeMetrics) -> Box:
    """Return the box of a token, as wide as its letters need: engines cut boxes off, and the ink beside them is of the same word."""
    text = token.text if isinstance(token, EngineWord) else token.engine_reading or ""
    missing = max(0, round(len(text) * metrics.advance - token.box.width))
    return Box(token.box.left - missing, token.box.top, token.box.right + missing, token.box.bottom)


def insert_gaps(line: DraftLine, gaps: Sequence[DraftGap]) -> DraftLine:
    """Return the line with more gaps, each in its place from left to right."""
    return replace(line, tokens=tuple(sorted((*line.tokens, *gaps), key=lambda token: token.box.left))) if gaps else line
