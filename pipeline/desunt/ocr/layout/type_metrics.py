"""How large the type of a page is, and where a word stands on its line, by the engine's boxes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from desunt.ocr.engines import EngineWord, Reading
from desunt.record.document import Box

# Words of so many letters, read with so much confidence, show how large the type is; fewer than so many words show nothing.
LETTERS, SURE, LEAST_WORDS = 3, 0.6, 8
# Engines draw tall boxes round words with noise above or below them; typewritten letters are no taller than so many widths.
TALLEST = 1.9
# A hanging letter reaches this share of a word's height below the line.
HANGING = frozenset("gjpqy,;")
DROP = 0.2


@dataclass(frozen=True, slots=True)
class Type:
    """The usual `height` of a word's box and the usual width of a `letter`, in pixels."""

    height: float
    letter: float

    def is_of_it(self, word: EngineWord) -> bool:
        """Tell whether a word may be of this type: letters, about as tall as usual."""
        letters = sum(char.isalnum() for char in word.text)
        return letters >= 2 and 0.55 * self.height <= word.box.height <= 1.7 * self.height


def type_of(words: Sequence[EngineWord]) -> Type | None:
    """Return the measures of the type that most of the words are in, None where too few words show them."""
    sure = [word for word in words if word.confidence >= SURE and sum(char.isalnum() for char in word.text) >= LETTERS]
    if len(sure) < LEAST_WORDS:
        return None
    letter = median(word.box.width / len(word.text) for word in sure)
    return Type(min(float(median(word.box.height for word in sure)), TALLEST * letter), float(letter))


def type_on(reading: Reading) -> Type | None:
    """Return the measures of a page's type, None where too few words show them."""
    return type_of(reading.words)


def foot(word: EngineWord) -> float:
    """Return where the line a word stands on is, in pixels from the top, by its box and letters."""
    return word.box.bottom - (DROP * word.box.height if HANGING & set(word.text) else 0.0)


def across(word: EngineWord) -> float:
    """Return the middle of a word, in pixels from the left."""
    return (word.box.left + word.box.right) / 2


def middle(box: Box) -> float:
    """Return the middle of a box, in pixels from the top."""
    return (box.top + box.bottom) / 2
