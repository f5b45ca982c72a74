"""What a filling must look like: its length in characters and words, and the letters that survive at its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm import Context
from desunt.lm.vocabulary import TokenFlags, Vocabulary

TokenLogProbs: TypeAlias = NDArray[np.float32]

MAX_WORD_LETTERS = 22
WORD_JOINERS = "'’-"
# So many of the best tokens are looked through for one that agrees with the letters after the gap.
MAX_SUFFIX_SEARCH_TOKENS = 4000
# How many words a gap holds before anything is known of it: one is by far the most common.
WORD_COUNT_PRIOR = (0.60, 0.20, 0.10, 0.06, 0.04)
MAX_WORDS = len(WORD_COUNT_PRIOR)
# Of an unknown length, longer fillings than this are not proposed: they would only be guesses.
MAX_OPEN_WORDS = 3
# A gap of so many characters holds hardly more than a word.
SHORT_GAP_LETTERS = 11
# A length known to within so many characters tells the number of tokens.
KNOWN_LENGTH_SPREAD = 8
# The chance that a word of the tokenizer goes on with one token more, from 35,000 spans of the training text.
NEXT_TOKEN_PROB = 0.07


@dataclass(frozen=True, slots=True)
class GapConstraint:
    """What fits into a gap: how many characters with the surviving letters `prefix` and `suffix`, how many words from-to.

    `no_space_before` says that the text before the gap ends without a space (an opening bracket, a dash).
    """

    min_length: int
    max_length: int
    word_range: tuple[int, int]
    prefix: str = ""
    suffix: str = ""
    no_space_before: bool = False

    @property
    def is_fragment(self) -> bool:
        """Whether the gap starts or ends inside a word, and so may run over punctuation."""
        return bool(self.prefix or self.suffix)

    @property
    def is_short(self) -> bool:
        """Whether the gap holds hardly more than a word."""
        return self.max_length <= SHORT_GAP_LETTERS or self.word_range[1] == 1

    def without_letters(self, text: str) -> str:
        """Return the part of a whole text that the gap swallowed, the surviving letters left out."""
        return text[len(self.prefix) : len(text) - len(self.suffix)]


def constraint_for(context: Context) -> GapConstraint:
    """Read the constraint of a gap from its extent, its surviving letters and the end of the text before it."""
    extent, letters = context.extent, context.letters
    surviving = len(letters.before) + len(letters.after)
    if extent is None or extent.unit == "line":
        lengths, words = (1, MAX_OPEN_WORDS * 12), (1, 1 if surviving else MAX_OPEN_WORDS)
    elif extent.unit == "character":
        most = extent.most if extent.most is not None else max(extent.least, 1) + 12
        lengths, words = (extent.least, most), (1, min(MAX_WORDS, (surviving + most + 3) // 2))
    else:
        most = min(MAX_WORDS, extent.most if extent.most is not None else max(extent.least, 1) + 2)
        words = (min(max(1, extent.least), most), most)
        lengths = (1, most * (MAX_WORD_LETTERS + 1))
    no_space_before = bool(context.before) and not context.before[-1].isspace()
    return GapConstraint(max(1, lengths[0] + surviving), lengths[1] + surviving, words, letters.before, letters.after, no_space_before)


def token_counts(constraint: GapConstraint, most: int = 8) -> list[int]:
    """Return the numbers of tokens worth trying: few for few characters, four numbers at most."""
    min_words, max_words = constraint.word_range
    if constraint.max_length - constraint.min_length > KNOWN_LENGTH_SPREAD:
        return list(range(min_words, min(most, max_words + 1) + 1))
    low = max(min_words, constraint.min_length // 8, 1)
    tokens = math.ceil(constraint.max_length / 5)
    high = max(low, min(most, max_words + 2, max(2, tokens) if constraint.is_short else tokens + 1, constraint.max_length))
    return list(range(low, min(high, low + 3) + 1))


def log_prior(count: int, word_range: tuple[int, int]) -> float:
    """Return log P(so many tokens | so many words at least and at most); over all counts the chances add up to 1.

    Words beyond their first token go on with a chance of NEXT_TOKEN_PROB each (a negative binomial).
    """
    low, high = word_range[0], min(word_range[1], MAX_WORDS)
    weights = {n: WORD_COUNT_PRIOR[n - 1] for n in range(min(low, high), high + 1)}
    total = sum(weights.values())
    chance = sum(
        weight / total * math.comb(count - 1, n - 1) * (1 - NEXT_TOKEN_PROB) ** n * NEXT_TOKEN_PROB ** (count - n)
        for n, weight in weights.items()
        if n <= count
    )
    return math.log(chance) if chance > 0 else -math.inf


def append_token(text: str, token: int, vocabulary: Vocabulary) -> str:
    """Return a text with one token more behind it."""
    space = " " if text and vocabulary.word_start[token] else ""
    return text + space + vocabulary.texts[token]


class TokenMask:
    """The tokens that may come next in a filling under one constraint; masks are kept by the few facts they depend on."""

    def __init__(self, constraint: GapConstraint, vocabulary: Vocabulary) -> None:
        self.constraint, self.vocabulary = constraint, vocabulary
        # Case does not count where the vocabulary has none.
        lower = vocabulary.lowercase_only
        self.prefix, self.suffix = (s.lower() if lower else s for s in (constraint.prefix, constraint.suffix))
        self._masks: dict[tuple[object, ...], TokenFlags] = {}

    def fits(self, text: str) -> bool:
        """Tell whether a whole text fits the gap."""
        limits = self.constraint
        swallowed = len(text) - len(self.prefix) - len(self.suffix)
        return (
            limits.min_length <= len(text) <= limits.max_length
            and limits.word_range[0] <= len(text.split()) <= limits.word_range[1]
            and text.startswith(self.prefix)
            and text.endswith(self.suffix)
            and text[-1:].isalnum() | limits.is_fragment
            and bool(text[len(self.prefix) : len(self.prefix) + swallowed].strip())
        )

    def top_k(self, row: TokenLogProbs, text: str, limit: int, *, last: bool = False) -> list[int]:
        """Return the best allowed tokens behind the text by `row`, (vocabulary,), best first; ties go to the lower number.

        `last` says that the token must bring the text to the length of the gap.
        """
        mask = self.allowed_after(text)
        if last:
            spaces = self.vocabulary.word_start if text else 0
            mask = mask & (self.vocabulary.lengths + spaces >= self.constraint.min_length - len(text))
        tokens = np.flatnonzero(mask)
        wanted = MAX_SUFFIX_SEARCH_TOKENS if self.suffix else limit
        if len(tokens) > wanted:
            tokens = np.sort(tokens[np.argpartition(-row[tokens], wanted - 1)[:wanted]])
        ranked: list[int] = tokens[np.argsort(-row[tokens], kind="stable")].tolist()
        if not self.suffix:
            return ranked
        return list(islice((n for n in ranked if self._can_end_with_suffix(append_token(text, n, self.vocabulary))), limit))

    def allowed_after(self, text: str) -> TokenFlags:
        """Return for each token whether it may stand behind the text, (vocabulary,), the end of the gap left out of account."""
        full = len(text.split()) >= self.constraint.word_range[1]
        prefix_rest = self.prefix[len(text) :] if len(text) < len(self.prefix) else ""
        key = (len(text), full, prefix_rest, text[-1:].isalnum())
        if key not in self._masks:
            self._masks[key] = self._mask(text, prefix_rest, full=full)
        return self._masks[key]

    def _mask(self, text: str, prefix_rest: str, *, full: bool) -> TokenFlags:
        vocabulary, room = self.vocabulary, self.constraint.max_length - len(text)
        fitting = vocabulary.lengths <= room
        if not text:
            unprefixed = self.constraint.no_space_before and vocabulary.has_space_prefix
            return self._continuing(prefix_rest, (vocabulary.unprefixed if unprefixed else vocabulary.word_start) & fitting)
        mask = vocabulary.word_inside & fitting
        if self.constraint.is_fragment:
            mask = mask | (vocabulary.punctuation & fitting)
        if prefix_rest:
            return self._continuing(prefix_rest, mask)
        if full or text[-1] in WORD_JOINERS:
            return mask
        return mask | (vocabulary.word_start & (vocabulary.lengths < room))

    def _continuing(self, prefix_rest: str, mask: TokenFlags) -> TokenFlags:
        """Keep the tokens that go on with the rest of the surviving letters before the gap."""
        if not prefix_rest:
            return mask
        texts = self.vocabulary.text_array
        shorter = np.isin(texts, [prefix_rest[:end] for end in range(1, len(prefix_rest))])
        return mask & (shorter | np.strings.startswith(texts, prefix_rest))

    def _can_end_with_suffix(self, text: str) -> bool:
        """Tell whether a text can be the start of one that ends with the surviving letters after the gap."""
        totals = range(max(self.constraint.min_length, len(text)), self.constraint.max_length + 1)
        return any(self.suffix.startswith(text[max(0, total - len(self.suffix)) :]) for total in totals)
