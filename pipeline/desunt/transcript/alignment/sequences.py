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

WordKeys: TypeAlias = Sequence[str]
# Words (rows) against words (columns) that one step of the alignment takes.
MOVES = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3))
# Words less alike than this are never taken for one another.
MIN_SIMILARITY = 0.55
# A word more on one side costs little: marks, stamps and lost lines are common; but enough to keep matches together.
SKIP_COST = 0.03
# In a gap it costs next to nothing.
GAP_SKIP_COST = 0.001
# A table of more cells is cut in two where nothing better is known.
MAX_TABLE_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """Words `[first_start, first_end)` of the first sequence are words `[second_start, second_end)` of the second."""

    first_start: int
    first_end: int
    second_start: int
    second_end: int


def matching_key(text: str) -> str:
    """Return what is compared of a word: letters and figures without case and accents; of punctuation alone, itself."""
    unaccented = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "", unaccented).casefold() or text


def match_words(first: WordKeys, second: WordKeys, gaps: frozenset[int] = frozenset()) -> tuple[Match, ...]:
    """Return which words of the first sequence are which of the second, in order; words without a partner are in no match.

    `gaps` are the places in the first sequence before which something is lost: there, words of the second cost nothing.
    """
    return tuple(sorted(_match_rectangles(first, second, gaps), key=lambda match: match.first_start))


def _match_rectangles(first: WordKeys, second: WordKeys, gaps: frozenset[int]) -> Iterator[Match]:
    """Yield the matches of all rectangles between anchors; a stack instead of recursion, for long documents."""
    stack = [(0, len(first), 0, len(second))]
    while stack:
        top, bottom, left, right = stack.pop()
        # Behind a gap the first equal word may still belong to the gap.
        while top < bottom and left < right and first[top] == second[left] and top not in gaps:
            yield Match(top, top + 1, left, left + 1)
            top, left = top + 1, left + 1
        if top == bottom or left == right:
            continue
        cells = (bottom - top) * (right - left)
        anchors = _find_anchors(first[top:bottom], second[left:right]) if cells > 10_000 else []
        if anchors:
            corner = (top, left)
            for row, column in [*((top + row, left + column) for row, column in anchors), (bottom, right)]:
                stack.append((corner[0], row, corner[1], column))
                corner = (row, column)
        elif cells <= MAX_TABLE_CELLS:
            gap_rows = frozenset(place - top for place in range(top, bottom + 1) if place in gaps)
            for match in _align_globally(first[top:bottom], second[left:right], gap_rows):
                yield Match(top + match.first_start, top + match.first_end, left + match.second_start, left + match.second_end)
        elif bottom - top > 1 and right - left > 1:
            middle, centre = (top + bottom) // 2, (left + right) // 2
            stack += [(top, middle, left, centre), (middle, bottom, centre, right)]


def _find_anchors(first: WordKeys, second: WordKeys) -> list[tuple[int, int]]:
    """Return places in both sequences where a run of words begins that occurs once in each; never (0, 0) alone."""
    for length in (4, 3, 2, 1):
        places, others = _unique_runs(first, length), _unique_runs(second, length)
        pairs = sorted((places[run], others[run]) for run in places.keys() & others.keys())
        if anchors := [pair for pair in _longest_increasing_chain(pairs) if pair != (0, 0)]:
            return anchors
    return []


def _unique_runs(keys: WordKeys, length: int) -> dict[str, int]:
    runs = [" ".join(keys[n : n + length]) for n in range(len(keys) - length + 1)]
    counts = Counter(runs)
    return {run: n for n, run in enumerate(runs) if counts[run] == 1 and len(run) > 4}


def _longest_increasing_chain(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest chain of pairs that rises on both sides (patience sorting)."""
    pile_tops: list[int] = []
    piles: list[int] = []
    predecessors: list[int] = []
    for n, (_, column) in enumerate(pairs):
        pile = bisect_left(pile_tops, column)
        predecessors.append(piles[pile - 1] if pile else -1)
        pile_tops[pile : pile + 1], piles[pile : pile + 1] = [column], [n]
    chain, n = [], piles[-1] if piles else -1
    while n >= 0:
        chain.append(pairs[n])
        n = predecessors[n]
    return chain[::-1]


def _align_globally(first: WordKeys, second: WordKeys, gaps: frozenset[int]) -> Iterator[Match]:
    """Yield the matches of the best global alignment of two short sequences, last first."""
    row, column = len(first), len(second)
    steps = _best_steps([_move_gains(first, second, *move) for move in MOVES], row, column, gaps)
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


def _move_gains(first: WordKeys, second: WordKeys, down: int, across: int) -> NDArray[np.float32]:
    """Return what it is worth to take each run of `down` words for each run of `across`: (rows, columns), by the runs' last words."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    first_runs = ["".join(first[n - down + 1 : n + 1]) for n in range(down - 1, len(first))]
    second_runs = ["".join(second[n - across + 1 : n + 1]) for n in range(across - 1, len(second))]
    gains = np.full((len(first), len(second)), -np.inf, np.float32)
    if not first_runs or not second_runs:
        return gains
    similarity = cdist(first_runs, second_runs, scorer=Indel.normalized_similarity, dtype=np.float32)
    lengths = np.minimum([[len(u)] for u in first_runs], [len(s) for s in second_runs])
    # Long words that agree say more than short ones; a merger must agree better than its parts would.
    gain = (similarity - MIN_SIMILARITY + 0.05) * (0.5 + np.minimum(lengths, 10) / 10) - 0.06 * (down + across - 2)
    gains[down - 1 :, across - 1 :] = np.where(similarity >= MIN_SIMILARITY + 0.1 * (down + across > 2), gain, -np.inf)
    return gains


def _best_steps(gains: list[NDArray[np.float32]], rows: int, columns: int, gaps: frozenset[int]) -> NDArray[np.int8]:
    """Return for each cell the step that leads to it best: a move, then `up`, then `left`.

    A row is one vector operation: a step to the left costs the same in all of it, so that the best one is a running maximum.
    """
    best = np.zeros((rows + 1, columns + 1), np.float32)
    steps = np.full((rows + 1, columns + 1), len(MOVES) + 1, np.int8)
    ramp = np.arange(columns + 1, dtype=np.float32)
    best[0] = -ramp * (GAP_SKIP_COST if 0 in gaps else SKIP_COST)
    for row in range(1, rows + 1):
        choices = np.full((len(MOVES) + 1, columns + 1), -np.inf, np.float32)
        for n, (down, across) in enumerate(MOVES):
            # Words with a gap between them are no merger.
            if down <= row and not any(row - up in gaps for up in range(1, down)):
                choices[n, across:] = best[row - down, : columns + 1 - across] + gains[n][row - 1, across - 1 :]
        choices[len(MOVES)] = best[row - 1] - SKIP_COST
        chosen = choices.argmax(axis=0)
        cell_gain = choices[chosen, np.arange(columns + 1)]
        cost = ramp * (GAP_SKIP_COST if row in gaps else SKIP_COST)
        row_gain = np.maximum.accumulate(cell_gain + cost) - cost
        # The tolerance keeps rounding from turning a match into a step aside.
        best[row], steps[row] = row_gain, np.where(cell_gain >= row_gain - 1e-5, chosen, len(MOVES) + 1)
    return steps
