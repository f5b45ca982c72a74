"""Readings of several words, each of which may be misread, torn, or run into the next: the likeliest words together."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.restore.error_model import ErrorModel, nearest_words

# More parts than this are a line that was not read at all.
MAX_PARTS = 7
# Words tried for a part, and whole readings kept on the way and returned.
MAX_WORDS_PER_PART, BEAM_WIDTH, MAX_SEGMENTATIONS = 6, 30, 24
# A word's frequency counts so much beside its likelihood, and that nothing knows it this much against it.
FREQUENCY_WEIGHT, UNKNOWN_WORD_COST = 0.3, -4.0
# A short part may be no word at all, two may be one that is known, one may be two that are: each is dear.
MAX_SPECK_LETTERS, SPECK_COST, JOIN_COST, SPLIT_COST = 2, -6.0, -2.0, -2.0
# Known words of one letter; of two the lexicon holds much that is none.
ONE_LETTER_WORDS, MIN_SPLIT_LETTERS, MIN_SPLIT_FREQUENCY = frozenset("aI"), 4, 1e-5
# Words of the lexicon that are looked through for one part, and how much longer or shorter than it they may be.
MAX_LEXICON_WORDS, MAX_LENGTH_DIFFERENCE = 20_000, 2
# Two parts that may be one word are together no longer than this.
MAX_JOINED_LETTERS = 16


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """The words so far, and their score: log P(reading | words) and their frequencies."""

    words: tuple[str, ...]
    score: float


def segmentations(reading: str, error_model: ErrorModel, lexicon: Lexicon, *, all_caps: bool) -> Iterator[str]:
    """Yield whole readings, the likeliest first: each part corrected, cut in two, left out as a speck, or joined to the next.

    A beam over the parts from left to right; nothing for more of them than are worth it, of one part only what cuts it.
    """
    parts = reading.split()
    if len(parts) > MAX_PARTS:
        return
    options = partial(_word_options, error_model=error_model, lexicon=lexicon, all_caps=all_caps)
    single = [options(part) for part in parts]
    joined = [
        [(word, score + JOIN_COST) for word, score in options(a + b) if word in lexicon] if len(a + b) <= MAX_JOINED_LETTERS else []
        for a, b in pairwise(parts)
    ]
    # The best hypotheses of the first parts, by their number.
    beams: list[list[_Hypothesis]] = [[_Hypothesis((), 0.0)], *([] for _ in parts)]
    for end, part in enumerate(parts, start=1):
        longer = _extend(beams[end - 1], single[end - 1])
        if len(strip_punctuation(part)) <= MAX_SPECK_LETTERS:
            longer += [_Hypothesis(start.words, start.score + SPECK_COST) for start in beams[end - 1]]
        if end >= 2:
            longer += _extend(beams[end - 2], joined[end - 2])
        beams[end] = heapq.nsmallest(BEAM_WIDTH, longer, key=lambda hypothesis: (-hypothesis.score, hypothesis.words))
    texts = dict.fromkeys(" ".join(hypothesis.words) for hypothesis in beams[-1][:MAX_SEGMENTATIONS] if hypothesis.words)
    yield from (text for text in texts if len(parts) > 1 or " " in text)


def _extend(starts: Sequence[_Hypothesis], options: Sequence[tuple[str, float]]) -> list[_Hypothesis]:
    return [_Hypothesis((*start.words, word), start.score + score) for start in starts for word, score in options]


def _word_options(part: str, *, error_model: ErrorModel, lexicon: Lexicon, all_caps: bool) -> Sequence[tuple[str, float]]:
    """Return the likeliest words for one part with their scores, itself among them."""
    plain = strip_punctuation(part) or part
    min_length, max_length = max(1, len(plain) - MAX_LENGTH_DIFFERENCE), len(plain) + MAX_LENGTH_DIFFERENCE
    near = nearest_words(plain, lexicon.words_by_length(min_length, max_length, MAX_LEXICON_WORDS), 3 * MAX_WORDS_PER_PART)
    words = dict.fromkeys([plain, *(word.upper() if all_caps else word for word in near)])
    scored = [(word, error_model.log_likelihood(plain, word) + FREQUENCY_WEIGHT * _log_frequency(word, lexicon)) for word in words]
    split = [
        (f"{a} {b}", SPLIT_COST + FREQUENCY_WEIGHT * (_log_frequency(a, lexicon) + _log_frequency(b, lexicon)))
        for a, b in _halves(plain, lexicon)
    ]
    return heapq.nsmallest(MAX_WORDS_PER_PART, [*scored, *split], key=lambda option: (-option[1], option[0]))


def _halves(part: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Yield every two common words that a part may be cut into."""
    for place in range(1, len(part) if len(part) >= MIN_SPLIT_LETTERS else 0):
        halves = part[:place], part[place:]
        if all(_is_common(half, lexicon) for half in halves):
            yield halves


def _is_common(word: str, lexicon: Lexicon) -> bool:
    return (len(word) > 1 or word in ONE_LETTER_WORDS) and lexicon.count(word) >= MIN_SPLIT_FREQUENCY * lexicon.total


def _log_frequency(word: str, lexicon: Lexicon) -> float:
    count = lexicon.count(word)
    unknown_cost = 0.0 if count or not word.isalpha() else UNKNOWN_WORD_COST / FREQUENCY_WEIGHT
    return math.log((count or 0.5) / max(lexicon.total, 1)) + unknown_cost
