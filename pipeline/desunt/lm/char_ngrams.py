"""Whether a word is spelt like words: three letters at a time, so that an unknown name is told from noise."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

from desunt.lm.lexicon import Lexicon

WORD_BOUNDARY = "\x02"


@dataclass(frozen=True, slots=True)
class CharTrigrams:
    """How often each letter follows two others in the lexicon's words."""

    trigrams: Counter[str]
    bigrams: Counter[str]

    def mean_log_prob(self, word: str) -> float:
        """Return the mean log10 probability of the word's letters, each after the two before it; digits count as any digit.

        Add-one smoothing over 40 letters. The empty word gets the worst value, -2.
        """
        trigrams = _trigrams_of(word)
        if not trigrams:
            return -2.0
        log_probs = (math.log10((self.trigrams[t] + 1) / (self.bigrams[t[:2]] + 40)) for t in trigrams)
        return max(-2.0, sum(log_probs) / len(trigrams))


def _trigrams_of(word: str) -> list[str]:
    folded = word.casefold()
    if not folded.isalpha():
        folded = "".join("0" if char.isdigit() else char for char in folded)
    if not folded:
        return []
    bounded = f"{WORD_BOUNDARY}{WORD_BOUNDARY}{folded}{WORD_BOUNDARY}"
    return [bounded[i : i + 3] for i in range(len(bounded) - 2)]


@cache
def char_trigrams(lexicon: Lexicon) -> CharTrigrams:
    """Count the trigrams of the lexicon's words, each weighed by the root of its frequency: names count beside `the`."""
    trigrams: Counter[str] = Counter()
    for word, count in lexicon.counts.items():
        weight = 1 + math.isqrt(count) // 4
        for trigram in _trigrams_of(word):
            trigrams[trigram] += weight
    bigrams: Counter[str] = Counter()
    for trigram, count in trigrams.items():
        bigrams[trigram[:2]] += count
    return CharTrigrams(trigrams, bigrams)
