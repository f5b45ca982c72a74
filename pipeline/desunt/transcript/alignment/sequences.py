"""Align two sequences of words: the transcript's and the engine's.

Runs of words that occur once on both sides are anchors (patience diff); between anchors, global alignment (Needleman and Wunsch 1970)
over the likeness of words, in which one word may also stand for two or three that an engine divided or merged.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = Sequence[str]
# Words (rows) against words (columns) that one step of the alignment takes.
MOVES = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3))
# Words less alike than this are never taken for one another.
ALIKE = 0.55
# A word more on one side costs little: marks, stamps and lost lines are common; but enough to keep matches together.
SKIP = 0.03
# In a gap it costs next to nothing.
FREE = 0.001
# A table of more cells is cut in two where nothing better is known.
MOST_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """Words `[top, bottom)` of the first sequence are words `[left, right)` of the second."""

    top: int
    bottom: int
    left: int
    right: int


def key_of(text: str) -> str:
    """Return what is compared of a word: letters and figures without case and accents; of punctuation alone, itself."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "", plain).casefold() or text


def match_words(first: Keys, second: Keys, gaps: frozenset[int] = frozenset()) -> tuple[Match, ...]:
    """Return which words of the first sequence are which of the second, in order; words without a partner are in no match.

    `gaps` are the places in the first sequence before which something is lost: there, words of the second cost nothing.
    """
    return tuple(sorted(_between(first, second, gaps), key=lambda match: match.top))


def _between(first: Keys, second: Keys, gaps: frozenset[int]) -> Iterator[Match]:
    """Yield the matches of all rectangles between anchors; a stack instead of recursion, for long documents."""
    waiting = [(0, len(first), 0, len(second))]
    while waiting:
        top, bottom, left, right = waiting.pop()
        # Behind a gap the first equal word may still belong to the gap.
        while top < bottom and left < right and first[top] == second[left] and top not in gaps:
            yield Match(top, top + 1, left, left + 1)
            top, left = top + 1, left + 1
        if top == bottom or left == right:
            continue
        cells = (bottom - top) * (right - left)
        anchors = _anchors(first[top:bottom], second[left:right]) if cells > 10_000 else []
        if anchors:
            here = (top, left)
            for row, column in [*((top + row, left + column) for row, column in anchors), (bottom, right)]:
                waiting.append((here[0], row, here[1], column))
                here = (row, column)
        elif cells <= MOST_CELLS:
            opened = frozenset(place - top for place in range(top, bottom + 1) if place in gaps)
            for match in _aligned(first[top:bottom], second[left:right], opened):
                yield Match(top + match.top, top + match.bottom, left + match.left, left + match.right)
        elif bottom - top > 1 and right - left > 1:
            middle, centre = (top + bottom) // 2, (left + right) // 2
            waiting += [(top, middle, left, centre), (middle, bottom, centre, right)]


def _anchors(first: Keys, second: Keys) -> list[tuple[int, int]]:
    """Return places in both sequences where a run of words begins that occurs once in each; never (0, 0) alone."""
    for length in (4, 3, 2, 1):
        places, others = _once(first, length), _once(second, length)
        pairs = sorted((places[run], others[run]) for run in places.keys() & others.keys())
        if found := [pair for pair in _longest_rising(pairs) if pair != (0, 0)]:
            return found
    return []


def _once(keys: Keys, length: int) -> dict[str, int]:
    runs = [" ".join(keys[n : n + length]) for n in range(len(keys) - length + 1)]
    counts = Counter(runs)
    return {run: n for n, run in enumerate(runs) if counts[run] == 1 and len(run) > 4}


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest chain of pairs that rises on both sides (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for n, (_, column) in enumerate(pairs):
        pile = bisect_left(tops, column)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1], piles[pile : pile + 1] = [column], [n]
    chain, n = [], piles[-1] if piles else -1
    while n >= 0:
        chain.append(pairs[n])
        n = before[n]
    return chain[::-1]


def _aligned(first: Keys, second: Keys, gaps: frozenset[int]) -> Iterator[Match]:
    """Yield the matches of the best global alignment of two short sequences, last first."""
    row, column = len(first), len(second)
    steps = _table([_gains(first, second, *move) for move in MOVES], row, column, gaps)
    while row and column:
        step = steps[row, column]
        if step < len(MOVES):
            down, across = MOVES[step]
            yield Match(row - down, row, column - across, column)
            row, column = row - down, column - across
        elif step == len(MOVES):
            row -= 1
        else:
            column -= 1


def _gains(first: Keys, second: Keys, down: int, across: int) -> NDArray[np.float32]:
    """Return what it is worth to take each run of `down` words for each run of `across`: (rows, columns), by the runs' last words."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    ups = ["".join(first[n - down + 1 : n + 1]) for n in range(down - 1, len(first))]
    sides = ["".join(second[n - across + 1 : n + 1]) for n in range(across - 1, len(second))]
    gains = np.full((len(first), len(second)), -np.inf, np.float32)
    if not ups or not sides:
        return gains
    alike = cdist(ups, sides, scorer=Indel.normalized_similarity, dtype=np.float32)
    lengths = np.minimum([[len(u)] for u in ups], [len(s) for s in sides])
    # Long words that agree say more than short ones; a merger must agree better than its parts would.
    worth = (alike - ALIKE + 0.05) * (0.5 + np.minimum(lengths, 10) / 10) - 0.06 * (down + across - 2)
    gains[down - 1 :, across - 1 :] = np.where(alike >= ALIKE + 0.1 * (down + across > 2), worth, -np.inf)
    return gains


def _table(gains: list[NDArray[np.float32]], rows: int, columns: int, gaps: frozenset[int]) -> NDArray[np.int8]:
    """Return for each cell the step that leads to it best: a move, then `up`, then `left`.

    A row is one vector operation: a step to the left costs the same in all of it, so that the best one is a running maximum.
    """
    best = np.zeros((rows + 1, columns + 1), np.float32)
    steps = np.full((rows + 1, columns + 1), len(MOVES) + 1, np.int8)
    ramp = np.arange(columns + 1, dtype=np.float32)
    best[0] = -ramp * (FREE if 0 in gaps else SKIP)
    for row in range(1, rows + 1):
        choices = np.full((len(MOVES) + 1, columns + 1), -np.inf, np.float32)
        for n, (down, across) in enumerate(MOVES):
            # Words with a gap between them are no merger.
            if down <= row and not any(row - up in gaps for up in range(1, down)):
                choices[n, across:] = best[row - down, : columns + 1 - across] + gains[n][row - 1, across - 1 :]
        choices[len(MOVES)] = best[row - 1] - SKIP
        chosen = choices.argmax(axis=0)
        here = choices[chosen, np.arange(columns + 1)]
        cost = ramp * (FREE if row in gaps else SKIP)
        running = np.maximum.accumulate(here + cost) - cost
        # The tolerance keeps rounding from turning a match into a step aside.
        best[row], steps[row] = running, np.where(here >= running - 1e-5, chosen, len(MOVES) + 1)
    return steps
