"""How large the type of a page is, and where a word stands on its line, by the engine's boxes alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from desunt.ocr.engines import EngineWord
from desunt.record.document import Box, Extent, Word

# Of words of two lengths or less, or of fewer words, the advance cannot be fitted.
MIN_WORDS_TO_FIT, MIN_LENGTHS_TO_FIT = 12, 3
# On proportional type the widths of words of equal length differ by more than this, in letters; on fixed pitch by half of it.
MAX_WIDTH_SCATTER_LETTERS = 0.16
# The last letter of a word has no space behind it: boxes are this many letters narrower than the advance says.
SIDE_BEARING_LETTERS = 0.2
# Where fewer words can be trusted, the type is taken for elite: 12 letters an inch, 9 heights an inch.
MIN_WORDS_TO_MEASURE, ELITE_ADVANCES_PER_INCH, ELITE_HEIGHTS_PER_INCH = 4, 12, 9
# Engines draw tall boxes round words with noise above or below them; type is hardly taller than wide. The median width of a word's letters
# is less than their advance, so that the same type is more such widths tall.
MAX_HEIGHT_ADVANCES, MAX_HEIGHT_MEDIAN_WIDTHS = 1.6, 1.9
# Words of this many letters, read with this confidence, show how large the type is; fewer words show nothing.
MIN_LETTERS, MIN_CONFIDENCE, MIN_WORDS = 3, 0.6, 8
# How tall a word of the type is, in heights of the type.
MIN_MATCHING_HEIGHT, MAX_MATCHING_HEIGHT = 0.55, 1.7
# A descender reaches this share of a word's height below the line.
DESCENDERS = frozenset("gjpqy,;")
DESCENT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class TypeMetrics:
    """The type of a page in pixels: usual `height` of a word's box, usual `advance` from letter to letter, whether all letters have it."""

    height: float
    advance: float
    monospaced: bool = False

    def letters_in(self, width: float) -> Extent:
        """Return how many letters a width holds: one more or less on fixed pitch, a quarter on proportional type."""
        count = width / self.advance + SIDE_BEARING_LETTERS
        slack = 0.75 if self.monospaced else max(1.0, 0.25 * count)
        return Extent("character", max(1, round(count - slack)), max(1, round(count + slack)))

    def matches(self, word: EngineWord) -> bool:
        """Tell whether a word may be of this type: letters, about as tall as usual."""
        return word.letters >= 2 and MIN_MATCHING_HEIGHT * self.height <= word.box.height <= MAX_MATCHING_HEIGHT * self.height


def fit_advance(words: Sequence[Word | EngineWord]) -> float | None:
    """Return the letters' advance in pixels on fixed-pitch type, None if the type is proportional or the words are too few.

    It is the slope of width against length: the median over pairs of lengths of the medians' differences (Theil-Sen).
    """
    widths: defaultdict[int, list[int]] = defaultdict(list)
    for word in words:
        if word.box is not None and len(word.text) >= 2:
            widths[len(word.text)].append(word.box.width)
    medians = {length: median(same_length) for length, same_length in widths.items() if len(same_length) >= 2}
    if sum(map(len, widths.values())) < MIN_WORDS_TO_FIT or len(medians) < MIN_LENGTHS_TO_FIT:
        return None
    advance = median((medians[b] - medians[a]) / (b - a) for a in medians for b in medians if a < b)
    if advance <= 0:
        return None
    scatter = median(abs(width - medians[length]) for length in medians for width in widths[length]) / advance
    return round(advance, 3) if scatter <= MAX_WIDTH_SCATTER_LETTERS else None


def measure_type(words: Sequence[EngineWord], dpi: int) -> TypeMetrics:
    """Return the metrics of the type by the best there is: a fitted advance, else the median width of a letter, else those of elite type.

    The words are those that can be trusted.
    """
    lettered = [word for word in words if len(word.text) >= 2]
    fitted = fit_advance(lettered)
    if len(lettered) < MIN_WORDS_TO_MEASURE:
        return TypeMetrics(dpi / ELITE_HEIGHTS_PER_INCH, fitted or dpi / ELITE_ADVANCES_PER_INCH)
    advance = fitted or median(word.box.width / (len(word.text) - SIDE_BEARING_LETTERS) for word in lettered)
    height = min(median(word.box.height for word in lettered), MAX_HEIGHT_ADVANCES * advance)
    return TypeMetrics(float(height), float(advance), fitted is not None)


def median_metrics(words: Sequence[EngineWord]) -> TypeMetrics | None:
    """Return the metrics of the type that most of the words are in, by the engine's confidence alone; None where too few words show them.

    The advance is the median width of a letter, which knows nothing of the space between letters: layout asks for no more.
    """
    sure = [word for word in words if word.confidence >= MIN_CONFIDENCE and word.letters >= MIN_LETTERS]
    if len(sure) < MIN_WORDS:
        return None
    width = median(word.box.width / len(word.text) for word in sure)
    return TypeMetrics(min(float(median(word.box.height for word in sure)), MAX_HEIGHT_MEDIAN_WIDTHS * width), float(width))


def baseline_y(word: EngineWord) -> float:
    """Return where the line a word stands on is, in pixels from the top, by its box and letters."""
    return word.box.bottom - (DESCENT_SHARE * word.box.height if DESCENDERS & set(word.text) else 0.0)


def center_x(word: EngineWord) -> float:
    """Return the middle of a word, in pixels from the left."""
    return (word.box.left + word.box.right) / 2


def center_y(box: Box) -> float:
    """Return the middle of a box, in pixels from the top."""
    return (box.top + box.bottom) / 2
