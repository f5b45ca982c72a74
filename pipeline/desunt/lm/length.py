"""How long a filling is against what is known of the gap: P(length | text)."""

from __future__ import annotations

import unicodedata

from desunt.record.document import Extent

# A measured width is a letter out now and then, hardly ever two: natural logarithms of how often.
ONE_OFF_LOG_PROB = -4.0
FURTHER_OFF_LOG_PROB = -4.0
# Mean length of a word and the space behind it in English prose: turns letters into words where only one is known.
LETTERS_PER_WORD = 6.0
WORDS_PER_LINE = 10


def count_graphemes(text: str) -> int:
    """Count characters as a reader sees them: an accent belongs to its letter."""
    return sum(1 for sign in unicodedata.normalize("NFC", text) if not unicodedata.combining(sign))


def length_log_prob(text: str, extent: Extent | None) -> float:
    """Return log P(length | text), up to a constant: 0 inside the extent, less for each letter or word outside it.

    A number of lines says too little about a length in words to speak for or against a filling.
    """
    if extent is None or extent.unit == "line":
        return 0.0
    count = count_graphemes(text) if extent.unit == "character" else len(text.split())
    outside = max(extent.least - count, count - (extent.most or count), 0)
    return 0.0 if not outside else ONE_OFF_LOG_PROB + FURTHER_OFF_LOG_PROB * (outside - 1)


def expected_words(extent: Extent | None, *, open_ended: bool) -> float:
    """Return about how many words the gap holds: what `most` says, one where nothing is known, a few to the end of a line."""
    if extent is None:
        return 3.0 if open_ended else 1.0
    most = float(extent.most if extent.most is not None else max(extent.least, 1))
    if extent.unit == "character":
        return max(1.0, most / LETTERS_PER_WORD)
    return most if extent.unit == "word" else most * WORDS_PER_LINE


def describe_extent(extent: Extent) -> str:
    """Return the extent as a phrase: `9-10 letters`, `about 2 words`, `at least 3 letters`."""
    unit = "letter" if extent.unit == "character" else extent.unit
    if extent.most is None:
        return f"at least {extent.least} {unit}{'' if extent.least == 1 else 's'}"
    span = str(extent.most) if extent.least == extent.most else f"{extent.least}-{extent.most}"
    return f"{span} {unit}{'' if extent.most == 1 else 's'}"
