"""What a page looks like as a whole: where its text block stands, and where rules are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from desunt.ocr.engines import EngineWord
from desunt.ocr.layout.address_patterns import opens_address
from desunt.ocr.layout.type_metrics import Type
from desunt.record.document import Box

Mask = NDArray[np.uint8]

# A line of the text block has so many words; so few lines show no block.
LONG_WORDS, LEAST_LINES = 5, 3
# A line is of the block's width if it has so much of the usual width of such lines.
LONG = 0.6
# Lines of the text block stand no more than so many heights apart from the one above or below.
NEXT = 3.5
# Words read with so much confidence, in lines that begin within so many letters of each other, are text.
LIKELY, ALIGNED = 0.5, 1.5
# A rule is so many letters wide, or so many heights tall; pens and scanners draw them askew by a pixel or two. What is
# thicker than so many heights is a blot.
RULE_WIDE, RULE_TALL, ASKEW, BOLD = 9.0, 2.6, 3, 0.4
# Rules belong to a cell so many letters beside it, and so many heights above or below it, if they run along so much of it.
BESIDE, ABOVE, ALONG = 8.0, 4.0, 0.95


@dataclass(frozen=True, slots=True)
class Shape:
    """A line of the page as far as its kind is concerned: words as read or as the engine has them, `tilt` in pixels down for one right."""

    words: tuple[EngineWord, ...]
    box: Box
    tilt: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Sheet:
    """One page: its size in pixels, its type, its text block if one shows, its ink (1; None if unknown), whether it is in capitals."""

    width: int
    height: int
    type: Type
    block: Box | None
    mask: Mask | None = None
    in_capitals: bool = False

    @cached_property
    def _rules(self) -> tuple[Mask, Mask]:
        """Return where level and where upright rules are drawn."""
        import cv2

        assert self.mask is not None
        wide, tall, bold = (
            max(3, round(size)) for size in (RULE_WIDE * self.type.letter, RULE_TALL * self.type.height, BOLD * self.type.height)
        )
        # Blots and redactions are no rules.
        thin = cv2.subtract(self.mask, cv2.morphologyEx(self.mask, cv2.MORPH_OPEN, np.ones((bold, bold), np.uint8)))
        thick = cv2.dilate(thin, np.ones((ASKEW, ASKEW), np.uint8))
        level = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, wide), np.uint8))
        upright = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((tall, 1), np.uint8))
        return np.asarray(level, np.uint8), np.asarray(upright, np.uint8)

    def is_ruled(self, box: Box) -> bool:
        """Tell whether a box stands in a ruled cell: between level rules that go on beyond it, with an upright one beside it.

        Without an upright rule the level ones must go on to both sides.
        """
        if self.mask is None:
            return False
        level, upright = self._rules
        side, reach, middle = round(BESIDE * self.type.letter), round(ABOVE * self.type.height), (box.top + box.bottom) // 2
        above, below = level[max(0, box.top - reach) : middle], level[middle : box.bottom + reach]
        # An underline ends with its words: a cell's rule goes on beyond them.
        beyond = [slice(max(0, box.left - side), max(1, box.left - side // 4)), slice(box.right + side // 4, box.right + side)]
        seen = [[bool(rows[:, part].any()) for part in beyond] for rows in (above, below)]
        is_beside = bool(upright[box.top : box.bottom, max(0, box.left - side) : box.right + side].any())
        along = all(rows[:, box.left : box.right].any(axis=0).mean() >= ALONG for rows in (above, below))
        return along and all(map(any if is_beside else all, seen))


def sheet_of(shapes: Sequence[Shape], size: Type, width: int, height: int, mask: Mask | None = None) -> Sheet:
    """Return what the lines of a page of running text, notes and all, show of it as a whole."""
    lines = _running_text(shapes, size)
    if not lines:
        return Sheet(width, height, size, None, mask)
    left, right = (float(np.quantile(sides, at)) for sides, at in (([x.box.left for x in lines], 0.1), ([x.box.right for x in lines], 0.9)))
    left = min(left, _leftmost(shapes, size, default=left))
    block = Box(round(left), lines[0].box.top, max(round(right), round(left) + 1), lines[-1].box.bottom)
    letters = [char for line in lines for char in line.text if char.isalpha()]
    return Sheet(width, height, size, block, mask, sum(map(str.isupper, letters)) >= 0.5 * len(letters))


def _leftmost(shapes: Sequence[Shape], size: Type, default: float) -> float:
    """Return the leftmost edge that several lines of some words share, in pixels: a column too narrow for running text is text too."""
    starts = [
        shape.words[0].box.left for shape in shapes if sum(size.is_of_it(word) and word.confidence >= LIKELY for word in shape.words) >= 2
    ]
    near = ALIGNED * size.letter
    return min((start for start in starts if sum(abs(start - other) <= near for other in starts) >= LEAST_LINES), default=default)


def _running_text(shapes: Sequence[Shape], size: Type) -> list[Shape]:
    """Return the lines of running text from the top: of many words, about as wide as each other, no more than a few heights apart."""
    lines = [shape for shape in shapes if sum(map(size.is_of_it, shape.words)) >= LONG_WORDS and not opens_address(shape.text)]
    if len(lines) < LEAST_LINES:
        return []
    usual = float(np.quantile([line.box.width for line in lines], 0.75))
    lines = sorted((line for line in lines if line.box.width >= LONG * usual), key=lambda line: line.box.top)
    near = [place for place, (a, b) in enumerate(pairwise(lines)) if b.box.top - a.box.bottom <= NEXT * size.height]
    return lines[near[0] : near[-1] + 2] if near and len(lines) >= LEAST_LINES else []
