"""Readings of several words, each of which may be misread, torn, or run into the next: the likeliest words together."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from desunt.lm.lexicon import Lexicon, bare
from desunt.restore.error_model import Confusion, near

# More parts than this are a line that was not read at all.
MOST_PARTS = 7
# Words tried for a part, and whole readings kept on the way and sent on.
OPTIONS, WIDTH, SENT = 6, 30, 24
# A word's frequency counts so much beside its ink, and that nothing knows it this much against it.
FREQUENCY, UNKNOWN = 0.3, -4.0
# A short part may be no word at all, two may be one that is known, one may be two that are: each is dear.
LONGEST_SPECK, SPECK, JOINED, SPLIT = 2, -6.0, -2.0, -2.0
# Known words of one letter; of two the lexicon holds much that is none.
LETTERS, SHORTEST, COMMON = frozenset("aI"), 4, 1e-5
# Words of the lexicon that are looked through for one part.
VOCABULARY = 20_000
# Two parts that may be one word are together no longer than this.
LONGEST_TORN = 16


@dataclass(frozen=True, slots=True)
class _Reading:
    """The words so far, and their score: log P(ink | words) and their frequencies."""

    words: tuple[str, ...]
    score: float


def together(ink: str, confusion: Confusion, lexicon: Lexicon, *, capitals: bool) -> Iterator[str]:
    """Yield whole readings, the likeliest first: each part mended, cut in two, left out as a speck, or joined to the next.

    A beam over the parts from left to right; nothing for more of them than are worth it, of one part only what cuts it.
    """
    parts = ink.split()
    if len(parts) > MOST_PARTS:
        return
    options = partial(_options, confusion=confusion, lexicon=lexicon, capitals=capitals)
    single = [options(part) for part in parts]
    torn = [[(w, s + JOINED) for w, s in options(a + b) if w in lexicon] if len(a + b) <= LONGEST_TORN else [] for a, b in pairwise(parts)]
    ending: list[list[_Reading]] = [[_Reading((), 0.0)], *([] for _ in parts)]
    for end, part in enumerate(parts, start=1):
        longer = [_Reading((*one.words, word), one.score + score) for one in ending[end - 1] for word, score in single[end - 1]]
        if len(bare(part)) <= LONGEST_SPECK:
            longer += [_Reading(one.words, one.score + SPECK) for one in ending[end - 1]]
        if end >= 2:
            longer += [_Reading((*one.words, word), one.score + score) for one in ending[end - 2] for word, score in torn[end - 2]]
        ending[end] = heapq.nsmallest(WIDTH, longer, key=lambda one: (-one.score, one.words))
    found = dict.fromkeys(" ".join(one.words) for one in ending[-1][:SENT] if one.words)
    yield from (text for text in found if len(parts) > 1 or " " in text)


def _options(part: str, *, confusion: Confusion, lexicon: Lexicon, capitals: bool) -> Sequence[tuple[str, float]]:
    """Return the likeliest words for one part with their scores, itself among them."""
    plain = bare(part) or part
    words = near(plain, lexicon.words_of(max(1, len(plain) - 2), len(plain) + 2, VOCABULARY), 3 * OPTIONS)
    written = dict.fromkeys([plain, *(word.upper() if capitals else word for word in words)])
    scored = [(word, confusion.log_likelihood(plain, word) + FREQUENCY * _log_frequency(word, lexicon)) for word in written]
    cut = [(f"{a} {b}", SPLIT + FREQUENCY * (_log_frequency(a, lexicon) + _log_frequency(b, lexicon))) for a, b in _halves(plain, lexicon)]
    return heapq.nsmallest(OPTIONS, [*scored, *cut], key=lambda one: (-one[1], one[0]))


def _halves(part: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Yield every two common words that a part may be cut into."""
    for place in range(1, len(part) if len(part) >= SHORTEST else 0):
        halves = part[:place], part[place:]
        if all((len(half) > 1 or half in LETTERS) and lexicon.count(half) >= COMMON * lexicon.total for half in halves):
            yield halves


def _log_frequency(word: str, lexicon: Lexicon) -> float:
    count = lexicon.count(word)
    return math.log((count or 0.5) / max(lexicon.total, 1)) + (0.0 if count or not word.isalpha() else UNKNOWN / FREQUENCY)
