"""Whether a word is spelt like words: three letters at a time, so that an unknown name is told from noise."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

from desunt.lm.lexicon import Lexicon

EDGE = "\x02"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How often each letter follows two others in the lexicon's words."""

    threes: Counter[str]
    twos: Counter[str]

    def fit(self, word: str) -> float:
        """Return the mean log10 probability of the word's letters, each after the two before it; digits count as any digit.

        Add-one smoothing over 40 letters. The empty word gets the worst value, -2.
        """
        triples = list(_triples(word))
        if not triples:
            return -2.0
        logs = (math.log10((self.threes[t] + 1) / (self.twos[t[:2]] + 40)) for t in triples)
        return max(-2.0, sum(logs) / len(triples))


def _triples(word: str) -> list[str]:
    plain = word.casefold()
    if not plain.isalpha():
        plain = "".join("0" if char.isdigit() else char for char in plain)
    if not plain:
        return []
    marked = f"{EDGE}{EDGE}{plain}{EDGE}"
    return [marked[i : i + 3] for i in range(len(marked) - 2)]


@cache
def spelling_of(lexicon: Lexicon) -> Spelling:
    """Return the spelling of the lexicon's words, each weighed by the root of its frequency: names count beside `the`."""
    threes: Counter[str] = Counter()
    for word, count in lexicon.counts.items():
        weight = 1 + math.isqrt(count) // 4
        for triple in _triples(word):
            threes[triple] += weight
    twos: Counter[str] = Counter()
    for triple, number in threes.items():
        twos[triple[:2]] += number
    return Spelling(threes, twos)
