"""How wide a letter is on a page, and how many letters a width holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from desunt.ocr.engines import EngineWord
from desunt.record.document import Box, Extent, Word

LEAST_WORDS = 12
LEAST_LENGTHS = 3
# On proportional type the widths of words of equal length differ by more than this, in letters; on fixed pitch by half of it.
MOST_SCATTER = 0.16
# The last letter of a word has no space behind it: boxes are this many letters narrower than the pitch says.
UNFILLED = 0.2
TALLEST = 1.6


@dataclass(frozen=True, slots=True)
class Measure:
    """The type of a page in pixels: usual `height` of a word's box, usual width of a letter, and whether the pitch is fixed."""

    height: float
    letter: float
    fixed: bool

    def letters(self, width: float) -> Extent:
        """Return how many letters a width holds: one more or less on fixed pitch, a quarter on proportional type."""
        count = width / self.letter + UNFILLED
        slack = 0.75 if self.fixed else max(1.0, 0.25 * count)
        return Extent("character", max(1, round(count - slack)), max(1, round(count + slack)))


def estimate_pitch(words: Sequence[Word | EngineWord]) -> float | None:
    """Return the letters' pitch in pixels on fixed-pitch type, None if the type is proportional or the words are too few.

    The pitch is the slope of width against length: the median over pairs of lengths of the medians' differences (Theil-Sen).
    """
    widths: defaultdict[int, list[int]] = defaultdict(list)
    for word in words:
        if word.box is not None and len(word.text) >= 2:
            widths[len(word.text)].append(word.box.width)
    middles = {length: median(found) for length, found in widths.items() if len(found) >= 2}
    if sum(map(len, widths.values())) < LEAST_WORDS or len(middles) < LEAST_LENGTHS:
        return None
    slopes = [(middles[b] - middles[a]) / (b - a) for a in middles for b in middles if a < b]
    pitch = median(slopes)
    if pitch <= 0:
        return None
    scatter = median(abs(width - middles[length]) for length in middles for width in widths[length]) / pitch
    return round(pitch, 3) if scatter <= MOST_SCATTER else None


def measure(words: Sequence[EngineWord], dpi: int) -> Measure:
    """Return the type's measures from words that can be trusted; elite type (12 letters an inch) where there are none."""
    lettered = [word for word in words if len(word.text) >= 2]
    pitch = estimate_pitch(lettered)
    if len(lettered) < 4:
        return Measure(dpi / 9, pitch or dpi / 12, False)
    letter = pitch or median(word.box.width / (len(word.text) - UNFILLED) for word in lettered)
    # Noise between the lines makes engines draw tall boxes; no type is much taller than wide.
    height = min(median(word.box.height for word in lettered), TALLEST * letter)
    return Measure(float(height), float(letter), pitch is not None)


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around all; there must be one."""
    return Box(
        min(box.left for box in boxes), min(box.top for box in boxes), max(box.right for box in boxes), max(box.bottom for box in boxes)
    )


def mostly_inside(box: Box, others: Sequence[Box], share: float) -> bool:
    """Return whether any of the others covers so much of the box."""
    return any(box.intersection(other) >= share * box.area for other in others)
