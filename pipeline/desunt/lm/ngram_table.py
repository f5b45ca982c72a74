"""Counts of n-grams of words as sorted arrays of packed numbers: small, and quick to look up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
Counts: TypeAlias = NDArray[np.float32]

# Word numbers are packed in 16 bits each, four to a key; 0 stands for a word never seen.
WORD_BITS = np.uint64(16)
MAX_ORDER = 4
# Taken off each count, by order: the rarer n-grams are, the less one occurrence says.
DISCOUNTS = {2: 0.75, 3: 0.80, 4: 0.90}


@dataclass(frozen=True, slots=True)
class NgramTable:
    """N-grams of one order: packed keys in rising order, their counts, and for each history how often it was seen and the share of its
    followers that is left to shorter n-grams. What was dropped as rare is in that share: else a lone survivor would look sure.
    """

    keys: Keys
    counts: Counts
    histories: Keys
    totals: Counts
    backoff_shares: Counts

    def probabilities(self, history: Keys, last: Keys, discount: float) -> tuple[Counts, Counts]:
        """Return P(last | history) by the n-grams of this order, and the share that is left to shorter ones."""
        totals = _look_up(self.histories, self.totals, history, 0.0)
        counts = _look_up(self.keys, self.counts, (history << WORD_BITS) | last, 0.0)
        discounted = np.maximum(counts - np.float32(discount), np.float32(0))
        return discounted / np.maximum(totals, np.float32(1)), _look_up(self.histories, self.backoff_shares, history, 1.0)


def _look_up(keys: Keys, values: Counts, wanted: Keys, absent: float) -> Counts:
    if not len(keys):
        return np.full(len(wanted), absent, np.float32)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    looked_up: Counts = np.where(keys[places] == wanted, values[places], np.float32(absent)).astype(np.float32)
    return looked_up


def frequent_ngrams(keys: Keys, counts: Counts, min_count: int) -> tuple[Keys, Counts, Counts]:
    """Return the n-grams seen often enough, their counts, and how often each of their histories was seen with any follower."""
    histories, place = np.unique(keys >> WORD_BITS, return_inverse=True)
    totals = np.bincount(place, weights=counts, minlength=len(histories)).astype(np.float32)
    frequent = counts >= min_count
    return keys[frequent], counts[frequent], totals[np.unique(place[frequent])]


def build_table(keys: Keys, counts: Counts, totals: Counts, discount: float) -> NgramTable:
    histories, place = np.unique(keys >> WORD_BITS, return_inverse=True)
    discounted = np.bincount(place, weights=counts - discount, minlength=len(histories))
    return NgramTable(keys, counts, histories, totals, (1.0 - discounted / np.maximum(totals, 1.0)).astype(np.float32))


def count_ngrams(word_ids: Keys) -> Iterator[tuple[int, Keys, Counts]]:
    """Yield order, n-grams and how often each was seen, from single words to the longest."""
    ngrams = word_ids
    for order in range(1, MAX_ORDER + 1):
        if order > 1:
            ngrams = (ngrams[:-1] << WORD_BITS) | word_ids[order - 1 :]
        keys, counts = np.unique(ngrams, return_counts=True)
        yield order, keys, counts.astype(np.float32)


def load_table(arrays: Mapping[str, NDArray[np.generic]], order: int) -> NgramTable:
    keys = np.cumsum(arrays[f"keys{order}"], dtype=np.uint64)
    counts, totals = (arrays[f"{name}{order}"].astype(np.float32) for name in ("counts", "totals"))
    return build_table(keys, counts, totals, DISCOUNTS[order])
