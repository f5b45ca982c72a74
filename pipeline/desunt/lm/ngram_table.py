"""Counts of runs of words as sorted arrays of packed numbers: small, and quick to look up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
Counts: TypeAlias = NDArray[np.float32]

# Word numbers are packed in 16 bits each, four to a key; 0 stands for a word never seen.
BITS = np.uint64(16)
ORDER = 4
# Taken off each count, by order: the rarer runs are, the less one occurrence says.
DISCOUNTS = {2: 0.75, 3: 0.80, 4: 0.90}


@dataclass(frozen=True, slots=True)
class Table:
    """Runs of one order: packed keys in rising order, their counts, and for each history how often it was seen and the share of its
    followers that the kept runs leave to shorter ones. What was dropped as rare is in that share: else a lone survivor would look sure.
    """

    keys: Keys
    counts: Counts
    histories: Keys
    totals: Counts
    rest: Counts

    def shares(self, history: Keys, last: Keys, discount: float) -> tuple[Counts, Counts]:
        """Return P(last | history) by the runs kept, and the share that is left to shorter ones."""
        totals = _look_up(self.histories, self.totals, history, 0.0)
        seen = np.maximum(_look_up(self.keys, self.counts, (history << BITS) | last, 0.0) - np.float32(discount), np.float32(0))
        return seen / np.maximum(totals, np.float32(1)), _look_up(self.histories, self.rest, history, 1.0)


def _look_up(keys: Keys, values: Counts, wanted: Keys, absent: float) -> Counts:
    if not len(keys):
        return np.full(len(wanted), absent, np.float32)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Counts = np.where(keys[places] == wanted, values[places], np.float32(absent)).astype(np.float32)
    return found


def kept_runs(keys: Keys, counts: Counts, least: int) -> tuple[Keys, Counts, Counts]:
    """Return the runs seen often enough, their counts, and how often each of their histories was seen with any follower."""
    histories, place = np.unique(keys >> BITS, return_inverse=True)
    totals = np.bincount(place, weights=counts, minlength=len(histories)).astype(np.float32)
    often = counts >= least
    return keys[often], counts[often], totals[np.unique(place[often])]


def table_of(keys: Keys, counts: Counts, totals: Counts, discount: float) -> Table:
    histories, place = np.unique(keys >> BITS, return_inverse=True)
    kept = np.bincount(place, weights=counts - discount, minlength=len(histories))
    return Table(keys, counts, histories, totals, (1.0 - kept / np.maximum(totals, 1.0)).astype(np.float32))


def counted_runs(ids: Keys) -> Iterator[tuple[int, Keys, Counts]]:
    """Yield order, runs and how often each was seen, from single words to the longest runs."""
    runs = ids
    for order in range(1, ORDER + 1):
        if order > 1:
            runs = (runs[:-1] << BITS) | ids[order - 1 :]
        keys, seen = np.unique(runs, return_counts=True)
        yield order, keys, seen.astype(np.float32)


def stored_table(stored: Mapping[str, NDArray[np.generic]], order: int) -> Table:
    keys = np.cumsum(stored[f"keys{order}"], dtype=np.uint64)
    counts, totals = (stored[f"{name}{order}"].astype(np.float32) for name in ("counts", "totals"))
    return table_of(keys, counts, totals, DISCOUNTS[order])
