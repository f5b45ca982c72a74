"""What a page looks like as a whole: where its text block stands, and where rules are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from desunt.ocr.engines import EngineWord
from desunt.ocr.layout.address_patterns import opens_address
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import Mask
from desunt.record.document import Box

# A line of fewer words of the type is no running text; fewer lines show no text block.
MIN_LINE_WORDS, MIN_LINES = 5, 3
# A line is of the block's width from this share of the usual width of such lines, which is a quantile of theirs.
MIN_WIDTH_SHARE, USUAL_WIDTH_QUANTILE = 0.6, 0.75
# The block's sides are these quantiles of its lines' ends: some are indented, some run over.
LEFT_QUANTILE, RIGHT_QUANTILE = 0.1, 0.9
# Lines of the text block stand no farther apart from the one above or below.
MAX_LINE_DISTANCE_HEIGHTS = 3.5
# Lines of words read with this confidence that begin near to each other are text.
MIN_EDGE_WORDS, MIN_WORD_CONFIDENCE, MAX_OFFSET_LETTERS = 2, 0.5, 1.5
# A page with such a share of its letters in capitals is one in capitals.
MIN_CAPITALS_SHARE = 0.5
# A level rule is so wide, an upright one so tall; pens and scanners draw them askew by a pixel or two. What is thicker is a blot.
MIN_RULE_LETTERS, MIN_RULE_HEIGHTS, MAX_SKEW_PIXELS, MAX_RULE_THICKNESS_HEIGHTS = 9.0, 2.6, 3, 0.4
# Rules belong to a cell this near beside it, and above or below it, if they run along this share of it.
MAX_SIDE_DISTANCE_LETTERS, MAX_RULE_DISTANCE_HEIGHTS, MIN_ALONG_SHARE = 8.0, 4.0, 0.95


@dataclass(frozen=True, slots=True)
class LayoutLine:
    """A line of the page as far as its kind is concerned: words as read or as the engine has them, `tilt` in pixels down for one right."""

    words: tuple[EngineWord, ...]
    box: Box
    tilt: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class PageGeometry:
    """One page: its size in pixels, its type, its text block if one shows, its ink (1; None if unknown), whether it is in capitals."""

    width: int
    height: int
    metrics: TypeMetrics
    block: Box | None
    mask: Mask | None = None
    in_capitals: bool = False

    @cached_property
    def _rules(self) -> tuple[Mask, Mask]:
        """Return where level and where upright rules are drawn."""
        import cv2

        assert self.mask is not None
        lengths = MIN_RULE_LETTERS * self.metrics.advance, MIN_RULE_HEIGHTS * self.metrics.height
        width, height, thickness = (max(3, round(size)) for size in (*lengths, MAX_RULE_THICKNESS_HEIGHTS * self.metrics.height))
        # Blots and redactions are no rules.
        blots = cv2.morphologyEx(self.mask, cv2.MORPH_OPEN, np.ones((thickness, thickness), np.uint8))
        thickened = cv2.dilate(cv2.subtract(self.mask, blots), np.ones((MAX_SKEW_PIXELS, MAX_SKEW_PIXELS), np.uint8))
        level = cv2.morphologyEx(thickened, cv2.MORPH_OPEN, np.ones((1, width), np.uint8))
        upright = cv2.morphologyEx(thickened, cv2.MORPH_OPEN, np.ones((height, 1), np.uint8))
        return np.asarray(level, np.uint8), np.asarray(upright, np.uint8)

    def is_ruled(self, box: Box) -> bool:
        """Tell whether a box stands in a ruled cell: between level rules that go on beyond it, with an upright one beside it.

        Without an upright rule the level ones must go on to both sides.
        """
        if self.mask is None:
            return False
        level, upright = self._rules
        side, middle = round(MAX_SIDE_DISTANCE_LETTERS * self.metrics.advance), (box.top + box.bottom) // 2
        reach = round(MAX_RULE_DISTANCE_HEIGHTS * self.metrics.height)
        above, below = level[max(0, box.top - reach) : middle], level[middle : box.bottom + reach]
        # An underline ends with its words: a cell's rule goes on beyond them.
        beyond = [slice(max(0, box.left - side), max(1, box.left - side // 4)), slice(box.right + side // 4, box.right + side)]
        goes_on = [[bool(rows[:, part].any()) for part in beyond] for rows in (above, below)]
        is_beside = bool(upright[box.top : box.bottom, max(0, box.left - side) : box.right + side].any())
        is_along = all(rows[:, box.left : box.right].any(axis=0).mean() >= MIN_ALONG_SHARE for rows in (above, below))
        return is_along and all(map(any if is_beside else all, goes_on))


def measure_geometry(
    layout_lines: Sequence[LayoutLine], metrics: TypeMetrics, width: int, height: int, mask: Mask | None = None
) -> PageGeometry:
    """Return what the lines of a page, notes and all, show of it as a whole."""
    lines = _running_text(layout_lines, metrics)
    if not lines:
        return PageGeometry(width, height, metrics, None, mask)
    left = float(np.quantile([line.box.left for line in lines], LEFT_QUANTILE))
    right = float(np.quantile([line.box.right for line in lines], RIGHT_QUANTILE))
    left = min(left, _leftmost_edge(layout_lines, metrics, default=left))
    block = Box(round(left), lines[0].box.top, max(round(right), round(left) + 1), lines[-1].box.bottom)
    letters = [char for line in lines for char in line.text if char.isalpha()]
    return PageGeometry(width, height, metrics, block, mask, sum(map(str.isupper, letters)) >= MIN_CAPITALS_SHARE * len(letters))


def _leftmost_edge(lines: Sequence[LayoutLine], metrics: TypeMetrics, default: float) -> float:
    """Return the leftmost edge that several lines of some words share, in pixels: a column too narrow for running text is text too."""

    def is_text(line: LayoutLine) -> bool:
        return sum(metrics.matches(word) and word.confidence >= MIN_WORD_CONFIDENCE for word in line.words) >= MIN_EDGE_WORDS

    starts = [line.words[0].box.left for line in lines if is_text(line)]
    near = MAX_OFFSET_LETTERS * metrics.advance
    return min((start for start in starts if sum(abs(start - other) <= near for other in starts) >= MIN_LINES), default=default)


def _running_text(layout_lines: Sequence[LayoutLine], metrics: TypeMetrics) -> list[LayoutLine]:
    """Return the lines of running text from the top: of many words, about as wide as each other, no more than a few heights apart."""
    lines = [line for line in layout_lines if sum(map(metrics.matches, line.words)) >= MIN_LINE_WORDS and not opens_address(line.text)]
    if len(lines) < MIN_LINES:
        return []
    usual_width = float(np.quantile([line.box.width for line in lines], USUAL_WIDTH_QUANTILE))
    lines = sorted((line for line in lines if line.box.width >= MIN_WIDTH_SHARE * usual_width), key=lambda line: line.box.top)
    max_distance = MAX_LINE_DISTANCE_HEIGHTS * metrics.height
    near = [place for place, (above, below) in enumerate(pairwise(lines)) if below.box.top - above.box.bottom <= max_distance]
    return lines[near[0] : near[-1] + 2] if near and len(lines) >= MIN_LINES else []
